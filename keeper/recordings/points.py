"""A recording as a market of its own: its ticks and steps exactly, its best levels and prints."""

from collections.abc import Iterable, Iterator
from math import gcd
from typing import Final

from keeper.core.on_tape import Best, Printed, TapePoint
from keeper.core.signals import Top
from keeper.domain.instruments import PerpetualMarket
from keeper.recordings.moments import Moment, TradeAt

__all__ = ["market_of", "points_of"]

_DECIMALS: Final = 8
"""Of recorded prices and sizes, and so of the market's subticks and base quantums."""
_INITIAL_MARGIN_PPM: Final = 50_000
_MAINTENANCE_MARGIN_PPM: Final = 30_000


def market_of(symbol: str, moments: Iterable[Moment]) -> PerpetualMarket:
    """Return a market in which every recorded price and size is whole; subticks and quantums 1e-8.

    The tick is the greatest that all best prices and prints are multiples of; so is the step of
    all sizes.
    """
    tick = step = 0
    for moment in moments:
        if isinstance(moment, TradeAt):
            tick, step = gcd(tick, moment.price_e8), gcd(step, moment.size_e8)
            continue
        for price, size in (*moment.bids[:1], *moment.asks[:1]):
            tick, step = gcd(tick, price), gcd(step, size)
    return PerpetualMarket(
        ticker=symbol,
        clob_pair_id=0,
        atomic_resolution=-_DECIMALS,
        quantum_conversion_exponent=6 - 2 * _DECIMALS,
        step_base_quantums=max(1, step),
        subticks_per_tick=max(1, tick),
        oracle_exponent=-_DECIMALS,
        min_price_change_ppm=0,
        initial_margin_ppm=_INITIAL_MARGIN_PPM,
        maintenance_margin_ppm=_MAINTENANCE_MARGIN_PPM,
        status="ACTIVE",
    )


def points_of(moments: Iterable[Moment]) -> Iterator[TapePoint]:
    """Yield best levels each time they change, and prints; a side that is empty changes nothing."""
    known: Top | None = None
    for moment in moments:
        if isinstance(moment, TradeAt):
            if known is not None:
                yield Printed(moment.t_ns, moment.side, moment.price_e8, moment.size_e8)
            continue
        if not moment.bids or not moment.asks:
            continue
        top = Top(*moment.bids[0], *moment.asks[0])
        if top != known:
            known = top
            yield Best(moment.t_ns, top)
