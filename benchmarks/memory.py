"""Memory over many events: `python -m benchmarks.memory --events 10000000`.

Two markets of the seeded tape, three levels a side each, through the keeper's own sequencer, step
function and journal on disk, with everything imported that `keeper run` imports. A block is a
second of the market's time. Resident memory is read from /proc; the growth is the slope of a line
through the second half of the samples, per hour of that time. `--trace` runs under tracemalloc and
names the lines that hold more at the end than in the middle.
"""

import argparse
import gc
import json
import random
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from benchmarks.tape import ETH, FIRST_HEIGHT, START_NS, Market, TapeClock, run_started
from keeper.domain.commands import CancelOrders, PlaceOrder
from keeper.domain.events import BookUpdated, Event, MarketListed, VenueBlock
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from keeper.engine.sequencer import Issued, Sequencer
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import CORE

__all__ = ["Life", "Sample", "growth_mb_per_hour", "live"]

LAYERS: Final = 3
SECOND_MARKET: Final = replace(ETH, ticker="SOL-USD", clob_pair_id=5)
MIDDLE: Final = 3_000_000_000
PULL: Final = 500
"""The walk comes back by this part of its distance each block, so that it never ends."""
SETTLE_BLOCKS: Final = 3
"""Blocks pass faster here than in life: no more of them while a snapshot is written out."""
MIB: Final = 2**20
STATM: Final = Path("/proc/self/statm")
PAGE: Final = 4_096


@dataclass(frozen=True, slots=True)
class Sample:
    """Resident bytes after so many events and blocks (seconds of the market's time)."""

    events: int
    blocks: int
    resident: int
    fills: int
    seconds: float


class _Pulled(Market):
    """A walk that stays around its middle."""

    def block(self, rng: random.Random) -> list[Event]:
        tick = self.listing.subticks_per_tick
        self.price += (MIDDLE - self.price) // PULL // tick * tick
        return Market.block(self, rng)


class Life:
    """A keeper with two markets on the tape."""

    def __init__(self, folder: Path) -> None:
        self._clock = TapeClock()
        self._journal = JournalWriter.open(folder, JournalOptions())
        self.sequencer = Sequencer(CORE, self._journal, self._clock)
        self.sequencer.recover()
        self._first = _Pulled(seed=1)
        self._second = _Pulled(seed=2, listing=SECOND_MARKET)
        self._rng = random.Random(1)
        self._pending_blocks = 0
        self._play(self._opening())

    @property
    def blocks(self) -> int:
        """Blocks so far."""
        return self._first.height - FIRST_HEIGHT

    @property
    def fills(self) -> int:
        """Fills of both markets."""
        return self._first.fills + self._second.fills

    def block(self) -> None:
        """Live through one block, and the quiet moment after it."""
        self._clock.now = START_NS + (self.blocks + 1) * NS_PER_SECOND
        events = self._first.block(self._rng)
        events += [e for e in self._second.block(self._rng) if not isinstance(e, VenueBlock)]
        self._play(events)
        self.sequencer.rest()
        self._pending_blocks = self._pending_blocks + 1 if self._journal.is_pending else 0
        if self._pending_blocks >= SETTLE_BLOCKS:
            self._journal.settle()

    def close(self) -> None:
        """End the journal."""
        self.sequencer.close()

    def _opening(self) -> list[Event]:
        started = run_started(LAYERS)
        (market,) = started.settings.markets
        both = (market, replace(market, ticker=SECOND_MARKET.ticker))
        own = [
            event
            for event in self._second.opening(LAYERS)
            if isinstance(event, MarketListed | BookUpdated)
        ]
        first = self._first.opening(LAYERS)[1:]
        settings = replace(started.settings, markets=both)
        return [replace(started, settings=settings), *first[:1], *own[:1], *first[1:], *own[1:]]

    def _play(self, waiting: list[Event]) -> None:
        while waiting:
            event = waiting.pop(0)
            self._clock.now += NS_PER_MS
            waiting[:0] = self._answers(self.sequencer.process(event))

    def _answers(self, issued: Sequence[Issued]) -> Iterator[Event]:
        for item in issued:
            command = item.approved.value
            if isinstance(command, PlaceOrder | CancelOrders):
                is_first = command.market == ETH.ticker
                yield from (self._first if is_first else self._second).answer([item])


def live(folder: Path, events: int, every: int, patience_seconds: float) -> Iterator[Sample]:
    """Live until so many events, or out of patience; a sample every so many events."""
    life, started, due = Life(folder), time.monotonic(), every
    while True:
        life.block()
        seen, seconds = life.sequencer.seq, time.monotonic() - started
        ends = seen >= events or seconds >= patience_seconds
        if seen >= due or ends:
            due += every
            yield Sample(seen, life.blocks, resident(), life.fills, round(seconds, 1))
        if ends:
            break
    life.close()


def resident() -> int:
    """Return this process's resident bytes. Raises OSError where there is no /proc."""
    return int(STATM.read_text().split()[1]) * PAGE


def growth_mb_per_hour(samples: Sequence[Sample]) -> float:
    """Slope of the second half of the samples by least squares, MiB an hour of market time."""
    late = samples[len(samples) // 2 :]
    if len(late) < 2:
        raise ValueError("two samples at least make a slope")
    hours = [sample.blocks / 3_600 for sample in late]
    sizes = [sample.resident / MIB for sample in late]
    mean_h, mean_s = sum(hours) / len(late), sum(sizes) / len(late)
    spread = sum((h - mean_h) ** 2 for h in hours)
    return sum((h - mean_h) * (s - mean_s) for h, s in zip(hours, sizes, strict=True)) / spread


def _trace(samples: Iterator[Sample], events: int) -> None:
    """Print the lines whose memory grew most between the middle and the end."""
    tracemalloc.start(5)
    middle = None
    for sample in samples:
        if middle is None and sample.events >= events // 2:
            gc.collect()
            middle = tracemalloc.take_snapshot()
    gc.collect()
    if middle is not None:
        for line in tracemalloc.take_snapshot().compare_to(middle, "lineno")[:25]:
            print(line)


def _print(samples: Sequence[Sample]) -> None:
    print(f"{'events':>12}{'market time':>14}{'fills':>10}{'resident MiB':>14}")
    shown = max(1, len(samples) // 12)
    for sample in [*samples[:-1:shown], samples[-1]]:
        hours = f"{sample.blocks / 3_600:.1f} h"
        size = f"{sample.resident / MIB:.1f}"
        print(f"{sample.events:>12,}{hours:>14}{sample.fills:>10,}{size:>14}")
    slope = growth_mb_per_hour(samples)
    print(f"growth over the second half: {slope:+.4f} MiB/h of market time (goal < 1)")
    print(f"largest: {max(s.resident for s in samples) / MIB:.1f} MiB (goal <= 150)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--every", type=int, default=50_000, help="events between samples")
    parser.add_argument("--minutes", type=float, default=240, help="end after so long at most")
    parser.add_argument("--trace", action="store_true", help="name what grows; many times slower")
    parser.add_argument("--json", action="store_true", help="print every sample as JSON")
    options = parser.parse_args()
    import keeper.bootstrap.trading  # noqa: F401 - what `keeper run` imports is resident too

    with tempfile.TemporaryDirectory(prefix="athanor-memory-") as folder:
        found = live(Path(folder), options.events, options.every, options.minutes * 60)
        if options.trace:
            _trace(found, options.events)
            return
        samples = []
        for sample in found:
            samples.append(sample)
            size = f"{sample.resident / MIB:.1f} MiB"
            print(f"{sample.events:,} events, {size}", file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps([asdict(sample) for sample in samples]))
        return
    _print(samples)


if __name__ == "__main__":
    main()
