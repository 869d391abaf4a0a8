"""Shrink a ladder until filling all of it needs no more margin than there is."""

from typing import Final

from msgspec.structs import replace

from keeper.domain.approval import Refused
from keeper.domain.orders import Quote, Side
from keeper.domain.units import PPM, div_up
from keeper.markets.perpetual import fill_cost, value_abs_up
from keeper.risk.exposure import MarketExposure

__all__ = ["fit_margin", "margin_bound", "margin_needed"]

_BUY: Final = Side.BUY
_SLACK: Final = 3  # quote quantums by which a quote's roundings may exceed its share of the band


def fit_margin(
    quotes: tuple[Quote, ...], exposure: MarketExposure, available: int
) -> tuple[tuple[Quote, ...], tuple[Refused, ...]]:
    """Return the quotes whose worst-case fill `available` margin carries, front layers first.

    `exposure` needs no orders in it: the ladder replaces them. `available` is equity less the
    margin of every other market, in quote quantums. What needs no more margin than the position
    does already is kept, so that a position beyond it can be brought back.
    """
    kept: list[Quote] = []
    refused: list[Refused] = []
    bare = exposure.margin
    for quote in quotes:
        full = _with(exposure, quote, quote.quantums)
        needed = full.margin
        if needed <= available or needed <= bare:
            kept.append(quote)
            exposure = full
            continue
        refused.append(
            Refused(
                code="MARGIN",
                subject=f"{quote.market}/{quote.side.value}",
                limit=available,
                value=needed,
            )
        )
        quantums = _largest(exposure, quote, max(available, bare))
        if quantums > 0:
            kept.append(replace(quote, quantums=quantums))
            exposure = _with(exposure, quote, quantums)
    return tuple(kept), tuple(refused)


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
        exposure = _with(exposure, quote, quote.quantums)
    return exposure.margin


def _largest(exposure: MarketExposure, quote: Quote, available: int) -> int:
    """Largest multiple of the step, below the quote's size, that the margin carries."""
    step = exposure.market.step_base_quantums
    fits, too_many = 0, -(-quote.quantums // step)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if _with(exposure, quote, middle * step).margin <= available:
            fits = middle
        else:
            too_many = middle
    return fits * step


def _with(exposure: MarketExposure, quote: Quote, quantums: int) -> MarketExposure:
    loss = fill_cost(exposure.market, quote.side, quantums, quote.subticks, exposure.oracle_price)
    if quote.side is _BUY:
        return replace(exposure, buys=exposure.buys + quantums, buy_loss=exposure.buy_loss + loss)
    return replace(exposure, sells=exposure.sells + quantums, sell_loss=exposure.sell_loss + loss)
