"""Percentiles of one run and medians over several; the one way our figures are summed up.

Two times are kept of each sample: wall, which a busy machine inflates, and CPU time of the
measuring thread, which shows what the code costs. Goals are about wall time on a quiet machine.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Figure", "Samples", "median_of", "now"]


@dataclass(slots=True)
class Samples:
    """Wall and CPU nanoseconds of each thing measured in one run."""

    wall_ns: list[int] = field(default_factory=list)
    cpu_ns: list[int] = field(default_factory=list)

    def add(self, since: tuple[int, int]) -> None:
        """Add one sample that began at `since`, from `now`."""
        wall, cpu = now()
        self.wall_ns.append(wall - since[0])
        self.cpu_ns.append(cpu - since[1])

    def last_of(self, other: "Samples") -> None:
        """Add the newest sample of another."""
        self.wall_ns.append(other.wall_ns[-1])
        self.cpu_ns.append(other.cpu_ns[-1])


@dataclass(frozen=True, slots=True)
class Figure:
    """A named figure in microseconds: medians over runs, with what the specification asks for."""

    name: str
    runs: int
    samples: int
    p50_us: float
    p99_us: float
    cpu_p50_us: float
    cpu_p99_us: float
    goal: str


def now() -> tuple[int, int]:
    """Return wall and thread CPU time in nanoseconds."""
    return time.perf_counter_ns(), time.thread_time_ns()


def median_of(name: str, runs: Sequence[Samples], goal: str) -> Figure:
    """Sum up several runs: the median of each percentile. Raises ValueError without samples."""
    if not all(run.wall_ns for run in runs):
        raise ValueError("a run without samples measures nothing")
    return Figure(
        name=name,
        runs=len(runs),
        samples=len(runs[0].wall_ns),
        p50_us=statistics.median(_percentile_us(run.wall_ns, 50) for run in runs),
        p99_us=statistics.median(_percentile_us(run.wall_ns, 99) for run in runs),
        cpu_p50_us=statistics.median(_percentile_us(run.cpu_ns, 50) for run in runs),
        cpu_p99_us=statistics.median(_percentile_us(run.cpu_ns, 99) for run in runs),
        goal=goal,
    )


def _percentile_us(samples_ns: Sequence[int], percent: int) -> float:
    ordered = sorted(samples_ns)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] / 1_000
