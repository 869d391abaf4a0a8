"""Event dequeued -> checked commands, their records handed to the OS, on the seeded tape.

Timed: taking the event from the ingress queue, sequencing, the whole core (state, strategy, risk,
orders) and the journal's write(2) to a real file. Not timed: making the tape's events.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Figure, median_of, spread_of
from benchmarks.tape import Market, TapeClock, play
from keeper.domain.commands import OrderCommand
from keeper.domain.events import Event
from keeper.engine.ingress import Ingress
from keeper.engine.sequencer import Issued, Sequencer
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import CORE

__all__ = ["backlog", "figures"]

GOALS = {1: "p50 <= 100 us, p99 <= 1 ms", 3: "p50 <= 200 us, p99 <= 1 ms"}
WARM_UP_EVENTS = 500
BACKLOG = 2_000


@dataclass(slots=True)
class _Stopwatch:
    """Passes events through a queue and a sequencer, timing each."""

    sequencer: Sequencer
    ingress: Ingress = field(default_factory=Ingress)
    deciding_ns: list[int] = field(default_factory=list)
    all_ns: list[int] = field(default_factory=list)
    seen: int = 0

    def process(self, event: Event) -> Sequence[Issued]:
        self.ingress.put(event)
        start = time.perf_counter_ns()
        taken = self.ingress.pop()
        issued = self.sequencer.process(taken) if taken is not None else []
        elapsed = time.perf_counter_ns() - start
        self.seen += 1
        if self.seen > WARM_UP_EVENTS:
            self.all_ns.append(elapsed)
            if any(isinstance(item.approved.value, OrderCommand) for item in issued):
                self.deciding_ns.append(elapsed)
        return issued


@contextmanager
def _played(layers: int, blocks: int) -> Iterator[tuple[_Stopwatch, Market]]:
    """Play the tape into a journal in a temporary folder; yield what it left behind."""
    with tempfile.TemporaryDirectory(prefix="athanor-bench-") as folder:
        journal = JournalWriter.open(Path(folder), JournalOptions())
        clock = TapeClock()
        watch = _Stopwatch(Sequencer(CORE, journal, clock))
        for _ in watch.sequencer.recover():
            raise RuntimeError("the bench's journal is not empty")
        yield watch, play(watch.process, clock, layers=layers, blocks=blocks)
        journal.close()


def _run(layers: int, blocks: int) -> _Stopwatch:
    with _played(layers, blocks) as (watch, _):
        return watch


def _backlog_run() -> int:
    """Queue updates as after a gap, take them all; return the nanoseconds it took."""
    with _played(3, 20) as (watch, market):
        start = time.perf_counter_ns()
        for _ in range(BACKLOG):
            watch.ingress.put(market.book(snapshot=False))
        while (event := watch.ingress.pop()) is not None:
            watch.sequencer.process(event)
        return time.perf_counter_ns() - start


def backlog(*, runs: int) -> Figure:
    """Measure how long a backlog of book updates takes, queueing included."""
    spreads = [spread_of([_backlog_run()]) for _ in range(runs)]
    return median_of(f"{BACKLOG} queued updates after a gap", spreads, "<= 250 ms")


def figures(layers: int, *, runs: int, blocks: int) -> list[Figure]:
    """Measure `runs` times over `blocks` blocks of the tape."""
    watches = [_run(layers, blocks) for _ in range(runs)]
    side = f"{layers} level{'s' if layers > 1 else ''} a side"
    deciding = [spread_of(watch.deciding_ns) for watch in watches]
    every = [spread_of(watch.all_ns) for watch in watches]
    return [
        median_of(f"event to orders, {side}", deciding, GOALS[layers]),
        median_of(f"any event, {side}", every, "p99 <= 1 ms"),
    ]
