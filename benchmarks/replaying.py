"""How long a stranger's check takes: a sealed journal verified, decided again and compared."""

import tempfile
from pathlib import Path

from benchmarks.figures import Figure, Samples, median_of, now
from benchmarks.tape import record
from keeper.journal import JournalOptions
from keeper.replay import replay

__all__ = ["figure"]


def figure(*, runs: int, blocks: int) -> Figure:
    """Measure `runs` replays of one journal of the tape, three levels a side."""
    samples: list[Samples] = []
    with tempfile.TemporaryDirectory(prefix="athanor-bench-") as name:
        record(Path(name), JournalOptions(), blocks=blocks)
        for _ in range(runs):
            samples.append(Samples())
            since = now()
            steps = replay(Path(name)).summary.records
            samples[-1].add(since)
    return median_of(f"replay of {steps} steps", samples, "none set")
