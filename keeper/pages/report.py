"""Renders the report page: one self-contained file, no scripts, nothing loaded from anywhere."""

import functools
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from keeper import __version__
from keeper.pages.charts import Chart, Dots, Line, money_text, step_chart
from keeper.pages.report_data import FillSummary, MarketChart, PoolChart, ReportData

__all__ = ["render_report", "write_report"]

_USDC: Final = 6
_BASE: Final = 9
_PRICE: Final = 12
_TEN_THOUSAND: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Titled:
    title: str
    chart: Chart
    unit: str
    note: str = ""
    is_wide: bool = False


def write_report(data: ReportData, file: Path) -> None:
    """Write the page, replacing the file whole. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    waiting = file.with_suffix(".part")
    waiting.write_text(render_report(data), encoding="utf-8")
    waiting.replace(file)


def render_report(data: ReportData) -> str:
    """Return the page as HTML."""
    environment = _environment()
    environment.filters["whole_shares"] = functools.partial(
        _whole_shares, decimals=data.share_decimals
    )
    environment.filters["shares"] = functools.partial(_shares, decimals=data.share_decimals)
    return environment.get_template("report.html.j2").render(
        data=data,
        version=__version__,
        held=sum(1 for check in data.checks if check.holds),
        price_change=_price_change(data),
        largest_cause=max((abs(cause.amount_usdc_e6) for cause in data.pnl), default=0),
        charts=_charts(data),
        figures=(*data.figures, *data.journal.figures),
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("keeper.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        usdc=lambda value: money_text(value, _USDC),
        cents=lambda value: money_text(value // 10 ** (_USDC - 2), 2),
        short_price=lambda value: money_text(value // 10 ** (_PRICE - _USDC), _USDC),
        price=lambda value: _trimmed(value, _PRICE, least=6),
        base=lambda value: _trimmed(value, _BASE, least=3),
        signed=lambda value: ("+" if value > 0 else "") + money_text(value, _USDC),
        clock=_clock,
        share_of=_share_of,
        bar=_bar,
        mean_price=_mean_price,
    )
    return environment


def _charts(data: ReportData) -> list[_Titled]:
    found = [item for market in data.journal.markets for item in _market_charts(market)]
    return found + [item for pool in data.journal.pools for item in _pool_charts(pool)]


def _market_charts(market: MarketChart) -> list[_Titled]:
    name = market.market
    bought = [(fill.at_ms, fill.price_usdc_e6) for fill in market.fills if fill.side == "BUY"]
    sold = [(fill.at_ms, fill.price_usdc_e6) for fill in market.fills if fill.side == "SELL"]
    quotes = step_chart(
        [
            Line("oracle", "oracle", market.oracle),
            Line("our best bid", "bid", market.bid),
            Line("our best ask", "ask", market.ask),
        ],
        [Dots("buy fills", "bid", bought), Dots("sell fills", "ask", sold)],
        decimals=_USDC,
        unit="USDC",
    )
    inventory = step_chart(
        [Line("position", "position", market.position)], [], decimals=_BASE, unit="base", band=0
    )
    unit = f"{name.split('-', maxsplit=1)[0]} held on the order book, short below zero"
    titled = [
        _Titled(f"{name}: quotes around the oracle", quotes, "USDC per unit", is_wide=True)
        if quotes
        else None,
        _Titled(f"{name}: inventory", inventory, unit) if inventory else None,
    ]
    return [item for item in titled if item is not None]


def _pool_charts(pool: PoolChart) -> list[_Titled]:
    chart = step_chart(
        [
            Line("pool price", "oracle", pool.price),
            Line("feed", "mark", pool.mark),
            Line("range held", "range", pool.lower),
            Line("range held, upper bound", "range", pool.upper),
        ],
        [],
        decimals=_USDC,
        unit="USDC",
    )
    if chart is None:
        return []
    note = f"Pool {pool.pool}; the feed is what the vault is valued at."
    return [_Titled("Pool price and our range", chart, "USDC per unit", note)]


def _price_change(data: ReportData) -> str:
    """Change of the settled price since the first settlement, in hundredths of a percent."""
    if len(data.settlements) < 2 or data.settlements[0].price_usdc_e12 <= 0:
        return ""
    first, last = data.settlements[0].price_usdc_e12, data.settlements[-1].price_usdc_e12
    change = abs(last - first) * _TEN_THOUSAND // first
    sign = "-" if last < first else "+"
    return f"{sign}{money_text(change, 2)} %"


def _trimmed(value: int, decimals: int, *, least: int) -> str:
    """Write exactly, without trailing zeros beyond `least` decimals."""
    whole, _, fraction = money_text(value, decimals).partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(least, '0')}"


def _shares(value: int, *, decimals: int) -> str:
    return _trimmed(value, decimals, least=2)


def _whole_shares(value: int, *, decimals: int) -> str:
    """Write with two decimals, down."""
    return money_text(value // 10 ** (decimals - 2), 2)


def _share_of(value: int, whole: int) -> str:
    return f"{money_text(value * _TEN_THOUSAND // whole, 2)} %" if whole > 0 else "-"


def _bar(value: int, largest: int) -> int:
    """Half the bar is the largest cause."""
    return abs(value) * 50 // largest if largest else 0


def _mean_price(fill: FillSummary) -> str:
    if fill.base_e9 == 0:
        return "-"
    return money_text(fill.quote_usdc_e6 * 10**_BASE // fill.base_e9, _USDC)


def _clock(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
