"""Gueant, Lehalle and Fernandez-Tapia (2013): closed form and exact table against decimals."""

from decimal import Decimal, getcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from keeper.domain.orders import Side
from keeper.domain.strategies import GlftParams
from keeper.strategies import glft
from keeper.strategies.glft import closed_form
from keeper.strategies.glft_table import ROWS, Model, TableUnresolved, distance_table
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
GAMMA, K, SIGMA, A = Decimal("0.1"), Decimal("1.5"), Decimal(2), Decimal(140)
MODEL = Model(Fraction(1, 10), Fraction(3, 2), Fraction(140), Fraction(4))
PAPER = GlftParams(
    layers=1,
    layer_step_ppm=0,
    order_size_quote_quantums=3_000 * USDC,
    gamma_e9=10_000,
    k_e9=150_000,
    arrivals_per_day=140,
    volatility_ppm=20_000,
    drift_ppm=0,
    impact_ppm=0,
    horizon_seconds=0,
    max_inventory_orders=10,
)
"""s=100, sigma=2, gamma=0.1, k=1.5, A=140 in ppm of the price and days."""


def closed_bid(orders: int, drift: Decimal, impact: Decimal) -> Decimal:
    """Distance of the bid at a price of 100."""
    power = ((1 + K / GAMMA) * (1 + GAMMA / K).ln()).exp()
    root = (SIGMA**2 * GAMMA / (2 * K * A) * power).sqrt() * (K * impact / 4).exp()
    tilt = Decimal(2 * orders + 1) / 2 - drift / (GAMMA * SIGMA**2)
    return (1 + GAMMA / K).ln() / GAMMA + impact / 2 + tilt * root


@pytest.mark.parametrize("orders", [-9, -2, 0, 1, 5, 9])
@pytest.mark.parametrize(("drift_ppm", "impact_ppm"), [(0, 0), (3_000, 0), (-2_500, 400), (0, 70)])
def test_quote__closed_form__the_papers_prices_to_the_tick(
    orders: int, drift_ppm: int, impact_ppm: int
) -> None:
    drift, impact = Decimal(drift_ppm) / 10**4, Decimal(impact_ppm) / 10**4
    bid = 30 * closed_bid(orders, drift, impact)
    ask = 30 * closed_bid(-orders, -drift, impact)
    params = replace(PAPER, drift_ppm=drift_ppm, impact_ppm=impact_ppm)

    answer = glft.quote(params, snapshot(inventory=orders * ETHER))

    assert prices(answer, Side.BUY) == [down_to_tick(3_000 - bid)]
    assert prices(answer, Side.SELL) == [up_to_tick(3_000 + ask)]


def test_closed_form__slope__floor_of_the_root() -> None:
    found = closed_form(MODEL, UNIT)

    power = (16 * (1 + GAMMA / K).ln()).exp()
    expected = (SIGMA**2 * GAMMA / (2 * K * A) * power).sqrt() * UNIT
    assert found.slope == int(expected)
    assert found.drift == 0


def exact_values(model: Model, most: int, time: Fraction) -> list[Decimal]:
    """v by 4,000 terms of the series of exp(-M*time), each with 60 digits and alternating signs."""
    size = 2 * most + 1
    k, gamma, mu, xi = (_decimal(x) for x in (model.k, model.gamma, model.drift, model.impact))
    power = (-(1 + k / gamma) * (1 + gamma / k).ln()).exp()
    eta = _decimal(model.arrivals) * power * (-k * xi / 2).exp()
    alpha, beta = k * gamma * _decimal(model.variance) / 2, k * mu
    total = term = [(-k * xi * q * q / 2).exp() for q in range(-most, most + 1)]
    for count in range(1, 4_000):
        moved = []
        for i in range(size):
            q = i - most
            value = -(alpha * q * q - beta * q) * term[i]
            value += eta * (term[i - 1] if i else 0) + eta * (term[i + 1] if i + 1 < size else 0)
            moved.append(value * _decimal(time) / count)
        term = moved
        total = [a + b for a, b in zip(total, term, strict=True)]
        if max(abs(entry) for entry in term) < Decimal(10) ** -55 * min(total):
            return total
    raise AssertionError("the series did not converge")


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / value.denominator


@pytest.mark.parametrize(
    "model",
    [
        MODEL,
        MODEL._replace(drift=Fraction(1, 3)),
        MODEL._replace(impact=Fraction(1, 5)),
        MODEL._replace(drift=Fraction(-1, 7), impact=Fraction(1, 20), arrivals=Fraction(9)),
    ],
)
@pytest.mark.parametrize("row", [1, 20])
def test_distance_table__finite_horizon__the_exact_solution(model: Model, row: int) -> None:
    most, horizon = 3, Fraction(3, 20)
    values = exact_values(model, most, horizon * row / ROWS)
    k, gamma = _decimal(model.k), _decimal(model.gamma)
    edge = (1 + gamma / k).ln() / gamma + _decimal(model.impact) / 2

    asks, bids = distance_table(model, most, horizon, UNIT)[row]

    for q in range(-most, most):
        bid = ((values[q + most] / values[q + most + 1]).ln() / k + edge) * UNIT
        ask = ((values[-q + most] / values[-q + most - 1]).ln() / k + edge) * UNIT
        assert abs(bids[q + most] - bid) <= 2
        assert abs(asks[q + most] - ask) <= 2


def test_distance_table__end_of_the_horizon__premium_alone() -> None:
    asks, bids = distance_table(MODEL, 4, Fraction(1), UNIT)[0]

    assert set(asks) == set(bids) == {closed_form(MODEL, UNIT).edge}


def test_distance_table__far_horizon__close_to_the_closed_form() -> None:
    """The paper's approximation is of the limit; at q=0 it is 0.5 % off with these parameters."""
    (_, bids), form = distance_table(MODEL, 10, Fraction(2), UNIT)[ROWS], closed_form(MODEL, UNIT)

    assert bids[10] == pytest.approx(form.edge + form.slope / 2, rel=0.005)


def test_distance_table__values_too_far_apart__refused() -> None:
    wild = MODEL._replace(variance=Fraction(10**6), arrivals=Fraction(1, 10**6))

    with pytest.raises(TableUnresolved):
        distance_table(wild, 10, Fraction(1), UNIT)


@pytest.mark.parametrize(("gone_s", "row"), [(0, 60), (1_800, 30), (1_801, 29), (3_599, 0)])
def test_quote__finite_horizon__row_of_the_time_left(gone_s: int, row: int) -> None:
    params = replace(PAPER, horizon_seconds=3_600, max_inventory_orders=4)
    model = Model(Fraction(1, 10**5), Fraction(15, 10**5), Fraction(140), Fraction(20_000**2))
    asks, bids = distance_table(model, 4, Fraction(1, 24), 10**12)[row]

    seen = snapshot(inventory=2 * ETHER, now_s=3_600 * 10**5 + gone_s)
    answer = glft.quote(params, seen)

    assert prices(answer, Side.BUY) == [down_to_tick(3_000 * (1 - Decimal(bids[6]) / UNIT))]
    assert prices(answer, Side.SELL) == [up_to_tick(3_000 * (1 + Decimal(asks[2]) / UNIT))]


@pytest.mark.parametrize("horizon_seconds", [0, 3_600])
def test_quote__at_the_most_inventory__only_the_reducing_side(horizon_seconds: int) -> None:
    params = replace(PAPER, horizon_seconds=horizon_seconds, max_inventory_orders=3)

    long = glft.quote(params, snapshot(inventory=3 * ETHER))
    short = glft.quote(params, snapshot(inventory=-9 * ETHER))

    assert [quote.side for quote in quotes_of(long)] == [Side.SELL]
    assert [quote.side for quote in quotes_of(short)] == [Side.BUY]


def test_quote__size_below_the_step__nothing() -> None:
    assert glft.quote(replace(PAPER, order_size_quote_quantums=1), snapshot()) == ()


params_drawn = st.builds(
    GlftParams,
    layers=st.integers(1, 3),
    layer_step_ppm=st.integers(1, 500),
    order_size_quote_quantums=st.integers(100 * USDC, 5_000 * USDC),
    gamma_e9=st.integers(100, 50_000),
    k_e9=st.integers(100_000, 10_000_000),
    arrivals_per_day=st.integers(1, 10**6),
    volatility_ppm=st.integers(1, 40_000),
    drift_ppm=st.integers(-5, 5),
    impact_ppm=st.integers(0, 50),
    horizon_seconds=st.just(0),
    max_inventory_orders=st.integers(1, 20),
)


@settings(deadline=None)
@given(params=params_drawn, inventory=st.integers(-20, 20), more=st.integers(0, 5 * ETHER))
def test_quote__any_parameters__monotone_in_inventory_and_never_crossed(
    params: GlftParams, inventory: int, more: int
) -> None:
    less = glft.quote(params, snapshot(inventory=inventory * ETHER))
    then = glft.quote(params, snapshot(inventory=inventory * ETHER + more))

    require_monotone(less, then)


@settings(deadline=None)
@given(params=params_drawn, inventory=st.integers(0, 20 * ETHER))
def test_quote__mirrored_inventory_and_drift__mirrored_distances(
    params: GlftParams, inventory: int
) -> None:
    single = replace(params, layers=1)
    long = glft.quote(single, snapshot(inventory=inventory))
    other = replace(single, drift_ppm=-single.drift_ppm)
    short = glft.quote(other, snapshot(inventory=-inventory))

    require_mirrored(long, short)


@settings(max_examples=15, deadline=None)  # each draws a table anew
@given(params=params_drawn, most=st.integers(1, 6))
def test_distance_table__any_parameters__monotone_and_mirrored(
    params: GlftParams, most: int
) -> None:
    model = Model(
        Fraction(params.gamma_e9, 10**9),
        Fraction(params.k_e9, 10**9),
        Fraction(params.arrivals_per_day),
        Fraction(params.volatility_ppm**2),
        impact=Fraction(params.impact_ppm),
    )
    try:
        table = distance_table(model, most, Fraction(1, 24), 10**12)
    except TableUnresolved:
        return
    for asks, bids in (table[1], table[ROWS]):
        assert list(bids) == sorted(bids)
        assert all(abs(ask - bid) <= 1 for ask, bid in zip(asks, bids, strict=True))


def test_problems__each_broken_field__named() -> None:
    broken = GlftParams(
        layers=0,
        layer_step_ppm=-1,
        order_size_quote_quantums=0,
        gamma_e9=0,
        k_e9=0,
        arrivals_per_day=0,
        volatility_ppm=0,
        drift_ppm=0,
        impact_ppm=-1,
        horizon_seconds=-1,
        max_inventory_orders=0,
    )

    assert len(glft.problems(broken)) == 10
    assert glft.problems(PAPER) == ()


def test_problems__table_that_cannot_be_made__named() -> None:
    wild = replace(PAPER, horizon_seconds=DAY, volatility_ppm=10**7, arrivals_per_day=1)

    (text,) = glft.problems(wild)

    assert "cannot be computed" in text


def test_problems__power_without_bounds__named() -> None:
    (text,) = glft.problems(replace(PAPER, gamma_e9=1, k_e9=10**6))

    assert "k_e9 must be at most" in text
