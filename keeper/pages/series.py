"""Step series: (unix ms, value) points, each value in force until the next."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, Final

__all__ = ["Points", "append", "scaled", "steps_of", "thinned", "value_at"]

MOST_POINTS: Final = 1_200

Points = list[tuple[int, Any]]


def append(points: Points, at_ms: int, value: int | None) -> None:
    """Add a step unless nothing changed; a second value of one instant replaces the first."""
    if points and points[-1][0] == at_ms:
        points[-1] = (at_ms, value)
    elif not points or points[-1][1] != value:
        points.append((at_ms, value))


def scaled(value: int, exponent: int) -> int:
    """value * 10^exponent, towards minus infinity."""
    factor: int = 10 ** abs(exponent)
    return value * factor if exponent >= 0 else value // factor


def value_at(points: Sequence[tuple[int, Any]], at_ms: int) -> Any:
    """Return the value in force at a time; None before the first."""
    index = bisect_right(points, at_ms, key=lambda point: point[0])
    return points[index - 1][1] if index else None


def steps_of(*series: Sequence[tuple[int, Any]]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Walk several series at once: each time any of them changes, with all values in force."""
    current: list[Any] = [None] * len(series)
    changes = sorted((at, n, value) for n, points in enumerate(series) for at, value in points)
    for index, (at, number, value) in enumerate(changes):
        current[number] = value
        if index + 1 == len(changes) or changes[index + 1][0] != at:
            yield at, tuple(current)


def thinned(points: Sequence[tuple[int, Any]], most: int = MOST_POINTS) -> tuple[Any, ...]:
    """Keep at most `most` steps: the values in force at evenly spaced times, and the last."""
    if len(points) <= most:
        return tuple(points)
    times = [at for at, _ in points]
    first, span = times[0], times[-1] - times[0]
    chosen = {bisect_right(times, first + span * n // (most - 1)) - 1 for n in range(most)}
    return tuple(points[index] for index in sorted(chosen))
