"""Replay in this and in another process: same bytes, named differences, the right release."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks.tape import record, run_started
from keeper.core.state import State, initial_state
from keeper.core.step import step
from keeper.domain.approval import Approved
from keeper.domain.commands import Command, PlaceOrder
from keeper.domain.errors import JournalCorrupt, ReplayMismatch, WrongRelease
from keeper.domain.events import Event, RunStarted, VenueBlock
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import Core
from keeper.replay import main, replay

ROOT = Path(__file__).resolve().parents[4]
FILES = ("commands.jsonl", "ledger.json")
SMALL = JournalOptions(max_segment_bytes=300_000)
OFFLINE = """
import socket, sys
def refuse(*_, **__):
    raise OSError("this process has no network")
socket.socket.connect = socket.create_connection = refuse
from keeper.replay import main
sys.exit(main(sys.argv[1:]))
"""
RECORD = """
import sys
from pathlib import Path
from benchmarks.tape import record
from keeper.journal import JournalOptions
record(Path(sys.argv[1]), JournalOptions(max_segment_bytes=300_000), blocks=60)
"""


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("journal")
    assert record(folder, SMALL, blocks=60).fills > 5
    return folder


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the source: what is installed elsewhere does not change while a test runs."""
    skipped = shutil.ignore_patterns("__pycache__")
    for name in ("keeper", "benchmarks"):
        shutil.copytree(ROOT / name, tmp_path / "package" / name, ignore=skipped)
    return tmp_path / "package"


def run_elsewhere(package: Path, code: str, *arguments: str, **environment: str) -> str:
    """Run code in another process with nothing of our environment; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(package), **environment},
        capture_output=True,
        check=False,
        cwd=package,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_replay__other_processes_hash_seed_and_time_zone__same_bytes(
    package: Path, tmp_path: Path
) -> None:
    journal, one, other = (str(tmp_path / name) for name in ("journal", "one", "other"))
    run_elsewhere(package, RECORD, journal, PYTHONHASHSEED="1")

    first = run_elsewhere(
        package, OFFLINE, journal, "--json", "--write", one, PYTHONHASHSEED="random", TZ="UTC"
    )
    second = run_elsewhere(
        package,
        OFFLINE,
        *(journal, "--json", "--write", other),
        PYTHONHASHSEED="4242",
        TZ="Pacific/Kiritimati",
        LC_ALL="C",
    )

    assert first == second
    assert json.loads(first)["commands"] > 100
    for name in FILES:
        assert (Path(one) / name).read_bytes() == (Path(other) / name).read_bytes()


def test_replay__the_ledger__holds_the_fills_of_the_tape(journal: Path) -> None:
    result = replay(journal)

    kinds = {entry.kind for entry in result.ledger.books().entries}
    assert kinds == {"opening", "fill"}
    assert json.loads(result.ledger_bytes)["balances"]["opening"] == {"quote": -(10**12)}


def test_replay__command_the_core_would_not_give__names_the_step(tmp_path: Path) -> None:
    def wider(state: State, t_ns: int, seq: int, event: Event) -> tuple[Approved[Command], ...]:
        return tuple(map(_shifted, step(state, t_ns, seq, event)))

    record(tmp_path, SMALL, core=Core(initial_state, wider), blocks=40)

    with pytest.raises(ReplayMismatch, match=r"step \d+: command 0 differs"):
        replay(tmp_path)


def _shifted(approved: Approved[Command]) -> Approved[Command]:
    command = approved.value
    if not isinstance(command, PlaceOrder):
        return approved
    return Approved(msgspec.structs.replace(command, subticks=command.subticks + 1))


def test_replay__a_failed_step__has_to_fail_again(tmp_path: Path) -> None:
    writer = JournalWriter.open(tmp_path, JournalOptions())
    assert not list(writer.recover())
    writer.append(1, VenueBlock(height=1, time_ns=1), (), error="KeyError")
    writer.close()

    with pytest.raises(ReplayMismatch, match="step 1: the log holds KeyError, step gives no error"):
        replay(tmp_path)


@pytest.mark.parametrize("change", [{"package_version": "0.0.9"}, {"wheel_hash": "00" * 32}])
def test_replay__another_release__refuses_and_names_it(
    tmp_path: Path, change: dict[str, str]
) -> None:
    started: RunStarted = msgspec.structs.replace(run_started(1), **change)
    writer = JournalWriter.open(tmp_path, JournalOptions())
    assert not list(writer.recover())
    writer.append(1, started, ())
    writer.close()

    with pytest.raises(WrongRelease) as caught:
        replay(tmp_path)

    assert f"athanor-keeper=={started.package_version}" in caught.value.next_step


def test_main__one_bit_changed__exits_with_the_record_named(
    journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in journal.glob("*.sealed"):
        (copy / path.name).write_bytes(path.read_bytes())
    victim = copy / "account-00000001.sealed"
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 4
    victim.write_bytes(content)

    assert main([str(copy), "--json"]) == 1

    assert "account-00000001.sealed, record " in capsys.readouterr().err
    with pytest.raises(JournalCorrupt):
        replay(copy)


def test_main__without_json__prints_a_table(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(journal)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines][:3] == ["records", "commands", "dropped_bytes"]


def test_main__write__leaves_the_bytes_in_files(journal: Path, tmp_path: Path) -> None:
    assert main([str(journal), "--json", "--write", str(tmp_path / "out")]) == 0

    result = replay(journal)
    assert (tmp_path / "out" / "commands.jsonl").read_bytes() == result.command_bytes
    assert (tmp_path / "out" / "ledger.json").read_bytes() == result.ledger_bytes


def test_replay__fewer_commands_than_logged__names_the_step(tmp_path: Path) -> None:
    def silent(state: State, t_ns: int, seq: int, event: Event) -> tuple[Approved[Command], ...]:
        step(state, t_ns, seq, event)
        return ()

    record(tmp_path, SMALL, blocks=40)

    with pytest.raises(ReplayMismatch, match=r"the log holds \d+ commands, step gives 0"):
        replay(tmp_path, core=Core(initial_state, silent))


def test_replay__folder_without_segments__is_empty(tmp_path: Path) -> None:
    result = replay(tmp_path)

    assert (result.summary.records, result.command_bytes) == (0, b"")


def test_replay__progress__is_told_segment_by_segment(journal: Path) -> None:
    told: list[tuple[int, int]] = []

    replay(journal, progress=lambda done, total: told.append((done, total)))

    total = told[-1][1]
    assert told == [(done, total) for done in range(1, total)]
    assert total > 2
