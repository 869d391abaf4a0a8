"""Fixed-point logarithm, exponential, power and root against `decimal` with 120 digits."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.markets.fixed import exp_down, ln_down, ln_up, power_near, sqrt_down

UNIT = 10**18
PRECISE = Context(prec=120)
positive = st.integers(1, 10**40)


def floor(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_FLOOR))


def ceiling(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_CEILING))


@settings(deadline=None)
@given(numerator=positive, denominator=positive)
def test_ln__any_fraction__floor_and_ceiling_exactly(numerator: int, denominator: int) -> None:
    with localcontext(PRECISE):
        expected = (Decimal(numerator) / denominator).ln() * UNIT

        assert ln_down(numerator, denominator, UNIT) == floor(expected)
        assert ln_up(numerator, denominator, UNIT) == ceiling(expected)


@settings(deadline=None)
@given(gap=st.integers(1, 10**6), base=st.integers(10**30, 10**31))
def test_ln__beside_one__keeps_every_digit(gap: int, base: int) -> None:
    with localcontext(PRECISE):
        expected = (Decimal(base + gap) / base).ln() * 10**60

    assert ln_down(base + gap, base, 10**60) == floor(expected)


@settings(deadline=None)
@given(numerator=st.integers(-(10**20), 10**20), denominator=st.integers(10**18, 10**22))
def test_exp_down__any_fraction__floor_exactly(numerator: int, denominator: int) -> None:
    with localcontext(PRECISE):
        expected = (Decimal(numerator) / denominator).exp() * UNIT

    assert exp_down(numerator, denominator, UNIT) == floor(expected)


@settings(deadline=None)
@given(
    base=st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)),
    exponent=st.tuples(st.integers(-60, 60), st.integers(1, 10**3)),
)
def test_power_near__any_fractions__within_half_a_unit(
    base: tuple[int, int], exponent: tuple[int, int]
) -> None:
    with localcontext(Context(prec=450)):
        logarithm = (Decimal(base[0]) / base[1]).ln() * exponent[0] / exponent[1]
        expected = logarithm.exp() * UNIT
        error = abs(power_near(base, exponent, UNIT) - expected)

    assert error <= Decimal("0.5") + Decimal(2) ** -60


@pytest.mark.parametrize(
    ("base", "exponent", "unit", "expected"),
    [
        ((2, 1), (2, 1), UNIT, 4 * UNIT),
        ((4, 9), (1, 2), 3 * UNIT, 2 * UNIT),
        ((4, 9), (-3, 2), 8, 27),
        ((7, 5), (0, 1), UNIT, UNIT),
    ],
)
def test_power_near__rational_power__exact(
    base: tuple[int, int], exponent: tuple[int, int], unit: int, expected: int
) -> None:
    assert power_near(base, exponent, unit) == expected


@settings(deadline=None)
@given(numerator=st.integers(0, 10**40), denominator=positive)
def test_sqrt_down__any_fraction__floor_by_its_definition(numerator: int, denominator: int) -> None:
    root = sqrt_down(numerator, denominator, UNIT)

    assert root**2 * denominator <= numerator * UNIT**2 < (root + 1) ** 2 * denominator


def test_ln_and_exp__of_one_and_none__exact() -> None:
    assert ln_down(7, 7, UNIT) == ln_up(7, 7, UNIT) == 0
    assert exp_down(0, 5, UNIT) == UNIT


@pytest.mark.parametrize(("numerator", "denominator"), [(0, 1), (-1, 1), (1, 0), (1, -1)])
def test_ln__not_positive__raises(numerator: int, denominator: int) -> None:
    with pytest.raises(ValueError, match="no logarithm"):
        ln_down(numerator, denominator, UNIT)


def test_exp_and_power__beyond_what_is_computed__raise() -> None:
    with pytest.raises(ValueError, match="no exponential"):
        exp_down(100_001, 1, UNIT)
    with pytest.raises(ValueError, match="too large"):
        power_near((3, 1), (100_000, 1), UNIT)
    with pytest.raises(ValueError, match="no power"):
        power_near((0, 1), (1, 1), UNIT)


def test_ln_and_exp__closer_to_an_integer_than_the_first_bits_tell__refined() -> None:
    """Without a second look, either end of the interval would be as good an answer."""
    far = 10**60

    assert exp_down(-1, far, UNIT) == UNIT - 1
    assert exp_down(1, far, UNIT) == UNIT
    assert (ln_down(far + 1, far, UNIT), ln_up(far + 1, far, UNIT)) == (0, 1)
    assert (ln_down(far, far + 1, UNIT), ln_up(far, far + 1, UNIT)) == (-1, 0)
