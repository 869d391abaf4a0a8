"""Shrink a ladder until its worst-case fill fits the limits; sizes only ever go down."""

from msgspec.structs import replace

from keeper.domain.approval import Refused
from keeper.domain.orders import Quote, Side
from keeper.domain.settings import MarketSettings, RiskLimits
from keeper.domain.units import PPM, div_down
from keeper.markets.perpetual import multiple_down, quantums_for_value_down
from keeper.risk.orders import MarketExposure
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
    limit leaves on net delta; while REDUCING, only the net delta itself.
    """
    kept: list[Quote] = []
    refused: list[Refused] = []
    room = {side: _room(side, exposure, settings, phase) for side in Side}
    largest = _largest_order(exposure, limits)
    for quote in quotes:
        if not _in_band(quote, exposure, limits):
            refused.append(_note("PRICE_BAND", quote, limits.price_band_ppm, quote.subticks))
            continue
        quantums = min(quote.quantums, largest)
        if quantums < quote.quantums:
            refused.append(_note("MAX_ORDER", quote, largest, quote.quantums))
        left = multiple_down(max(0, room[quote.side]), exposure.market.step_base_quantums)
        if quantums > left:
            code = "REDUCING" if phase is Phase.REDUCING else "MAX_POSITION"
            refused.append(_note(code, quote, left, quantums))
            quantums = left
        if quantums > 0:
            room[quote.side] -= quantums
            kept.append(quote if quantums == quote.quantums else replace(quote, quantums=quantums))
    return tuple(kept), tuple(refused)


def _room(side: Side, exposure: MarketExposure, settings: MarketSettings, phase: Phase) -> int:
    """Base quantums that may be opened on a side."""
    if phase is Phase.REDUCING:
        return -exposure.net * side.sign
    limit = quantums_for_value_down(
        exposure.market, settings.max_position_quote_quantums, exposure.oracle_price
    )
    return limit - exposure.net * side.sign


def _largest_order(exposure: MarketExposure, limits: RiskLimits) -> int:
    """Largest size whose value stays within the order limit anywhere inside the price band."""
    value = div_down(limits.max_order_quote_quantums * PPM, PPM + limits.price_band_ppm)
    return quantums_for_value_down(exposure.market, value, exposure.oracle_price)


def _in_band(quote: Quote, exposure: MarketExposure, limits: RiskLimits) -> bool:
    reference = exposure.market.subticks_down(exposure.oracle_price)
    return abs(quote.subticks - reference) * PPM <= limits.price_band_ppm * reference


def _note(code: str, quote: Quote, limit: int, value: int) -> Refused:
    subject = f"{quote.market}/{quote.side.value}"
    return Refused(code=code, subject=subject, limit=limit, value=value)
