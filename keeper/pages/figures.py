"""Which charts the pages show, of what, and what each is computed from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from keeper.pages.axes import TimeAxis
from keeper.pages.charts import Band, Chart, Dots, Drawn, Line, Scale, Unit, step_chart
from keeper.pages.report_data import (
    Bond,
    JournalParts,
    MarketChart,
    PoolChart,
    ProfitPoint,
    Settlement,
)

__all__ = [
    "Titled",
    "bond_figure",
    "inventory_figure",
    "journal_axis",
    "pool_figure",
    "price_figure",
    "profit_figure",
    "quotes_figure",
]

_USDC: Final = 6
_BASE: Final = 9
_PRICE: Final = 12
_CAUSES: Final = ("spread", "inventory", "funding", "fees and rebates", "incentives")
_USDC_PER_UNIT: Final = Unit(_USDC, "USDC")


@dataclass(frozen=True, slots=True)
class Titled:
    """One chart with its title and its unit or remark in words."""

    title: str
    chart: Chart
    note: str
    is_wide: bool = False


def journal_axis(parts: JournalParts) -> TimeAxis:
    """Return the time axis that everything from one journal shares."""
    times = {point.at_ms for point in parts.profit}
    for market in parts.markets:
        lines = (market.oracle, market.reference, market.bid, market.ask, market.position)
        times.update(at for line in (*lines, market.pool) for at, _ in line)
        times.update(fill.at_ms for fill in market.fills)
    for pool in parts.pools:
        times.update(at for at, _ in (*pool.price, *pool.lower))
    return TimeAxis(times)


def quotes_figure(market: MarketChart, axis: TimeAxis) -> Titled | None:
    """Our best quotes as a band around the prices they follow, with our fills."""
    fills = [
        Dots(f"{side.lower()} as {role.lower()}", style, _fills(market, side, role), shape)
        for role, shape in (("MAKER", "dot"), ("TAKER", "diamond"))
        for side, style in (("BUY", "bid"), ("SELL", "ask"))
    ]
    chart = step_chart(
        Drawn(
            lines=[
                Line("oracle", "oracle", market.oracle),
                Line("leader", "reference", market.reference),
                Line("our best ask", "ask", market.ask),
                Line("our best bid", "bid", market.bid),
            ],
            dots=fills,
            bands=[Band("quote", market.bid, market.ask)],
        ),
        _USDC_PER_UNIT,
        Scale(axis),
    )
    title = f"{market.market}: our quotes around the price"
    return Titled(title, chart, "USDC per unit", is_wide=True) if chart else None


def _fills(market: MarketChart, side: str, liquidity: str) -> list[tuple[int, int]]:
    return [
        (fill.at_ms, fill.price_usdc_e6)
        for fill in market.fills
        if (fill.side, fill.liquidity) == (side, liquidity)
    ]


def inventory_figure(market: MarketChart, axis: TimeAxis) -> Titled | None:
    """What is held on the order book, in pools it hedges, and the net of both."""
    base = market.market.split("-", maxsplit=1)[0]
    lines = [Line("perpetual", "position", market.position)]
    if market.pool:
        lines += [Line("in pools", "pool", market.pool), Line("net", "net", market.net)]
    chart = step_chart(Drawn(lines), Unit(_BASE, base), Scale(axis, guides=(0,)))
    note = f"{base}, short below zero"
    return Titled(f"{market.market}: inventory and hedge", chart, note) if chart else None


def pool_figure(pool: PoolChart, axis: TimeAxis) -> Titled | None:
    """The pool's price, the feed's, and the range held as a band."""
    chart = step_chart(
        Drawn(
            lines=[
                Line("pool price", "price", pool.price),
                Line("feed", "mark", pool.mark),
                Line("range, upper bound", "range", pool.upper),
                Line("range, lower bound", "range", pool.lower),
            ],
            bands=[Band("held", pool.lower, pool.upper)],
        ),
        _USDC_PER_UNIT,
        Scale(axis),
    )
    note = "USDC per unit; the vault is valued at the feed, not at the pool"
    return Titled("Pool price and our range", chart, note) if chart else None


def profit_figure(points: Sequence[ProfitPoint], axis: TimeAxis) -> Titled | None:
    """Profit by cause since the log began, and their sum."""
    lines = [Line("all causes", "total", tuple((p.at_ms, sum(p.causes_usdc_e6)) for p in points))]
    for number, cause in enumerate(_CAUSES):
        series = tuple((point.at_ms, point.causes_usdc_e6[number]) for point in points)
        if any(value for _, value in series):
            lines.append(Line(cause, f"c{number}", series))
    chart = step_chart(Drawn(lines), _USDC_PER_UNIT, Scale(axis, guides=(0,)))
    return Titled("Profit by cause over time", chart, "USDC since the log began") if chart else None


def price_figure(settlements: Sequence[Settlement]) -> Titled | None:
    """The settled price per share: a step per settlement."""
    points = tuple((row.settled_at_s * 1_000, row.price_usdc_e12) for row in settlements)
    settled = Dots("settlements", "settled", points)
    chart = step_chart(
        Drawn([Line("price per share", "price", points)], [settled]),
        Unit(_PRICE, "USDC"),
        Scale(TimeAxis((at for at, _ in points), gap_ms=None)),
    )
    return Titled("Price per share", chart, "USDC per whole share") if chart else None


def bond_figure(bond: Bond) -> Titled | None:
    """The auction's price as it went, with every purchase on it, and the floor."""
    floor = ((bond.path[0][0], bond.floor_usdc_e12),) if bond.path else ()
    bought = tuple((row.at_s * 1_000, row.price_usdc_e12) for row in bond.purchases)
    chart = step_chart(
        Drawn(
            [Line("auction price", "price", bond.path), Line("floor", "reference", floor)],
            [Dots("purchases", "bid", bought)],
        ),
        Unit(_PRICE, "USDC"),
        Scale(TimeAxis((at for at, _ in bond.path), gap_ms=None)),
    )
    title = f"{bond.symbol}: the auction's price and its purchases"
    note = f"USDC per {bond.symbol}; it falls while nobody buys, and a purchase raises it"
    return Titled(title, chart, note, is_wide=True) if chart else None
