"""Which transactions a deposit or a redemption takes, and why it cannot be done where not."""

from typing import TYPE_CHECKING, Final

from keeper.cli.acting import Plan, Step, acting_if_any, possible
from keeper.cli.amounts import parse_amount, shown
from keeper.cli.failures import ArgumentInvalid
from keeper.cli.vault.terms import (
    Holdings,
    deposit_panel,
    deposit_terms,
    redeem_panel,
    redeem_terms,
)

if TYPE_CHECKING:
    from keeper.chain.overview import Overview
    from keeper.cli.access import Signing
    from keeper.wallet import Wallet

__all__ = ["deposit_plan", "holdings_of", "redeem_plan"]

CONTRACT: Final = "MarketMakingVault"


async def holdings_of(wallet: "Wallet", overview: "Overview", account: str) -> Holdings | None:
    """Read what an account has at the overview's block; None without an account."""
    from keeper.chain.calls import view

    if not account:
        return None
    asset, at = overview.token.asset, overview.block
    held, allowed, shares = await wallet.read(
        [
            view(CONTRACT, asset, "balanceOf", account),
            view(CONTRACT, asset, "allowance", account, wallet.vault),
            view(CONTRACT, wallet.vault, "balanceOf", account),
        ],
        at,
    )
    return Holdings(held, allowed, shares, await wallet.ether_of(account))


async def deposit_plan(
    wallet: "Wallet", signing: "Signing", amount: str, *, may_approve: bool, preview: bool
) -> Plan:
    """Plan a deposit. Raises FundsMissing (not in a preview), ArgumentInvalid."""
    from keeper.chain.calls import view
    from keeper.chain.overview import estimate

    overview = await wallet.overview()
    token = overview.token
    assets = parse_amount(amount, token.decimals, token.symbol)
    _require_least_deposit(overview, assets)
    account = acting_if_any(wallet, signing, preview=preview)
    held = await holdings_of(wallet, overview, account)
    terms = deposit_terms(overview, estimate(overview, overview.block.timestamp), assets, held)
    obstacles, steps = await possible(
        lambda: _deposit_steps(wallet, overview, (account, held), assets, may_approve), preview
    )
    return Plan(
        title=f"Deposit {shown(assets, token.decimals, token.symbol)}",
        account=account,
        steps=steps,
        terms=terms,
        panel=deposit_panel(overview, terms),
        # Fails as the request would, for a balance, a pause or a blacklist, without an allowance.
        probe=view(CONTRACT, token.asset, "transfer", overview.views.silo, assets),
        obstacles=obstacles,
    )


async def _deposit_steps(
    wallet: "Wallet",
    overview: "Overview",
    who: tuple[str, Holdings | None],
    assets: int,
    may_approve: bool,
) -> list[Step]:
    from keeper.chain.calls import view

    account, held = who
    token = overview.token
    owner = account or wallet.vault
    request = Step(
        "request deposit",
        view(CONTRACT, wallet.vault, "requestDeposit", assets, owner, owner),
    )
    if held is None:
        return [request]
    _require_assets(overview, account, held, assets, may_approve=may_approve)
    if held.allowance >= assets:
        return [request]
    approval = view(CONTRACT, token.asset, "approve", wallet.vault, assets)
    return [Step(f"approve {shown(assets, token.decimals, token.symbol)}", approval), request]


def _require_least_deposit(overview: "Overview", assets: int) -> None:
    token, least = overview.token, overview.views.min_deposit
    if assets < least:
        raise ArgumentInvalid(
            f"the smallest deposit is {shown(least, token.decimals, token.symbol)}",
            next_step="deposit at least that much",
        )


def _require_assets(
    overview: "Overview", account: str, held: Holdings, assets: int, *, may_approve: bool
) -> None:
    from keeper.wallet import FundsMissing

    token = overview.token

    def money(amount: int) -> str:
        return shown(amount, token.decimals, token.symbol)

    if held.assets < assets:
        raise FundsMissing(
            f"{account} has {money(held.assets)}, the deposit is {money(assets)}",
            next_step=f"deposit at most what it has, or send it {token.symbol}",
        )
    if held.allowance < assets and not may_approve:
        raise FundsMissing(
            f"the vault may take {money(held.allowance)} of {account}, "
            f"the deposit is {money(assets)}",
            next_step="send the approval of exactly this amount first: add --approve",
        )


async def redeem_plan(wallet: "Wallet", signing: "Signing", amount: str, *, preview: bool) -> Plan:
    """Plan a redemption; "all" is the whole balance.

    Raises FundsMissing (not in a preview), ArgumentInvalid.
    """
    from keeper.chain.calls import view
    from keeper.chain.overview import estimate

    overview = await wallet.overview()
    token = overview.token
    whole = amount.strip().lower() == "all"
    account = acting_if_any(wallet, signing, preview=preview and not whole)
    held = await holdings_of(wallet, overview, account)
    balance = held.shares if held is not None else 0
    shares = balance if whole else parse_amount(amount, token.share_decimals, token.share_symbol)
    terms = redeem_terms(overview, estimate(overview, overview.block.timestamp), shares, held)
    request = view(CONTRACT, wallet.vault, "requestRedeem", shares, *[account or wallet.vault] * 2)

    async def steps() -> list[Step]:
        if held is not None:
            _require_shares(overview, account, balance, shares)
        return [Step("request redemption", request)]

    obstacles, found = await possible(steps, preview)
    return Plan(
        title=f"Redeem {shown(shares, token.share_decimals, token.share_symbol)}",
        account=account,
        steps=found,
        terms=terms,
        panel=redeem_panel(overview, terms),
        obstacles=obstacles,
    )


def _require_shares(overview: "Overview", account: str, held: int, amount: int) -> None:
    from keeper.wallet import FundsMissing

    token, least = overview.token, overview.views.min_redeem

    def shares(units: int) -> str:
        return shown(units, token.share_decimals, token.share_symbol)

    if held < amount or held == 0:
        raise FundsMissing(
            f"{account} has {shares(held)}, the redemption is {shares(amount)}",
            next_step="redeem at most what it has (or: all); unclaimed shares first: "
            "keeper vault claim",
        )
    if amount < least and amount != held:
        raise ArgumentInvalid(
            f"the smallest redemption is {shares(least)}, unless it is the whole balance",
            next_step="redeem at least that much, or: keeper vault redeem all",
        )
