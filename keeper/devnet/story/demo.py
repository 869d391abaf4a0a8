"""The whole demonstration: scenes in order, the count, the replay, the table and the page."""

import asyncio
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from keeper.devnet.conservation import compare
from keeper.devnet.processes import run_to_end
from keeper.devnet.project import Project, found_project
from keeper.devnet.recorded_data import Chosen, mapping
from keeper.devnet.story.bond import BondPlay
from keeper.devnet.story.bond_facts import BondFacts
from keeper.devnet.story.checks import count_money
from keeper.devnet.story.facts import ExchangeWatch, Facts
from keeper.devnet.story.narrator import Narrator
from keeper.devnet.story.page import write_page
from keeper.devnet.story.project_stage import ProjectStage
from keeper.devnet.story.quoting import from_the_liveliest
from keeper.devnet.story.scenes import Play
from keeper.devnet.story.stage import Stage
from keeper.devnet.tape import Tape, write_tape
from keeper.devnet.world import World
from keeper.domain.units import NS_PER_SECOND
from keeper.pages.report_data import Check

__all__ = ["SEED", "Told", "run_demo", "show"]

SEED = 20_261_122
_TABLE_WIDTH = 132
_REPLAYED = {"commands": "commands_hash", "ledger": "ledger_hash", "state": "state_hash"}


@dataclass(frozen=True, slots=True)
class Told:
    """A story told to its end; `fills` are the keeper's as a maker, by market and side."""

    checks: tuple[Check, ...]
    fills: dict[tuple[str, str], int]
    report: Path
    seconds: int

    @property
    def holds(self) -> bool:
        """Whether every check does."""
        return all(check.holds for check in self.checks)

    def plain(self) -> dict[str, Any]:
        """The same as data."""
        return {
            "holds": self.holds,
            "seconds": self.seconds,
            "report": str(self.report),
            "maker_fills": [
                {"market": market, "side": side, "count": count}
                for (market, side), count in self.fills.items()
            ],
            "checks": _rows(self.checks),
        }


async def run_demo(
    out: Path,
    seed: int = SEED,
    recordings: Chosen = (),
    play_seconds: int = 0,
) -> Told:
    """Tell the story in `out`/world, on at least `play_seconds` of recordings if there are any.

    Raises SceneFailed when a scene cannot end.
    """
    narrator = Narrator()
    tape = _tape(out / "world", recordings, play_seconds, narrator) if recordings else None
    world = World(out / "world", seed, tape)
    stage = Stage(world)
    founding: asyncio.Task[Project] | None = None
    try:
        with narrator.chapter("A world: chain, contracts, exchange"):
            await world.start()
        founding = asyncio.create_task(found_project(world))
        facts = Facts(world)
        watch = ExchangeWatch(world)
        play = Play(world, stage, facts, watch, narrator, play_seconds=play_seconds)
        bond = await _tell(play, founding)
        fills = await play.made()
        checks = [*play.checks, *bond.checks, *await count_money(world)]
        with narrator.chapter("A stranger replays the journal"):
            checks.extend(await _replay(stage))
        (out / "checks.json").write_bytes(msgspec.json.format(msgspec.json.encode(_rows(checks))))
        await write_page(play, bond.project.lens, checks, out / "report.html")
        await facts.close()
        await bond.facts.close()
    finally:
        if founding is not None:
            founding.cancel()
        await stage.close()
        await world.stop()
    narrator.say(f"{narrator.elapsed_seconds} s; {out / 'report.html'} tells the rest")
    return Told(tuple(checks), fills, out / "report.html", narrator.elapsed_seconds)


def _tape(folder: Path, recordings: Chosen, play_seconds: int, narrator: Narrator) -> Tape:
    with narrator.chapter("A recording is read"):
        tape = from_the_liveliest(write_tape(recordings, folder / "tape.jsonl"), play_seconds)
    late = (tape.from_ns - tape.start_ns) // NS_PER_SECOND
    narrator.say(f"{mapping(tape)}; {tape.seconds} s of it, from second {late} on")
    return tape


async def _tell(play: Play, founding: asyncio.Task[Project]) -> BondPlay:
    """Tell every chapter; the project is founded beside the first."""
    chapter = play.narrator.chapter
    with chapter("Prices move, the keeper stakes"):
        await play.open()
    with chapter("A project buys its own liquidity"):
        bond = _bond_play(play, await founding)
        await bond.tell()
    with chapter("People arrive"):
        await play.deposit()
    with chapter("The first cut, report and settlement"):
        await play.settle(first=True)
        await play.claim_shares()
    with chapter("The keeper makes markets"):
        await play.start_keeper()
        await play.trade()
        await play.lean()
    with chapter("Profit and loss is reported"):
        await play.settle()
    with chapter("Ada leaves"):
        await play.leave()
        await play.settle()
        await play.collect()
    with chapter("The lights go down"):
        await play.close()
    return bond


def _bond_play(play: Play, project: Project) -> BondPlay:
    world = play.world
    stage = ProjectStage(play.stage, project)
    facts, bonds = Facts(world, project), BondFacts(world, project)
    return BondPlay(world, stage, facts, bonds, play.narrator)


def _rows(checks: Iterable[Check]) -> list[dict[str, Any]]:
    return [{**msgspec.structs.asdict(check), "holds": check.holds} for check in checks]


async def _replay(stage: Stage) -> list[Check]:
    """Decide the journal again in two strange processes; each compares every byte with the log."""
    first = await _replay_as(stage, {"PYTHONHASHSEED": "0", "TZ": "UTC"})
    random_seed = str(int.from_bytes(os.urandom(4)))
    second = await _replay_as(stage, {"PYTHONHASHSEED": random_seed, "TZ": "Asia/Kolkata"})
    return [
        compare(f"replay: {what}", "first process", first[what], "second process", second[what])
        for what in _REPLAYED
    ]


async def _replay_as(stage: Stage, environment: dict[str, str]) -> dict[str, int]:
    """What a replay found, hashes as their first 64 bits. Raises ChildFailed on any difference."""
    keeper = str(Path(sys.executable).with_name("keeper"))
    command = (keeper, "replay", str(stage.journal), "--json")
    found = json.loads(
        await run_to_end("keeper replay", command, stage.world.folder / "replay.log", environment)
    )
    return {what: int(str(found[key])[:16], 16) for what, key in _REPLAYED.items()}


def show(checks: Iterable[Check]) -> None:
    """Print the count as a table."""
    table = Table(title="Counted from the chain and the exchange, in smallest units")
    for column in ("what", "counted", "", "must equal", ""):
        table.add_column(column, justify="right" if column == "" else "left", overflow="fold")
    for check in checks:
        mark = "" if check.holds else "  [red]DIFFERS[/red]"
        table.add_row(
            check.name + mark,
            check.left_name,
            f"{check.left:,}",
            check.right_name,
            f"{check.right:,}",
        )
    Console(width=_TABLE_WIDTH).print(table)
