"""Shrink a ladder until its worst-case fill fits the limits; sizes only ever go down."""

from functools import lru_cache
from typing import NamedTuple

from msgspec.structs import replace

from keeper.domain.approval import Refused
from keeper.domain.orders import Quote, Side
from keeper.domain.settings import MarketSettings, RiskLimits
from keeper.domain.units import PPM, div_down, div_up
from keeper.markets.perpetual import multiple_down, quantums_for_value_down, value_abs_up
from keeper.risk.bounds import UNBOUNDED, Bounds
from keeper.risk.exposure import MarketExposure, net_worst
from keeper.risk.phase import Phase

__all__ = ["fit_ladder"]


class _Frame(NamedTuple):
    """Room on each side, the largest order (base quantums), and the oracle's price in subticks."""

    buys: tuple[str, int]
    sells: tuple[str, int]
    largest: int
    reference: int


def fit_ladder(
    quotes: tuple[Quote, ...],
    exposure: MarketExposure,
    settings: MarketSettings,
    limits: RiskLimits,
    phase: Phase,
    bounds: Bounds = UNBOUNDED,
) -> tuple[tuple[Quote, ...], tuple[Refused, ...]]:
    """Return the quotes that fit, front layers first, and why others were shrunk or dropped.

    `exposure` needs no orders in it: the ladder replaces them. Room on a side is what the position
    limit leaves on net delta, the pools at the worse end of their ranges; while REDUCING, only the
    net delta itself. Money limits are noted in quote quantums, room in base quantums.
    """
    kept: list[Quote] = []
    refused: list[Refused] = []
    buys, sells, largest, reference = _frame(exposure, settings, limits, phase, bounds)
    room = {Side.BUY: buys, Side.SELL: sells}
    step = exposure.market.step_base_quantums
    for quote in quotes:
        distance = abs(quote.subticks - reference) * PPM
        if distance > limits.price_band_ppm * reference:
            distance_ppm = div_up(distance, max(1, reference))
            refused.append(_note("PRICE_BAND", quote, limits.price_band_ppm, distance_ppm))
            continue
        quantums = min(quote.quantums, largest)
        if quantums < quote.quantums:
            value = value_abs_up(exposure.market, quote.quantums, exposure.oracle_price)
            limit = limits.max_order_quote_quantums
            refused.append(_note("MAX_ORDER", quote, limit, value))
        code, spare = room[quote.side]
        left = multiple_down(max(0, spare), step)
        if quantums > left:
            refused.append(_short(code, quote, bounds, (left, quantums)))
            quantums = left
        if quantums > 0:
            room[quote.side] = code, spare - quantums
            kept.append(quote if quantums == quote.quantums else replace(quote, quantums=quantums))
    return tuple(kept), tuple(refused)


@lru_cache(maxsize=64)
def _frame(
    exposure: MarketExposure,
    settings: MarketSettings,
    limits: RiskLimits,
    phase: Phase,
    bounds: Bounds,
) -> _Frame:
    """What every ladder is held against; remembered, for prices move oftener than any of it."""
    return _Frame(
        _room(exposure, settings, phase, bounds, Side.BUY),
        _room(exposure, settings, phase, bounds, Side.SELL),
        _largest_order(exposure, limits),
        exposure.market.subticks_down(exposure.oracle_price),
    )


def _room(
    exposure: MarketExposure, settings: MarketSettings, phase: Phase, bounds: Bounds, side: Side
) -> tuple[str, int]:
    """Base quantums that may be opened on a side, and the code of what allows no more."""
    reducing = -exposure.net * side.sign
    if phase is Phase.REDUCING:
        return "REDUCING", reducing
    limit = quantums_for_value_down(
        exposure.market, settings.max_position_quote_quantums, exposure.oracle_price
    )
    found = [("MAX_POSITION", limit - net_worst(exposure, side))]
    if (cap := bounds.cap(side)) is not None:
        found.append((cap.code, cap.quantums - exposure.position * side.sign))
    if (stop := bounds.stop(side)) is not None:
        found.append((stop.code, reducing))
    return min(found, key=lambda entry: entry[1])


def _largest_order(exposure: MarketExposure, limits: RiskLimits) -> int:
    """Largest size whose value stays within the order limit anywhere inside the price band."""
    value = div_down(limits.max_order_quote_quantums * PPM, PPM + limits.price_band_ppm)
    return quantums_for_value_down(exposure.market, value, exposure.oracle_price)


def _short(code: str, quote: Quote, bounds: Bounds, room: tuple[int, int]) -> Refused:
    """Why a quote is cut to its room: a stop's own numbers, else room and wanted size."""
    stop = bounds.stop(quote.side)
    if stop is not None and stop.code == code:
        return _note(code, quote, stop.limit, stop.value)
    return _note(code, quote, *room)


def _note(code: str, quote: Quote, limit: int, value: int) -> Refused:
    subject = f"{quote.market}/{quote.side.value}"
    return Refused(code=code, subject=subject, limit=limit, value=value)
