"""Shrink a ladder, front layers first, until filling all of it needs no more than there is."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from keeper.domain.approval import Refused
from keeper.domain.orders import Quote, Side
from keeper.markets.perpetual import fill_cost
from keeper.risk.exposure import MarketExposure

__all__ = ["Requirement", "fit", "filled"]

_BUY: Final = Side.BUY


class Requirement(NamedTuple):
    """What an exposure needs of something, judged for a side, and how much of it there is.

    All in quote quantums; `of` never falls as orders of the side are added.
    """

    code: str
    of: Callable[[MarketExposure, Side], int]
    available: Mapping[Side, int]


def fit(
    quotes: tuple[Quote, ...], exposure: MarketExposure, requirement: Requirement
) -> tuple[tuple[Quote, ...], tuple[Refused, ...]]:
    """Return the quotes that fit, sizes only ever down, and why others were cut or left out.

    `exposure` needs no orders in it: the ladder replaces them. What needs no more than the
    position does already is kept, so that a position beyond the limit can be brought back.
    """
    kept: list[Quote] = []
    refused: list[Refused] = []
    available = requirement.available
    most = {side: max(available[side], requirement.of(exposure, side)) for side in Side}
    for quote in quotes:
        full = filled(exposure, quote, quote.quantums)
        needed = requirement.of(full, quote.side)
        if needed <= most[quote.side]:
            kept.append(quote)
            exposure = full
            continue
        subject = f"{quote.market}/{quote.side.value}"
        limit = available[quote.side]
        refused.append(Refused(code=requirement.code, subject=subject, limit=limit, value=needed))
        quantums = _largest(exposure, quote, requirement, most[quote.side])
        if quantums > 0:
            kept.append(replace(quote, quantums=quantums))
            exposure = filled(exposure, quote, quantums)
    return tuple(kept), tuple(refused)


def filled(exposure: MarketExposure, quote: Quote, quantums: int) -> MarketExposure:
    """Return the exposure with an order of that size at the quote's price beside the others."""
    loss = fill_cost(exposure.market, quote.side, quantums, quote.subticks, exposure.oracle_price)
    if quote.side is _BUY:
        return replace(exposure, buys=exposure.buys + quantums, buy_loss=exposure.buy_loss + loss)
    return replace(exposure, sells=exposure.sells + quantums, sell_loss=exposure.sell_loss + loss)


def _largest(exposure: MarketExposure, quote: Quote, requirement: Requirement, most: int) -> int:
    """Largest multiple of the step, below the quote's size, that fits."""
    step = exposure.market.step_base_quantums
    fits, too_many = 0, -(-quote.quantums // step)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if requirement.of(filled(exposure, quote, middle * step), quote.side) <= most:
            fits = middle
        else:
            too_many = middle
    return fits * step
