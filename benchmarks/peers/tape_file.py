"""The tape that every maker reads: best levels of a market, played over several times.

One line a change: time (unix ns), bid, its size, ask, its size, in 1e-8. Makers read it with
nothing but the standard library.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from keeper.core.on_tape import Best
from keeper.domain.units import NS_PER_MS
from keeper.recordings import Recording, points_of

__all__ = ["Change", "read_tape", "recorded", "walked", "write_tape"]

START_NS: Final = 1_721_347_200 * 10**9
CENT_E8: Final = 10**6


class Change(NamedTuple):
    """Best levels from `t_ns` on, in 1e-8."""

    t_ns: int
    bid: int
    bid_size: int
    ask: int
    ask_size: int


def recorded(recording: Recording) -> Iterator[Change]:
    """Yield the best levels of a recording each time they change."""
    for point in points_of(recording.moments(levels=1)):
        if isinstance(point, Best):
            top = point.top
            yield Change(point.t_ns, top.bid, top.bid_size, top.ask, top.ask_size)


def walked(count: int, seed: int = 1) -> Iterator[Change]:
    """Yield a seeded walk of ether around 3,000: a change every 70 ms, every third of its price."""
    dice, middle = random.Random(seed), 300_000
    for n in range(count):
        middle += dice.choice((-20, -5, 5, 20)) if n % 3 == 0 else 0
        sizes = [dice.randrange(1, 5_000) * 10**5 for _ in range(2)]
        bid, ask = (middle - 1) * CENT_E8, (middle + 1) * CENT_E8
        yield Change(START_NS + n * 70 * NS_PER_MS, bid, sizes[0], ask, sizes[1])


def write_tape(changes: Iterable[Change], file: Path, times: int) -> int:
    """Write changes `times` over, one after the other in time; return the lines written."""
    once: Sequence[Change] = list(changes)
    span_ns = once[-1].t_ns - once[0].t_ns + NS_PER_MS if once else 0
    with file.open("w") as stream:
        for n in range(times):
            for change in once:
                moved = change._replace(t_ns=change.t_ns + n * span_ns)
                stream.write(" ".join(map(str, moved)) + "\n")
    return times * len(once)


def read_tape(file: Path) -> Iterator[Change]:
    """Yield the lines of a tape."""
    with file.open() as stream:
        for line in stream:
            yield Change(*map(int, line.split()))
