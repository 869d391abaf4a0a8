"""Pool curves on a book: every order takes what the pool would, to the unit."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from keeper.domain.orders import Side
from keeper.domain.strategies import ConstantProductParams, RangeOnBookParams
from keeper.markets.univ3 import amount0_down, sqrt_price_down
from keeper.strategies import curve
from keeper.strategies.curve import Curve, curve_of
from tests.keeper.unit.strategies.scenes import (
    ETHER,
    USDC,
    prices,
    quotes_of,
    refusal,
    snapshot,
)

POOL = ConstantProductParams(
    layers=3,
    order_size_quote_quantums=3_000 * USDC,
    reserves_quote_quantums=60_000 * USDC,
    fee_ppm=3_000,
)
"""10 ether and 30,000 USDC at 3,000, one ether an order, 0.3 %."""
RANGE = RangeOnBookParams(
    layers=4,
    order_size_quote_quantums=3_000 * USDC,
    reserves_quote_quantums=60_000 * USDC,
    fee_ppm=0,
    width_ppm=210_000,
)
"""g = 1.1: the virtual reserve is 10 * 11 = 110 ether, the range from 100 to 121 of it."""


def test_quote__constant_product__worked_example() -> None:
    """k = 300,000: selling 1 of 10 takes 300,000/90 = 3,333.33, buying one 300,000/110 = 2,727.27;
    then 300,000/72 = 4,166.67 and 300,000/132 = 2,272.73, and so on, all before the fee."""
    free = curve.quote(replace(POOL, fee_ppm=0), snapshot())

    assert prices(free, Side.SELL) == [3_333_334_000, 4_166_667_000, 5_357_143_000]
    assert prices(free, Side.BUY) == [2_727_272_000, 2_272_727_000, 1_923_076_000]
    assert {quote.quantums for quote in quotes_of(free)} == {ETHER}


def test_quote__fee__taken_from_what_comes_in() -> None:
    """3,333.33/0.997 = 3,343.3634 up and 2,727.27*0.997 = 2,719.0909 down."""
    answer = curve.quote(POOL, snapshot())

    assert prices(answer, Side.SELL)[0] == 3_343_364_000
    assert prices(answer, Side.BUY)[0] == 2_719_090_000


def test_quote__after_a_layer_filled__continues_along_the_curve() -> None:
    before = curve.quote(replace(POOL, fee_ppm=0), snapshot())
    after = curve.quote(replace(POOL, fee_ppm=0), snapshot(inventory=-ETHER))

    assert prices(after, Side.SELL)[:2] == prices(before, Side.SELL)[1:]
    # What was just sold is bought back at the same price, but for the direction of rounding.
    assert prices(after, Side.BUY)[0] == prices(before, Side.SELL)[0] - 1_000


@settings(deadline=None)
@given(orders=st.integers(-8, 30), layers=st.integers(1, 5))
def test_prices__any_inventory__product_of_reserves_is_kept(orders: int, layers: int) -> None:
    shape = Curve(rest=10 * ETHER, least=1, most=None)

    for layer, (ask, bid) in enumerate(curve.prices(shape, orders * ETHER, ETHER, layers)):
        for price, sign in ((ask, -1), (bid, 1)):
            if price is None:
                continue
            base = 10 + orders + sign * layer
            quote = Fraction(100, base)  # in units of the price at rest
            assert (base + sign) * (quote - sign * price) == 100


def test_quote__range__ends_where_the_range_does() -> None:
    """110 down to 100 leaves room for 10 asks, up to 121 for 11 bids, of one ether each."""
    deep = curve.quote(replace(RANGE, layers=20), snapshot())

    asks, bids = prices(deep, Side.SELL), prices(deep, Side.BUY)
    assert (len(asks), len(bids)) == (10, 11)
    assert asks[-1] < 3_000 * USDC * 121 // 100
    assert bids[-1] > 3_000 * USDC * 100 // 121
    assert asks[0] == 3_027_523_000  # 3,000 * 110/109 = 3,027.5229...
    assert bids[0] == 2_972_972_000  # 3,000 * 110/111 = 2,972.9729...


def test_quote__range_all_sold__base_of_the_pool_to_the_unit() -> None:
    """From 3,000 to 3,630 a v3 range of that liquidity holds what all the asks sell."""
    shape = curve_of(RANGE, snapshot())
    low, high = sqrt_price_down(1, 3_000), sqrt_price_down(1, 3_630)
    liquidity = shape.rest * low >> 96

    held = amount0_down(low, high, liquidity)

    assert shape.rest - shape.least == pytest.approx(held, abs=3)
    assert (shape.rest, shape.least, shape.most) == (110 * ETHER, 100 * ETHER, 121 * ETHER)


@pytest.mark.parametrize(("inventory", "limit"), [(-10 * ETHER - 1, 100), (11 * ETHER + 1, 121)])
def test_quote__inventory_beyond_the_range__refused(inventory: int, limit: int) -> None:
    found = refusal(curve.quote(RANGE, snapshot(inventory=inventory)))

    assert found.code == "INVENTORY_BEYOND_CURVE"
    assert (found.limit, found.value) == (limit * ETHER, 110 * ETHER + inventory)


def test_quote__all_base_sold__refused() -> None:
    found = refusal(curve.quote(POOL, snapshot(inventory=-10 * ETHER)))

    assert (found.code, found.limit, found.value) == ("INVENTORY_BEYOND_CURVE", 1, 0)


def test_quote__size_below_the_step__nothing() -> None:
    assert curve.quote(replace(POOL, order_size_quote_quantums=1), snapshot()) == ()


pools = st.builds(
    ConstantProductParams,
    layers=st.integers(1, 4),
    order_size_quote_quantums=st.integers(10 * USDC, 1_000 * USDC),
    reserves_quote_quantums=st.integers(50_000 * USDC, 10**6 * USDC),
    fee_ppm=st.integers(0, 10_000),
)
ranges = st.builds(
    RangeOnBookParams,
    layers=st.integers(1, 4),
    order_size_quote_quantums=st.integers(10 * USDC, 1_000 * USDC),
    reserves_quote_quantums=st.integers(50_000 * USDC, 10**6 * USDC),
    fee_ppm=st.integers(0, 10_000),
    width_ppm=st.integers(1_000, 10**6),
)


@settings(deadline=None)
@given(
    params=st.one_of(pools, ranges),
    inventory=st.integers(-3 * ETHER, 3 * ETHER),
    more=st.integers(0, ETHER),
)
def test_quote__any_parameters__monotone_in_inventory_and_never_crossed(
    params: ConstantProductParams | RangeOnBookParams, inventory: int, more: int
) -> None:
    less = curve.quote(params, snapshot(inventory=inventory))
    then = curve.quote(params, snapshot(inventory=inventory + more))

    if not isinstance(less, tuple) or not isinstance(then, tuple):
        return
    for side in Side:
        for before, after in zip(prices(less, side), prices(then, side), strict=False):
            assert after <= before
    for answer in (less, then):
        asks, bids = prices(answer, Side.SELL), prices(answer, Side.BUY)
        if asks and bids:
            assert min(asks) - max(bids) >= 1_000


def test_problems__each_broken_field__named() -> None:
    broken = RangeOnBookParams(
        layers=0,
        order_size_quote_quantums=0,
        reserves_quote_quantums=0,
        fee_ppm=10**6,
        width_ppm=0,
    )

    assert len(curve.problems(broken)) == 5
    assert curve.problems(POOL) == curve.problems(RANGE) == ()


def test_problems__layers_worth_the_reserve__named() -> None:
    (text,) = curve.problems(replace(POOL, layers=10))

    assert "as much as the reserve" in text
