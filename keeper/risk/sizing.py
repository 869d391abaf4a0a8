"""Shrink a ladder until its worst-case fill fits the limits; sizes only ever go down."""

from msgspec.structs import replace

from keeper.domain.approval import Refused
from keeper.domain.orders import Quote, Side
from keeper.domain.settings import MarketSettings, RiskLimits
from keeper.domain.units import PPM, div_down, div_up
from keeper.markets.perpetual import multiple_down, quantums_for_value_down, value_abs_up
from keeper.risk.exposure import MarketExposure, net_worst
from keeper.risk.phase import Phase

__all__ = ["fit_ladder"]


def fit_ladder(
    quotes: tuple[Quote, ...],
    exposure: MarketExposure,
    settings: MarketSettings,
    limits: RiskLimits,
    phase: Phase,
) -> tuple[tuple[Quote, ...], tuple[Refused, ...]]:
    """Return the quotes that fit, front layers first, and why others were shrunk or dropped.

    `exposure` needs no orders in it: the ladder replaces them. Room on a side is what the position
    limit leaves on net delta, the pools at the worse end of their ranges; while REDUCING, only the
    net delta itself. Money limits are noted in quote quantums, room in base quantums.
    """
    kept: list[Quote] = []
    refused: list[Refused] = []
    room = _room(exposure, settings, phase)
    largest = _largest_order(exposure, limits)
    reference = exposure.market.subticks_down(exposure.oracle_price)
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
        left = multiple_down(max(0, room[quote.side]), step)
        if quantums > left:
            code = "REDUCING" if phase is Phase.REDUCING else "MAX_POSITION"
            refused.append(_note(code, quote, left, quantums))
            quantums = left
        if quantums > 0:
            room[quote.side] -= quantums
            kept.append(quote if quantums == quote.quantums else replace(quote, quantums=quantums))
    return tuple(kept), tuple(refused)


def _room(exposure: MarketExposure, settings: MarketSettings, phase: Phase) -> dict[Side, int]:
    """Base quantums that may be opened on each side."""
    if phase is Phase.REDUCING:
        return {Side.BUY: -exposure.net, Side.SELL: exposure.net}
    limit = quantums_for_value_down(
        exposure.market, settings.max_position_quote_quantums, exposure.oracle_price
    )
    return {side: limit - net_worst(exposure, side) for side in Side}


def _largest_order(exposure: MarketExposure, limits: RiskLimits) -> int:
    """Largest size whose value stays within the order limit anywhere inside the price band."""
    value = div_down(limits.max_order_quote_quantums * PPM, PPM + limits.price_band_ppm)
    return quantums_for_value_down(exposure.market, value, exposure.oracle_price)


def _note(code: str, quote: Quote, limit: int, value: int) -> Refused:
    subject = f"{quote.market}/{quote.side.value}"
    return Refused(code=code, subject=subject, limit=limit, value=value)
