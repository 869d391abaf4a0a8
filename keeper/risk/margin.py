"""Shrink a ladder until filling all of it needs no more margin than there is."""

from typing import Final

from keeper.domain.approval import Refused
from keeper.domain.orders import Quote, Side
from keeper.domain.units import PPM, div_up
from keeper.markets.perpetual import value_abs_up
from keeper.risk.exposure import MarketExposure
from keeper.risk.fitting import Requirement, filled, fit

__all__ = ["fit_margin", "margin_bound", "margin_needed"]

_BUY: Final = Side.BUY
_SLACK: Final = 3  # quote quantums by which a quote's roundings may exceed its share of the band


def fit_margin(
    quotes: tuple[Quote, ...], exposure: MarketExposure, available: int
) -> tuple[tuple[Quote, ...], tuple[Refused, ...]]:
    """Return the quotes whose worst-case fill `available` margin carries, front layers first.

    `available` is equity less the margin of every other market, in quote quantums; else as `fit`.
    """
    requirement = Requirement("MARGIN", _margin, dict.fromkeys(Side, available))
    return fit(quotes, exposure, requirement)


def _margin(exposure: MarketExposure, _side: Side) -> int:
    return exposure.margin


def margin_bound(quotes: tuple[Quote, ...], exposure: MarketExposure, band_ppm: int) -> int:
    """Return no less than `margin_needed` of quotes that lie within `band_ppm` of the oracle.

    One multiplication instead of a valuation of every quote; enough where margin is plentiful.
    """
    buys = sells = 0
    for quote in quotes:
        if quote.side is _BUY:
            buys += quote.quantums
        else:
            sells += quote.quantums
    market = exposure.market
    most = value_abs_up(market, abs(exposure.position) + max(buys, sells), exposure.oracle_price)
    return div_up(most * (market.initial_margin_ppm + band_ppm), PPM) + _SLACK * len(quotes)


def margin_needed(quotes: tuple[Quote, ...], exposure: MarketExposure) -> int:
    """Return the margin, in quote quantums, if all of them filled on top of `exposure`."""
    for quote in quotes:
        exposure = filled(exposure, quote, quote.quantums)
    return exposure.margin
