"""Range liquidity on a concentrated pool: one range around the mark, moved when the mark leaves it.

The pool's own price is used only to price what an operation pays and costs; where the range lies
follows the independent mark, so that a pushed pool price does not move it. Width and whether a move
pays: `range_economics`.
"""

from keeper.domain.events import PoolObserved, RangeState
from keeper.domain.orders import RangeTarget
from keeper.domain.settings import PoolSettings
from keeper.domain.units import PPM
from keeper.markets.ranges import Holdings, moved
from keeper.markets.univ3 import (
    MAX_TICK,
    MIN_TICK,
    amounts_up,
    liquidity_for_amounts_down,
    sqrt_price_at_tick,
    tick_at_sqrt_price,
)
from keeper.strategies.range_economics import half_width_ticks

__all__ = ["balancing_swap", "centred_ticks", "is_off_centre", "range_for"]

_UNIT_LIQUIDITY = 1 << 128


def centred_ticks(
    pool: PoolSettings, seen: PoolObserved, mark: int, shift: int = 0
) -> tuple[int, int]:
    """Ticks of a range around the mark, `shift` aside of it, outwards to the spacing."""
    centre, spacing = tick_at_sqrt_price(mark) + shift, seen.tick_spacing
    half_width = half_width_ticks(pool, seen.fee_ppm)
    lower = (centre - half_width) // spacing * spacing
    upper = -(-(centre + half_width) // spacing) * spacing
    lowest = -(-MIN_TICK // spacing) * spacing
    highest = MAX_TICK // spacing * spacing
    return max(lower, lowest), min(max(upper, lower + spacing), highest)


def is_off_centre(pool: PoolSettings, held: RangeState, mark: int, shift: int = 0) -> bool:
    """Tell whether a range's middle is more than `recentre_ticks` away from where it should be."""
    doubled = held.tick_lower + held.tick_upper
    return abs(2 * (tick_at_sqrt_price(mark) + shift) - doubled) > 2 * pool.recentre_ticks


def range_for(
    pool: PoolSettings, seen: PoolObserved, ticks: tuple[int, int], amounts: Holdings
) -> RangeTarget:
    """Return the range those amounts can pay even if the price moves by the slippage limit."""
    lower, upper = sqrt_price_at_tick(ticks[0]), sqrt_price_at_tick(ticks[1])
    liquidity = min(
        liquidity_for_amounts_down(
            moved(seen.sqrt_price_x96, shift), lower, upper, amounts[0], amounts[1]
        )
        for shift in (-pool.max_slippage_ppm, 0, pool.max_slippage_ppm)
    )
    return RangeTarget(
        adapter=pool.adapter, tick_lower=ticks[0], tick_upper=ticks[1], liquidity=liquidity
    )


def balancing_swap(
    seen: PoolObserved, ticks: tuple[int, int], amounts: Holdings, tolerance_ppm: int
) -> tuple[bool, int] | None:
    """Return (zero_for_one, amount_in) that brings the amounts to the range's ratio, or None when
    they are within `tolerance_ppm` of the whole already."""
    sqrt_price = seen.sqrt_price_x96
    lower, upper = sqrt_price_at_tick(ticks[0]), sqrt_price_at_tick(ticks[1])
    need0, need1 = amounts_up(sqrt_price, lower, upper, _UNIT_LIQUIDITY)
    square = sqrt_price * sqrt_price
    # Values in token1 units times 2^192, exact.
    held0, held1 = amounts[0] * square, amounts[1] << 192
    share0, share1 = need0 * square, need1 << 192
    total = held0 + held1
    if total == 0:
        return None
    surplus0 = held0 - total * share0 // (share0 + share1)
    if abs(surplus0) * PPM <= tolerance_ppm * total:
        return None
    if surplus0 > 0:
        return True, surplus0 // square
    return False, -surplus0 >> 192
