"""Event dequeued -> checked commands, their records handed to the OS, on the seeded tape.

Timed: taking the event from the ingress queue, sequencing, the whole core (state, strategy, risk,
orders) and the journal's write(2) to a real file. Not timed: making the tape's events.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Figure, Samples, median_of, now
from benchmarks.tape import LEADER, Market, TapeClock, play
from keeper.domain.commands import OrderCommand
from keeper.domain.events import Event, LeaderQuoted
from keeper.engine.ingress import Ingress
from keeper.engine.sequencer import Issued, Sequencer
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import CORE

__all__ = ["backlog", "figures", "leader_figures"]

GOALS = {1: "p50 <= 100 us, p99 <= 1 ms", 3: "p50 <= 200 us, p99 <= 1 ms"}
BACKLOG = 2_000


@dataclass(slots=True)
class _Stopwatch:
    """Passes events through a queue and a sequencer, timing each."""

    sequencer: Sequencer
    ingress: Ingress = field(default_factory=Ingress)
    deciding: Samples = field(default_factory=Samples)
    every: Samples = field(default_factory=Samples)
    leading: Samples = field(default_factory=Samples)

    def process(self, event: Event) -> Sequence[Issued]:
        self.ingress.put(event)
        since = now()
        taken = self.ingress.pop()
        issued = self.sequencer.process(taken) if taken is not None else []
        self.every.add(since)
        if isinstance(event, LeaderQuoted):
            self.leading.last_of(self.every)
        if any(isinstance(item.approved.value, OrderCommand) for item in issued):
            self.deciding.last_of(self.every)
        return issued


@contextmanager
def _played(
    layers: int, blocks: int, market: Market | None = None
) -> Iterator[tuple[_Stopwatch, Market]]:
    """Play the tape into a journal in a temporary folder; yield what it left behind."""
    with tempfile.TemporaryDirectory(prefix="athanor-bench-") as folder:
        journal = JournalWriter.open(Path(folder), JournalOptions())
        clock = TapeClock()
        watch = _Stopwatch(Sequencer(CORE, journal, clock))
        watch.sequencer.recover()
        yield watch, play(watch.process, clock, layers=layers, blocks=blocks, market=market)
        journal.close()


def _run(layers: int, blocks: int) -> _Stopwatch:
    with _played(layers, blocks) as (watch, _):
        return watch


def _backlog_run() -> Samples:
    """Queue updates as after a gap, then take them all."""
    samples = Samples()
    with _played(3, 20) as (watch, market):
        since = now()
        for _ in range(BACKLOG):
            watch.ingress.put(market.book(snapshot=False))
        while (event := watch.ingress.pop()) is not None:
            watch.sequencer.process(event)
        samples.add(since)
    return samples


def backlog(*, runs: int) -> Figure:
    """Measure how long a backlog of book updates takes, queueing included."""
    samples = [_backlog_run() for _ in range(runs)]
    return median_of(f"{BACKLOG} queued updates after a gap", samples, "<= 250 ms")


def figures(layers: int, *, runs: int, blocks: int) -> list[Figure]:
    """Measure `runs` times over `blocks` blocks of the tape."""
    watches = [_run(layers, blocks) for _ in range(runs)]
    side = f"{layers} level{'s' if layers > 1 else ''} a side"
    deciding = [watch.deciding for watch in watches]
    every = [watch.every for watch in watches]
    return [
        median_of(f"event to orders, {side}", deciding, GOALS[layers]),
        median_of(f"any event, {side}", every, "p99 <= 1 ms"),
    ]


def leader_figures(*, runs: int, blocks: int) -> list[Figure]:
    """Measure the tape with a leader: its quotes alone, and whatever leads to orders."""
    watches = []
    for _ in range(runs):
        with _played(3, blocks, Market(seed=1, leader=LEADER)) as (watch, _):
            watches.append(watch)
    return [
        median_of("a leader's quote, 3 levels a side", [w.leading for w in watches], "none set"),
        median_of("event to orders, with a leader", [w.deciding for w in watches], GOALS[3]),
    ]
