"""Uniswap v3 maths: bounds, rounding directions against exact fractions, and errors."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.markets import univ3
from keeper.markets.univ3 import (
    MAX_SQRT_PRICE,
    MAX_TICK,
    MIN_SQRT_PRICE,
    MIN_TICK,
    Q96,
    PriceOutOfRange,
    TickOutOfRange,
)

ticks = st.integers(MIN_TICK, MAX_TICK)
prices = st.integers(MIN_SQRT_PRICE, MAX_SQRT_PRICE - 1)
liquidities = st.integers(1, 2**100)
amounts = st.integers(1, 2**100)
near_ticks = st.integers(-250_000, 250_000)


def test_sqrt_price_at_tick__bounds__are_the_pools() -> None:
    assert univ3.sqrt_price_at_tick(MIN_TICK) == MIN_SQRT_PRICE
    assert univ3.sqrt_price_at_tick(MAX_TICK) == MAX_SQRT_PRICE
    assert univ3.sqrt_price_at_tick(0) == Q96


@pytest.mark.parametrize("tick", [MIN_TICK - 1, MAX_TICK + 1])
def test_sqrt_price_at_tick__beyond_bounds__raises(tick: int) -> None:
    with pytest.raises(TickOutOfRange):
        univ3.sqrt_price_at_tick(tick)


@given(tick=ticks)
def test_sqrt_price_at_tick__any_tick__is_the_power_of_1_0001(tick: int) -> None:
    with localcontext() as context:
        context.prec = 80
        exact = Decimal("1.0001") ** tick
        root = exact.sqrt() * Q96

        error = abs(univ3.sqrt_price_at_tick(tick) - root)

        # Twenty products and one inversion, each losing at most one unit of 2**-128.
        assert error <= 1 + 40 * root * max(1, root / Q96) / 2**128


@given(tick=st.integers(MIN_TICK, MAX_TICK - 1))
def test_tick_at_sqrt_price__price_of_a_tick__is_that_tick(tick: int) -> None:
    price = univ3.sqrt_price_at_tick(tick)

    assert univ3.tick_at_sqrt_price(price) == tick
    if tick > MIN_TICK:
        assert univ3.tick_at_sqrt_price(price - 1) == tick - 1


@given(price=prices)
def test_tick_at_sqrt_price__any_price__is_the_greatest_tick_below(price: int) -> None:
    tick = univ3.tick_at_sqrt_price(price)

    assert univ3.sqrt_price_at_tick(tick) <= price < univ3.sqrt_price_at_tick(tick + 1)


@pytest.mark.parametrize("price", [MIN_SQRT_PRICE - 1, MAX_SQRT_PRICE])
def test_tick_at_sqrt_price__beyond_bounds__raises(price: int) -> None:
    with pytest.raises(PriceOutOfRange):
        univ3.tick_at_sqrt_price(price)


@given(a=prices, b=prices, liquidity=liquidities)
def test_amounts__any_span__are_floor_and_ceiling_of_the_exact(
    a: int, b: int, liquidity: int
) -> None:
    low, high = min(a, b), max(a, b)
    exact0 = Fraction(liquidity * Q96 * (high - low), high * low)
    exact1 = Fraction(liquidity * (high - low), Q96)

    assert univ3.amount0_down(a, b, liquidity) == exact0.__floor__()
    assert univ3.amount0_up(a, b, liquidity) == exact0.__ceil__()
    assert univ3.amount1_down(a, b, liquidity) == exact1.__floor__()
    assert univ3.amount1_up(a, b, liquidity) == exact1.__ceil__()


@given(at=near_ticks, lower=near_ticks, width=st.integers(1, 50_000), liquidity=liquidities)
def test_amounts_down__range__holds_one_token_outside_and_both_inside(
    at: int, lower: int, width: int, liquidity: int
) -> None:
    bounds = univ3.sqrt_price_at_tick(lower), univ3.sqrt_price_at_tick(lower + width)
    price = univ3.sqrt_price_at_tick(at)

    held = univ3.amounts_down(price, *bounds, liquidity)
    cost = univ3.amounts_up(price, *bounds, liquidity)

    if at <= lower:
        assert held[1] == cost[1] == 0
    if at >= lower + width:
        assert held[0] == cost[0] == 0
    assert 0 <= cost[0] - held[0] <= 1
    assert 0 <= cost[1] - held[1] <= 1


@given(
    at=near_ticks,
    lower=near_ticks,
    width=st.integers(1, 50_000),
    amount0=amounts,
    amount1=amounts,
)
def test_liquidity_for_amounts_down__any_amounts__is_the_most_they_pay_for(
    at: int, lower: int, width: int, amount0: int, amount1: int
) -> None:
    bounds = univ3.sqrt_price_at_tick(lower), univ3.sqrt_price_at_tick(lower + width)
    price = univ3.sqrt_price_at_tick(at)

    liquidity = univ3.liquidity_for_amounts_down(price, *bounds, amount0, amount1)

    cost = univ3.amounts_up(price, *bounds, liquidity)
    more = univ3.amounts_up(price, *bounds, liquidity + 1)
    assert cost[0] <= amount0
    assert cost[1] <= amount1
    assert more[0] > amount0 or more[1] > amount1


@given(
    tick=near_ticks, move=st.integers(-5_000, 5_000), liquidity=liquidities,
    remaining=amounts, fee=st.sampled_from((100, 500, 3_000, 10_000)),
)  # fmt: skip
def test_swap_step__exact_input__spends_no_more_and_stays_within_the_target(
    tick: int, move: int, liquidity: int, remaining: int, fee: int
) -> None:
    start, target = univ3.sqrt_price_at_tick(tick), univ3.sqrt_price_at_tick(tick + move)

    step = univ3.swap_step(start, target, liquidity, remaining, fee)

    assert step.amount_in + step.fee <= remaining
    assert min(start, target) <= step.sqrt_price <= max(start, target)
    if step.sqrt_price != target:
        assert step.amount_in + step.fee == remaining
    assert step.fee * (10**6 - fee) >= step.amount_in * fee


@given(
    tick=near_ticks, move=st.integers(-5_000, 5_000), liquidity=liquidities, wanted=amounts,
)  # fmt: skip
def test_swap_step__exact_output__pays_no_more_than_wanted(
    tick: int, move: int, liquidity: int, wanted: int
) -> None:
    start, target = univ3.sqrt_price_at_tick(tick), univ3.sqrt_price_at_tick(tick + move)

    step = univ3.swap_step(start, target, liquidity, -wanted, 3_000)

    assert step.amount_out <= wanted
    if step.sqrt_price != target:
        assert step.amount_out == wanted
    assert step.fee == univ3.ceil_div(step.amount_in * 3_000, 997_000)


def test_next_sqrt_price_from_input__product_beyond_256_bits__takes_the_other_form() -> None:
    price, liquidity, amount = 2**159, 2**127, 2**100

    after = univ3.next_sqrt_price_from_input(price, liquidity, amount, True)

    numerator = liquidity << 96
    assert after == univ3.ceil_div(numerator, numerator // price + amount)


def test_next_sqrt_price_from_output__more_token0_than_held__raises() -> None:
    with pytest.raises(PriceOutOfRange):
        univ3.next_sqrt_price_from_output(Q96, 1_000, 1_000, False)


def test_next_sqrt_price_from_output__more_token1_than_held__raises() -> None:
    with pytest.raises(PriceOutOfRange):
        univ3.next_sqrt_price_from_output(Q96, 1_000, 1_000, True)


def test_sqrt_price_down__usdc_and_weth__is_the_price() -> None:
    price = univ3.sqrt_price_down(10**18, 3_000 * 10**6)

    assert price == 4339505179874779489431521
    assert univ3.quote0_in_1_down(10**18, price) in (2_999_999_999, 3_000_000_000)


@given(price=prices, amount=st.integers(0, 2**80))
def test_quotes__any_price__never_exceed_the_exact_worth(price: int, amount: int) -> None:
    exact = Fraction(price * price, 2**192)

    assert univ3.quote0_in_1_down(amount, price) <= amount * exact
    assert univ3.quote1_in_0_down(amount, price) <= amount / exact


@given(tick=near_ticks, limit=st.integers(3, 1_000))
def test_deviates__prices_apart__compares_to_the_lower(tick: int, limit: int) -> None:
    low = univ3.sqrt_price_at_tick(tick)
    far, near = limit + 2, limit - 2

    def above(bps: int) -> int:
        return univ3.sqrt_price_down(10**22 * 10_000, (low * low * 10**22 >> 192) * (10_000 + bps))

    if low * low * 10**22 >> 192 > 10**8:  # below, the price itself is too coarse to be tested
        assert univ3.deviates(low, above(far), limit)
        assert univ3.deviates(above(far), low, limit)
        assert not univ3.deviates(low, above(near), limit)
        assert not univ3.deviates(low, low, limit)


@pytest.mark.parametrize(
    ("end", "mean"), [(1_800 * 7, 7), (1_800 * 7 + 1_799, 7), (-1, -1), (-1_800, -1), (-1_801, -2)]
)
def test_mean_tick_down__any_sign__rounds_towards_minus_infinity(end: int, mean: int) -> None:
    assert univ3.mean_tick_down(0, end, 1_800) == mean
