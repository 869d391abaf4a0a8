"""Shapes a pool's operations: how much, the least that must come of it, the most it may cost."""

from keeper.domain.approval import Refused
from keeper.domain.commands import BurnRange, MintRange, SwapExactIn
from keeper.domain.events import RangeState
from keeper.inventory.costs import swap_output
from keeper.markets.ranges import (
    fair_output,
    greatest_cost,
    least_output,
    least_proceeds,
    worth_down,
)
from keeper.risk.chain import PoolView
from keeper.strategies.range_liquidity import balancing_swap, range_for

__all__ = ["BALANCE_PPM", "balanced", "burn_command", "mint_command", "swap_command"]

BALANCE_PPM = 20_000
"""Tokens this close to a range's ratio are minted as they are."""

_HALVINGS = 8  # a swap the pool cannot fill well is tried down to 1/128 of its size


def swap_command(
    view: PoolView, zero_for_one: bool, amount_in: int, failures: int
) -> SwapExactIn | Refused | None:
    """Shape a swap that the pool can fill above its minimum, halving the amount where it cannot."""
    pool, seen = view.pool, view.seen
    amount = amount_in >> min(failures, _HALVINGS)
    for _ in range(_HALVINGS):
        least = _least(view, zero_for_one, amount)
        if amount == 0 or least == 0:
            return None
        if swap_output(seen, zero_for_one, amount) >= least:
            return SwapExactIn(
                adapter=pool.adapter,
                zero_for_one=zero_for_one,
                amount_in=amount,
                amount_out_min=least,
                deadline=view.now + view.deadline_seconds,
            )
        amount //= 2
    expected = swap_output(seen, zero_for_one, amount_in)
    least = _least(view, zero_for_one, amount_in)
    return Refused(code="POOL_TOO_THIN", subject=pool.adapter, limit=least, value=expected)


def balanced(
    view: PoolView, ticks: tuple[int, int], amounts: tuple[int, int]
) -> tuple[int, tuple[int, int]]:
    """What the swap to a range's ratio would cost in asset units, and what is held after it."""
    pool, seen = view.pool, view.seen
    swap = balancing_swap(seen, ticks, amounts, BALANCE_PPM)
    if swap is None:
        return 0, amounts
    zero_for_one, amount_in = swap
    paid = swap_output(seen, zero_for_one, amount_in)
    after = (
        (amounts[0] - amount_in, amounts[1] + paid)
        if zero_for_one
        else (amounts[0] + paid, amounts[1] - amount_in)
    )
    lost = worth_down(pool, amounts, view.mark) - worth_down(pool, after, view.mark)
    return max(0, lost), after


def mint_command(
    view: PoolView, ticks: tuple[int, int], amounts: tuple[int, int]
) -> MintRange | None:
    """Put amounts into a range; None where they are too little for any liquidity."""
    target = range_for(view.pool, view.seen, ticks, amounts)
    if target.liquidity <= 0:
        return None
    entry = RangeState(
        tick_lower=target.tick_lower, tick_upper=target.tick_upper, liquidity=target.liquidity
    )
    most = greatest_cost(view.seen.sqrt_price_x96, entry, view.pool.max_slippage_ppm)
    return MintRange(
        adapter=target.adapter,
        tick_lower=target.tick_lower,
        tick_upper=target.tick_upper,
        liquidity=target.liquidity,
        amount0_max=min(most[0], amounts[0]),
        amount1_max=min(most[1], amounts[1]),
        deadline=view.now + view.deadline_seconds,
    )


def burn_command(view: PoolView, entry: RangeState) -> BurnRange:
    """Take an entry's liquidity out."""
    least = least_proceeds(view.seen.sqrt_price_x96, entry, view.pool.max_slippage_ppm)
    return BurnRange(
        adapter=view.pool.adapter,
        tick_lower=entry.tick_lower,
        tick_upper=entry.tick_upper,
        liquidity=entry.liquidity,
        amount0_min=least[0],
        amount1_min=least[1],
        deadline=view.now + view.deadline_seconds,
    )


def _least(view: PoolView, zero_for_one: bool, amount_in: int) -> int:
    """Least that a swap must pay; more of one that comes home while no new risk is allowed."""
    pool, seen = view.pool, view.seen
    least = least_output(pool, seen, view.mark, zero_for_one, amount_in)
    if zero_for_one is pool.asset_is_token0 or view.allowance.refusal(pool.adapter) is None:
        return least
    return max(least, fair_output(pool, seen, view.mark, amount_in))
