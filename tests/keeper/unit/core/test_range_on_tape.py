"""A range on a tape: worth what its amounts are, moved when off centre, losing to arbitrage."""

import random
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from keeper.core.on_tape import Best
from keeper.core.range_on_tape import RangeScore, range_walk
from keeper.core.signals import Top
from keeper.domain.settings import PoolEconomics
from tests.keeper.builders import USDC, pool_settings

SECOND = 10**9
E8 = 10**8
CAPITAL = 100_000 * USDC
ECONOMICS = PoolEconomics(
    standing_seconds=300,
    volume_assets_per_day=0,
    volatility_ppm=60_000,
    width_ppm=0,
    gas_assets=0,
    skew_ticks=0,
)
POOL = pool_settings(
    asset_is_token0=False, half_width_ticks=1_000, recentre_ticks=500, economics=ECONOMICS
)


def best(second: int, price_e8: int) -> Best:
    return Best(1_750_000_000 * SECOND + second * SECOND, Top(price_e8 - 1, 1, price_e8 + 1, 1))


def walked(*prices: int) -> RangeScore:
    tape = [best(second, price * E8) for second, price in enumerate(prices)]
    found = range_walk(POOL, 500, CAPITAL, tape)
    assert found is not None
    return found


def test_range_walk__still_market__worth_what_was_put_in() -> None:
    found = walked(3_000, 3_000, 3_000)

    assert found.worth[-1][1] == found.held[-1][1] == found.rebalanced[-1][1] == 0
    assert (found.moves, found.loss) == (0, 0)


def test_range_walk__bounds__half_a_width_off_the_middle() -> None:
    found = walked(3_000)

    (_, lower), (_, upper) = found.lower[0], found.upper[0]
    assert lower is not None
    assert upper is not None
    assert lower / E8 == pytest.approx(3_000 / 1.0001**1_000, rel=2e-4)
    assert upper / E8 == pytest.approx(3_000 * 1.0001**1_000, rel=2e-4)


def test_range_walk__there_and_back__holding_is_even_and_the_rebalanced_gained_what_it_lost() -> (
    None
):
    """Back where it began the range is even again; who rebalanced bought low and sold high."""
    found = walked(3_000, 3_060, 3_000)

    assert found.worth[-1][1] == found.held[-1][1] == 0
    assert found.loss == found.rebalanced[-1][1]
    assert found.loss > 100 * USDC


def test_range_walk__beyond_its_bounds__moved_around_the_price_at_its_worth() -> None:
    found = walked(3_000, 3_400)

    assert found.moves == 1
    assert (found.lower[-1][1] or 0) > 3_000 * E8
    assert (found.held[-1][1] or 0) > (found.worth[-1][1] or 0) > 0


def test_range_walk__volatile_walk__loses_about_what_the_formula_says() -> None:
    """Six per cent a day over a day of ten-second steps, wide enough to stand."""

    def walk(steps: int) -> Iterator[Best]:
        dice, price = random.Random(7), 3_000.0
        for step in range(steps):
            yield best(10 * step, int(price * E8))
            price *= 1 + dice.gauss(0, 0.06 * (10 / 86_400) ** 0.5)

    wide = replace(POOL, half_width_ticks=3_000, recentre_ticks=3_000)

    found = range_walk(wide, 500, CAPITAL, walk(8_640))

    assert found is not None
    assert found.loss == pytest.approx(found.expected_loss, rel=0.05)


def test_range_walk__no_levels__none() -> None:
    assert range_walk(POOL, 500, CAPITAL, []) is None
