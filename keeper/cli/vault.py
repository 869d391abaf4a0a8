"""`keeper vault`: what a depositor, or anyone, does with a vault; previews before it signs."""

from typing import TYPE_CHECKING, Any

import click

from keeper.cli.access import (
    Reach,
    Signing,
    address_of,
    reach_options,
    signing_options,
    with_wallet,
)
from keeper.cli.amounts import parse_amount, shown
from keeper.cli.failures import ArgumentInvalid
from keeper.cli.options import json_option
from keeper.cli.output import emit, note, print_table
from keeper.cli.vault_views import (
    REPORT_WINDOW_SECONDS,
    STATES,
    Token,
    clock_time,
    print_requests,
    print_vault,
    read_requests,
    read_token,
    read_vault,
)

if TYPE_CHECKING:
    from keeper.chain.operations import Operation
    from keeper.wallet import Wallet

__all__ = ["vault"]

CONTRACT = "MarketMakingVault"
Step = tuple[str, "Operation"]
PREVIEW = click.option("--preview", is_flag=True, help="Show what it would do; send nothing.")


@click.group()
def vault() -> None:
    """Deposit, redeem, claim, and see the vault."""


@vault.command()
@reach_options
@json_option
def show(reach: Reach, as_json: bool) -> None:
    """Show NAV and its parts, price, queues, limits and who holds which key."""
    data = with_wallet(reach, None, read_vault)
    emit(as_json, data, lambda: print_vault(data))


@vault.command()
@click.argument("address")
@reach_options
@json_option
def requests(address: str, reach: Reach, as_json: bool) -> None:
    """Show what an account has waiting and what it can claim, both directions."""
    controller = address_of(address)
    data = with_wallet(reach, None, lambda wallet: read_requests(wallet, controller))
    emit(as_json, data, lambda: print_requests(data))


@vault.command()
@click.argument("amount")
@click.option("--approve", is_flag=True, help="Send the token approval first if it is missing.")
@PREVIEW
@reach_options
@signing_options
@json_option
def deposit(
    amount: str, approve: bool, preview: bool, reach: Reach, signing: Signing, as_json: bool
) -> None:
    """Request a deposit of AMOUNT of the asset.

    It is priced at the next cut and its report, then claimed: keeper vault claim.
    """

    async def work(wallet: "Wallet") -> dict[str, Any]:
        token = await read_token(wallet)
        assets = parse_amount(amount, token.decimals, token.symbol)
        account = _acting(wallet, signing)
        terms = await _deposit_terms(wallet, token, assets)
        steps = await _deposit_steps(wallet, token, account, assets, approve or signing.unsigned)
        return await _act(wallet, signing, steps, terms, preview=preview)

    _finish(as_json, with_wallet(reach, signing, work))


@vault.command()
@click.argument("shares")
@PREVIEW
@reach_options
@signing_options
@json_option
def redeem(shares: str, preview: bool, reach: Reach, signing: Signing, as_json: bool) -> None:
    """Request the redemption of SHARES (a decimal, or "all").

    It is priced at the next cut and its report, paid as far as there is idle money, then claimed.
    """

    async def work(wallet: "Wallet") -> dict[str, Any]:
        token = await read_token(wallet)
        account = _acting(wallet, signing)
        held = await _balance(wallet, wallet.vault, account)
        amount = held
        if shares.strip().lower() != "all":
            amount = parse_amount(shares, token.share_decimals, token.share_symbol)
        _require_shares(token, account, held, amount)
        terms = await _redeem_terms(wallet, token, amount)
        step = wallet.operation(CONTRACT, wallet.vault, "requestRedeem", amount, account, account)
        return await _act(wallet, signing, [("request redemption", step)], terms, preview=preview)

    _finish(as_json, with_wallet(reach, signing, work))


@vault.command()
@reach_options
@signing_options
@json_option
def claim(reach: Reach, signing: Signing, as_json: bool) -> None:
    """Claim everything settled: shares of deposits and assets of redemptions."""

    async def work(wallet: "Wallet") -> dict[str, Any]:
        account = _acting(wallet, signing)
        seen = await read_requests(wallet, account)
        steps: list[Step] = []
        for name, what in (
            ("deposit", "deposit_claimable_assets"),
            ("redeem", "redeem_claimable_shares"),
        ):
            if seen[what]:
                operation = wallet.operation(
                    CONTRACT, wallet.vault, name, seen[what], account, account
                )
                steps.append((f"claim {name}", operation))
        if not steps:
            raise ArgumentInvalid(
                f"{account} has nothing to claim",
                next_step=f"see what waits: keeper vault requests {account}",
            )
        terms = {name: value for name, value in seen.items() if "claimable" in name}
        return await _act(wallet, signing, steps, terms, preview=False)

    _finish(as_json, with_wallet(reach, signing, work))


@vault.command()
@click.argument("side", type=click.Choice(["deposit", "redeem"]))
@reach_options
@signing_options
@json_option
def cancel(side: str, reach: Reach, signing: Signing, as_json: bool) -> None:
    """Cancel what still waits of a request; assets or shares come back at once."""

    async def work(wallet: "Wallet") -> dict[str, Any]:
        account = _acting(wallet, signing)
        name = "cancelDepositRequest" if side == "deposit" else "cancelRedeemRequest"
        step = wallet.operation(CONTRACT, wallet.vault, name, 0, account, account)
        return await _act(wallet, signing, [(f"cancel {side} request", step)], {}, preview=False)

    _finish(as_json, with_wallet(reach, signing, work))


@vault.command()
@reach_options
@signing_options
@json_option
def cut(reach: Reach, signing: Signing, as_json: bool) -> None:
    """Cut the epoch: anyone may, once it is due; a report then settles it."""

    async def work(wallet: "Wallet") -> dict[str, Any]:
        state, earliest = await wallet.vault_views(("state", "nextCutTime"))
        terms = {"state": STATES[state], "next_cut_at": earliest}
        step = wallet.operation(CONTRACT, wallet.vault, "closeEpoch")
        return await _act(wallet, signing, [("cut the epoch", step)], terms, preview=False)

    _finish(as_json, with_wallet(reach, signing, work))


def _acting(wallet: "Wallet", signing: Signing) -> str:
    """Return who acts: the key's account, or --from when nothing is signed."""
    if wallet.address:
        if signing.sender is not None and address_of(signing.sender) != wallet.address:
            raise ArgumentInvalid(
                f"--from is {signing.sender}, the key is of {wallet.address}",
                next_step="drop --from, or use the other key",
            )
        return wallet.address
    if signing.sender is None:
        raise ArgumentInvalid("--unsigned needs to know who acts", next_step="add --from ADDRESS")
    return address_of(signing.sender)


async def _balance(wallet: "Wallet", token: str, account: str) -> int:
    from keeper.chain.calls import view

    (held,) = await wallet.read([view(CONTRACT, token, "balanceOf", account)])
    return int(held)


async def _deposit_steps(
    wallet: "Wallet", token: Token, account: str, assets: int, may_approve: bool
) -> list[Step]:
    """Return the transactions of a deposit. Raises FundsMissing, ArgumentInvalid."""
    from keeper.chain.calls import view
    from keeper.wallet import FundsMissing

    held, allowed = await wallet.read(
        [
            view(CONTRACT, token.asset, "balanceOf", account),
            view(CONTRACT, token.asset, "allowance", account, wallet.vault),
        ]
    )
    if held < assets:
        raise FundsMissing(
            f"{account} has {shown(held, token.decimals, token.symbol)}, "
            f"the deposit is {shown(assets, token.decimals, token.symbol)}",
            next_step=f"deposit at most what it has, or send it {token.symbol}",
        )
    steps: list[Step] = []
    if allowed < assets:
        if not may_approve:
            raise FundsMissing(
                f"the vault may take {shown(allowed, token.decimals, token.symbol)} of {account}, "
                f"the deposit is {shown(assets, token.decimals, token.symbol)}",
                next_step="send the approval of exactly this amount first: add --approve",
            )
        approval = wallet.operation(CONTRACT, token.asset, "approve", wallet.vault, assets)
        steps.append((f"approve {shown(assets, token.decimals, token.symbol)}", approval))
    request = wallet.operation(CONTRACT, wallet.vault, "requestDeposit", assets, account, account)
    return [*steps, ("request deposit", request)]


async def _deposit_terms(wallet: "Wallet", token: Token, assets: int) -> dict[str, Any]:
    from keeper.chain.calls import view

    least, cap, nav, queue = await wallet.vault_views(
        ("minDeposit", "depositCap", "acceptedNav", "depositQueue")
    )
    if assets < least:
        raise ArgumentInvalid(
            f"the smallest deposit is {shown(least, token.decimals, token.symbol)}",
            next_step="deposit at least that much",
        )
    (shares,) = await wallet.read([view(CONTRACT, wallet.vault, "convertToShares", assets)])
    return {
        "amount_assets": assets,
        "shares_at_settled_price": shares,
        "shown_amount": shown(assets, token.decimals, token.symbol),
        "shown_shares": shown(shares, token.share_decimals, token.share_symbol),
        "room_under_cap_assets": max(0, cap - nav - sum(queue)),
        **await _timing(wallet),
    }


async def _redeem_terms(wallet: "Wallet", token: Token, shares: int) -> dict[str, Any]:
    from keeper.chain.calls import view

    (assets,) = await wallet.read([view(CONTRACT, wallet.vault, "convertToAssets", shares)])
    return {
        "amount_shares": shares,
        "assets_at_settled_price": assets,
        "shown_amount": shown(shares, token.share_decimals, token.share_symbol),
        "shown_assets": shown(assets, token.decimals, token.symbol),
        **await _timing(wallet),
    }


async def _timing(wallet: "Wallet") -> dict[str, Any]:
    """When a request made now is priced and can be claimed (unix seconds)."""
    from keeper.chain.calls import view

    block = await wallet.head()
    state, earliest, epoch, reporter = await wallet.vault_views(
        ("state", "nextCutTime", "openEpoch", "reporter"), block
    )
    (gate,) = await wallet.read([view("NavReporter", reporter, "gate")], block)
    cut_at, settled_at = max(earliest, block.timestamp), gate[0]
    return {
        "vault_state": STATES[state],
        "joins_epoch": epoch,
        "settled_price_from_cut_at": settled_at,
        "settled_price_age_seconds": block.timestamp - settled_at if settled_at else None,
        "priced_at_cut_not_before": cut_at,
        "claimable_at_latest_if_reported": cut_at + REPORT_WINDOW_SECONDS,
        "price_rule": "priced by the first report of a cut after the request; "
        "the settled price above is the last one, not a promise",
    }


def _require_shares(token: Token, account: str, held: int, amount: int) -> None:
    from keeper.wallet import FundsMissing

    if held < amount or held == 0:
        raise FundsMissing(
            f"{account} has {shown(held, token.share_decimals, token.share_symbol)}, "
            f"the redemption is {shown(amount, token.share_decimals, token.share_symbol)}",
            next_step="redeem at most what it has (or: all); unclaimed shares first: "
            "keeper vault claim",
        )


async def _act(
    wallet: "Wallet",
    signing: Signing,
    steps: list[Step],
    terms: dict[str, Any],
    *,
    preview: bool,
) -> dict[str, Any]:
    """Preview, lay out unsigned, or send the steps one after the other."""
    plain = [
        {"what": what, "to": operation.to, "data": operation.data, "value": "0"}
        for what, operation in steps
    ]
    account = _acting(wallet, signing) if wallet.address or signing.sender else ""
    base = {"account": account, "vault": wallet.vault, "chain_id": wallet.chain_id, "terms": terms}
    if preview:
        return {**base, "sent": False, "steps": [step["what"] for step in plain]}
    if signing.unsigned:
        return {**base, "sent": False, "transactions": plain}
    receipts = []
    for what, operation in steps:
        note(f"{what} ...")
        receipt = await wallet.send(operation)
        receipts.append(
            {
                "what": what,
                "tx_hash": receipt.tx_hash,
                "block": receipt.block_number,
                "gas_used": receipt.gas_used,
                "gas_price_wei": receipt.gas_price_wei,
            }
        )
    return {**base, "sent": True, "receipts": receipts}


def _is_shown(name: str, data: dict[str, Any]) -> bool:
    """Raw amounts are for --json where the same amount is also written out."""
    has_text = any(key.startswith("shown_") for key in data["terms"])
    return not (has_text and name.endswith(("_assets", "_shares", "_settled_price"))) or (
        name.startswith("shown_")
    )


def _term(name: str, value: Any) -> tuple[str, str]:
    label = name.removeprefix("shown_").replace("_", " ")
    is_time = name.endswith(("_at", "_before", "_reported")) and isinstance(value, int)
    return label, clock_time(value) if is_time else ("never" if value is None else str(value))


def _finish(as_json: bool, data: dict[str, Any]) -> None:
    emit(as_json, data, lambda: _print_result(data))


def _print_result(data: dict[str, Any]) -> None:
    rows = [_term(name, value) for name, value in data["terms"].items() if _is_shown(name, data)]
    print_table([("account", data["account"] or "anyone"), *rows])
    for step in data.get("steps", ()):
        click.echo(f"would {step}")
    for transaction in data.get("transactions", ()):
        click.echo(f"\n# {transaction['what']}")
        for name in ("to", "data", "value"):
            click.echo(f"{name}: {transaction[name]}")
    for receipt in data.get("receipts", ()):
        click.echo(f"{receipt['what']}: {receipt['tx_hash']} in block {receipt['block']:,}")
    if data["sent"] and data["account"]:
        click.echo(f"next: keeper vault requests {data['account']}")
