"""The index holds what the journal holds: built at once or bit by bit, and never of another one."""

import shutil
import sqlite3
from pathlib import Path

import msgspec
import pytest

from benchmarks.tape import record
from keeper.domain.errors import JournalCorrupt
from keeper.index import Index, IndexUnavailable, index_path, open_index
from keeper.index import build as index_build
from keeper.journal import JournalOptions, JournalReader
from keeper.journal.layout import wal_path
from keeper.journal.records import EraRecord, Stream
from keeper.release import Release
from tests.keeper.builders import run_started
from tests.keeper.ledger_story import SETTINGS, story, write_story
from tests.keeper.samples import Written, open_writer, write_steps

SMALL = JournalOptions(max_segment_bytes=20_000, max_segment_age_ns=10**18)


@pytest.fixture
def steps() -> list[Written]:
    return story()


def contents(index: Index) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, the position's look at the folder aside."""
    tables = [
        name
        for (name,) in index.database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if name != "meta"
    ]
    return {
        name: sorted(index.database.execute(f"SELECT * FROM {name}"))  # noqa: S608 - our own names
        for name in tables
    }


def rows(folder: Path, path: Path) -> dict[str, list[tuple[object, ...]]]:
    index = open_index(folder, path)
    try:
        return contents(index)
    finally:
        index.close()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """First segments of every reader that an index made."""
    found: list[int] = []

    class Counted(JournalReader):
        def __init__(self, folder: Path, start: object = index_build.BEGINNING) -> None:
            super().__init__(folder, start)  # type: ignore[arg-type]
            found.append(self.start.segment)

    monkeypatch.setattr(index_build, "JournalReader", Counted)
    return found


def test_open_index__after_every_few_steps__holds_what_one_build_holds(
    tmp_path: Path, steps: list[Written], reads: list[int]
) -> None:
    folder, path = tmp_path / "journal", tmp_path / "bit.sqlite"
    writer = open_writer(folder, SMALL)
    for at in range(0, len(steps), 23):
        write_steps(writer, steps[at : at + 23])
        rows(folder, path)
    resumed = set(reads)
    writer.close()

    assert rows(folder, path) == rows(folder, tmp_path / "whole.sqlite")
    assert len(resumed) > 5


def test_open_index__over_an_era__goes_on_behind_the_segment_without_a_step(
    tmp_path: Path, steps: list[Written], reads: list[int]
) -> None:
    """An upgrade adds a segment that holds no step; the next run's records follow in another."""
    folder, path = tmp_path / "journal", tmp_path / "index"
    writer = open_writer(folder, SMALL)
    write_steps(writer, steps[:150])
    writer.seal()
    roots = writer.roots()
    era = EraRecord(
        stream=Stream.ACCOUNT,
        era=2,
        seq=150,
        schema=2,
        package_version="9",
        wheel_hash="9",
        account_root=roots.account.hex(),
        market_root=roots.market.hex(),
        state_hash="",
        former=msgspec.Raw(b"{}"),
    )
    writer.begin_era(era, b"{}")
    rows(folder, path)
    write_steps(writer, [(steps[149][0], run_started(SETTINGS, run=2), ()), *steps[150:]])
    writer.close()

    again = rows(folder, path)

    assert [first > 1 for first in reads] == [False, True]
    assert again == rows(folder, tmp_path / "fresh")
    assert {row[2] for row in again["segments"]} == {0, 1, 2}


def test_open_index__nothing_written_since__reads_nothing(
    tmp_path: Path, steps: list[Written], reads: list[int]
) -> None:
    write_story(tmp_path / "journal", steps)
    rows(tmp_path / "journal", tmp_path / "index")
    before = list(reads)

    rows(tmp_path / "journal", tmp_path / "index")

    assert before == [1]
    assert reads == before


@pytest.mark.parametrize("first", [400, 100])
@pytest.mark.parametrize("second", [200, 100])
def test_open_index__another_journal_in_the_folder__is_built_anew(
    tmp_path: Path, steps: list[Written], first: int, second: int
) -> None:
    """Longer, shorter, or of the same length in one segment: then the last record tells."""
    folder, path = tmp_path / "journal", tmp_path / "index"
    write_story(folder, steps[:first])
    rows(folder, path)
    shutil.rmtree(folder)
    write_story(folder, [(t_ns + 1, *rest) for t_ns, *rest in steps[:second]])  # type: ignore[misc]

    assert rows(folder, path) == rows(folder, tmp_path / "fresh")


def test_open_index__journal_cut_back_by_a_power_failure__is_built_anew(
    tmp_path: Path, steps: list[Written]
) -> None:
    folder, path = tmp_path / "journal", tmp_path / "index"
    writer = open_writer(folder, JournalOptions(max_segment_age_ns=10**18))
    write_steps(writer, steps[:100])
    size = wal_path(folder, 1).stat().st_size
    write_steps(writer, steps[100:120])
    whole = wal_path(folder, 1).read_bytes()
    rows(folder, path)
    wal_path(folder, 1).write_bytes(whole[:size])

    assert rows(folder, path) == rows(folder, tmp_path / "fresh")
    wal_path(folder, 1).write_bytes(whole)
    writer.close()


def test_open_index__interrupted_while_it_builds__goes_on_from_the_last_commit(
    tmp_path: Path,
    steps: list[Written],
    reads: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, path = tmp_path / "journal", tmp_path / "index"
    write_story(folder, steps)
    monkeypatch.setattr(index_build, "_COMMIT_EVERY", 10)

    def give_up(done: int, _total: int) -> None:
        if done >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_index(folder, path, give_up)
    again = rows(folder, path)

    assert reads[-1] > 1
    assert again == rows(folder, tmp_path / "fresh")


@pytest.mark.parametrize("content", [b"no database at all" * 100, b""])
def test_open_index__file_that_is_no_index__is_replaced(
    tmp_path: Path, steps: list[Written], content: bytes
) -> None:
    write_story(tmp_path / "journal", steps)
    (tmp_path / "index").write_bytes(content)

    found = rows(tmp_path / "journal", tmp_path / "index")

    assert found["fills"]


def test_open_index__index_of_another_version__is_replaced(
    tmp_path: Path, steps: list[Written]
) -> None:
    write_story(tmp_path / "journal", steps)
    before = rows(tmp_path / "journal", tmp_path / "index")
    with sqlite3.connect(tmp_path / "index") as database:
        database.execute("PRAGMA user_version = 999")
        database.execute("DROP TABLE fills")
    database.close()

    assert rows(tmp_path / "journal", tmp_path / "index") == before


def test_open_index__made_by_another_release__is_built_anew(
    tmp_path: Path, steps: list[Written], reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade goes on with the same journal, but may read more out of it."""
    write_story(tmp_path / "journal", steps)
    before = rows(tmp_path / "journal", tmp_path / "index")
    other = Release(version="9", wheel_hash="9")
    monkeypatch.setattr(index_build, "running_release", lambda: other)

    again = rows(tmp_path / "journal", tmp_path / "index")

    assert again == before
    assert reads == [1, 1]


def test_open_index__damaged_journal__is_an_error_and_leaves_no_index(
    tmp_path: Path, steps: list[Written]
) -> None:
    folder = tmp_path / "journal"
    write_story(folder, steps)
    damaged = sorted(folder.glob("account-*.sealed"))[2]
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(bytes(content))

    for _ in range(2):
        with pytest.raises(JournalCorrupt, match=damaged.name):
            open_index(folder, tmp_path / "index")


def test_open_index__folder_that_cannot_be_made__says_what_to_do(
    tmp_path: Path, steps: list[Written]
) -> None:
    write_story(tmp_path / "journal", steps)
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(IndexUnavailable) as refused:
        open_index(tmp_path / "journal", tmp_path / "file" / "index")

    assert "KEEPER_CACHE_DIR" in refused.value.next_step


def test_index_path__of_two_journals__differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPER_CACHE_DIR", str(tmp_path / "cache"))

    one, other = index_path(tmp_path / "one"), index_path(tmp_path / "other")

    assert one != other
    assert one.parent == tmp_path / "cache"


def test_open_index__journal_that_a_keeper_closed__goes_on_where_it_was(
    tmp_path: Path, reads: list[int]
) -> None:
    """A clean stop ends the journal with a segment that holds no step."""
    folder, path = tmp_path / "journal", tmp_path / "index"
    for seed in (1, 2):
        record(folder, JournalOptions(max_segment_steps=100), blocks=20, seed=seed)
        rows(folder, path)

    assert len(reads) == 2
    assert reads[1] > 3
    assert rows(folder, path) == rows(folder, tmp_path / "fresh")
