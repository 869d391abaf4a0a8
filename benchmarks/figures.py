"""Percentiles of one run and medians over several; the one way our figures are summed up."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Figure", "Spread", "median_of", "spread_of"]


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles of one run's samples, in microseconds."""

    samples: int
    p50_us: float
    p99_us: float


@dataclass(frozen=True, slots=True)
class Figure:
    """A named figure: medians over runs, with what the specification asks for."""

    name: str
    runs: int
    samples: int
    p50_us: float
    p99_us: float
    goal: str


def spread_of(samples_ns: Sequence[int]) -> Spread:
    """Sum up one run. Raises ValueError without samples."""
    if not samples_ns:
        raise ValueError("a run without samples measures nothing")
    ordered = sorted(samples_ns)
    return Spread(
        len(ordered),
        statistics.median(ordered) / 1_000,
        ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] / 1_000,
    )


def median_of(name: str, spreads: Sequence[Spread], goal: str) -> Figure:
    """Sum up several runs: the median of each percentile."""
    return Figure(
        name=name,
        runs=len(spreads),
        samples=spreads[0].samples,
        p50_us=statistics.median(spread.p50_us for spread in spreads),
        p99_us=statistics.median(spread.p99_us for spread in spreads),
        goal=goal,
    )
