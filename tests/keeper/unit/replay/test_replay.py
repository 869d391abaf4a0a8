"""Replay in this and in another process: same bytes, named differences, the right release."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks.tape import TapeClock, play, run_started
from keeper.core.state import State, initial_state
from keeper.core.step import step
from keeper.domain.approval import Approved
from keeper.domain.commands import Command, PlaceOrder
from keeper.domain.errors import JournalCorrupt, ReplayMismatch, WrongRelease
from keeper.domain.events import Event, RunStarted, VenueBlock
from keeper.engine.sequencer import Sequencer
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import CORE, Core
from keeper.replay import main, replay

BLOCKS = 60
FILES = ("commands.jsonl", "ledger.json")


def record(folder: Path, core: Core = CORE, blocks: int = BLOCKS) -> Path:
    """Play the tape into a journal; returns its folder."""
    journal = JournalWriter.open(folder, JournalOptions(max_segment_bytes=300_000))
    clock = TapeClock()
    sequencer = Sequencer(core, journal, clock)
    assert not list(sequencer.recover())
    market = play(sequencer.process, clock, layers=3, blocks=blocks)
    journal.close()
    assert market.fills > 5
    return folder


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("journal"))


def in_another_process(journal: Path, out: Path, **environment: str) -> dict[str, object]:
    """Replay by the command line with another environment and no way to the network."""
    offline = "import socket\nsocket.socket = None\nfrom keeper.replay import main\nimport sys\n"
    code = offline + "sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(journal), "--json", "--write", str(out)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd(), **environment},
        capture_output=True,
        check=True,
        cwd=Path(__file__).resolve().parents[4],
    )
    summary: dict[str, object] = json.loads(done.stdout)
    return summary


def test_replay__another_process_hash_seed_and_time_zone__same_bytes(
    journal: Path, tmp_path: Path
) -> None:
    here = replay(journal)

    one = in_another_process(journal, tmp_path / "a", PYTHONHASHSEED="random", TZ="UTC")
    other = in_another_process(
        journal, tmp_path / "b", PYTHONHASHSEED="4242", TZ="Pacific/Kiritimati", LC_ALL="C"
    )

    assert one == other == msgspec.to_builtins(here.summary)
    assert here.summary.commands > 100
    for name, expected in zip(FILES, (here.command_bytes, here.ledger_bytes), strict=True):
        assert (tmp_path / "a" / name).read_bytes() == expected
        assert (tmp_path / "b" / name).read_bytes() == expected


def test_replay__the_ledger__holds_the_fills_of_the_tape(journal: Path) -> None:
    result = replay(journal)

    kinds = {entry.kind for entry in result.ledger.books().entries}
    assert kinds == {"opening", "fill"}
    assert json.loads(result.ledger_bytes)["balances"]["opening"] == {"quote": -(10**12)}


def test_replay__command_the_core_would_not_give__names_the_step(tmp_path: Path) -> None:
    def wider(state: State, t_ns: int, seq: int, event: Event) -> tuple[Approved[Command], ...]:
        return tuple(map(_shifted, step(state, t_ns, seq, event)))

    folder = record(tmp_path, Core(initial_state, wider), blocks=40)

    with pytest.raises(ReplayMismatch, match=r"step \d+: command 0 differs"):
        replay(folder)


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


def test_replay__folder_without_segments__is_empty(tmp_path: Path) -> None:
    result = replay(tmp_path)

    assert (result.summary.records, result.command_bytes) == (0, b"")
