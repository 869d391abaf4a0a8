"""A vault's end as a person sees it, and which transactions start it, empty it and pay it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keeper.cli.acting import Plan, Step, acting
from keeper.cli.amounts import parse_amount, shown
from keeper.cli.failures import NothingClaimable
from keeper.pages.times import clock_time, in_time

if TYPE_CHECKING:
    from keeper.chain.calls import Block, Call
    from keeper.chain.overview import Overview
    from keeper.cli.access import Signing
    from keeper.wallet import Wallet

__all__ = [
    "claim_part_plan",
    "collect_plan",
    "exit_plan",
    "read_status",
    "start_plan",
    "status_rows",
    "unwind_plan",
]

CONTRACT: Final = "WindDown"
VAULT: Final = "MarketMakingVault"


@dataclass(frozen=True, slots=True)
class Coin:
    """A token that may be shared; amounts in its own units."""

    address: str
    symbol: str
    decimals: int


async def coins_of(wallet: "Wallet", overview: "Overview") -> list[Coin]:
    """Return the asset and every other token of the pools, each once."""
    from keeper.chain.calls import view
    from keeper.chain.codec import checksum

    pools = [adapter.address for adapter in overview.adapters if not adapter.attested]
    sides = await wallet.read(
        [view("UniswapV3Adapter", pool, name) for pool in pools for name in ("token0", "token1")],
        overview.block,
    )
    token = overview.token
    others = sorted({checksum(side) for side in sides} - {token.asset})
    answers = await wallet.read(
        [view(VAULT, other, name) for other in others for name in ("symbol", "decimals")],
        overview.block,
    )
    named = zip(others, answers[::2], answers[1::2], strict=True)
    return [Coin(token.asset, token.symbol, token.decimals), *(Coin(*entry) for entry in named)]


async def read_status(wallet: "Wallet", account: str | None) -> dict[str, Any]:
    """Read how the end stands, and what an account has in it.

    Raises ChainUnavailable, CallReverted, WireError.
    """
    from keeper.chain.calls import view

    overview = await wallet.overview()
    end, block = overview.views.wind_down, overview.block
    names = ("delay", "patience", "supplyAtStart")
    delay, patience, supply = await wallet.read([view(CONTRACT, end, n) for n in names], block)
    (settled_at,) = await wallet.vault_views(("lastSettledAt",), block)
    coins = await coins_of(wallet, overview)
    recovered = await wallet.read(
        [view(CONTRACT, end, "recovered", coin.address) for coin in coins], block
    )
    possible = settled_at + delay if settled_at and overview.views.supply else None
    data = {
        "vault": overview.vault,
        "wind_down": end,
        "state": overview.state,
        "block_time": block.timestamp,
        "started_at": overview.ended_at or None,
        "start_possible_at": None if overview.ended_at else possible,
        "unwind_at_any_price_at": overview.ended_at + patience if overview.ended_at else None,
        "exit_bound_seconds": overview.exit_bound,
        "supply_at_start_shares": supply,
        "share_symbol": overview.token.share_symbol,
        "share_decimals": overview.token.share_decimals,
        "tokens": [
            {**_coin(coin), "recovered": amount}
            for coin, amount in zip(coins, recovered, strict=True)
        ],
        "account": None,
    }
    if account is not None:
        data["account"] = await _part_of(wallet, overview, coins, account)
    return data


def _coin(coin: Coin) -> dict[str, Any]:
    return {"token": coin.address, "symbol": coin.symbol, "decimals": coin.decimals}


async def _part_of(
    wallet: "Wallet", overview: "Overview", coins: Sequence[Coin], account: str
) -> dict[str, Any]:
    from keeper.chain.calls import view

    end, block = overview.views.wind_down, overview.block
    shares, given = await wallet.read(
        [
            view(VAULT, wallet.vault, "balanceOf", account),
            view(CONTRACT, end, "units", account),
        ],
        block,
    )
    amounts = await wallet.read(
        [
            view(CONTRACT, end, name, account, coin.address)
            for coin in coins
            for name in ("claimable", "paid")
        ],
        block,
    )
    parts = zip(coins, amounts[::2], amounts[1::2], strict=True)
    return {
        "account": account,
        "shares": shares,
        "given_back_shares": given,
        "tokens": [{**_coin(coin), "claimable": due, "paid": paid} for coin, due, paid in parts],
    }


def status_rows(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Rows of what `read_status` returned."""
    now = data["block_time"]

    def shares(units: int) -> str:
        return shown(units, data["share_decimals"], data["share_symbol"])

    def money(entry: dict[str, Any], name: str) -> str:
        return shown(entry[name], entry["decimals"], entry["symbol"])

    rows = [("vault", data["vault"]), ("wind-down", data["wind_down"]), ("state", data["state"])]
    if data["started_at"] is None:
        possible = data["start_possible_at"]
        rows.append(
            (
                "anyone may start it",
                "not yet: nobody holds shares, or nothing ever settled"
                if possible is None
                else f"{in_time(possible, now)}, unless something settles before",
            )
        )
        return rows + _account_rows(data["account"], shares, money)
    rows += [
        ("started", clock_time(data["started_at"])),
        ("ranges left at any price", in_time(data["unwind_at_any_price_at"], now)),
        ("shares that share it", shares(data["supply_at_start_shares"])),
        *(("recovered", money(entry, "recovered")) for entry in data["tokens"]),
    ]
    return rows + _account_rows(data["account"], shares, money)


def _account_rows(part: dict[str, Any] | None, shares: Any, money: Any) -> list[tuple[str, str]]:
    if part is None:
        return []
    rows = [
        ("account", part["account"]),
        ("  shares", f"{shares(part['shares'])}, given back {shares(part['given_back_shares'])}"),
    ]
    return rows + [
        ("  claimable", f"{money(entry, 'claimable')}, paid {money(entry, 'paid')}")
        for entry in part["tokens"]
    ]


async def start_plan(
    wallet: "Wallet", signing: "Signing", epoch: int | None, *, impaired: bool
) -> Plan:
    """Plan the start: nothing settled, a cut unpaid, or by the guardian."""
    end = await _end_of(wallet)
    if impaired:
        step = Step("start the wind-down as guardian", _call(end, "startImpaired"))
    elif epoch is not None:
        step = Step(f"start the wind-down, cut {epoch} unpaid", _call(end, "startUnpaid", epoch))
    else:
        step = Step("start the wind-down, nothing settled", _call(end, "start"))
    rows = [("wind-down", "ends the vault for ever: nobody can stop it")]
    return Plan(
        title="End the vault",
        account=_anyone(wallet, signing),
        steps=[step],
        terms={"wind_down": end},
        panel=rows,
    )


async def unwind_plan(wallet: "Wallet", signing: "Signing", adapter: str | None) -> Plan:
    """Plan leaving the positions of one adapter, or of all."""
    overview = await wallet.overview()
    chosen = [entry.address for entry in overview.adapters] if adapter is None else [adapter]
    end = overview.views.wind_down
    return Plan(
        title="Leave all positions",
        account=_anyone(wallet, signing),
        steps=[Step(f"unwind {entry}", _call(end, "unwind", entry)) for entry in chosen],
        terms={"wind_down": end, "adapters": chosen},
        panel=[("unwind", entry) for entry in chosen],
    )


async def collect_plan(wallet: "Wallet", signing: "Signing") -> Plan:
    """Plan bringing home whatever lies in adapters and vault. Raises NothingClaimable."""
    from keeper.chain.calls import view

    overview = await wallet.overview()
    coins, end = await coins_of(wallet, overview), overview.views.wind_down
    places = [(entry.address, coin) for entry in overview.adapters for coin in coins]
    lying = await wallet.read(
        [view(VAULT, coin.address, "balanceOf", place) for place, coin in places], overview.block
    )
    found = [
        (place, coin, amount) for (place, coin), amount in zip(places, lying, strict=True) if amount
    ]
    if overview.views.idle:
        found.append((overview.vault, coins[0], overview.views.idle))
    if not found:
        raise NothingClaimable(
            "nothing lies in the adapters or in the vault",
            next_step="leave the positions first: keeper vault wind-down unwind",
        )
    texts = [
        f"{shown(amount, coin.decimals, coin.symbol)} from {place}" for place, coin, amount in found
    ]
    return Plan(
        title="Collect what lies in vault and adapters",
        account=_anyone(wallet, signing),
        steps=[
            Step(f"collect {text}", _call(end, "collect", place, coin.address))
            for text, (place, coin, _) in zip(texts, found, strict=True)
        ],
        terms={"wind_down": end},
        panel=[("collect", text) for text in texts],
    )


async def exit_plan(wallet: "Wallet", signing: "Signing", amount: str) -> Plan:
    """Plan giving shares back; "all" is the whole balance. Raises FundsMissing, ArgumentInvalid."""
    from keeper.chain.calls import view
    from keeper.wallet import FundsMissing

    overview, account = await wallet.overview(), acting(wallet, signing)
    token, end = overview.token, overview.views.wind_down
    (held,) = await wallet.read([view(VAULT, wallet.vault, "balanceOf", account)], overview.block)
    if amount.strip().lower() == "all":
        shares = held
    else:
        shares = parse_amount(amount, token.share_decimals, token.share_symbol)
    text = shown(shares, token.share_decimals, token.share_symbol)
    if held < shares or held == 0:
        raise FundsMissing(
            f"{account} has {shown(held, token.share_decimals, token.share_symbol)}",
            next_step="what waits first: keeper vault cancel redeem, keeper vault claim",
        )
    return Plan(
        title=f"Give back {text}",
        account=account,
        steps=[Step(f"give back {text}", _call(end, "exit", shares))],
        terms={"wind_down": end, "amount_shares": shares},
        panel=[("give back", f"{text}, for a part of everything recovered before and after")],
    )


async def claim_part_plan(wallet: "Wallet", signing: "Signing") -> Plan:
    """Plan the claim of every token that is due. Raises NothingClaimable."""
    overview, account = await wallet.overview(), acting(wallet, signing)
    end = overview.views.wind_down
    part = await _part_of(wallet, overview, await coins_of(wallet, overview), account)
    due = [entry for entry in part["tokens"] if entry["claimable"]]
    if not due:
        raise NothingClaimable(
            f"{account} has nothing to claim of the wind-down",
            next_step="give shares back first: keeper vault wind-down exit all",
        )
    texts = [shown(entry["claimable"], entry["decimals"], entry["symbol"]) for entry in due]
    return Plan(
        title="Claim of the wind-down",
        account=account,
        steps=[
            Step(f"claim {text}", _call(end, "claim", entry["token"]))
            for text, entry in zip(texts, due, strict=True)
        ],
        terms={"wind_down": end, **part},
        panel=[("claim", ", ".join(texts)), ("paid to", account)],
    )


async def _end_of(wallet: "Wallet", block: "Block | str" = "latest") -> str:
    (end,) = await wallet.vault_views(("windDown",), block)
    return str(end)


def _call(end: str, name: str, *arguments: Any) -> "Call":
    from keeper.chain.calls import view

    return view(CONTRACT, end, name, *arguments)


def _anyone(wallet: "Wallet", signing: "Signing") -> str:
    return acting(wallet, signing) if wallet.address or signing.sender else ""
