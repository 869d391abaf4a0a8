"""Times and durations as a person reads them."""

from datetime import UTC, datetime

__all__ = ["clock_time", "in_time", "lasting"]


def clock_time(seconds: int) -> str:
    """Write unix seconds as UTC; zero is never."""
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat() if seconds else "never"


def lasting(seconds: int) -> str:
    """Write a duration in its two largest units, down: "3 h 20 min"."""
    parts = [
        (seconds // 86_400, "d"),
        (seconds // 3_600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    ]
    first = next((n for n, (amount, _) in enumerate(parts) if amount), 3)
    shown = [(amount, unit) for amount, unit in parts[first : first + 2] if amount]
    return " ".join(f"{amount} {unit}" for amount, unit in shown) or "0 s"


def in_time(at: int, now: int) -> str:
    """Write when something may happen, and how long that is from now."""
    return f"{clock_time(at)} (in {lasting(at - now)})" if at > now else "now"
