"""The short campaign: every fault once, on one keeper, and its stop proven at the end."""

import asyncio
from pathlib import Path

import pytest

from tests.soak.books import books_apart, fills_apart, reasons_not_to_quote
from tests.soak.campaign import SPELLS, Tally, strike, warm_up
from tests.soak.ground import RESTING, ground
from tests.soak.pace import Pace
from tests.soak.stops import LOSING, Stop, prove_loss_stop, prove_stop

BLOCKS = 4
LONGER = 8
"""Long enough for fills, after which orders get new ids."""


def test_keeper__every_fault_in_turn__exposure_covered_books_right_stop_proven(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "journal"

    async def main() -> tuple[Tally, list[str], Pace]:
        tally = Tally()
        async with ground(folder, seed=1) as here:
            await warm_up(here, tally)
            for spell in SPELLS:
                await strike(here, tally, spell, BLOCKS if len(spell) == 1 else LONGER)
            stop = await prove_stop(here, tally)
        wrong = [*stop.wrong, *fills_apart(here, folder), *books_apart(here, folder)]
        return tally, [*wrong, *here.pace.wrong(RESTING.min_resting_ms)], here.pace

    tally, wrong, pace = asyncio.run(main())

    assert tally.breaches == []
    assert [(o.fault, o.wrong) for o in tally.outcomes if o.wrong] == []
    assert wrong == []
    assert tally.largest_exposure > 0
    assert reasons_not_to_quote(folder) >= {"CLOCK_SKEW", "MARKET_STATUS", "SOURCE_DOWN"}
    assert min(pace.kinds[kind] for kind in ("new", "back", "forward", "cancel")) > 0
    assert pace.shortest_told_ms > 0


def test_keeper__loss_limit_reached_with_cancels_lost__only_its_exit_matches_afterwards(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "journal"

    async def main() -> tuple[Tally, Stop, list[str]]:
        tally = Tally()
        async with ground(folder, 1, LOSING) as here:
            await warm_up(here, tally)
            stop = await prove_loss_stop(here, tally)
        return tally, stop, [*fills_apart(here, folder), *books_apart(here, folder)]

    tally, stop, apart = asyncio.run(main())

    assert stop.wrong == []
    assert stop.last > stop.tripped
    assert tally.breaches == []
    assert apart == []


pytestmark = pytest.mark.filterwarnings("error")
