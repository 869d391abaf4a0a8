"""What keeps a pool's tokens out of its range, as an operator is told it."""

from typing import Any

import pytest
from msgspec.structs import replace

from keeper.core.pool_cuts import Cut, cuts
from keeper.core.preview import cuts_under
from keeper.domain.commands import MintRange
from keeper.domain.events import OperatorCommand, RangeState
from keeper.domain.settings import StepSettings
from keeper.markets.ranges import holdings, mark_sqrt_price, worth_down
from tests.keeper.builders import (
    ALLOCATION,
    LIMITS,
    POOL,
    USDC,
    Keeper,
    market_settings,
    of,
    pool_seen,
    pool_settings,
    settings,
    vault,
)

ASSETS, BASE = 100_000 * USDC, 33_300 * 10**15
TIGHT = 60_000 * USDC


def chosen(cap: int = TIGHT) -> StepSettings:
    return settings(
        markets=(market_settings(max_position_quote_quantums=300_000 * USDC),),
        pools=(pool_settings(),),
        allocation=ALLOCATION,
        limits=replace(LIMITS, daily_loss_quote_quantums=20_000 * USDC, max_lp_quote_quantums=cap),
    )


def filled(cap: int = TIGHT, **changes: Any) -> tuple[Keeper, list[Any]]:
    """A keeper that has just seen its pool with idle tokens of both kinds, and its commands."""
    keeper = Keeper(chosen(cap))
    keeper.start()
    keeper.answer()
    return keeper, keeper.feed(pool_seen(1, amount0=ASSETS, amount1=BASE, **changes))


def under_no_command(keeper: Keeper) -> Keeper:
    """As if nothing of the pool were under way."""
    keeper.state.chain.outstanding.clear()
    pool = keeper.state.pools[POOL]
    pool.coming = pool.going = 0
    return keeper


def test_cuts__liquidity_cap__the_limit_both_numbers_and_what_is_minted() -> None:
    keeper, commands = filled()
    (mint,) = of(commands, MintRange)

    (cut,) = cuts(under_no_command(keeper).state)

    assert (cut.adapter, cut.code, cut.limit) == (POOL, "MAX_LP", TIGHT)
    assert cut.value == cut.wanted_assets > 190_000 * USDC
    pool, seen = pool_settings(), keeper.state.pools[POOL].seen
    assert seen is not None
    entry = RangeState(
        tick_lower=mint.tick_lower, tick_upper=mint.tick_upper, liquidity=mint.liquidity
    )
    minted = worth_down(pool, holdings((entry,), seen.sqrt_price_x96), mark_sqrt_price(pool, seen))
    assert abs(cut.fits_assets - minted) < USDC
    assert 55_000 * USDC < cut.fits_assets <= TIGHT


def test_cuts__command_under_way__nothing_is_said_twice() -> None:
    keeper, commands = filled()

    assert of(commands, MintRange)
    assert cuts(keeper.state) == ()


def test_cuts__range_at_its_cap__all_that_is_idle_stays_out() -> None:
    _, commands = filled()
    (mint,) = of(commands, MintRange)
    held = RangeState(
        tick_lower=mint.tick_lower, tick_upper=mint.tick_upper, liquidity=mint.liquidity
    )

    keeper, _ = filled(ranges=(held,))

    (cut,) = cuts(keeper.state)
    assert (cut.code, cut.fits_assets) == ("MAX_LP", 0)
    assert cut.value - cut.wanted_assets > 59_000 * USDC


@pytest.mark.parametrize("cap", [0, 10**6 * USDC])
def test_cuts__nothing_cuts__none(cap: int) -> None:
    keeper, commands = filled(cap)

    assert of(commands, MintRange)
    assert cuts(under_no_command(keeper).state) == ()


def test_cuts__not_active_or_winding_down__none() -> None:
    stopped, _ = filled()
    stopped.feed(OperatorCommand(verb="halt", argument="", operator="ada"))
    ending, _ = filled()
    ending.feed(vault(2, state="WINDDOWN"))

    assert cuts(under_no_command(stopped).state) == ()
    assert cuts(under_no_command(ending).state) == ()


def test_cuts_under__tighter_cap__less_fits_and_the_keeper_is_as_it_was() -> None:
    keeper, _ = filled()
    under_no_command(keeper)
    (before,) = cuts(keeper.state)

    (after,) = cuts_under(keeper.state, chosen(TIGHT // 2))

    assert after == Cut(
        adapter=POOL,
        code="MAX_LP",
        limit=TIGHT // 2,
        value=before.value,
        wanted_assets=before.wanted_assets,
        fits_assets=after.fits_assets,
    )
    assert 27_000 * USDC < after.fits_assets <= TIGHT // 2
    assert cuts(keeper.state) == (before,)
