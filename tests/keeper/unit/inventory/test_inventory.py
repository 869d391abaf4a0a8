"""Costs of each way, hedge sizes, allocation of capital."""

import random
from typing import Any

import pytest

from keeper.domain.events import BookLevel, RangeState
from keeper.domain.orders import Side, Transfer
from keeper.inventory.allocation import Capital, plan_transfers
from keeper.inventory.costs import (
    SWAP,
    TAKE,
    WAIT,
    Way,
    cheapest,
    pool_way,
    swap_output,
    take_way,
    wait_way,
)
from keeper.inventory.hedge import band_excess, flattening, hedge_order
from keeper.markets.ranges import mark_sqrt_price
from tests.keeper.builders import (
    ALLOCATION,
    CLOB,
    ETH_PRICE,
    LIMITS,
    ONE_ETH,
    POOL,
    USDC,
    market_settings,
    pool_seen,
    pool_settings,
)
from tests.keeper.markets import ETH

ASKS = (
    BookLevel(3_001_000_000, ONE_ETH),
    BookLevel(3_002_000_000, ONE_ETH),
    BookLevel(3_050_000_000, 9 * ONE_ETH),
)
BIDS = (BookLevel(2_999_000_000, ONE_ETH), BookLevel(2_998_000_000, ONE_ETH))


def test_take_way__two_levels__walked_exactly_with_the_fee() -> None:
    way = take_way(ETH, ASKS, Side.BUY, 2 * ONE_ETH, 3_010_000_000, ETH_PRICE, 500)

    # Paid 6003, worth 6000, fee 3.0015.
    assert way == Way(kind=TAKE, quantums=2 * ONE_ETH, value=6_000 * USDC, cost=6_001_500)


def test_take_way__beyond_the_worst_price__not_taken() -> None:
    way = take_way(ETH, ASKS, Side.BUY, 5 * ONE_ETH, 3_010_000_000, ETH_PRICE, 0)

    assert way.quantums == 2 * ONE_ETH


def test_take_way__selling__bids_below_the_oracle_cost() -> None:
    way = take_way(ETH, BIDS, Side.SELL, 2 * ONE_ETH, 2_990_000_000, ETH_PRICE, 0)

    assert (way.quantums, way.cost) == (2 * ONE_ETH, 3 * USDC)


def test_take_way__empty_book__nothing_moved() -> None:
    assert take_way(ETH, (), Side.BUY, ONE_ETH, 3_010_000_000, ETH_PRICE, 0).value == 0


def test_swap_output__no_liquidity__nothing() -> None:
    assert swap_output(pool_seen(1, liquidity=0), True, USDC) == 0


@pytest.mark.parametrize("zero_for_one", [True, False])
def test_pool_way__deep_pool__costs_its_fee_and_the_gas(zero_for_one: bool) -> None:
    seen = pool_seen(1, liquidity=10**22)
    mark = mark_sqrt_price(pool_settings(), seen)
    amount = 3_000 * USDC if zero_for_one else 10**18

    way = pool_way(pool_settings(), seen, mark, zero_for_one, amount, ONE_ETH, 7)

    assert way.kind == SWAP
    assert abs(way.value - 3_000 * USDC) <= 1
    assert abs(way.cost - 1_500_007) < 50


def test_pool_way__own_liquidity__its_share_of_the_fee_comes_back() -> None:
    spot = pool_seen(1)
    ours = RangeState(tick_lower=spot.tick - 60, tick_upper=spot.tick + 60, liquidity=5 * 10**21)
    seen = pool_seen(1, liquidity=10**22, ranges=(ours,))
    mark = mark_sqrt_price(pool_settings(), seen)

    way = pool_way(pool_settings(), seen, mark, True, 3_000 * USDC, ONE_ETH, 0)

    assert abs(way.cost - 750_000) < 50


def test_wait_way__grows_from_the_edge_of_the_band() -> None:
    assert wait_way(1_000, 1_000, 5_000).cost == 0
    assert wait_way(2_000_000, 1_000_000, 5_000) == Way(
        kind=WAIT, quantums=0, value=1_000_000, cost=5_000
    )
    assert wait_way(100, 0, 5_000).cost == 1


def test_cheapest__exhaustive_comparison__least_cost_per_value() -> None:
    rng = random.Random(3)
    for _ in range(500):
        ways = tuple(
            Way(kind=str(i), quantums=1, value=rng.randint(0, 9), cost=rng.randint(-9, 9))
            for i in range(3)
        )
        movable = [way for way in ways if way.value > 0]

        best = cheapest(ways)

        if not movable:
            assert best is None
            continue
        assert best is not None
        assert all(best.cost * way.value <= way.cost * best.value for way in movable)


def test_band_excess__beyond_the_band__down_to_half_of_it() -> None:
    settings = market_settings(inventory_band_quote_quantums=6_000 * USDC)

    assert band_excess(ETH, settings, 2 * ONE_ETH, ETH_PRICE) == 0
    assert band_excess(ETH, settings, -3 * ONE_ETH, ETH_PRICE) == 2 * ONE_ETH


@pytest.mark.parametrize(
    ("position", "pool", "expected"),
    [(5, 0, -5), (-5, 0, 5), (-5, 5, 0), (-5, 3, 2), (-5, 9, 0), (5, 3, -5), (0, 7, 0), (0, 0, 0)],
)
def test_flattening__keeps_what_still_hedges(position: int, pool: int, expected: int) -> None:
    assert flattening(position, pool) == expected


def test_hedge_order__large__cut_to_the_order_limit_at_the_slippage_price() -> None:
    settings = market_settings(hedge_max_slippage_ppm=5_000)

    buy = hedge_order(ETH, settings, LIMITS, 50 * ONE_ETH, ETH_PRICE, reduce_only=False)
    sell = hedge_order(ETH, settings, LIMITS, -ONE_ETH, ETH_PRICE, reduce_only=True)

    assert buy is not None
    assert (buy.side, buy.quantums, buy.worst_subticks) == (Side.BUY, 6_633_000_000, 3_015_000_000)
    assert sell is not None
    assert (sell.side, sell.quantums, sell.worst_subticks) == (
        Side.SELL,
        ONE_ETH,
        2_985_000_000,
    )
    assert sell.reduce_only


def test_hedge_order__below_a_step__none() -> None:
    assert hedge_order(ETH, market_settings(), LIMITS, 999_999, ETH_PRICE, reduce_only=True) is None


def _capital(**changes: Any) -> Capital:
    fields: dict[str, Any] = {
        "nav": 1_000_000 * USDC,
        "idle": 1_000_000 * USDC,
        "owed": 0,
        "outgoing": 0,
        "clob": 0,
        "clob_homing": 0,
        "pools": ((POOL, 0),),
        "venue_cap_bps": 5_000,
        "min_on_chain_bps": 3_000,
    }
    return Capital(**{**fields, **changes})


def test_plan_transfers__no_nav__nothing() -> None:
    assert plan_transfers(_capital(nav=0), ALLOCATION) == ()


def test_plan_transfers__at_target__nothing() -> None:
    at_target = _capital(idle=450_000 * USDC, clob=350_000 * USDC, pools=((POOL, 200_000 * USDC),))

    assert plan_transfers(at_target, ALLOCATION) == ()


def test_plan_transfers__far_above_target__excess_comes_home() -> None:
    heavy = _capital(idle=300_000 * USDC, clob=500_000 * USDC, pools=((POOL, 200_000 * USDC),))

    assert plan_transfers(heavy, ALLOCATION) == (Transfer(adapter=CLOB, assets=-150_000 * USDC),)


def test_plan_transfers__shortage_homing_already__not_asked_twice() -> None:
    short = _capital(idle=0, owed=50_000 * USDC, clob=400_000 * USDC, clob_homing=50_000 * USDC)

    assert plan_transfers(short, ALLOCATION) == ()


def _short(**changes: Any) -> Capital:
    fields: dict[str, Any] = {
        "nav": 400_000 * USDC,
        "idle": 0,
        "owed": 350_000 * USDC,
        "clob": 100_000 * USDC,
        "pools": ((POOL, 300_000 * USDC),),
    }
    return _capital(**{**fields, **changes})


def test_plan_transfers__shortage__pool_first_then_clob() -> None:
    moves = plan_transfers(_short(), ALLOCATION)

    assert moves == (
        Transfer(adapter=POOL, assets=-300_000 * USDC),
        Transfer(adapter=CLOB, assets=-50_000 * USDC),
    )


def test_plan_transfers__shortage_the_pool_can_pay__clob_left_alone() -> None:
    moves = plan_transfers(_short(owed=250_000 * USDC), ALLOCATION)

    assert moves == (Transfer(adapter=POOL, assets=-250_000 * USDC),)


def test_plan_transfers__pool_stuck__clob_first() -> None:
    moves = plan_transfers(_short(stuck=frozenset({POOL})), ALLOCATION)

    assert moves == (
        Transfer(adapter=CLOB, assets=-100_000 * USDC),
        Transfer(adapter=POOL, assets=-250_000 * USDC),
    )


def test_plan_transfers__shortage_beyond_everything__all_there_is_and_nothing_out() -> None:
    moves = plan_transfers(_short(owed=900_000 * USDC, clob_homing=30_000 * USDC), ALLOCATION)

    assert moves == (
        Transfer(adapter=POOL, assets=-300_000 * USDC),
        Transfer(adapter=CLOB, assets=-70_000 * USDC),
    )


def test_plan_transfers__random_capital__caps_hold_and_owed_is_kept() -> None:
    rng = random.Random(5)
    for _ in range(1_000):
        capital = _capital(
            idle=rng.randint(0, 10**12),
            owed=rng.choice((0, rng.randint(0, 10**12))),
            outgoing=rng.choice((0, rng.randint(0, 10**11))),
            clob=rng.randint(0, 10**12),
            clob_homing=rng.choice((0, rng.randint(0, 10**11))),
            pools=((POOL, rng.randint(0, 10**12)),),
            venue_cap_bps=rng.randint(0, 10_000),
            min_on_chain_bps=rng.randint(0, 10_000),
        )

        moves = plan_transfers(capital, ALLOCATION)

        out = sum(move.assets for move in moves if move.assets > 0)
        to_clob = sum(m.assets for m in moves if m.assets > 0 and m.adapter == CLOB)
        assert out <= max(0, capital.idle - capital.owed - capital.outgoing)
        if to_clob:
            on_chain = capital.idle - capital.outgoing + capital.pools[0][1] - to_clob
            assert (capital.clob + to_clob) * 10_000 <= capital.nav * capital.venue_cap_bps
            assert on_chain * 10_000 >= capital.nav * capital.min_on_chain_bps
