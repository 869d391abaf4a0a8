"""A journal of this Python, replayed by the wheel on another: the same bytes, or the bit named.

Hash seed, time zone and locale differ, and the process has no network.
"""

import json
import shutil
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from benchmarks.tape import TapeClock, record
from keeper.cli.exits import ExitCode
from keeper.domain.commands import Command
from keeper.domain.events import Event, RunStarted
from keeper.domain.settings import StepSettings
from keeper.engine.sequencer import Sequencer
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import CORE
from keeper.release import running_release
from keeper.replay import replay
from tests.keeper.builders import (
    ALLOCATION,
    LIMITS,
    START_NS,
    USDC,
    Keeper,
    market_settings,
    pool_seen,
    pool_settings,
    settings,
    vault,
)
from tests.packaging.environment import run

SEGMENTS = JournalOptions(max_segment_bytes=300_000)
STRANGE = {"PYTHONHASHSEED": "random", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"}
OFFLINE = """
import socket, sys
def refuse(*_, **__):
    raise OSError("this process has no network")
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = refuse
from keeper.cli.main import main
main()
"""


def orders(folder: Path) -> None:
    """A market that is quoted and filled, over several segments and runs."""
    for seed in (1, 2):
        assert record(folder, SEGMENTS, blocks=60, seed=seed).fills > 5


class Told(Keeper):
    """A keeper that remembers when it was told what."""

    def __init__(self, chosen: StepSettings) -> None:
        self.log: list[tuple[int, Event]] = []
        super().__init__(chosen)

    def feed(self, event: Event) -> list[Command]:
        self.log.append((self.now, event))
        return super().feed(event)


def pool(folder: Path) -> None:
    """Capital into both legs and a range in a pool, beside quotes."""
    chosen = settings(
        markets=(market_settings(max_position_quote_quantums=300_000 * USDC),),
        pools=(pool_settings(),),
        allocation=ALLOCATION,
        limits=replace(LIMITS, daily_loss_quote_quantums=20_000 * USDC),
    )
    keeper = Told(chosen)
    keeper.start()
    keeper.answer()
    keeper.feed(pool_seen(1, amount0=100_000 * USDC, amount1=33_300 * 10**15))
    keeper.feed(vault(1))
    keeper.block()
    clock, writer = TapeClock(START_NS), JournalWriter.open(folder, SEGMENTS)
    sequencer = Sequencer(CORE, writer, clock)
    sequencer.recover()
    for clock.now, event in keeper.log:
        sequencer.process(_ours(event))
    sequencer.close()


def _ours(event: Event) -> Event:
    if not isinstance(event, RunStarted):
        return event
    ours = running_release()
    return replace(event, package_version=ours.version, wheel_hash=ours.wheel_hash)


@pytest.fixture(scope="module", params=[orders, pool])
def journal(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A journal that this Python wrote, and a command that has to be in it."""
    folder = tmp_path_factory.mktemp("journal")
    request.param(folder)
    return folder, "PlaceOrder" if request.param is orders else "MintRange"


def test_replay__another_python__same_hashes_commands_and_ledger(
    clean: Path, outside: dict[str, str], journal: tuple[Path, str], tmp_path: Path
) -> None:
    folder, command = journal
    ours = replay(folder)

    done = run(
        *(clean, "-W", "error", "-c", OFFLINE, "replay", folder, "--json"),
        *("--write", tmp_path / "theirs"),
        env=outside | STRANGE,
        folder=tmp_path,
    )

    theirs = json.loads(done.stdout)
    assert theirs == {"equal": True, **json.loads(msgspec.json.encode(ours.summary))}
    assert theirs["decided"] == theirs["records"] > 0
    assert theirs["state_hash"]
    assert (tmp_path / "theirs" / "commands.jsonl").read_bytes() == ours.command_bytes
    assert (tmp_path / "theirs" / "ledger.json").read_bytes() == ours.ledger_bytes
    assert f'"{command}"'.encode() in ours.command_bytes


def test_replay__another_python_and_one_bit_changed__names_the_record(
    clean: Path, outside: dict[str, str], journal: tuple[Path, str], tmp_path: Path
) -> None:
    copy = shutil.copytree(journal[0], tmp_path / "copy")
    victim = copy / "account-00000001.sealed"
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 4
    victim.write_bytes(content)

    done = run(
        *(clean, "-c", OFFLINE, "replay", copy, "--json"),
        env=outside | STRANGE,
        folder=tmp_path,
        code=ExitCode.JOURNAL,
    )

    assert f"{victim.name}, record " in done.stderr
