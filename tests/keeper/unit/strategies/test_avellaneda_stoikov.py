"""Avellaneda and Stoikov (2008) against its formulas in decimals of 60 digits."""

from decimal import Decimal, getcontext
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from keeper.domain.orders import Side, TimeInForce
from keeper.domain.strategies import AvellanedaStoikovParams
from keeper.strategies import avellaneda_stoikov
from keeper.strategies.avellaneda_stoikov import (
    finite_distance,
    infinite_distances,
    interpolated,
    premium,
)
from tests.keeper.unit.strategies.scenes import (
    ETHER,
    USDC,
    down_to_tick,
    prices,
    quotes_of,
    require_mirrored,
    require_monotone,
    snapshot,
    up_to_tick,
)

getcontext().prec = 60
UNIT = 10**18
DAY = 86_400
PAPER = AvellanedaStoikovParams(
    layers=1,
    layer_step_ppm=0,
    order_size_quote_quantums=3_000 * USDC,
    gamma_e9=10_000,
    k_e9=150_000,
    volatility_ppm=20_000,
    horizon_seconds=DAY,
    max_inventory_orders=10,
)
"""The paper's s=100, sigma=2, gamma=0.1, k=1.5, T=1 in ppm of the price and days; one order is one
unit of the base at 3,000 USDC."""
INFINITE = replace(PAPER, horizon_seconds=0)
GAMMA, K, SIGMA = Decimal("0.1"), Decimal("1.5"), Decimal(2)
EDGE = (1 + GAMMA / K).ln() / GAMMA


def at_3000(offset: Decimal) -> Decimal:
    """A distance in the paper's price of 100, as a distance at 3,000."""
    return offset * 30


def test_premium__the_papers_figures__spread_of_the_inventory_strategy() -> None:
    """Table 1: spread 1.49, the mean of gamma*sigma^2*(T-t) being 0.2."""
    found = premium(Fraction(1, 10), Fraction(3, 2), UNIT)

    assert Decimal(found - 1) / UNIT < EDGE <= Decimal(found) / UNIT
    assert round(2 * EDGE + Decimal("0.2"), 2) == Decimal("1.49")


@pytest.mark.parametrize("orders", [-9, -3, 0, 1, 2, 9])
@pytest.mark.parametrize("gone_s", [0, 21_600, 86_399])
def test_quote__finite_horizon__the_papers_prices_to_the_tick(orders: int, gone_s: int) -> None:
    left = Decimal(DAY - gone_s) / DAY
    risk = GAMMA * SIGMA**2 * left
    reservation = 3_000 - at_3000(orders * risk)
    half = at_3000(risk / 2 + EDGE)

    seen = snapshot(inventory=orders * ETHER, now_s=20_000 * DAY + gone_s)
    answer = avellaneda_stoikov.quote(PAPER, seen)

    assert prices(answer, Side.SELL) == [up_to_tick(reservation + half)]
    assert prices(answer, Side.BUY) == [down_to_tick(reservation - half)]
    assert {quote.quantums for quote in quotes_of(answer)} == {ETHER}
    assert {quote.time_in_force for quote in quotes_of(answer)} == {TimeInForce.POST_ONLY}


@pytest.mark.parametrize("orders", range(-9, 10))
def test_quote__infinite_horizon__the_papers_prices_to_the_tick(orders: int) -> None:
    omega = GAMMA**2 * SIGMA**2 * 11**2 / 2
    below = 2 * omega - GAMMA**2 * orders**2 * SIGMA**2
    ask_ln = (1 + (1 - 2 * orders) * GAMMA**2 * SIGMA**2 / below).ln() / GAMMA
    bid_ln = (1 + (-1 - 2 * orders) * GAMMA**2 * SIGMA**2 / below).ln() / GAMMA

    answer = avellaneda_stoikov.quote(INFINITE, snapshot(inventory=orders * ETHER))

    assert prices(answer, Side.SELL) == [up_to_tick(3_000 + at_3000(ask_ln + EDGE))]
    assert prices(answer, Side.BUY) == [down_to_tick(3_000 + at_3000(bid_ln - EDGE))]


@pytest.mark.parametrize("params", [PAPER, INFINITE])
def test_quote__at_the_most_inventory__only_the_reducing_side(
    params: AvellanedaStoikovParams,
) -> None:
    long = avellaneda_stoikov.quote(params, snapshot(inventory=10 * ETHER))
    short = avellaneda_stoikov.quote(params, snapshot(inventory=-25 * ETHER))

    assert [quote.side for quote in quotes_of(long)] == [Side.SELL]
    assert [quote.side for quote in quotes_of(short)] == [Side.BUY]


def test_quote__layers__each_farther_by_the_step() -> None:
    answer = avellaneda_stoikov.quote(replace(PAPER, layers=3, layer_step_ppm=100), snapshot())

    asks, bids = prices(answer, Side.SELL), prices(answer, Side.BUY)
    assert [b - a for a, b in pairwise(asks)] == [300_000, 300_000]
    assert [a - b for a, b in pairwise(bids)] == [300_000, 300_000]


def test_quote__size_below_the_step__nothing() -> None:
    assert avellaneda_stoikov.quote(replace(PAPER, order_size_quote_quantums=1), snapshot()) == ()


def test_finite_distance__opposite_inventory__the_other_side() -> None:
    """r + spread/2 at q is as far from s as r - spread/2 at -q."""
    risk, edge = Fraction(2, 5), premium(Fraction(1, 10), Fraction(3, 2), UNIT)

    bid = finite_distance(risk, edge, Fraction(3), UNIT)
    ask = finite_distance(risk, edge, Fraction(-3), UNIT)

    assert bid - edge == UNIT * 2 // 5 * 7 // 2
    assert ask - edge == -UNIT * 2 // 5 * 5 // 2


def test_infinite_distances__at_the_most__no_bid() -> None:
    assert infinite_distances(Fraction(1, 10), Fraction(3, 2), 10, 10, UNIT)[1] is None


@settings(deadline=None)
@given(inventory=st.integers(-12, 12), rest=st.integers(0, 6))
def test_interpolated__between_whole_inventories__between_their_rows(
    inventory: int, rest: int
) -> None:
    rows = (-30, -10, 5, 40)  # q = -2..1

    found = interpolated(rows, inventory * 7 + rest, 7)

    if inventory < -2:
        assert found == rows[0]
    elif inventory > 1 or (inventory == 1 and rest):
        assert found is None
    else:
        here = rows[inventory + 2]
        exact = here if rest == 0 else here + Fraction((rows[inventory + 3] - here) * rest, 7)
        assert found is not None
        assert exact <= found < exact + 1


params_drawn = st.builds(
    AvellanedaStoikovParams,
    layers=st.integers(1, 3),
    layer_step_ppm=st.integers(1, 500),
    order_size_quote_quantums=st.integers(10 * USDC, 5_000 * USDC),
    gamma_e9=st.integers(1, 50_000),
    k_e9=st.integers(100_000, 10_000_000),
    volatility_ppm=st.integers(1, 40_000),
    horizon_seconds=st.sampled_from([0, 600, DAY]),
    max_inventory_orders=st.integers(1, 20),
)


@settings(deadline=None)
@given(params=params_drawn, inventory=st.integers(-20, 20), more=st.integers(0, 5 * ETHER))
def test_quote__any_parameters__monotone_in_inventory_and_never_crossed(
    params: AvellanedaStoikovParams, inventory: int, more: int
) -> None:
    less = avellaneda_stoikov.quote(params, snapshot(inventory=inventory * ETHER, now_s=100))
    then = avellaneda_stoikov.quote(params, snapshot(inventory=inventory * ETHER + more, now_s=100))

    require_monotone(less, then)


@settings(deadline=None)
@given(params=params_drawn, inventory=st.integers(0, 20 * ETHER))
def test_quote__finite_horizon_mirrored_inventory__mirrored_distances(
    params: AvellanedaStoikovParams, inventory: int
) -> None:
    mirrored = replace(params, horizon_seconds=DAY, layers=1)
    long = avellaneda_stoikov.quote(mirrored, snapshot(inventory=inventory, now_s=7))
    short = avellaneda_stoikov.quote(mirrored, snapshot(inventory=-inventory, now_s=7))

    require_mirrored(long, short)


def test_problems__each_broken_field__named() -> None:
    broken = AvellanedaStoikovParams(
        layers=0,
        layer_step_ppm=-1,
        order_size_quote_quantums=0,
        gamma_e9=0,
        k_e9=0,
        volatility_ppm=0,
        horizon_seconds=-1,
        max_inventory_orders=0,
    )

    assert len(avellaneda_stoikov.problems(broken)) == 8
    assert avellaneda_stoikov.problems(PAPER) == avellaneda_stoikov.problems(INFINITE) == ()


def test_problems__premium_of_nothing__named() -> None:
    tight = replace(PAPER, gamma_e9=1, k_e9=10**10)

    (text,) = avellaneda_stoikov.problems(tight)

    assert "half spread is less than one ppm" in text
