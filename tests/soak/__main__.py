"""`make soak`: faults in random order for half an hour, and what came of it in figures."""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.books import books_apart, fills_apart
from tests.soak.campaign import SPELLS, Spell, Tally, memory_kib, strike, warm_up
from tests.soak.ground import RESTING, Ground, ground
from tests.soak.stops import LOSING, Stop, prove_loss_stop, prove_stop
from tests.soak.table import PAGE, Campaign, render

_BLOCKS = (2, 25)


async def _faults(here: Ground, tally: Tally, chooser: random.Random, seconds: float) -> None:
    deck: list[Spell] = []
    while time.monotonic() - tally.started < seconds:
        if not deck:
            deck = chooser.sample(SPELLS, len(SPELLS))
        outcome = await strike(here, tally, deck.pop(), chooser.randint(*_BLOCKS))
        print(
            f"{time.monotonic() - tally.started:7.0f} s  {outcome.fault:36}"
            f"quotes back after {outcome.blocks_to_resume:3} blocks  {memory_kib():8} KiB  "
            f"{len(tally.breaches)} breaches  {'; '.join(outcome.wrong)}",
            file=sys.stderr,
            flush=True,
        )


async def _loss_stop(folder: Path, seed: int, tally: Tally) -> tuple[Stop, list[str]]:
    """A keeper of its own, with a limit that random prices would reach in any campaign."""
    async with ground(folder, seed, LOSING) as here:
        await tally.until(here, here.is_quoting, 150)
        stop = await prove_loss_stop(here, tally)
    return stop, [*stop.wrong, *fills_apart(here, folder), *books_apart(here, folder)]


async def _run(folder: Path, seed: int, seconds: float) -> Campaign:
    tally = Tally()
    async with ground(folder / "faults", seed) as here:
        await warm_up(here, tally)
        await _faults(here, tally, random.Random(seed), seconds)
        stopped = await prove_stop(here, tally)
        last_kib, counts = memory_kib(), dict(here.venue.counts)
    wrong = [f"{o.fault}: {text}" for o in tally.outcomes for text in o.wrong]
    wrong += [*stopped.wrong, *fills_apart(here, folder / "faults")]
    wrong += books_apart(here, folder / "faults")
    lost, wrong_then = await _loss_stop(folder / "loss", seed, tally)
    took = round(time.monotonic() - tally.started)
    wrong += here.pace.wrong(RESTING.min_resting_ms)
    return Campaign(
        seed, took, tally, last_kib, counts, here.pace, (stopped, lost), (*wrong, *wrong_then)
    )


def main() -> int:
    """Run a campaign and print what was seen; 1 when something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=int, default=1_800)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help=f"make {PAGE.name} of it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="athanor-soak-") as folder:
        found = asyncio.run(_run(Path(folder), options.seed, options.seconds))
    command = f"python -m tests.soak --seconds {options.seconds} --seed {options.seed} --write"
    page = render(found, command)
    print(page)
    for breach in found.tally.breaches:
        print(breach)
    if options.write:
        PAGE.write_text(page, encoding="utf-8")
    return 0 if found.holds else 1


if __name__ == "__main__":
    sys.exit(main())
