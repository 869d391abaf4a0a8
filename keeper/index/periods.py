"""Spans of time in UTC: days, ISO weeks and months, whole minutes."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from keeper.domain.units import NS_PER_SECOND

__all__ = ["CALENDAR", "NS_PER_MINUTE", "Period", "calendar_periods"]

NS_PER_MINUTE: Final = 60 * NS_PER_SECOND
CALENDAR: Final = ("day", "week", "month")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Period(NamedTuple):
    """From `start_ns` on, before `end_ns`, unix nanoseconds; `label` is as a person writes it."""

    label: str
    start_ns: int
    end_ns: int


def calendar_periods(by: str, start_ns: int, end_ns: int) -> list[Period]:
    """Cut [start, end) at every midnight, Monday or first of a month, UTC; `by` is of CALENDAR."""
    found: list[Period] = []
    at = start_ns
    while at < end_ns:
        label, after = _containing(by, at)
        found.append(Period(label, at, min(after, end_ns)))
        at = after
    return found


def _containing(by: str, time_ns: int) -> tuple[str, int]:
    """The label of the day, week or month of a moment, and when the next one begins."""
    moment = _EPOCH + timedelta(seconds=time_ns // NS_PER_SECOND)
    day = moment.replace(hour=0, minute=0, second=0)
    if by == "day":
        return f"{day:%Y-%m-%d}", _ns(day + timedelta(days=1))
    if by == "week":
        year, week, weekday = day.isocalendar()
        return f"{year}-W{week:02d}", _ns(day + timedelta(days=8 - weekday))
    first = day.replace(day=1)
    return f"{first:%Y-%m}", _ns((first + timedelta(days=32)).replace(day=1))


def _ns(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * NS_PER_SECOND
