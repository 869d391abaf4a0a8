"""Axes: order kept, idle time folded, round ticks, pen lifted where nothing is quoted."""

import re

from hypothesis import given
from hypothesis import strategies as st

from keeper.pages.charts import Line, TimeAxis, ValueAxis, money_text, step_chart

DAY_MS = 86_400_000


def test_place__a_day_without_data__takes_little_room() -> None:
    axis = TimeAxis([0, 60_000, DAY_MS, DAY_MS + 60_000])

    assert axis.place(60_000) > 4_500
    assert axis.place(DAY_MS) < 5_500
    assert axis.folds() == [(axis.place(DAY_MS), DAY_MS - 60_000)]


@given(st.lists(st.integers(min_value=0, max_value=10**12), min_size=2, max_size=40))
def test_place__any_times__keeps_their_order_inside_the_axis(times: list[int]) -> None:
    axis = TimeAxis(times)

    places = [axis.place(at) for at in sorted(times)]

    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] <= 10_000


@given(st.lists(st.integers(min_value=-(10**15), max_value=10**15), min_size=1, max_size=20))
def test_ticks__any_values__lie_inside_and_values_too(values: list[int]) -> None:
    axis = ValueAxis(values)

    assert 1 <= len(axis.ticks()) <= 12
    assert all(0 <= axis.place(v) <= 4_000 for v in (*values, *axis.ticks()))


def test_step_chart__none__lifts_the_pen() -> None:
    line = Line("bid", "bid", ((0, 5), (1_000, None), (2_000, 6), (3_000, 7)))

    chart = step_chart([line], [], decimals=0, unit="x")

    assert chart is not None
    (data,) = re.findall(r'class="line bid" d="([^"]+)"', str(chart.drawing))
    assert data.count("M") == 2


def test_step_chart__nothing_known__is_no_chart() -> None:
    assert step_chart([Line("bid", "bid", ((0, None),))], [], decimals=0, unit="x") is None


def test_money_text__negative_and_small__is_exact() -> None:
    assert money_text(-1, 6) == "-0.000001"
    assert money_text(1_234_567_000_000, 6) == "1,234,567.000000"
    assert money_text(1_500_000, 6, short=True) == "1.5"
