"""Restart to quoting after a simulated day: `python -m benchmarks.restart`.

A keeper plays a day of the tape, one block a second, and is killed with the longest possible tail
of records after its newest snapshot. Then a new process is started, reads the journal, and goes on
until its first order is in the log. Measured as well: what snapshots cost the keeper that trades.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.figures import Figure, Samples, median_of, now
from benchmarks.tape import FIRST_HEIGHT, START_NS, Market, TapeClock
from keeper.domain.commands import PlaceOrder
from keeper.domain.events import Event
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from keeper.engine.sequencer import Issued, Sequencer
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import CORE

__all__ = ["Day", "Restart", "live_a_day", "restart"]

DAY_BLOCKS = 86_400
LAYERS = 1
GOAL = "<= 5 s"
PATIENCE_BLOCKS = 3
"""A block is a second in life and some 500 us here: no more of them pass during a snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What the killed keeper left: steps in its journal, and those after its last snapshot."""

    blocks: int
    steps: int
    tail: int
    fills: int
    segments: int
    journal_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """Seconds from exec to: imports done, journal read, first order in the log.

    `cpu_s` is the processor time of all of it: what a quiet machine takes, but for its disk.
    """

    imported_s: float
    recovered_s: float
    quoting_s: float
    cpu_s: float
    snapshot_seq: int
    decided: int


class _Life:
    """A keeper on the tape whose every call is timed."""

    def __init__(self, folder: Path, options: JournalOptions) -> None:
        self._clock = TapeClock()
        self._journal = JournalWriter.open(folder, options)
        self._sequencer = Sequencer(CORE, self._journal, self._clock)
        self._sequencer.recover()
        self._market = Market(seed=1, books=1, stride=70)
        self._rng = random.Random(1)
        self._options = options
        self._snapshot_seq = self._pending_blocks = 0
        self.every, self.beside, self.first, self.ending = (Samples() for _ in range(4))

    def play(self, blocks: int) -> Day:
        """Trade for that many blocks and on, until the tail is as long as it gets."""
        waiting = self._market.opening(LAYERS)
        played = 0
        while played < blocks or self._tail < self._options.max_segment_steps * 85 // 100:
            waiting += self._market.block(self._rng)
            self._clock.now = START_NS + (self._market.height - FIRST_HEIGHT) * NS_PER_SECOND
            self._play_all(waiting)
            self._rest()
            played += 1
        return Day(
            blocks=played,
            steps=self._sequencer.seq,
            tail=self._tail,
            fills=self._market.fills,
            segments=self._journal.next_segment - 1,
            journal_bytes=sum(p.stat().st_size for p in self._journal.folder.iterdir()),
        )

    @property
    def _tail(self) -> int:
        return self._sequencer.seq - self._snapshot_seq

    def _play_all(self, waiting: list[Event]) -> None:
        while waiting:
            event = waiting.pop(0)
            self._clock.now += NS_PER_MS
            waiting[:0] = self._market.answer(self._process(event))

    def _process(self, event: Event) -> Sequence[Issued]:
        segment, is_beside = self._journal.next_segment, self._journal.is_pending
        since = now()
        issued = self._sequencer.process(event)
        self.every.add(since)
        if self._journal.next_segment != segment:
            self.first.last_of(self.every)
        elif is_beside:
            self.beside.last_of(self.every)
        return issued

    def _rest(self) -> None:
        was_pending = self._journal.is_pending
        since = now()
        self._sequencer.rest()
        if self._journal.is_pending and not was_pending:
            self.ending.add(since)
            self._snapshot_seq = self._sequencer.seq
        self._pending_blocks = self._pending_blocks + 1 if self._journal.is_pending else 0
        if self._pending_blocks >= PATIENCE_BLOCKS:
            self._journal.settle()


def live_a_day(folder: Path, blocks: int, options: JournalOptions) -> tuple[Day, list[Figure]]:
    """Trade without stopping at the end; return what is left and what each call took."""
    life = _Life(folder, options)
    day = life.play(blocks)
    return day, [
        median_of("any event, over the day", [life.every], "p99 <= 1 ms"),
        median_of("any event while a snapshot is written out", [life.beside], "p99 <= 1 ms"),
        median_of("state copied, segment ended, in a quiet moment", [life.ending], "<= 1 ms"),
        median_of("first event after it: waits for the disk", [life.first], "none set"),
    ]


def restart(folder: Path) -> Restart:
    """Start a new process on a journal and wait for its first order. Raises RuntimeError."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.restart", "--resume", str(folder)],
        env={**os.environ, "BENCH_STARTED": str(time.monotonic())},
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return Restart(**json.loads(done.stdout))


def _resume(folder: Path) -> Restart:
    """Be the new process: all that `keeper run` imports, the journal, the tape's next events."""
    started = float(os.environ["BENCH_STARTED"])
    import keeper.bootstrap.trading  # noqa: F401 - what a start costs is to be counted

    imported = time.monotonic()
    clock = TapeClock()
    sequencer = Sequencer(CORE, JournalWriter.open(folder, JournalOptions()), clock)
    recovery = sequencer.recover()
    recovered = time.monotonic()
    clock.now = max(clock.now, sequencer.state.t_ns)
    for event in _next_events(Market.after(sequencer.state, seed=2)):
        clock.now += NS_PER_MS
        if any(isinstance(item.approved.value, PlaceOrder) for item in sequencer.process(event)):
            break
    result = Restart(
        imported_s=imported - started,
        recovered_s=recovered - started,
        quoting_s=time.monotonic() - started,
        cpu_s=time.process_time(),
        snapshot_seq=recovery.snapshot_seq,
        decided=recovery.decided,
    )
    sequencer.close()
    return result


def _next_events(market: Market) -> Iterator[Event]:
    yield from market.opening(LAYERS)
    while True:
        yield from market.block(random.Random(2))


def _live_and_die(folder: Path, blocks: int) -> None:
    """Be the keeper that is killed: print what it left, and end without a word to the journal."""
    day, figures = live_a_day(folder, blocks, JournalOptions())
    print(json.dumps({"day": asdict(day), "figures": [asdict(figure) for figure in figures]}))
    sys.stdout.flush()
    os._exit(0)


def _measure(blocks: int, runs: int) -> None:
    with tempfile.TemporaryDirectory(prefix="athanor-restart-") as name:
        folder = Path(name)
        lived = subprocess.run(
            [sys.executable, "-m", "benchmarks.restart", "--blocks", str(blocks), "--live", name],
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        found = json.loads(lived.stdout)
        print(f"a day of {blocks} blocks: {found['day']}\n")
        print(f"{'microseconds':50}{'count':>8}{'p50':>8}{'p99':>9}{'CPU p50':>9}{'CPU p99':>9}")
        for figure in (Figure(**each) for each in found["figures"]):
            wall = f"{figure.p50_us:>8.0f}{figure.p99_us:>9.0f}"
            cpu = f"{figure.cpu_p50_us:>9.0f}{figure.cpu_p99_us:>9.0f}"
            print(f"{figure.name:50}{figure.samples:>8}{wall}{cpu}  {figure.goal}")
        _print_restarts(folder, runs)


def _print_restarts(folder: Path, runs: int) -> None:
    print(f"\nrestart to quoting ({GOAL}), seconds from exec")
    for number in range(runs):
        copy = Path(shutil.copytree(folder, folder.with_name(f"{folder.name}-{number}")))
        found = restart(copy)
        print(
            f"imports {found.imported_s:.2f}, journal read {found.recovered_s:.2f}, "
            f"first order in the log {found.quoting_s:.2f} (CPU {found.cpu_s:.2f}): "
            f"{found.decided} steps decided again after the snapshot of {found.snapshot_seq}"
        )
        shutil.rmtree(copy)


def main() -> None:
    """Measure and print, or be one of the two processes measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.restart", description=__doc__)
    parser.add_argument("--blocks", type=int, default=DAY_BLOCKS, help="blocks of the day")
    parser.add_argument("--runs", type=int, default=3, help="restarts measured")
    parser.add_argument("--live", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--resume", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.live is not None:
        _live_and_die(options.live, options.blocks)
    elif options.resume is not None:
        print(json.dumps(asdict(_resume(options.resume))))
    else:
        _measure(options.blocks, options.runs)


if __name__ == "__main__":
    main()
