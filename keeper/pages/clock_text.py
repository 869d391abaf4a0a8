"""Moments in words: always UTC, always said."""

from datetime import UTC, datetime

__all__ = ["clock_text"]


def clock_text(seconds: int, *, seconds_too: bool = False) -> str:
    """Write unix seconds, e.g. 2026-11-22 06:15 UTC; zero is never."""
    if seconds == 0:
        return "never"
    pattern = "%Y-%m-%d %H:%M:%S UTC" if seconds_too else "%Y-%m-%d %H:%M UTC"
    return datetime.fromtimestamp(seconds, tz=UTC).strftime(pattern)
