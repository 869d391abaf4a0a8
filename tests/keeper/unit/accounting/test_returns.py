"""Returns and drawdown by exact fractions, written out by hand."""

from fractions import Fraction

import pytest

from keeper.accounting.returns import DAY, SettledPrice, drawdown, window_return

V = 10**12
MANY = 10**9 * V


def settled(day: float, nav: int, supply: int = MANY, **changes: int) -> SettledPrice:
    """A settlement without flows, unless `changes` says what was before."""
    return SettledPrice(
        time=int(day * DAY),
        nav_before=changes.get("nav_before", nav),
        supply_before=changes.get("supply_before", supply),
        nav_after=nav,
        supply_after=supply,
        whole_exit=bool(changes.get("whole_exit", 0)),
    )


FIRST = settled(0, 10**9, supply_before=0, nav_before=0)
MONTH = [FIRST, *(settled(day, 10**9 + day * 10**6) for day in range(1, 41))]


def test_window_return__since_inception__is_end_price_over_first_price() -> None:
    found = window_return(MONTH, V, None)

    assert found is not None
    assert found.ratio == Fraction(10**9 + 40 * 10**6 + 1, 10**9 + 1)
    assert (found.from_time, found.to_time, found.settlements) == (0, 40 * DAY, 41)
    assert found.ppm == 39_999


@pytest.mark.parametrize(("days", "start"), [(7, 33), (30, 10)])
def test_window_return__days__start_at_the_settlement_that_many_days_before(
    days: int, start: int
) -> None:
    found = window_return(MONTH, V, days * DAY)

    assert found is not None
    assert found.from_time == start * DAY
    assert found.ratio == Fraction(10**9 + 40 * 10**6 + 1, 10**9 + start * 10**6 + 1)


def test_window_return__no_settlement_on_that_day__starts_at_the_one_before() -> None:
    found = window_return([FIRST, settled(5, 2 * 10**9), settled(12.5, 3 * 10**9)], V, 7 * DAY)

    assert found is not None
    assert found.from_time == 5 * DAY


def test_window_return__history_shorter_than_the_window__is_none() -> None:
    assert window_return(MONTH[:7], V, 7 * DAY) is None


def test_window_return__one_settlement__is_none() -> None:
    assert window_return([FIRST], V, None) is None


def test_window_return__loss__is_negative_and_rounded_down() -> None:
    found = window_return([FIRST, settled(1, 10**9 - 1)], V, None)

    assert found is not None
    assert found.ppm == -1


def test_window_return__flows__do_not_count_as_return() -> None:
    doubled = settled(1, 2 * 10**9 + 1, 2 * MANY + V, nav_before=10**9, supply_before=MANY)

    found = window_return([FIRST, doubled], V, None)

    assert found is not None
    assert found.ratio == 1


def test_window_return__everybody_left_and_came_back__is_chained_over_the_gap() -> None:
    """+10 %, all leave at it, nobody holds anything, a new start at any price, +10 % again."""
    path = [
        FIRST,
        settled(1, 0, 0, nav_before=11 * 10**8, supply_before=MANY, whole_exit=1),
        settled(2, 77, 0),
        settled(3, 2 * 10**9, nav_before=77, supply_before=0),
        settled(4, 22 * 10**8),
    ]

    found = window_return(path, V, None)

    assert found is not None
    first = Fraction(11 * 10**8 + 1, 10**9 + 1)
    assert found.ratio == first * Fraction(22 * 10**8 + 1, 2 * 10**9 + 1)


def test_drawdown__fall_and_recovery__is_from_the_high_before_to_the_low() -> None:
    path = [FIRST, *(settled(d, n) for d, n in ((1, 2 * 10**9), (2, 10**9), (3, 3 * 10**9)))]

    found = drawdown(path, V)

    assert found is not None
    assert found.ratio == Fraction(10**9 + 1, 2 * 10**9 + 1)
    assert (found.peak_time, found.low_time) == (DAY, 2 * DAY)
    assert found.ppm == 500_000
    assert (found.settlements, found.span_seconds) == (4, 3 * DAY)


def test_drawdown__only_gains__is_zero() -> None:
    found = drawdown(MONTH, V)

    assert found is not None
    assert found.ppm == 0


def test_drawdown__no_history__is_none() -> None:
    assert drawdown([], V) is None
