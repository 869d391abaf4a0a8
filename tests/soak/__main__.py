"""`make soak`: faults in random order for half an hour, and what came of it in figures."""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.soak.books import books_apart, fills_apart, prove_stop
from tests.soak.campaign import SPELLS, Spell, Tally, memory_kib, strike, warm_up
from tests.soak.ground import ground

_BLOCKS = (2, 25)


async def _run(folder: Path, seed: int, seconds: float) -> tuple[dict[str, Any], bool]:
    tally, chooser = Tally(), random.Random(seed)
    async with ground(folder, seed) as here:
        await warm_up(here, tally)
        deck: list[Spell] = []
        while time.monotonic() - tally.started < seconds:
            if not deck:
                deck = chooser.sample(SPELLS, len(SPELLS))
            outcome = await strike(here, tally, deck.pop(), chooser.randint(*_BLOCKS))
            print(
                f"{time.monotonic() - tally.started:7.0f} s  {outcome.fault:36}"
                f"quotes back after {outcome.blocks_to_resume:3} blocks  {memory_kib():8} KiB  "
                f"{len(tally.breaches)} breaches  {'; '.join(outcome.wrong)}",
                flush=True,
            )
        wrong = await prove_stop(here, tally)
        counts = dict(sorted(here.venue.counts.items()))
    wrong += [*fills_apart(here, folder), *books_apart(here, folder)]
    wrong += [f"{o.fault}: {text}" for o in tally.outcomes for text in o.wrong]
    return {
        "seed": seed,
        "seconds": round(time.monotonic() - tally.started),
        "blocks": tally.blocks,
        "spells": len(tally.outcomes),
        "exposure_breaches": tally.breaches,
        "largest_exposure_base_quantums": tally.largest_exposure,
        "fills": counts.get("FillReceived", 0),
        "reconciliations": counts.get("Reconciled", 0),
        "losses_of_the_stream": counts.get("SourceDown", 0),
        "gaps": counts.get("SourceGap", 0),
        "memory_kib": {"first": tally.first_kib, "last": memory_kib()},
        "wrong": wrong,
        "events": counts,
    }, not (wrong or tally.breaches)


def main() -> int:
    """Run a campaign and print what was seen; 1 when something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1_800)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="athanor-soak-") as folder:
        told, holds = asyncio.run(_run(Path(folder) / "journal", options.seed, options.seconds))
    print(json.dumps(told, indent=2))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
