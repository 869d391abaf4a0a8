"""Renders what the browser shows: a shell once, and one fragment per keeper again and again."""

from collections.abc import Sequence
from typing import Any, Final

from keeper import __version__
from keeper.domain.units import NS_PER_SECOND
from keeper.pages import figures
from keeper.pages.axes import TimeAxis
from keeper.pages.charts import Drawn, Line, Scale, Unit, step_chart
from keeper.pages.duty_text import next_duty
from keeper.pages.numbers import trimmed_text
from keeper.pages.report import page_environment
from keeper.pages.report_data import JournalParts
from keeper.pages.series import scaled
from keeper.web.traces import Traces
from keeper.web.watching import KeeperView, Watcher

__all__ = ["LivePages"]

_USDC: Final = 6
_SHOWN_FILLS: Final = 12


class LivePages:
    """The live page's templates."""

    def __init__(self) -> None:
        self._environment = page_environment()
        self._environment.filters["amount"] = _amount
        self._environment.filters["age"] = _age

    def shell(self, watchers: Sequence[Watcher]) -> str:
        """Return the page with every keeper as it is now."""
        return self._environment.get_template("live.html.j2").render(
            version=__version__,
            keepers=[self.fragment(watcher.view(), watcher.traces) for watcher in watchers],
        )

    def fragment(self, view: KeeperView, traces: Traces) -> str:
        """Return one keeper's part."""
        return self._environment.get_template("keeper.html.j2").render(
            view=view,
            status=view.status,
            charts=_charts(traces),
            fills=traces.newest_fills()[:_SHOWN_FILLS],
            markets=_markets(view),
            duty=_duty(view),
        )


def _charts(traces: Traces) -> list[figures.Titled]:
    parts = JournalParts(markets=traces.markets(), pools=traces.pools(), profit=traces.profit())
    axis = figures.journal_axis(parts)
    found = [figures.quotes_figure(market, axis) for market in parts.markets]
    found += [figures.inventory_figure(market, axis) for market in parts.markets]
    found.append(_profit_figure(parts, axis))
    found += [figures.pool_figure(pool, axis) for pool in parts.pools]
    return [figure for figure in found if figure is not None]


def _profit_figure(parts: JournalParts, axis: TimeAxis) -> figures.Titled | None:
    points = tuple((point.at_ms, sum(point.causes_usdc_e6)) for point in parts.profit)
    line = Line("profit", "total", points)
    chart = step_chart(Drawn([line]), Unit(_USDC, "USDC"), Scale(axis, guides=(0,)))
    note = "USDC since 00:00 UTC, the venue account and the pools, as keeper pnl counts it"
    return figures.Titled("Profit of the day", chart, note) if chart else None


def _duty(view: KeeperView) -> str:
    """What is done for depositors next; empty where the vault is not seen."""
    vault = None if view.status is None else view.status["vault_view"]
    if vault is None or view.status is None:
        return ""
    return next_duty(vault["housekeeping"], view.status["t_ns"] // NS_PER_SECOND)


def _markets(view: KeeperView) -> list[dict[str, Any]]:
    """The quoted markets with prices as text-ready integers of 1e-6 USDC."""
    markets = view.status["markets"] if view.status is not None else []
    return [_prices(market) for market in markets if market["quoted"]]


def _prices(market: dict[str, Any]) -> dict[str, Any]:
    shift = _USDC - market["subticks_decimals"]
    names = ("best_bid_subticks", "best_ask_subticks", "own_bid_subticks", "own_ask_subticks")
    prices = {name: market[name] for name in names}
    return {
        **market,
        **{
            name.replace("subticks", "e6"): None if not value else scaled(value, shift)
            for name, value in prices.items()
        },
        "oracle_e6": scaled(market["oracle_price"], market["oracle_exponent"] + _USDC),
    }


def _amount(value: int, decimals: int) -> str:
    return trimmed_text(value, decimals, least=min(2, decimals))


def _age(ms: int) -> str:
    """Write an age; below zero it never was."""
    if ms < 0:
        return "never"
    return f"{ms / 1_000:.1f} s ago" if ms < 10_000 else f"{ms // 1_000:,} s ago"
