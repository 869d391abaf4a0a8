"""Calibration against figures known beforehand."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest

from keeper.strategies.calibration import Calibrator, fitted_line

SECOND = 10**9
DAY = 86_400 * SECOND


def test_result__squared_returns__deviation_of_a_day() -> None:
    """Up and down by 100 ppm every second: 100 ppm * sqrt(86,400) = 2.94 % a day."""
    calibrator = Calibrator((10,), SECOND)
    for second in range(101):
        up = second % 2
        calibrator.middle(second * SECOND, 10_000_000 + 1_000 * up, 10_000_000 + 1_000 * up)

    assert calibrator.result().volatility_ppm in (29_392, 29_393)


def test_result__moves_between_samples__not_counted() -> None:
    calibrator = Calibrator((10,), SECOND)
    for tenth in range(100):
        wobble = 0 if tenth % 10 == 0 else 5_000
        calibrator.middle(tenth * SECOND // 10, 10_000_000 + wobble, 10_000_000 + wobble)

    assert calibrator.result().volatility_ppm == 0


def test_result__arrivals_that_fall_by_half__rate_and_decay() -> None:
    """800, 400, 200 and 100 reach 0, 10, 20 and 30 ppm in a day: k = ln 2/10 per ppm and, on
    either side, 400 at no distance."""
    calibrator = Calibrator((0, 10, 20, 30), SECOND)
    calibrator.middle(0, 10**9, 10**9)
    for reach, count in ((0, 400), (10, 200), (20, 100), (30, 100)):
        for index in range(count):
            calibrator.trade(10**9 + (1 if index % 2 else -1) * reach * 1_000)
    calibrator.middle(DAY, 10**9, 10**9)

    found = calibrator.result()

    with localcontext() as context:
        context.prec = 30
        assert found.k_e9 == round(Decimal(2).ln() / 10 * 10**9)
    assert found.arrivals_per_day in (399, 400)  # rounded down from 400 less an ulp
    assert found.reached == ((0, 800), (10, 400), (20, 200), (30, 100))
    assert (found.elapsed_ns, found.trades) == (DAY, 800)


def test_result__too_few_trades__no_line() -> None:
    calibrator = Calibrator((0, 10), SECOND)
    calibrator.trade(5)
    calibrator.middle(0, 100, 100)
    calibrator.middle(SECOND, 100, 100)
    for _ in range(9):
        calibrator.trade(100)

    found = calibrator.result()

    assert (found.k_e9, found.arrivals_per_day, found.trades) == (None, None, 9)


@pytest.mark.parametrize("points", [[], [(5, Fraction(1), 3)], [(5, Fraction(1), 3)] * 2])
def test_fitted_line__one_distance__none(points: list[tuple[int, Fraction, int]]) -> None:
    assert fitted_line(points) is None


def test_fitted_line__weights__pull_the_line() -> None:
    """A point of weight 2 counts as two points."""
    weighed = fitted_line([(0, Fraction(0), 2), (1, Fraction(1), 1), (2, Fraction(1), 1)])
    twice = fitted_line(
        [(0, Fraction(0), 1), (0, Fraction(0), 1), (1, Fraction(1), 1), (2, Fraction(1), 1)]
    )

    assert weighed == twice == (Fraction(1, 11), Fraction(6, 11))
