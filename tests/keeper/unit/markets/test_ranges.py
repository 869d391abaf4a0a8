"""Pool holdings as asset and base, both token orders; perpetual arithmetic at odd exponents."""

from msgspec.structs import replace

from keeper.domain.events import RangeState
from keeper.domain.orders import Side
from keeper.markets.perpetual import (
    bounded_price,
    fill_cost,
    multiple_down,
    multiple_up,
    quantums_for_value_down,
    value_abs_up,
    value_trunc,
)
from keeper.markets.ranges import (
    asset_of,
    base_of,
    base_value_down,
    fair_output,
    greatest_cost,
    holdings,
    least_output,
    least_proceeds,
    mark_sqrt_price,
    moved,
    price_gap_ppm,
)
from keeper.markets.univ3 import amounts_up, sqrt_price_at_tick, tick_at_sqrt_price
from tests.keeper.builders import (
    ETH_PRICE,
    ONE_ETH,
    USDC,
    pool_seen,
    pool_settings,
)
from tests.keeper.markets import ETH

TOKEN0 = pool_settings()
TOKEN1 = pool_settings(asset_is_token0=False)
ONE_WETH = 10**18


def test_mark_sqrt_price__both_token_orders__reciprocal() -> None:
    seen = pool_seen(1)

    low, high = mark_sqrt_price(TOKEN1, seen), mark_sqrt_price(TOKEN0, seen)

    # 3000 USDC units per 1e12 WETH units: the product of both roots is 2^192.
    assert abs(low * high - 2**192) * 10**9 < 2**192
    assert mark_sqrt_price(TOKEN0, replace(seen, mark_price=0)) == 0


def test_base_value_down__one_weth__three_thousand() -> None:
    seen = pool_seen(1)

    assert abs(base_value_down(TOKEN0, ONE_WETH, mark_sqrt_price(TOKEN0, seen)) - 3_000 * USDC) <= 1
    assert abs(base_value_down(TOKEN1, ONE_WETH, mark_sqrt_price(TOKEN1, seen)) - 3_000 * USDC) <= 1


def test_asset_of_and_base_of__follow_the_order() -> None:
    assert (asset_of(TOKEN0, (1, 2)), base_of(TOKEN0, (1, 2))) == (1, 2)
    assert (asset_of(TOKEN1, (1, 2)), base_of(TOKEN1, (1, 2))) == (2, 1)


def test_holdings__two_ranges__summed() -> None:
    seen = pool_seen(1)
    entry = RangeState(tick_lower=190_000, tick_upper=200_000, liquidity=10**15)

    one = holdings((entry,), seen.sqrt_price_x96)

    assert holdings((entry, entry), seen.sqrt_price_x96) == (2 * one[0], 2 * one[1])
    assert holdings((), seen.sqrt_price_x96) == (0, 0)


def test_least_proceeds_and_greatest_cost__bound_every_price_within_the_slippage() -> None:
    seen = pool_seen(1)
    entry = RangeState(tick_lower=194_000, tick_upper=198_000, liquidity=10**15)
    least = least_proceeds(seen.sqrt_price_x96, entry, 5_000)
    most = greatest_cost(seen.sqrt_price_x96, entry, 5_000)
    lower, upper = sqrt_price_at_tick(194_000), sqrt_price_at_tick(198_000)

    for ppm in range(-5_000, 5_001, 500):
        price = moved(seen.sqrt_price_x96, ppm)
        out = holdings((entry,), price)
        cost = amounts_up(price, lower, upper, entry.liquidity)

        assert out[0] >= least[0]
        assert out[1] >= least[1]
        assert cost[0] <= most[0]
        assert cost[1] <= most[1]


def test_least_output__fee_and_slippage_taken_off_the_mark() -> None:
    seen = pool_seen(1)
    mark = mark_sqrt_price(TOKEN0, seen)

    bought = least_output(TOKEN0, seen, mark, True, 3_000 * USDC)
    sold = least_output(TOKEN0, seen, mark, False, ONE_WETH)

    assert abs(bought - ONE_WETH * 9_945 // 10_000) < 10**10
    assert abs(sold - 3_000 * USDC * 9_945 // 10_000) <= 2


def test_fair_output__either_side__is_fee_and_30_bps_off_the_mark_rounded_up() -> None:
    seen = pool_seen(1)
    mark = mark_sqrt_price(TOKEN0, seen)
    worth = base_value_down(TOKEN0, ONE_WETH, mark)

    fair = fair_output(TOKEN0, seen, mark, ONE_WETH)

    assert fair == -(-worth * 9_965 // 10_000) + 1
    assert worth - fair < worth * 35 / 10_000


def test_price_gap_ppm__one_percent() -> None:
    low = sqrt_price_at_tick(100)

    assert price_gap_ppm(low, low) == 0
    assert 9_900 < price_gap_ppm(moved(low, 10_000), low) < 10_100
    assert tick_at_sqrt_price(moved(low, 10_000)) in (198, 199)


def test_values__truncated_as_the_venue_does_and_rounded_up_where_it_limits() -> None:
    assert value_trunc(ETH, 1, ETH_PRICE) == 3  # 1e-9 ETH at 3000 is 3 quote quantums
    assert value_trunc(ETH, -1, ETH_PRICE - 1) == -2
    assert value_abs_up(ETH, -1, ETH_PRICE - 1) == 3


def test_quantums_for_value_down__coarse_market__exponent_not_negative() -> None:
    coarse = replace(ETH, oracle_exponent=0, atomic_resolution=0, step_base_quantums=1)

    assert quantums_for_value_down(coarse, 7_000_000_000, 3_000) == 2


def test_bounded_price__inwards_to_the_tick() -> None:
    assert bounded_price(ETH, 3_000_010_000, Side.BUY, 1_000) == 3_003_000_000
    assert bounded_price(ETH, 3_000_010_000, Side.SELL, 1_000) == 2_997_100_000
    assert bounded_price(ETH, 3_000_010_000, Side.SELL, 1_000_000) == ETH.subticks_per_tick


def test_fill_cost__only_a_bad_price_costs() -> None:
    assert fill_cost(ETH, Side.BUY, ONE_ETH, 3_010_000_000, ETH_PRICE) == 10 * USDC
    assert fill_cost(ETH, Side.BUY, ONE_ETH, 2_990_000_000, ETH_PRICE) == 0
    assert fill_cost(ETH, Side.SELL, ONE_ETH, 2_990_000_000, ETH_PRICE) == 10 * USDC
    assert fill_cost(ETH, Side.SELL, 0, 2_990_000_000, ETH_PRICE) == 0


def test_multiples__down_and_up() -> None:
    assert (multiple_down(17, 5), multiple_up(17, 5), multiple_up(15, 5)) == (15, 20, 15)
