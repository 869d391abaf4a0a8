"""Which limit keeps a pool's tokens out of its range now, and how many of them it lets in."""

import msgspec

from keeper.core.dispatch import is_ready
from keeper.core.pool_filling import added, fitting, worth_shedding
from keeper.core.pools import pool_view, range_shift
from keeper.core.state import PoolState, State
from keeper.domain.events import PoolObserved
from keeper.domain.settings import AllocationSettings
from keeper.risk.phase import Phase
from keeper.strategies.range_liquidity import is_off_centre

__all__ = ["Cut", "cuts"]


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """Of `wanted_assets` that idle tokens would add to a pool's range `fits_assets` go in.

    Both in asset units at the mark, after the swap to the range's ratio; 0 fits where that would
    be too little for a move. `code` is the limit that stands against all of it, with the number it
    may not pass and the one it would come to, both in 1e-6 USDC.
    """

    adapter: str
    code: str
    limit: int
    value: int
    wanted_assets: int
    fits_assets: int


def cuts(state: State) -> tuple[Cut, ...]:
    """Return the cut of every pool whose next step would be to fill its range; as last observed.

    None of a pool while a command of it is under way: what it adds is already counted.
    """
    allocation = None if state.settings is None else state.settings.allocation
    if allocation is None or state.guard.phase is not Phase.ACTIVE:
        return ()
    if state.chain.vault is not None and state.chain.vault.state == "WINDDOWN":
        return ()
    found = (
        _cut(state, pool, pool.seen, allocation)
        for _, pool in sorted(state.pools.items())
        if pool.seen is not None and pool.seen_t_ns >= 0 and pool.home == 0
    )
    return tuple(cut for cut in found if cut is not None)


def _cut(
    state: State, pool: PoolState, seen: PoolObserved, allocation: AllocationSettings
) -> Cut | None:
    name, least = pool.settings.adapter, allocation.min_move_assets
    view = pool_view(state, pool, seen, allocation)
    if view.mark <= 0 or not is_ready(state, name, seen.block_number):
        return None
    shift = range_shift(state, view)
    moves = any(is_off_centre(view.pool, entry, view.mark, shift) for entry in seen.ranges)
    if moves or worth_shedding(view, least):
        return None
    fit = fitting(view, least, shift)
    if fit is None or fit.refused is None:
        return None
    return Cut(
        adapter=name,
        code=fit.refused.code,
        limit=fit.refused.limit,
        value=fit.refused.value,
        wanted_assets=added(view, fit.ticks, (seen.amount0, seen.amount1)).value,
        fits_assets=added(view, fit.ticks, fit.amounts).value if fit.is_enough else 0,
    )
