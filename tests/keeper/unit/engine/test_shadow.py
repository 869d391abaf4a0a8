"""A shadow run: every command is logged and answered, nothing can leave, journals do not mix."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from keeper.domain.approval import Approved
from keeper.domain.commands import Allocate, Command, CommandId
from keeper.domain.errors import ConfigError
from keeper.domain.events import CommandResult, Event, FillReceived, RunStarted
from keeper.engine import Engine
from keeper.engine.sequencer import Sequencer
from keeper.engine.shadow import ShadowPort
from keeper.journal import JournalOptions, JournalReader, JournalWriter
from keeper.ports import Emit
from tests.keeper.fakes import FakeAlerts, ManualClock, ScriptedCore, run_started
from tests.keeper.samples import fill, order

ALLOCATE = Allocate(adapter="0xclob", assets=5)
SHADOW = msgspec.structs.replace(run_started(), mode="shadow")


class Feed:
    """Emits what it is given, then idles; it has no method that sends."""

    def __init__(self, *events: Event) -> None:
        self.events = events
        self.is_closed = False

    async def run(self, emit: Emit) -> None:
        for event in self.events:
            emit(event)
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.is_closed = True


def on_fill(event: Event) -> Sequence[Command]:
    return (order(1), ALLOCATE) if isinstance(event, FillReceived) else ()


def run(folder: Path, started: RunStarted, venue: Feed, until: Callable[[Engine], bool]) -> None:
    """Run an engine of shadow ports in `folder` until a condition holds."""
    asyncio.run(_run(folder, started, venue, until))


async def _run(
    folder: Path, started: RunStarted, venue: Feed, until: Callable[[Engine], bool]
) -> None:
    journal = JournalWriter.open(folder, JournalOptions())
    ports = ShadowPort(venue), ShadowPort(Feed())
    sequencer = Sequencer(ScriptedCore(on_fill).core, journal, clock := ManualClock())
    engine = Engine(sequencer, clock, *ports, FakeAlerts(), started)
    task = asyncio.create_task(engine.run())
    async with asyncio.timeout(10):
        while not until(engine) and not task.done():  # noqa: ASYNC110 - any condition of a test
            await asyncio.sleep(0.001)
        engine.stop()
        await task


def results(folder: Path) -> list[CommandResult]:
    steps = JournalReader(folder).steps()
    return [step.event for step in steps if isinstance(step.event, CommandResult)]


def test_run__shadow__logs_every_command_and_answers_that_none_left(tmp_path: Path) -> None:
    venue = Feed(fill(1))

    run(tmp_path, SHADOW, venue, lambda engine: engine.seq >= 4)

    steps = list(JournalReader(tmp_path).steps())
    (decided,) = [step for step in steps if isinstance(step.event, FillReceived)]
    assert decided.commands == (order(1), ALLOCATE)
    found = {(r.command, r.outcome, r.codespace, r.detail, r.tx_hash) for r in results(tmp_path)}
    said = ("SHADOW", "keeper", "a shadow run sends nothing", "")
    assert found == {(CommandId(1, 2, 0), *said), (CommandId(1, 2, 1), *said)}
    assert venue.is_closed


@pytest.mark.parametrize(("first", "second"), [("live", "shadow"), ("shadow", "live")])
def test_run__journal_of_the_other_mode__is_refused_before_anything_is_logged(
    tmp_path: Path, first: str, second: str
) -> None:
    modes = {"live": run_started(), "shadow": SHADOW}
    run(tmp_path, modes[first], Feed(), lambda engine: engine.seq >= 1)
    before = list(JournalReader(tmp_path).steps())

    with pytest.raises(ConfigError, match=f"holds {first} runs, this run is {second}"):
        run(tmp_path, modes[second], Feed(), lambda _: False)

    assert list(JournalReader(tmp_path).steps()) == before


def test_run__shadow_again__goes_on_in_the_same_journal(tmp_path: Path) -> None:
    for number in (1, 2):
        run(tmp_path, SHADOW, Feed(fill(number)), lambda engine: engine.seq >= 4)

    starts = [s.event for s in JournalReader(tmp_path).steps() if isinstance(s.event, RunStarted)]
    assert [(start.run, start.mode) for start in starts] == [(1, "shadow"), (2, "shadow")]


def test_submit__before_run__is_refused() -> None:
    port = ShadowPort(Feed())

    with pytest.raises(RuntimeError, match="before run"):
        asyncio.run(port.submit([(CommandId(1, 1, 0), Approved(ALLOCATE))]))


def test_rebroadcast__signed_bytes__is_refused() -> None:
    port = ShadowPort(Feed())

    with pytest.raises(RuntimeError, match="holds 1 signed"):
        asyncio.run(port.rebroadcast([(CommandId(1, 1, 0), "0x02")]))
