"""What is shown of bonds: every market in a line, and one market with what its project owns."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from keeper.cli.amounts import shown
from keeper.cli.bond.figures import chart, discount_text, part_text, plain, price_text
from keeper.cli.output import print_table, scaled
from keeper.pages.times import clock_time, in_time, lasting

if TYPE_CHECKING:
    from keeper.chain.bonds import BondReader, MarketView, ProjectView
    from keeper.chain.calls import Block
    from keeper.markets.bonds import DutchAuction, Lot
    from keeper.wallet import Wallet

__all__ = [
    "print_market",
    "print_markets",
    "read_market",
    "read_markets",
]

ERC20: Final = "MarketMakingVault"
NOBODY: Final = "0x" + "00" * 20
POINTS: Final = 57
ONE: Final = 10**18


async def read_markets(wallet: "Wallet", reader: "BondReader") -> dict[str, Any]:
    """Read every market as JSON; units, 1e-36 prices, unix seconds."""
    block = await wallet.head()
    markets = await reader.markets(block)
    symbols = await _symbols(wallet, [m.terms.asset for m in markets if m.readable], block)
    return {
        "lens": wallet.vault,
        "chain_id": wallet.chain_id,
        "block": block.number,
        "block_time": block.timestamp,
        "markets": [_market_data(market, symbols) for market in markets],
    }


async def _symbols(wallet: "Wallet", tokens: Sequence[str], block: "Block") -> dict[str, str]:
    from keeper.chain.calls import view

    known = sorted(set(tokens))
    answers = await wallet.read([view(ERC20, token, "symbol") for token in known], block)
    return dict(zip(known, answers, strict=True))


def _market_data(market: "MarketView", symbols: dict[str, str]) -> dict[str, Any]:
    if not market.readable:
        return {"market": market.market_id, "readable": False}
    return {
        "market": market.market_id,
        "readable": True,
        "live": market.live,
        "auction": market.kind,
        **plain(market.terms),
        "asset_symbol": symbols[market.terms.asset],
        "price_e36": market.price if market.priced else None,
        "floor_e36": market.floor,
        "reference_e36": market.reference or None,
        "discount_bps": market.discount_bps if market.priced and market.reference else None,
        "capacity_left": market.capacity,
        "freed": market.freed,
        "available": market.available if market.priced else None,
        "available_cost": market.available_cost if market.priced else None,
        "takes_shares_now": market.share_quote,
        "change_at": market.change_at or None,
    }


def print_markets(data: dict[str, Any]) -> None:
    """Print what `read_markets` returned."""
    if not data["markets"]:
        click.echo("there is no market yet: keeper bond create")
        return
    rows = [_row(market, data["block_time"]) for market in data["markets"]]
    head = ("market", "token", "auction", "price", "", "discount", "left", "now", "ends")
    print_table(rows, head=head)


def _row(market: dict[str, Any], now: int) -> tuple[str, ...]:
    if not market["readable"]:
        return (str(market["market"]), "cannot be read")
    discount, price = market["discount_bps"], market["price_e36"]
    decimals = market["token_decimals"]
    available = market["available"]
    return (
        str(market["market"]),
        market["symbol"],
        market["auction"],
        "-" if price is None else price_text(price),
        market["asset_symbol"],
        "-" if discount is None else f"{discount / 100:.2f} %",
        _coarse(market["capacity_left"], decimals),
        "-" if available is None else _coarse(available, decimals),
        in_time(market["conclusion"], now) if market["live"] else "over",
    )


def _coarse(amount: int, decimals: int) -> str:
    """Write an amount of tokens down to a hundredth, for a line of its own."""
    return scaled(amount // 10 ** (decimals - 2), 2)


async def read_market(wallet: "Wallet", reader: "BondReader", market_id: int) -> dict[str, Any]:
    """Read one market with its auction and its project. Raises BondUnknown."""
    block = await wallet.head()
    market = await reader.market(market_id, block)
    project = await reader.project(market.terms.project, block)
    symbols = await _symbols(wallet, [market.terms.asset, project.asset, project.vault], block)
    lot = await reader.lot(market, block)
    change = await reader.change(market, block)
    dutch, oracle = None, None
    if market.kind == "dutch":
        dutch = _dutch_data(await reader.auction(market, block), lot, block.timestamp)
    else:
        oracle = plain(await reader.source(market, block))
    announced = plain(change) if change.effective_at else None
    return {
        "lens": wallet.vault,
        "chain_id": wallet.chain_id,
        "block": block.number,
        "block_time": block.timestamp,
        **_market_data(market, symbols),
        "dutch": dutch,
        "oracle": oracle,
        "announced": announced,
        "owned": await _project_data(wallet, project, symbols, block),
    }


def _dutch_data(auction: "DutchAuction", lot: "Lot", now: int) -> dict[str, Any]:
    from keeper.markets.bonds import floor_reached_at, quiet_path

    live = now < lot.conclusion
    path = quiet_path(auction, lot, now, POINTS) if live else []
    return {
        "initial": auction.initial,
        "sold": auction.initial - lot.capacity - lot.freed,
        "target": auction.target,
        "debt": auction.debt_up(now),
        "max_debt": auction.max_debt_down(now),
        "max_payout": auction.max_payout,
        "tune_due": auction.tune_due(now, lot),
        "last_tune": auction.last_tune,
        "floor_reached_at": floor_reached_at(auction, lot, now) if live else None,
        "path": [[point.time, point.price] for point in path],
    }


async def _project_data(
    wallet: "Wallet", project: "ProjectView", symbols: dict[str, str], block: "Block"
) -> dict[str, Any]:
    from keeper.chain.calls import view

    (decimals,) = await wallet.read([view(ERC20, project.vault, "decimals")], block)
    return {
        "project": project.project,
        "owner": project.owner,
        "vault": project.vault,
        "share_symbol": symbols[project.vault],
        "share_decimals": decimals,
        "pool": plain(project.pool),
        "locked_until": project.pol_unlock,
        "shares": project.shares,
        "worth": project.worth,
        "supply": project.supply,
        "depth_share_e18": project.depth_share,
        "waiting_assets": project.waiting,
        "queued_assets": project.queued,
        "redirect_to": None if project.redirect_to == NOBODY else project.redirect_to,
        "redirect_at": project.redirect_at or None,
    }


def print_market(data: dict[str, Any]) -> None:
    """Print what `read_market` returned, with the price path drawn."""
    print_table(_market_rows(data))
    if data["dutch"] is not None and data["dutch"]["path"]:
        click.echo("\nif nobody buys (* price, = market, _ floor):")
        for line in _drawing(data):
            click.echo(line)
    click.echo()
    print_table(_owned_rows(data))


def _drawing(data: dict[str, Any]) -> list[str]:
    from keeper.markets.bonds import Point

    path = [Point(time, price) for time, price in data["dutch"]["path"]]
    return chart(path, reference=data["reference_e36"] or 0, floor=data["floor_e36"])


def _market_rows(data: dict[str, Any]) -> list[tuple[str, str]]:
    now = data["block_time"]
    rows = [
        ("market", f"{data['market']}: {data['symbol']} {data['token']}"),
        ("auction", f"{data['auction']}, {_ends(data)}"),
        ("price", _price(data)),
        ("market's price", _reference(data)),
        ("floor", f"{price_text(data['floor_e36'])} {data['asset_symbol']}, it only rises"),
        ("left for sale", _tokens(data, data["capacity_left"])),
        ("available now", _available(data)),
    ]
    if data["dutch"] is not None:
        rows += _dutch_rows(data)
    if data["oracle"] is not None:
        rows.append(("price source", _source(data["oracle"])))
    rows += [
        ("vesting", _vesting(data)),
        ("shares", _shares(data)),
    ]
    if data["freed"]:
        rows.append(("to be fetched", f"{_tokens(data, data['freed'])}: keeper bond close"))
    if data["announced"] is not None:
        rows.append(("announced", _announced(data, now)))
    return rows


def _ends(data: dict[str, Any]) -> str:
    if not data["live"]:
        return f"over since {clock_time(data['conclusion'])}"
    return f"until {in_time(data['conclusion'], data['block_time'])}"


def _price(data: dict[str, Any]) -> str:
    if data["price_e36"] is None:
        return "none: the oracle is silent"
    text = f"{price_text(data['price_e36'])} {data['asset_symbol']}"
    discount = data["discount_bps"]
    return text if discount is None else f"{text}, {discount_text(discount)}"


def _reference(data: dict[str, Any]) -> str:
    if data["reference_e36"] is None:
        return "unknown: neither feed nor pool answers"
    return f"{price_text(data['reference_e36'])} {data['asset_symbol']}"


def _available(data: dict[str, Any]) -> str:
    if data["available"] is None:
        return "nothing"
    cost = shown(data["available_cost"], data["asset_decimals"], data["asset_symbol"])
    return f"{_tokens(data, data['available'])} for {cost}"


def _dutch_rows(data: dict[str, Any]) -> list[tuple[str, str]]:
    dutch, now = data["dutch"], data["block_time"]
    sold = dutch["sold"]
    rows = [
        ("sold", f"{_tokens(data, sold)}, {part_text(sold, dutch['initial'])}"),
        ("debt", f"{_tokens(data, dutch['debt'])}, the target is {_tokens(data, dutch['target'])}"),
        ("pauses itself", f"at {_tokens(data, dutch['max_debt'])} of debt"),
        ("largest purchase", _tokens(data, dutch["max_payout"])),
    ]
    if dutch["floor_reached_at"] is not None:
        when = in_time(dutch["floor_reached_at"], now)
        rows.append(("reaches the floor", f"{when}, if nobody buys"))
    if dutch["tune_due"]:
        rows.append(("tune", "due: the next purchase makes it"))
    return rows


def _source(source: dict[str, Any]) -> str:
    discount = f"less {source['discount_bps'] / 100:.2f} %"
    if source["twap_seconds"]:
        return f"mean of pool {source['pool']} over {lasting(source['twap_seconds'])}, {discount}"
    return f"feed {source['feed']}, at most {lasting(source['max_feed_age'])} old, {discount}"


def _vesting(data: dict[str, Any]) -> str:
    cliff = f"nothing for {lasting(data['cliff'])}, " if data["cliff"] else ""
    return f"{cliff}linear over {lasting(data['vesting'])} to the next midnight"


def _shares(data: dict[str, Any]) -> str:
    if not data["accepts_shares"]:
        return "not taken"
    return "taken now" if data["takes_shares_now"] else "taken for an hour after a settlement"


def _announced(data: dict[str, Any], now: int) -> str:
    change = data["announced"]
    floor = price_text(change["floor"])
    left = _tokens(data, change["capacity"])
    return f"floor {floor}, at most {left} left, {in_time(change['effective_at'], now)}"


def _owned_rows(data: dict[str, Any]) -> list[tuple[str, str]]:
    owned = data["owned"]

    def money(amount: int) -> str:
        return shown(amount, data["asset_decimals"], data["asset_symbol"])

    shares = shown(owned["shares"], owned["share_decimals"], owned["share_symbol"])
    rows = [
        ("project", f"{owned['project']}, of {owned['owner']}"),
        ("owns", f"{shares}, worth {money(owned['worth'])}"),
        ("funds", f"{part_text(owned['depth_share_e18'], ONE)} of what the vault quotes"),
        (
            "on their way",
            f"{money(owned['waiting_assets'])} here, "
            f"{money(owned['queued_assets'])} in the vault's queue",
        ),
        ("vault", owned["vault"]),
        ("pool", owned["pool"]["pool"]),
        ("locked until", in_time(owned["locked_until"], data["block_time"])),
    ]
    if owned["redirect_to"] is not None:
        when = in_time(owned["redirect_at"], data["block_time"])
        rows.append(("announced vault", f"{owned['redirect_to']}, {when}"))
    if owned["waiting_assets"]:
        rows.append(("next", f"anyone may move them on: keeper bond poke {data['market']}"))
    return rows


def _tokens(data: dict[str, Any], amount: int) -> str:
    return shown(amount, data["token_decimals"], data["symbol"])
