"""`keeper orders|positions`: what works and what is held, by the keeper's word or its journal's."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from keeper.cli.journals import Source, about, indexed, journal_options, require_market
from keeper.cli.options import json_option
from keeper.cli.output import emit, note, print_table
from keeper.control.asking import NotRunning, Request, ask

if TYPE_CHECKING:
    from keeper.accounting.held import Held, MarketFigures, PoolFigures
    from keeper.domain.instruments import PerpetualMarket
    from keeper.domain.settings import PoolSettings
    from keeper.index import Index

__all__ = ["orders", "positions"]

RUNNING: Final = "running keeper"
JOURNAL: Final = "journal"
USDC_DECIMALS: Final = 6
PPM: Final = 1_000_000
AGREEMENT_TRIES: Final = 5


@click.command()
@click.option("--market", default="", metavar="TICKER", help="Only this market.")
@click.option("--all", "show_all", is_flag=True, help="Also those that ended, newest last.")
@journal_options
@json_option
def orders(market: str, show_all: bool, source: Source, as_json: bool) -> None:
    """Show the orders that may still fill.

    Asks the running keeper; of one that does not run, its journal says what it last knew. States:
    SENT (not answered), OPEN, UNKNOWN (sent, and no answer came: it counts until its last block),
    CANCELLING, ENDING (rests no more; a fill may still arrive until its last block), SHADOW (of a
    shadow run: decided, never sent).
    """
    live = _ask(source, "orders")
    with indexed(source) as index:
        from keeper.index.holdings import open_orders
        from keeper.index.profit import listings

        require_market(index, market)
        known = listings(index)
        journalled = open_orders(index)
        now_ns = live["t_ns"] if live else index.position.last_t_ns
        found = _merged(live["orders"], journalled) if live else journalled
        ended = _ended(index) if show_all else []
        head = about(source, index, RUNNING if live else JOURNAL)
    rows = [
        _order(order, known[order["market"]], now_ns)
        for order in found
        if market in ("", order["market"])
    ]
    data = {
        **head,
        "t_ns": now_ns,
        "count": len(rows),
        "orders": rows,
    }
    if show_all:
        data["ended"] = [row for row in ended if market in ("", row["market"])]
    emit(as_json, data, lambda: _print_orders(data))


@click.command()
@click.option("--market", default="", metavar="TICKER", help="Only this market and its pools.")
@journal_options
@json_option
def positions(market: str, source: Source, as_json: bool) -> None:
    """Show positions, pools and what they come to.

    Asks the running keeper; of one that does not run, its journal says what it last knew. The entry
    is the average of the fills that opened the position; what was held when the venue first told
    the account's state is taken at the oracle's price of then.
    """
    head, now, markets = _held(source, market)
    from keeper.accounting.held import pool_figures

    pools = pool_figures(now)
    data = {
        **head,
        "t_ns": now.t_ns,
        "venue_height": now.height,
        "account": _account(now, markets),
        "markets": [
            _market(entry, now.listings[entry.market])
            for entry in markets
            if market in ("", entry.market)
        ],
        "pools": [
            _pool(entry, now.settings[entry.adapter])
            for entry in pools
            if market in ("", entry.hedge_market)
        ],
    }
    emit(as_json, data, lambda: _print_positions(data))


def _held(source: Source, market: str) -> tuple[dict[str, Any], "Held", list["MarketFigures"]]:
    """Who says it, what is held, and its figures.

    A fill may fall between the journal's word (costs) and the keeper's (positions): then both are
    asked again, a few times.
    """
    for _ in range(AGREEMENT_TRIES):
        with indexed(source) as index:
            import msgspec

            from keeper.accounting.held import Held, market_figures
            from keeper.index.holdings import entries, held

            require_market(index, market)
            live = _ask(source, "positions")
            now = msgspec.convert(live, Held) if live else held(index)
            markets = market_figures(now, entries(index))
            head = about(source, index, RUNNING if live else JOURNAL)
        if live is None or all(entry.is_entry_known for entry in markets):
            break
    return head, now, markets


def _ask(source: Source, view: str) -> dict[str, Any] | None:
    """Return a running keeper's answer; None when none runs on the journal."""
    try:
        answer: dict[str, Any] = ask(source.folder, Request(verb=view))[view]
    except NotRunning:
        return None
    return answer


def _merged(live: list[dict[str, Any]], journalled: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to the keeper's own orders what only the journal remembers: when, and answers lost."""
    lives = {order["client_id"]: order for order in journalled}
    merged = []
    for order in live:
        life = lives.get(order["client_id"], {})
        is_lost = order["state"] == "SENT" and life.get("state") == "UNKNOWN"
        state = "UNKNOWN" if is_lost else order["state"]
        merged.append({**order, "placed_ns": life.get("placed_ns"), "state": state})
    return merged


def _order(order: Mapping[str, Any], market: "PerpetualMarket", now_ns: int) -> dict[str, Any]:
    from keeper.index.decimals import base_decimals, decimal_text, price_decimals

    decimals, placed_ns = base_decimals(market), order["placed_ns"]
    return {
        "order_id": order["client_id"],
        "market": order["market"],
        "slot": order["slot"],
        "side": order["side"],
        "price": decimal_text(order["subticks"], price_decimals(market)),
        "size": decimal_text(order["quantums"], decimals),
        "filled": decimal_text(order["filled_quantums"], decimals),
        "good_til_block": order["good_til_block"],
        "age_ms": None if placed_ns is None else max(0, now_ns - placed_ns) // 1_000_000,
        "age_blocks": order["age_blocks"],
        "state": order["state"],
        "time_in_force": order["time_in_force"],
        "reduce_only": order["reduce_only"],
        "subticks": order["subticks"],
        "size_quantums": order["quantums"],
        "filled_quantums": order["filled_quantums"],
    }


def _ended(index: "Index") -> list[dict[str, Any]]:
    from keeper.index.exports import rows_of
    from keeper.index.profit import window_of

    working = ("SENT", "OPEN", "UNKNOWN", "CANCELLING", "ENDING", "SHADOW")
    rows = rows_of(index, "orders", window_of(index, None, None))
    return [row for row in rows if row["state"] not in working]


def _account(now: "Held", markets: list["MarketFigures"]) -> dict[str, Any]:
    """Cash, equity and margin in quote quantums; None while anything needed is not known."""
    held = [entry for entry in markets if entry.position]
    values = [entry.value for entry in held]
    unpriced = [value for value in values if value is None]
    equity = None
    if now.cash is not None and not unpriced and len(held) == len(now.positions):
        equity = now.cash + sum(value for value in values if value is not None)
    margin = sum(entry.initial_margin or 0 for entry in held)
    return {
        "cash": now.cash,
        "equity": equity,
        "initial_margin": margin,
        "maintenance_margin": sum(entry.maintenance_margin or 0 for entry in held),
        "margin_use_ppm": margin * PPM // equity if equity is not None and equity > 0 else None,
        "unrealised": _sum_of([entry.unrealised for entry in held]),
    }


def _sum_of(amounts: list[int | None]) -> int | None:
    """The sum; None when a part of it is not known."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None


def _market(entry: "MarketFigures", market: "PerpetualMarket") -> dict[str, Any]:
    from keeper.index.decimals import base_decimals, decimal_text, ratio_text

    decimals, price = base_decimals(market), entry.oracle_price
    shift = decimals - USDC_DECIMALS
    has_average = entry.position and entry.is_entry_known
    average = ratio_text(entry.entry.cost, entry.entry.quantums, shift) if has_average else ""
    return {
        "market": entry.market,
        "position": decimal_text(entry.position, decimals),
        "entry_price": average,
        "oracle_price": None if price is None else decimal_text(price, -market.oracle_exponent),
        "value": entry.value,
        "unrealised": entry.unrealised,
        "initial_margin": entry.initial_margin,
        "maintenance_margin": entry.maintenance_margin,
        "pool_delta": decimal_text(entry.pool_delta, decimals),
        "net_delta": decimal_text(entry.net_delta, decimals),
        "position_quantums": entry.position,
        "entry_cost": entry.entry.cost,
        "pool_delta_quantums": entry.pool_delta,
        "net_delta_quantums": entry.net_delta,
    }


def _pool(entry: "PoolFigures", pool: "PoolSettings") -> dict[str, Any]:
    from keeper.index.decimals import decimal_text

    asset, base = pool.asset_decimals, pool.base_decimals
    return {
        "adapter": entry.adapter,
        "pool": entry.pool,
        "hedge_market": entry.hedge_market,
        "block": entry.block,
        "tick": entry.tick,
        "value": entry.value,
        "idle_quote": decimal_text(entry.idle_asset, asset),
        "idle_base": decimal_text(entry.idle_base, base),
        "ranges": [
            {
                "tick_lower": held.tick_lower,
                "tick_upper": held.tick_upper,
                "liquidity": held.liquidity,
                "in_range": held.in_range,
                "quote": decimal_text(held.asset, asset),
                "base": decimal_text(held.base, base),
                "quote_units": held.asset,
                "base_units": held.base,
            }
            for held in entry.ranges
        ],
        "idle_quote_units": entry.idle_asset,
        "idle_base_units": entry.idle_base,
    }


def _print_orders(data: Mapping[str, Any]) -> None:
    print_table(
        [
            (
                *(str(row["order_id"]), row["market"], row["slot"] or "", row["side"]),
                *(row["price"], row["size"], row["filled"], str(row["good_til_block"])),
                *(_age(row), row["state"]),
            )
            for row in data["orders"]
        ],
        head=("id", "market", "slot", "side", "price", "size", "filled", "until", "age", "state"),
    )
    for row in data.get("ended", ()):
        click.echo(
            f"{row['time']}  {row['order_id']}  {row['market']}  {row['side']}  {row['size']} at "
            f"{row['price']}  filled {row['filled']}  {row['state']} {row['reason']}".rstrip()
        )
    note(f"{data['mode']}: {data['count']} orders may still fill; source: {data['source']}")


def _age(row: Mapping[str, Any]) -> str:
    if row["age_ms"] is not None:
        return f"{row['age_ms'] // 1_000} s"
    return f"{row['age_blocks']} blocks"


def _print_positions(data: Mapping[str, Any]) -> None:
    account = data["account"]
    used = account["margin_use_ppm"]
    print_table(
        [
            ("cash", _money(account["cash"])),
            ("equity", _money(account["equity"])),
            ("unrealised", _money(account["unrealised"])),
            ("margin in use", "unknown" if used is None else f"{used / 10_000:.2f} % of equity"),
        ]
    )
    click.echo()
    print_table(
        [
            (
                *(row["market"], row["position"], row["entry_price"], row["oracle_price"] or ""),
                *(_money(row["value"]), _money(row["unrealised"])),
                *(_money(row["initial_margin"]), row["pool_delta"], row["net_delta"]),
            )
            for row in data["markets"]
        ],
        head=(
            *("market", "position", "entry", "oracle", "value", "unrealised"),
            *("margin", "pool delta", "net delta"),
        ),
    )
    for pool in data["pools"]:
        click.echo(
            f"\npool {pool['pool']} (hedged on {pool['hedge_market']}): tick {pool['tick']}, "
            f"worth {_money(pool['value'])} USDC; "
            f"idle {pool['idle_quote']} USDC, {pool['idle_base']} base"
        )
        for held in pool["ranges"]:
            where = "in range" if held["in_range"] else "out of range"
            click.echo(
                f"  [{held['tick_lower']}, {held['tick_upper']}] {where}: "
                f"{held['quote']} USDC, {held['base']} base"
            )
    note(f"{data['mode']}; source: {data['source']}")


def _money(amount: int | None) -> str:
    from keeper.index.decimals import decimal_text

    return "unknown" if amount is None else decimal_text(amount, USDC_DECIMALS)
