"""Durations a person types: "90m", "12h", "7d", "1w"; seconds inside."""

import re
from typing import Final

from keeper.cli.failures import ArgumentInvalid

__all__ = ["parse_duration"]

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(r"([0-9]{1,9})([smhdw])")


def parse_duration(text: str) -> int:
    """Convert to seconds. Raises ArgumentInvalid for anything else, zero included."""
    match = _DURATION.fullmatch(text.strip())
    seconds = int(match.group(1)) * _UNITS[match.group(2)] if match is not None else 0
    if seconds == 0:
        raise ArgumentInvalid(
            f"{text!r} is no duration", next_step="write a whole number and s, m, h, d or w: 3d"
        )
    return seconds
