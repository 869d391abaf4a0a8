"""Where the time goes: `python -m benchmarks.profiling block|book|replay`, by cProfile.

`block` are the events that make most orders on the tape (a venue's block, three levels a side),
`book` its most frequent ones. Lines per event, by their own time; the profiler itself doubles what
short functions cost, so the figures are shares and not times.
"""

import argparse
import cProfile
import pstats
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks import tape
from keeper.domain.events import BookUpdated, Event, VenueBlock
from keeper.engine.sequencer import Issued, Sequencer
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import CORE
from keeper.replay import replay

KINDS: Final = {"block": VenueBlock, "book": BookUpdated}
ROOT: Final = Path(__file__).resolve().parents[1]


class Line(NamedTuple):
    """One function: calls and own share of all time, in percent, and with what it calls."""

    where: str
    calls: float
    own: float
    all: float


def of_events(kind: str, blocks: int) -> tuple[cProfile.Profile, int]:
    """Profile the tape's events of one kind; return how many there were."""
    profile, seen = cProfile.Profile(), 0
    with _sequencer() as (sequencer, clock):

        def process(event: Event) -> Sequence[Issued]:
            nonlocal seen
            if not isinstance(event, KINDS[kind]):
                return sequencer.process(event)
            seen += 1
            profile.enable()
            try:
                return sequencer.process(event)
            finally:
                profile.disable()

        tape.play(process, clock, layers=3, blocks=blocks)
    return profile, seen


def of_replay(blocks: int) -> tuple[cProfile.Profile, int]:
    """Profile the replay of a journal; return its steps."""
    profile = cProfile.Profile()
    with tempfile.TemporaryDirectory(prefix="athanor-profile-") as folder:
        tape.record(Path(folder), JournalOptions(), blocks=blocks)
        profile.enable()
        steps = replay(Path(folder)).summary.records
        profile.disable()
    return profile, steps


def lines(profile: cProfile.Profile, count: int, most: int) -> list[Line]:
    """The functions with the most own time."""
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined] # typeshed leaves it out
    total = sum(own for _, _, own, _, _ in stats.values())
    found = [
        Line(_named(*where), calls / count, 100 * own / total, 100 * cumulative / total)
        for where, (_, calls, own, cumulative, _) in stats.items()
    ]
    return sorted(found, key=lambda line: -line.own)[:most]


def _named(file: str, number: int, name: str) -> str:
    path = Path(file)
    inside = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name
    return name if file == "~" else f"{inside}:{number} {name}"


@contextmanager
def _sequencer() -> Iterator[tuple[Sequencer, tape.TapeClock]]:
    with tempfile.TemporaryDirectory(prefix="athanor-profile-") as folder:
        journal, clock = JournalWriter.open(Path(folder), JournalOptions()), tape.TapeClock()
        sequencer = Sequencer(CORE, journal, clock)
        sequencer.recover()
        yield sequencer, clock
        journal.close()


def main() -> None:
    """Profile and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiling", description=__doc__)
    parser.add_argument("what", choices=[*KINDS, "replay"])
    parser.add_argument("--blocks", type=int, default=400)
    parser.add_argument("--lines", type=int, default=25)
    options = parser.parse_args()
    if options.what == "replay":
        profile, count = of_replay(options.blocks)
    else:
        profile, count = of_events(options.what, options.blocks)
    print(f"{count:,} of {options.what}; share of own time, and with what it calls\n")
    print(f"{'calls each':>11}{'own %':>8}{'all %':>8}  where")
    for line in lines(profile, count, options.lines):
        print(f"{line.calls:>11.2f}{line.own:>8.1f}{line.all:>8.1f}  {line.where}")


if __name__ == "__main__":
    main()
