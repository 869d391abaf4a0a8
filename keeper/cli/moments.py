"""Moments a person types: "7d" ago, a date, a time; in UTC unless the time says otherwise."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from keeper.cli.failures import ArgumentInvalid

__all__ = ["parse_moment"]

_NS: Final = 1_000_000_000
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_NS: Final = 2**63 - 1
_UNITS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_AGO: Final = re.compile(r"([0-9]{1,6})([mhdw])")


def parse_moment(text: str, now_ns: int) -> int:
    """Convert "90m", "12h", "7d", "2w" before now, or an ISO date or time, to unix nanoseconds.

    What lies before 1970 or after 2262 is 0 or the last nanosecond that 64 bits hold.
    Raises ArgumentInvalid.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago is not None:
        return max(0, now_ns - int(ago.group(1)) * _UNITS[ago.group(2)] * _NS)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ArgumentInvalid(
            f"{text!r} is no moment",
            next_step="write 90m, 12h, 7d or 2w (ago), 2026-11-22, or 2026-11-22T06:00:00Z",
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0, (moment - _EPOCH) // _MICROSECOND * 1_000), _LAST_NS)
