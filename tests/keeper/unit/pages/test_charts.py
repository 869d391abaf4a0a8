"""Axes: order kept, idle time folded, round ticks, pen lifted where nothing is quoted."""

import json
import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from keeper.pages.axes import HEIGHT, WIDTH, TimeAxis, ValueAxis, duration_text
from keeper.pages.charts import Band, Dots, Drawn, Line, Scale, Unit, step_chart
from keeper.pages.numbers import money_text, percent_text

DAY_MS = 86_400_000
PLAIN = Unit(0, "x")


def test_place__a_day_without_data__takes_little_room() -> None:
    axis = TimeAxis([0, 60_000, DAY_MS, DAY_MS + 60_000])

    assert axis.place(60_000) > 45 * WIDTH // 100
    assert axis.place(DAY_MS) < 55 * WIDTH // 100
    assert axis.folds() == [(axis.place(DAY_MS), DAY_MS - 60_000)]


@given(st.lists(st.integers(min_value=0, max_value=10**12), min_size=2, max_size=40))
def test_place__any_times__keeps_their_order_inside_the_axis(times: list[int]) -> None:
    axis = TimeAxis(times)

    places = [axis.place(at) for at in sorted(times)]

    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] <= WIDTH


@given(st.lists(st.integers(min_value=-(10**15), max_value=10**15), min_size=1, max_size=20))
def test_ticks__any_values__lie_inside_and_values_too(values: list[int]) -> None:
    axis = ValueAxis(values)

    assert 1 <= len(axis.ticks()) <= 12
    assert all(0 <= axis.place(v) <= HEIGHT for v in (*values, *axis.ticks()))


def test_step_chart__none__lifts_the_pen() -> None:
    line = Line("bid", "bid", ((0, 5), (1_000, None), (2_000, 6), (3_000, 7)))

    chart = step_chart(Drawn([line]), PLAIN)

    assert chart is not None
    (data,) = re.findall(r'class="line bid" d="([^"]+)"', str(chart.drawing))
    assert data.count("M") == 2


def test_step_chart__nothing_known__is_no_chart() -> None:
    assert step_chart(Drawn([Line("bid", "bid", ((0, None),))]), PLAIN) is None


def test_money_text__negative_and_small__is_exact() -> None:
    assert money_text(-1, 6) == "-0.000001"
    assert money_text(1_234_567_000_000, 6) == "1,234,567.000000"
    assert money_text(1_500_000, 6, short=True) == "1.5"


def test_percent_text__losses_and_gains__round_towards_zero() -> None:
    assert percent_text(-1, 3) == "-33.33 %"
    assert percent_text(2, 3, signed=True) == "+66.66 %"
    assert percent_text(1, 0) == "-"


def test_duration_text__any_span__uses_its_largest_units() -> None:
    assert [duration_text(ms) for ms in (59_000, 150_000, 3 * 3_600_000, 3 * DAY_MS)] == [
        *("59 s", "2 min"),
        *("3 h", "3 d"),
    ]


def test_labels__a_minute_of_data__name_round_moments_with_room_between() -> None:
    labels = TimeAxis(range(0, 60_001, 1_000)).labels()

    assert labels[0].text == "1 Jan 00:00"
    assert "00:00:30" in [label.text for label in labels]
    gaps = [later.at - former.at for former, later in pairwise(labels)]
    assert min(gaps) >= WIDTH // 8


def test_step_chart__its_data__gives_back_every_integer_to_the_script() -> None:
    line = Line("bid", "bid", ((1_000, 5), (2_000, None), (4_000, 12)))

    chart = step_chart(Drawn([line], [Dots("fills", "bid", ((3_000, 9),))]), Unit(2, "<USDC>"))

    assert chart is not None
    assert "<" not in str(chart.data)
    bid, fills = json.loads(str(chart.data))["series"]
    assert (bid["t"], bid["v"]) == ([1_000, 1_000, 2_000], [5, None, 7])
    assert (fills["t"], fills["v"]) == ([3_000], [9])


def test_step_chart__a_band__covers_only_times_with_both_edges() -> None:
    low = ((0, 5), (1_000, None), (2_000, 5))
    high = ((0, 9), (3_000, 8))

    chart = step_chart(Drawn([Line("l", "bid", high)], bands=[Band("quote", low, high)]), PLAIN)

    assert chart is not None
    (area,) = re.findall(r'class="band quote" d="([^"]+)"', str(chart.drawing))
    first, second = [part for part in area.split("Z") if part]
    axis = TimeAxis([0, 1_000, 2_000, 3_000])
    assert f"H{axis.place(1_000)}" in first
    assert second.startswith(f"M{axis.place(2_000)} ")


def test_step_chart__a_guide__is_in_sight() -> None:
    line = Line("held", "net", ((0, 100), (1_000, 110)))

    chart = step_chart(Drawn([line]), PLAIN, Scale(guides=(0,)))

    assert chart is not None
    low, high = json.loads(str(chart.data))["y"]
    assert low <= 0 <= 110 <= high
