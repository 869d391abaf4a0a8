"""Moments a person types: "7d" ago, a date, a time; in UTC unless the time says otherwise."""

import re
from datetime import UTC, datetime
from typing import Final

from keeper.cli.failures import ArgumentInvalid

__all__ = ["parse_moment"]

_NS: Final = 1_000_000_000
_UNITS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_AGO: Final = re.compile(r"([0-9]{1,6})([mhdw])")


def parse_moment(text: str, now_ns: int) -> int:
    """Convert "90m", "12h", "7d", "2w" before now, or an ISO date or time, to unix nanoseconds.

    Raises ArgumentInvalid.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago is not None:
        return now_ns - int(ago.group(1)) * _UNITS[ago.group(2)] * _NS
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ArgumentInvalid(
            f"{text!r} is no moment",
            next_step="write 90m, 12h, 7d or 2w (ago), 2026-11-22, or 2026-11-22T06:00:00Z",
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * _NS
