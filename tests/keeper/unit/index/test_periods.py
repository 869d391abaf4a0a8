"""Calendar periods in UTC, whatever zone the machine is in."""

from datetime import UTC, datetime

import pytest

from keeper.index.periods import calendar_periods


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("by", "labels"),
    [
        (
            "day",
            ["2026-12-30", "2026-12-31", "2027-01-01", "2027-01-02", "2027-01-03", "2027-01-04"],
        ),
        ("week", ["2026-W53", "2027-W01"]),
        ("month", ["2026-12", "2027-01"]),
    ],
)
def test_calendar_periods__over_a_new_year__are_cut_and_named(by: str, labels: list[str]) -> None:
    start, end = ns("2026-12-30T15:00:00"), ns("2027-01-04T00:00:01")

    found = calendar_periods(by, start, end)

    assert [period.label for period in found] == labels
    assert (found[0].start_ns, found[-1].end_ns) == (start, end)
    assert [p.end_ns for p in found[:-1]] == [p.start_ns for p in found[1:]]


def test_calendar_periods__empty_span__has_none() -> None:
    assert calendar_periods("day", 5, 5) == []
