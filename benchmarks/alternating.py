"""Two trees of this repository on the same tape, turn by turn, on one core.

`python -m benchmarks.alternating OTHER_TREE` starts a process on each, pins both to one core and
lets them play a few blocks of the tape at a time in turns: both meet the same neighbours, so the
median of the turns' ratios shows a difference of a percent on a machine that is anything but quiet.
The other tree needs its `keeper` and `benchmarks` folders; this one's interpreter runs both.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple

from benchmarks.tape import FIRST_HEIGHT, LEADER, START_NS, Market, TapeClock
from keeper.domain.commands import OrderCommand
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from keeper.engine.sequencer import Sequencer
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import CORE

ROOT: Final = Path(__file__).resolve().parents[1]
BLOCKS_A_TURN: Final = 6
SCENES: Final = ((1, False), (3, False), (3, True))
"""Levels a side, and whether there is a leader."""


class Turn(NamedTuple):
    """CPU nanoseconds and counts of the events that led to orders, and of all others."""

    deciding_ns: int
    deciding: int
    other_ns: int
    others: int


def serve(layers: int, *, leads: bool, turns: IO[str]) -> None:
    """Play so many blocks for each line of `turns`, and print what they took."""
    with tempfile.TemporaryDirectory(prefix="athanor-turns-") as folder:
        journal, clock = JournalWriter.open(Path(folder), JournalOptions()), TapeClock()
        sequencer = Sequencer(CORE, journal, clock)
        sequencer.recover()
        market, rng = Market(seed=1, leader=LEADER if leads else None), random.Random(1)
        waiting = market.opening(layers)
        for line in turns:
            took = [0, 0, 0, 0]
            for _ in range(int(line)):
                waiting += market.block(rng)
                clock.now = START_NS + (market.height - FIRST_HEIGHT) * NS_PER_SECOND
                while waiting:
                    event = waiting.pop(0)
                    clock.now += NS_PER_MS
                    since = time.thread_time_ns()
                    issued = sequencer.process(event)
                    spent = time.thread_time_ns() - since
                    decides = any(isinstance(i.approved.value, OrderCommand) for i in issued)
                    took[0 if decides else 2] += spent
                    took[1 if decides else 3] += 1
                    waiting[:0] = market.answer(issued)
            print(json.dumps(took), flush=True)
        journal.close()


@contextmanager
def _player(tree: Path, scene: tuple[int, bool], core: int) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, str(Path(__file__)), "--serve", str(scene[0]), str(int(scene[1]))]
    with subprocess.Popen(
        command,
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        os.sched_setaffinity(process.pid, {core})
        yield process


def _turn(process: "subprocess.Popen[str]") -> Turn:
    if process.stdin is None or process.stdout is None:
        raise ValueError("a player without pipes")
    process.stdin.write(f"{BLOCKS_A_TURN}\n")
    process.stdin.flush()
    return Turn(*json.loads(process.stdout.readline()))


def pairs(trees: tuple[Path, Path], scene: tuple[int, bool], turns: int) -> list[tuple[Turn, Turn]]:
    """Let both trees take turns. Raises ValueError where they do not decide the same number."""
    core = max(os.sched_getaffinity(0))
    with _player(trees[0], scene, core) as first, _player(trees[1], scene, core) as second:
        found = []
        for number in range(turns):
            if number % 2:
                later = _turn(second)
                found.append((_turn(first), later))
            else:
                found.append((_turn(first), _turn(second)))
    if any(a.deciding != b.deciding for a, b in found):
        raise ValueError("the trees decide differently on the same tape")
    return found[2:]


def _row(name: str, found: list[tuple[Turn, Turn]], place: int) -> str:
    known = [(a, b) for a, b in found if a[place + 1]]
    before, now = (
        statistics.median(pair[n][place] / pair[n][place + 1] / 1e3 for pair in known)
        for n in (0, 1)
    )
    ratio = statistics.median(b[place] / a[place] for a, b in known)
    return f"{name:44}{before:>9.1f}{now:>9.1f}{ratio:>9.3f}"


def main() -> None:
    """Serve turns, or compare and print."""
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]), leads=sys.argv[3] == "1", turns=sys.stdin)
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alternating", description=__doc__)
    parser.add_argument("other", type=Path, help="the tree to compare with, e.g. a git worktree")
    parser.add_argument("--turns", type=int, default=150)
    options = parser.parse_args()
    print(f"{'CPU us, medians of turns':44}{'other':>9}{'this':>9}{'ratio':>9}")
    for layers, leads in SCENES:
        found = pairs((options.other.resolve(), ROOT), (layers, leads), options.turns)
        scene = f"{layers} level{'s' if layers > 1 else ''}{' and a leader' if leads else ''}"
        print(_row(f"event to orders, {scene}", found, 0))
        print(_row(f"any other event, {scene}", found, 2), flush=True)


if __name__ == "__main__":
    main()
