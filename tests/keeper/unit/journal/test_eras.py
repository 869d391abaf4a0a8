"""One journal under two releases, each a copy of this one with changed source, as processes."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[4]
RECORD = """
import sys
from pathlib import Path
from benchmarks.tape import record
from keeper.journal import JournalOptions
options = JournalOptions(max_segment_steps=200)
print(record(Path(sys.argv[1]), options, blocks=30, seed=int(sys.argv[2])).fills)
"""
CRASH = """
import os, sys
from pathlib import Path
from benchmarks.tape import Market, TapeClock, play
from keeper.engine.sequencer import Sequencer
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import CORE
clock = TapeClock()
sequencer = Sequencer(CORE, JournalWriter.open(Path(sys.argv[1]), JournalOptions()), clock)
sequencer.recover()
clock.now = max(clock.now, sequencer.state.t_ns)
play(sequencer.process, clock, layers=3, blocks=5, market=Market.after(sequencer.state, 3))
os._exit(0)
"""
POSITIONS = """
import json, sys
from pathlib import Path
from keeper.engine.sequencer import Sequencer
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import CORE
from benchmarks.tape import TapeClock
sequencer = Sequencer(CORE, JournalWriter.open(Path(sys.argv[1]), JournalOptions()), TapeClock())
sequencer.recover()
state = sequencer.state
held = state.account.positions.items()
print(json.dumps({
    "positions": {name: [each.quantums, each.quote_balance] for name, each in held},
    "usdc": state.account.usdc, "run": state.run, "added": getattr(state, "added", None),
}))
sequencer.close()
"""
ROOT_AT_CUT = """
import json, sys
from pathlib import Path
from keeper.reporter.journal_check import JournalCheck
root = JournalCheck(Path(sys.argv[1])).root_at_cut(5)
print(json.dumps(root if isinstance(root, str) else root.code))
"""
CUT = """
import sys
from pathlib import Path
from benchmarks.tape import TapeClock
from keeper.domain.events import VaultObserved
from keeper.engine.sequencer import Sequencer
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import CORE
sequencer = Sequencer(CORE, JournalWriter.open(Path(sys.argv[1]), JournalOptions()), TapeClock())
sequencer.recover()
sequencer.process(VaultObserved(
    block_number=5, block_hash="0x05", block_timestamp=1, state="CUT", epoch=5, next_cut_at=0,
    cut_at=0, last_settled_at=0, supply=0, deposits_waiting=0,
    idle=0, accepted_nav=0, owed_assets=0, venue_cap_bps=0, min_on_chain_bps=0, adapters=(),
))
sequencer.close()
print(sequencer.seq)
"""
CLI = "from keeper.cli.main import main; main()"


@dataclass(frozen=True)
class Release:
    """An installed copy of the package."""

    folder: Path

    def change(self, file: str, old: str, new: str) -> None:
        path = self.folder / "keeper" / file
        source = path.read_text(encoding="utf-8")
        assert source.count(old) == 1, (file, old)
        path.write_text(source.replace(old, new), encoding="utf-8")

    def run(self, code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(self.folder)},
            capture_output=True,
            check=False,
            cwd=self.folder,
            text=True,
        )

    def prints(self, code: str, *arguments: str) -> Any:
        done = self.run(code, *arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def refuses(self, code: str, *arguments: str) -> str:
        done = self.run(code, *arguments)
        assert done.returncode != 0, done.stdout
        return done.stdout + done.stderr

    def keeper(self, *arguments: str) -> Any:
        return self.prints(CLI, *arguments, "--json")


def installed(folder: Path, version: str) -> Release:
    skipped = shutil.ignore_patterns("__pycache__")
    for name in ("keeper", "benchmarks"):
        shutil.copytree(ROOT / name, folder / name, ignore=skipped)
    release = Release(folder)
    release.change("__init__.py", f'__version__ = "{current()}"', f'__version__ = "{version}"')
    return release


def variant(release: Release, folder: Path) -> Release:
    """Another copy, to be changed."""
    skipped = shutil.ignore_patterns("__pycache__")
    return Release(Path(shutil.copytree(release.folder, folder / "variant", ignore=skipped)))


def current() -> str:
    from keeper import __version__

    return __version__


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return installed(tmp_path_factory.mktemp("old"), "7.1.0")


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release that knows one thing more, and so has a schema and a migration of its own."""
    release = installed(tmp_path_factory.mktemp("new"), "7.2.0")
    release.change("domain/events/__init__.py", "SCHEMA_VERSION = 2", "SCHEMA_VERSION = 3")
    release.change(
        "core/state.py",
        '    vault: str = ""\n    mode',
        '    vault: str = ""\n    added: int = 0\n    mode',
    )
    empty, one = "{1: _since_1}", '{1: _since_1, 2: lambda old: old | {"added": 7}}'
    release.change("core/migration.py", empty, one)
    return release


@pytest.fixture(scope="module")
def before(old: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal that the old release recorded and ended cleanly."""
    folder = tmp_path_factory.mktemp("before") / "journal"
    assert old.prints(RECORD, str(folder), "1") > 3
    return folder


@pytest.fixture
def journal(before: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(before, tmp_path / "journal"))


def test_upgrade__cleanly_ended__loses_nothing_and_both_releases_replay_it(
    old: Release, new: Release, journal: Path, tmp_path: Path
) -> None:
    held = old.prints(POSITIONS, str(journal))
    alone = Path(shutil.copytree(journal, tmp_path / "alone"))

    refusal = new.refuses(POSITIONS, str(journal))
    done = new.keeper("journal", "upgrade", str(journal))
    taken = new.prints(POSITIONS, str(journal))
    fills = new.prints(RECORD, str(journal), "2")

    assert "athanor-keeper 7.1.0" in refusal
    assert (done["upgraded"], done["era"], done["former_version"]) == (True, 2, "7.1.0")
    assert taken == held | {"added": 7}
    assert fills > 3
    old.prints(RECORD, str(alone), "2")
    by_new, by_old = (
        release.keeper("replay", str(folder), "--write", str(tmp_path / name))
        for release, folder, name in ((new, journal, "new"), (old, alone, "old"))
    )
    assert [era["replayed"] for era in by_new["eras"]] == [False, True]
    assert by_new["records"] == by_old["records"] == by_old["decided"]
    assert by_new["ledger_hash"] == by_old["ledger_hash"]
    ledger = json.loads((tmp_path / "new" / "ledger.json").read_bytes())
    assert sum(entry["kind"] == "fill" for entry in ledger["entries"]) > fills


def test_upgrade__by_the_former_release_afterwards__decides_its_era_and_names_the_other(
    old: Release, new: Release, journal: Path
) -> None:
    new.keeper("journal", "upgrade", str(journal))
    new.prints(RECORD, str(journal), "2")

    again = old.keeper("replay", str(journal))
    text = old.run(CLI, "replay", str(journal)).stdout

    assert [era["replayed"] for era in again["eras"]] == [True, False]
    assert 0 < again["decided"] < again["records"]
    assert (again["state_hash"], again["data_root"]) == ("", "")
    assert "athanor-keeper 7.2.0" in text
    assert "install that release to decide it again" in text


def test_root_at_cut__in_the_new_era__is_signed_for_with_the_new_release_alone(
    old: Release, new: Release, journal: Path
) -> None:
    new.keeper("journal", "upgrade", str(journal))
    new.prints(CUT, str(journal))

    assert new.prints(ROOT_AT_CUT, str(journal)).startswith("0x")
    assert old.prints(ROOT_AT_CUT, str(journal)) == "JOURNAL_OTHER_RELEASE"


def test_upgrade__backup__is_the_journal_as_it_was(
    old: Release, new: Release, journal: Path
) -> None:
    names = {path.name: path.read_bytes() for path in journal.iterdir() if path.name != "lock"}

    done = new.keeper("journal", "upgrade", str(journal))

    backup = Path(done["backup"])
    assert backup == journal.with_name("journal-before-era-2")
    assert {path.name: path.read_bytes() for path in backup.iterdir()} == names
    assert old.keeper("replay", str(backup))["eras"][0]["replayed"]


def test_upgrade__a_second_time__changes_nothing(new: Release, journal: Path) -> None:
    new.keeper("journal", "upgrade", str(journal))
    segments = sorted(path.name for path in journal.iterdir())

    assert new.keeper("journal", "upgrade", str(journal)) == {"upgraded": False}
    assert sorted(path.name for path in journal.iterdir()) == segments


def test_upgrade__killed_between_copy_and_new_era__goes_on_when_repeated(
    new: Release, journal: Path, tmp_path: Path
) -> None:
    other = variant(new, tmp_path)
    other.change("journal/eras.py", "return _begin(", "raise SystemExit(9) or _begin(")
    killed = other.run(CLI, "journal", "upgrade", str(journal))
    (journal / "snapshot-00000099.zst").write_bytes(b"of an era that never began")

    assert killed.returncode == 9
    assert new.keeper("journal", "upgrade", str(journal))["upgraded"]


def test_upgrade__former_release_crashed__has_to_close_it_first(
    old: Release, new: Release, journal: Path
) -> None:
    old.run(CRASH, str(journal))

    refusal = new.refuses(CLI, "journal", "upgrade", str(journal))
    also = new.refuses(CLI, "replay", str(journal))
    closed = old.keeper("journal", "close", str(journal))

    for text in (refusal, also):
        assert "athanor-keeper==7.1.0" in text
        assert "keeper journal close" in text
    assert closed["closed"]
    assert old.keeper("journal", "close", str(journal)) == {"closed": False, "last_seq": None}
    assert new.keeper("journal", "upgrade", str(journal))["upgraded"]


def test_upgrade__backup_folder_of_something_else__is_refused(
    new: Release, journal: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()

    refusal = new.refuses(
        CLI, "journal", "upgrade", str(journal), "--backup", str(tmp_path / "other")
    )

    assert "is not a copy of" in refusal
    assert "--backup" in refusal


def test_upgrade__state_that_no_migration_brings_here__is_refused(
    new: Release, journal: Path, tmp_path: Path
) -> None:
    other = variant(new, tmp_path)
    other.change("core/migration.py", "2: lambda", "0: lambda")

    refusal = other.refuses(CLI, "journal", "upgrade", str(journal))

    assert "no migration leads from schema 2 to 3" in refusal


def test_replay__migration_gives_another_state_than_logged__is_refused(
    new: Release, journal: Path
) -> None:
    new.keeper("journal", "upgrade", str(journal))
    new.prints(RECORD, str(journal), "2")
    code = f"""
import keeper.core.migration as migration
migration.MIGRATIONS[2] = lambda old: old | {{"added": 8}}
{CLI}
"""

    refusal = new.refuses(code, "replay", str(journal))

    assert "the migrated state differs" in refusal


def test_verify__journal_of_two_eras__counts_them_and_its_snapshots(
    new: Release, journal: Path
) -> None:
    new.keeper("journal", "upgrade", str(journal))

    found = new.keeper("journal", "verify", str(journal))

    assert found["eras"] == 2
    assert set(found["snapshots"].values()) == {"as logged"}
