"""Renders the report page: one self-contained file, nothing loaded from anywhere."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from keeper import __version__
from keeper.pages import figures
from keeper.pages.axes import TimeAxis, duration_text
from keeper.pages.clock_text import clock_text
from keeper.pages.numbers import money_text, percent_text, trimmed_text
from keeper.pages.report_data import (
    FillSummary,
    MarketChart,
    Parameter,
    ReportData,
)

__all__ = [
    "page_environment",
    "page_policy",
    "render_report",
    "static_text",
    "write_page",
    "write_report",
]

_USDC: Final = 6
_BASE: Final = 9
_PRICE: Final = 12
_NEWEST_FILLS: Final = 100


@dataclass(frozen=True, slots=True)
class _MarketView:
    """One market's part of the page."""

    chart: MarketChart
    figures: tuple[figures.Titled, ...]


def write_report(data: ReportData, file: Path) -> None:
    """Write the page, replacing the file whole. Raises OSError."""
    write_page(render_report(data), file)


def write_page(html: str, file: Path) -> None:
    """Write a file whole or not at all. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    waiting = file.with_suffix(".part")
    waiting.write_text(html, encoding="utf-8")
    waiting.replace(file)


def render_report(data: ReportData) -> str:
    """Return the page as HTML."""
    environment = page_environment()
    environment.filters["whole_shares"] = partial(_whole_shares, decimals=data.share_decimals)
    environment.filters["shares"] = partial(trimmed_text, decimals=data.share_decimals, least=2)
    axis = figures.journal_axis(data.journal)
    return environment.get_template("report.html.j2").render(
        data=data,
        version=__version__,
        style=Markup(static_text("page.css")),  # noqa: S704 - our own file
        script=Markup(static_text("page.js")),  # noqa: S704 - our own file
        policy=page_policy(),
        held=sum(1 for check in data.checks if check.holds),
        pnl_sum=sum(cause.amount_usdc_e6 for cause in data.pnl),
        largest_cause=max((abs(cause.amount_usdc_e6) for cause in data.pnl), default=0),
        price_figure=figures.price_figure(data.settlements),
        profit_figure=figures.profit_figure(data.journal.profit, axis),
        markets=[_market_view(market, axis) for market in data.journal.markets],
        pools=_known(figures.pool_figure(pool, axis) for pool in data.journal.pools),
        bonds=[(bond, figures.bond_figure(bond)) for bond in data.bonds],
        newest_fills=_newest_fills(data.journal.markets),
        parameters=_by_scope(data.quoting),
        figures=(*data.figures, *data.journal.figures),
    )


def static_text(name: str) -> str:
    """Return a file of the package's static folder. Raises FileNotFoundError."""
    return _static_text(name)


@cache
def _static_text(name: str) -> str:
    return (resources.files("keeper.pages") / "static" / name).read_text(encoding="utf-8")


def page_policy() -> str:
    """Return a content security policy that allows exactly our own style and script, inline."""
    style, script = (_fingerprint(static_text(name)) for name in ("page.css", "page.js"))
    return f"default-src 'none'; style-src '{style}'; script-src '{script}'; img-src data:"


def _fingerprint(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def page_environment() -> Environment:
    """Return what renders the templates: escaping, refusing unknown names."""
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
        price=lambda value: trimmed_text(value, _PRICE, least=6),
        fill_price=lambda value: trimmed_text(value, _USDC, least=2),
        base=lambda value: trimmed_text(value, _BASE, least=3),
        signed=lambda value: ("+" if value > 0 else "") + money_text(value, _USDC),
        tone=lambda value: "plus" if value > 0 else "minus" if value < 0 else "",
        clock=clock_text,
        clock_ms=lambda value: clock_text(value // 1_000, seconds_too=True),
        duration=duration_text,
        share_of=percent_text,
        units=lambda value, decimals: trimmed_text(value, decimals, least=2),
        hundredth=lambda value: money_text(value, 2),
        signed_cents=_signed_cents,
        hundredths=lambda value, decimals: money_text(value // 10 ** (decimals - 2), 2),
        ppm=lambda value: percent_text(value, 1_000_000),
        signed_ppm=lambda value: percent_text(value, 1_000_000, signed=True),
        bps=lambda value: f"{money_text(value, 2)} bps",
        half_bar=_half_bar,
        mean_price=_mean_price,
    )
    return environment


def _market_view(market: MarketChart, axis: TimeAxis) -> _MarketView:
    found = (figures.quotes_figure(market, axis), figures.inventory_figure(market, axis))
    return _MarketView(market, tuple(_known(found)))


def _known(found: Iterable[figures.Titled | None]) -> list[figures.Titled]:
    return [figure for figure in found if figure is not None]


def _newest_fills(markets: Iterable[MarketChart]) -> list[tuple[str, Any]]:
    fills = [(market.market, fill) for market in markets for fill in market.fills]
    return sorted(fills, key=lambda item: item[1].at_ms, reverse=True)[:_NEWEST_FILLS]


def _by_scope(rows: Iterable[Parameter]) -> dict[str, list[Parameter]]:
    scopes: dict[str, list[Parameter]] = {}
    for row in rows:
        scopes.setdefault(row.scope, []).append(row)
    return scopes


def _whole_shares(value: int, *, decimals: int) -> str:
    """Write with two decimals, down."""
    return money_text(value // 10 ** (decimals - 2), 2)


def _signed_cents(value: int) -> str:
    """Write USDC with two decimals, towards zero."""
    cents = abs(value) // 10 ** (_USDC - 2)
    sign = "" if not cents else "-" if value < 0 else "+"
    return sign + money_text(cents, 2)


def _half_bar(value: int, largest: int) -> int:
    """Width in percent; half the bar is the largest cause."""
    return abs(value) * 50 // largest if largest else 0


def _mean_price(fill: FillSummary) -> str:
    if fill.base_e9 == 0:
        return "-"
    return money_text(fill.quote_usdc_e6 * 10**_BASE // fill.base_e9, _USDC)
