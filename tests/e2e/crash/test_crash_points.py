"""Every write and every port call of a running keeper is a point where it was killed, and survived.

`CRASH_LATER` sets how many further kills, at later passings of the points about orders and
transactions, follow the one at each first passing.
"""

import asyncio
import os
import random
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.console import ROOT, keeper
from tests.e2e.crash.campaign import Campaign, Run
from tests.e2e.crash.ground import open_ground
from tests.e2e.crash.table import note_run, write_table
from tests.e2e.crash.twins import TWINS
from tests.e2e.crash.unreached import UNREACHED

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

_LATER: Final = int(os.environ.get("CRASH_LATER", "8"))
_HOT: Final = ("Emit", "OrderVenue", "VaultChain.submit", "eth_", "logged", "venues.dydx.node")
_TABLE: Final = ROOT / "out" / "crash-points.txt"


@dataclass(frozen=True, slots=True)
class Killed:
    """A campaign that is over: every point there is, every run, the twins' runs, the journal."""

    points: tuple[str, ...]
    runs: tuple[Run, ...]
    twins: dict[str, tuple[Run, ...]]
    journal: Path

    @property
    def hit(self) -> set[str]:
        return {run.point for run in self.runs}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """Kill everywhere once, in one world."""
    out = tmp_path_factory.mktemp("crash")
    told = asyncio.run(_campaign(out))
    write_table(_TABLE, told.points, told.runs, told.twins)
    return told


async def _campaign(out: Path) -> Killed:
    seed = random.SystemRandom().randrange(1 << 32)
    async with open_ground(out) as ground:
        campaign = Campaign(ground, out / "kept", partial(note_run, out / "runs.txt"))
        try:
            await campaign.everywhere()
            await campaign.later(_HOT, _LATER, seed)
            runs = await campaign.finish()
            twins = {twin: tuple(await campaign.twin(twin)) for twin in TWINS}
        finally:
            campaign.close()
        return Killed(tuple(ground.nursery.points), tuple(runs), twins, ground.journal)


def test_points__every_one__was_killed_at(killed: Killed) -> None:
    missed = set(killed.points) - killed.hit - set(UNREACHED)

    assert missed == set()
    assert killed.hit - {""} <= set(killed.points), "a point that no source lists"


def test_unreached__each_exception__is_a_point_that_nothing_reached(killed: Killed) -> None:
    assert set(UNREACHED) <= set(killed.points) - killed.hit
    assert all(UNREACHED.values())


def test_runs__after_every_death__nothing_lost_doubled_or_unknown(killed: Killed) -> None:
    broken = {
        f"{run.number}: {run.point or 'stopped'}": run.findings.violations
        for run in killed.runs
        if run.findings.violations
    }

    assert broken == {}


def test_runs__aimed_at_a_later_passing__died_there(killed: Killed) -> None:
    aimed = [run for run in killed.runs if run.nth > 1]

    assert len(aimed) == _LATER
    assert sum(bool(run.point) for run in aimed) * 2 > _LATER


def test_runs__whatever_left_the_process__was_a_listed_site(killed: Killed) -> None:
    assert {entry for run in killed.runs for entry in run.unlisted} == set()


def test_runs__the_last__traded(killed: Killed) -> None:
    last = killed.runs[-1].findings

    assert last.fills > 0
    assert last.placed > 0
    assert last.signed > 0


def test_replay__journal_of_all_runs__same_ledger_in_other_processes(killed: Killed) -> None:
    found = [
        keeper(("replay", str(killed.journal)), {"PYTHONHASHSEED": seed}).data
        for seed in ("0", "4711")
    ]

    assert found[0] == found[1]
    assert found[0]["ledger_hash"]


@pytest.mark.parametrize("twin", TWINS)
def test_audit__keeper_with_one_promise_broken__is_caught(killed: Killed, twin: str) -> None:
    assert any(run.findings.violations for run in killed.twins[twin]), twin
