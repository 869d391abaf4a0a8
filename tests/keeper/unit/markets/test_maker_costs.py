"""What bond, loan and retainer cost: the specification's figure, and a library's for the option."""

from math import erf, sqrt

import pytest

from keeper.markets.bonds import PRICE_ONE
from keeper.markets.maker_costs import (
    Loan,
    Retainer,
    bond_cost,
    loan_cost,
    retainer_cost,
    strike_over,
)
from keeper.markets.options import ONE, call_value, normal_cdf

YEAR = 365 * 86_400
USD = 10**6
SCALE = 10**48


@pytest.mark.parametrize("hundredths", [-850, -300, -91, -1, 0, 9, 100, 254, 899, 1_000])
def test_normal_cdf__any_number__agrees_with_the_error_function(hundredths: int) -> None:
    expected = (1 + erf(hundredths / 100 / sqrt(2))) / 2

    assert normal_cdf(hundredths, 100) / ONE == pytest.approx(expected, abs=1e-15)


def test_normal_cdf__both_sides__make_one() -> None:
    assert abs(normal_cdf(123, 100) + normal_cdf(-123, 100) - ONE) <= 2


def test_call_value__a_year_half_out_of_the_money_at_100_percent__is_26_percent() -> None:
    assert call_value(2, 3, 10_000, YEAR) // (ONE // 10_000) == 2_637


def test_call_value__at_the_money__is_the_distance_of_two_probabilities() -> None:
    # d1 = -d2 = half the deviation of 20 % over a year.
    assert call_value(1, 1, 2_000, YEAR) == pytest.approx(2 * normal_cdf(1, 10) - ONE, abs=2)


def test_call_value__deep_in_the_money_for_a_second__is_what_it_is_in_the_money_by() -> None:
    assert call_value(4, 1, 100, 1) == pytest.approx(3 * ONE // 4, abs=2)


@pytest.mark.parametrize("given", [(0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0)])
def test_call_value__nothing_given__is_refused(given: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="above zero"):
        call_value(*given)


def test_bond_cost__ten_percent_off__is_what_was_given_away() -> None:
    found = bond_cost(1_000 * 10**18, 18 * PRICE_ONE // 10, 2 * PRICE_ONE, SCALE)

    assert (found.cost, found.liquidity) == (200 * USD, 1_800 * USD)


def test_bond_cost__sold_above_the_market__is_a_gain() -> None:
    assert bond_cost(10**18, 3 * PRICE_ONE, 2 * PRICE_ONE, SCALE).cost == -USD


def test_loan_cost__specifications_terms__is_about_26_percent_of_the_loan_and_the_fee() -> None:
    loan = Loan(
        tokens=1_000 * 10**18,
        strike=strike_over(2 * PRICE_ONE, 5_000),
        months=12,
        volatility_bps=10_000,
        fee=5 * USD,
    )

    found = loan_cost(loan, 2 * PRICE_ONE, SCALE)

    assert found.part // (ONE // 10_000) == 2_637
    assert found.option // USD == 527
    assert found.cost == found.option + 5 * USD


def test_retainer_cost__months__are_paid_each() -> None:
    assert retainer_cost(Retainer(3_000 * USD, 24)) == 72_000 * USD
