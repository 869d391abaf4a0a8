"""Renders the page of all rules and overlays on one tape: one file that loads nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from markupsafe import Markup

from keeper import __version__
from keeper.core.tape_score import HORIZONS_S, TapeFill, TapeScore
from keeper.domain.orders import Side
from keeper.domain.units import NS_PER_MS
from keeper.pages.axes import TimeAxis
from keeper.pages.charts import Band, Dots, Drawn, Line, Scale, Unit, step_chart
from keeper.pages.comparison_data import Comparison, TapeRun
from keeper.pages.figures import Titled
from keeper.pages.numbers import trimmed_text
from keeper.pages.report import page_environment, page_policy, static_text, write_page
from keeper.pages.series import steps_of, thinned

__all__ = ["render_comparison", "write_comparison"]

_EXPONENT: Final = 8
_MONEY: Final = 6
_MOST_POINTS: Final = 480
_STYLES: Final = ("oracle", "price", "c2", "c0", "c4", "c1", "c3", "c5", "c2 dash", "c0 dash")
"""One line style a run, told apart by colour and, beyond eight, by dashes."""

_Steps = Sequence[tuple[int, int | None]]


@dataclass(frozen=True, slots=True)
class _Units:
    """How the tape's prices and sizes are written, and the axis all charts share."""

    price: int
    size: int
    base: str
    axis: TimeAxis
    middle: _Steps

    def priced(self, points: _Steps) -> list[tuple[int, int | None]]:
        return _scaled(thinned(points, _MOST_POINTS), _EXPONENT - self.price)


@dataclass(frozen=True, slots=True)
class _RunView:
    """One run's part of the page."""

    run: TapeRun
    figures: tuple[Titled, ...]


def write_comparison(data: Comparison, file: Path) -> None:
    """Write the page, replacing the file whole. Raises OSError."""
    write_page(render_comparison(data), file)


def render_comparison(data: Comparison) -> str:
    """Return the page as HTML."""
    environment = page_environment()
    units = _units(data)
    environment.filters["size"] = lambda value: trimmed_text(
        value // 10 ** (_EXPONENT - units.size), units.size, least=0
    )
    rules = [_RunView(run, _run_figures(run, units)) for run in data.rules]
    return environment.get_template("comparison.html.j2").render(
        data=data,
        version=__version__,
        style=Markup(static_text("page.css")),  # noqa: S704 - our own file
        script=Markup(static_text("page.js")),  # noqa: S704 - our own file
        policy=page_policy(),
        horizons=HORIZONS_S,
        base=[view for view in rules if view.run.name == data.base],
        rules=rules,
        overlays=[_RunView(run, _run_figures(run, units)) for run in data.overlays],
        profits=_profits(data.rules, units),
        differences=_differences(data, units),
        pool=_pool_figures(data, units),
    )


def _units(data: Comparison) -> _Units:
    times = (data.started_s * 1_000, *(at for run in data.rules for at, _ in run.score.position))
    ends = [run.score.bid[-1][0] for run in data.rules if run.score.bid]
    return _Units(
        price=min(_EXPONENT, _decimals(data.market.subticks_per_tick) + 1),
        size=_decimals(data.market.step_base_quantums),
        base=data.market.ticker.removesuffix("USDT"),
        axis=TimeAxis((*times, *ends), gap_ms=None),
        middle=data.middle,
    )


def _decimals(unit: int) -> int:
    """Decimals that write every multiple of a unit of 1e-8 exactly."""
    decimals = _EXPONENT
    while decimals > 0 and unit % 10 == 0:
        unit //= 10
        decimals -= 1
    return decimals


def _run_figures(run: TapeRun, units: _Units) -> tuple[Titled, ...]:
    found = (_quotes(run, units), _inventory(run, units), _profit(run, units))
    return tuple(figure for figure in found if figure is not None)


def _quotes(run: TapeRun, units: _Units) -> Titled | None:
    bid, ask = units.priced(run.score.bid), units.priced(run.score.ask)
    lines = [
        Line("middle", "oracle", units.priced(units.middle)),
        Line("our best ask", "ask", ask),
        Line("our best bid", "bid", bid),
    ]
    dots = [
        Dots("bought", "bid", _fills(run.score.fills, Side.BUY, units)),
        Dots("sold", "ask", _fills(run.score.fills, Side.SELL, units)),
    ]
    drawn = Drawn(lines, dots, [Band("quote", bid, ask)])
    chart = step_chart(drawn, Unit(units.price, "USDT"), Scale(units.axis))
    title = f"{run.title}: quotes around the middle, and fills"
    return Titled(title, chart, f"USDT per {units.base}", is_wide=True) if chart else None


def _fills(fills: Iterable[TapeFill], side: Side, units: _Units) -> list[tuple[int, int]]:
    shrink = 10 ** (_EXPONENT - units.price)
    return [(f.t_ns // NS_PER_MS, f.subticks // shrink) for f in fills if f.side is side]


def _inventory(run: TapeRun, units: _Units) -> Titled | None:
    points = _scaled(thinned(run.score.position, _MOST_POINTS), _EXPONENT - units.size)
    drawn = Drawn([Line("inventory", "position", points)])
    chart = step_chart(drawn, Unit(units.size, units.base), Scale(units.axis, guides=(0,)))
    note = f"{units.base}, short below zero"
    return Titled(f"{run.title}: inventory", chart, note) if chart else None


def _profit(run: TapeRun, units: _Units) -> Titled | None:
    lines = [
        Line("before fees", "c2", thinned(run.score.gross, _MOST_POINTS)),
        Line("after fees", "total", thinned(run.score.net, _MOST_POINTS)),
    ]
    chart = step_chart(Drawn(lines), Unit(_MONEY, "USDT"), Scale(units.axis, guides=(0,)))
    note = "USDT, inventory at the middle"
    return Titled(f"{run.title}: profit", chart, note) if chart else None


def _profits(runs: Iterable[TapeRun], units: _Units) -> Titled | None:
    lines = [
        Line(run.title, style, thinned(run.score.net, _MOST_POINTS))
        for run, style in zip(runs, _STYLES, strict=False)
    ]
    chart = step_chart(Drawn(lines), Unit(_MONEY, "USDT"), Scale(units.axis, guides=(0,)))
    note = "USDT after fees, inventory at the middle"
    return Titled("Profit of every rule", chart, note, is_wide=True) if chart else None


def _differences(data: Comparison, units: _Units) -> Titled | None:
    """What each overlay changed of the base rule's profit."""
    base = next(run for run in data.rules if run.name == data.base)
    lines = [
        Line(run.title, style, _difference(run.score, base.score))
        for run, style in zip(data.overlays, _STYLES, strict=False)
    ]
    chart = step_chart(Drawn(lines), Unit(_MONEY, "USDT"), Scale(units.axis, guides=(0,)))
    title = f"What each overlay changed of {base.title}'s profit"
    note = "USDT after fees, above zero where the overlay was better"
    return Titled(title, chart, note, is_wide=True) if chart else None


def _difference(score: TapeScore, base: TapeScore) -> list[tuple[int, int | None]]:
    both = steps_of(thinned(score.net, _MOST_POINTS), thinned(base.net, _MOST_POINTS))
    return [(at, (own or 0) - (other or 0)) for at, (own, other) in both]


def _pool_figures(data: Comparison, units: _Units) -> list[Titled]:
    found = data.pool_range
    if found is None:
        return []
    lower, upper = units.priced(found.lower), units.priced(found.upper)
    lines = [
        Line("pool price", "price", units.priced(found.price)),
        Line("range, upper bound", "range", upper),
        Line("range, lower bound", "range", lower),
    ]
    prices = step_chart(
        Drawn(lines, bands=[Band("held", lower, upper)]),
        Unit(units.price, "USDT"),
        Scale(units.axis),
    )
    values = step_chart(
        Drawn(
            [
                Line("range", "range", thinned(found.worth, _MOST_POINTS)),
                Line("rebalanced", "c2", thinned(found.rebalanced, _MOST_POINTS)),
                Line("held as put in", "oracle", thinned(found.held, _MOST_POINTS)),
            ]
        ),
        Unit(_MONEY, "USDT"),
        Scale(units.axis, guides=(0,)),
    )
    titled = (
        Titled("Range liquidity: price and range", prices, f"USDT per {units.base}")
        if prices
        else None,
        Titled("Range liquidity: change in value", values, "USDT, without what swaps pay in fees")
        if values
        else None,
    )
    return [figure for figure in titled if figure is not None]


def _scaled(
    points: Iterable[tuple[int, int | None]], exponent: int
) -> list[tuple[int, int | None]]:
    shrink = 10**exponent
    return [(at, None if value is None else value // shrink) for at, value in points]
