"""What of a pool's idle tokens goes into its range, and the limit that keeps the rest out."""

from typing import NamedTuple

from keeper.core.pool_commands import balanced, mint_command
from keeper.core.pool_limits import WHOLE, base_to_shed, fitting_parts
from keeper.domain.approval import Refused
from keeper.domain.units import PPM
from keeper.markets.ranges import Holdings, base_of, base_value_down, holdings, worth_down
from keeper.risk.chain import PoolView
from keeper.risk.pools import PoolChange, change_of
from keeper.strategies.range_liquidity import centred_ticks, part_of

__all__ = ["Fit", "added", "fitting", "worth_shedding"]

_IDLE_SHARE_PPM = 100_000  # idle tokens beyond this share of the pool leg go into the range

_NOTHING = PoolChange(coming=0, going=0, now=0, value=0)


class Fit(NamedTuple):
    """The idle amounts that go into a range, and whether those are worth a move.

    `refused` is what stands against all of them, None where all go in.
    """

    ticks: tuple[int, int]
    amounts: Holdings
    is_enough: bool
    refused: Refused | None


def fitting(view: PoolView, min_move_assets: int, shift: int) -> Fit | None:
    """Fit idle tokens into the range and the limits; None while they are not worth a move."""
    pool, seen = view.pool, view.seen
    idle = (seen.amount0, seen.amount1)
    idle_value = worth_down(pool, idle, view.mark)
    whole = idle_value + worth_down(pool, holdings(seen.ranges, view.mark), view.mark)
    if idle_value < max(1, min_move_assets, whole * _IDLE_SHARE_PPM // PPM):
        return None
    ticks = centred_ticks(pool, seen, view.mark, shift)
    if seen.ranges:
        ticks = (seen.ranges[0].tick_lower, seen.ranges[0].tick_upper)

    def part(parts: int) -> Holdings:
        return part_of(seen, ticks, idle, parts, WHOLE)

    parts, refused = fitting_parts(view, lambda parts: added(view, ticks, part(parts)))
    if refused is None:
        return Fit(ticks, idle, True, None)
    amounts = part(parts)
    is_enough = worth_down(pool, amounts, view.mark) >= max(1, min_move_assets)
    return Fit(ticks, amounts, is_enough, refused)


def worth_shedding(view: PoolView, min_move_assets: int) -> int:
    """Base units to turn into the asset for the hedge's sake; 0 where that is not worth a move."""
    shed = base_to_shed(view)
    return shed if base_value_down(view.pool, shed, view.mark) >= min_move_assets else 0


def added(view: PoolView, ticks: tuple[int, int], amounts: tuple[int, int]) -> PoolChange:
    """What putting amounts into a range adds in all: the swap to its ratio, then the mint.

    Base that the swap sells makes room for what the range may take back, and base that it buys is
    what the range gives up again.
    """
    _, ready = balanced(view, ticks, amounts)
    bought = base_of(view.pool, ready) - base_of(view.pool, amounts)
    mint = mint_command(view, ticks, ready)
    minted = _NOTHING if mint is None else change_of(mint, view.pool, view.seen, view.mark)
    return PoolChange(
        coming=max(0, minted.coming + bought),
        going=max(0, minted.going - bought),
        now=max(0, bought),
        value=minted.value,
    )
