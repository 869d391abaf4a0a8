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

__all__ = ["balancing_swap", "centred_ticks", "is_off_centre", "part_of", "range_for"]

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
    held0, held1 = _values(seen, amounts)
    share0, share1 = _shares(seen, ticks)
    total = held0 + held1
    if total == 0:
        return None
    surplus0 = held0 - total * share0 // (share0 + share1)
    if abs(surplus0) * PPM <= tolerance_ppm * total:
        return None
    if surplus0 > 0:
        return True, surplus0 // seen.sqrt_price_x96**2
    return False, -surplus0 >> 192


def part_of(
    seen: PoolObserved, ticks: tuple[int, int], amounts: Holdings, parts: int, whole: int
) -> Holdings:
    """Return `parts` in `whole` of the amounts' value, as near to the range's ratio as they allow.

    What is held of a token already is used before the other is swapped for it. Down.
    """
    held0, held1 = _values(seen, amounts)
    share0, share1 = _shares(seen, ticks)
    value = (held0 + held1) * parts // whole
    value0 = min(held0, max(value * share0 // (share0 + share1), value - held1))
    return value0 // seen.sqrt_price_x96**2, (value - value0) >> 192


def _values(seen: PoolObserved, amounts: Holdings) -> tuple[int, int]:
    """Values of both amounts at the pool's price in token1 units times 2^192, exact."""
    return amounts[0] * seen.sqrt_price_x96**2, amounts[1] << 192


def _shares(seen: PoolObserved, ticks: tuple[int, int]) -> tuple[int, int]:
    """The same of what the range takes for a unit of liquidity."""
    lower, upper = sqrt_price_at_tick(ticks[0]), sqrt_price_at_tick(ticks[1])
    return _values(seen, amounts_up(seen.sqrt_price_x96, lower, upper, _UNIT_LIQUIDITY))
