"""Following a journal while it is written: each event once, over sealed and restarted segments."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from keeper.domain.events import FillReceived
from keeper.journal import JournalOptions
from keeper.journal.following import JournalFollower, newest_sealed
from keeper.journal.records import EventRecord, Stream
from tests.keeper.samples import open_writer, sample_steps, write_steps

SMALL = JournalOptions(max_segment_bytes=4_096, sync_interval_ms=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def tail(folder: Path) -> Iterator[JournalFollower]:
    following = JournalFollower(folder)
    yield following
    following.close()


def seqs(records: list[EventRecord]) -> list[int]:
    return [record.seq for record in records]


def test_poll__what_is_appended__comes_once(folder: Path, tail: JournalFollower) -> None:
    writer = open_writer(folder)
    steps = sample_steps(30)

    write_steps(writer, steps[:10])
    first = tail.poll()
    write_steps(writer, steps[10:])
    second, third = tail.poll(), tail.poll()
    writer.close()

    assert seqs(first) + seqs(second) == list(range(1, 31))
    assert third == []


def test_poll__a_segment_sealed_meanwhile__is_read_to_its_end(
    folder: Path, tail: JournalFollower
) -> None:
    writer = open_writer(folder, SMALL)
    steps, found = sample_steps(400), list[int]()

    for start in range(0, 400, 5):
        write_steps(writer, steps[start : start + 5])
        found += seqs(tail.poll())
    writer.close()

    assert found == list(range(1, 401))
    assert len(list(folder.glob("account-*.sealed"))) > 3


def test_poll__a_keeper_that_starts_again__is_followed(folder: Path, tail: JournalFollower) -> None:
    steps = sample_steps(20)
    writer = open_writer(folder)
    write_steps(writer, steps[:10])
    found = seqs(tail.poll())
    writer.close()
    assert tail.poll() == []

    writer = open_writer(folder)
    write_steps(writer, steps[10:])
    found += seqs(tail.poll())
    writer.close()

    assert found == list(range(1, 21))


def test_poll__half_a_record__waits_for_the_other_half(
    tmp_path: Path, folder: Path, tail: JournalFollower
) -> None:
    source = tmp_path / "source"
    writer = open_writer(source)
    write_steps(writer, sample_steps(6))
    whole = next(source.glob("open-*.wal")).read_bytes()
    writer.close()
    folder.mkdir()
    path = folder / "open-00000001.wal"

    path.write_bytes(whole[: len(whole) // 2])
    first = tail.poll()
    with path.open("ab") as file:
        file.write(whole[len(whole) // 2 :])
    second = tail.poll()

    assert seqs(first) + seqs(second) == list(range(1, 7))


def test_poll__no_journal_yet__is_empty(tail: JournalFollower) -> None:
    assert tail.poll() == []


def test_newest_sealed__segments__come_newest_first_and_no_more_than_asked(tmp_path: Path) -> None:
    writer = open_writer(tmp_path, SMALL)
    write_steps(writer, sample_steps(400))
    writer.close()

    found = list(newest_sealed(tmp_path, Stream.ACCOUNT, 2))

    assert len(found) == 2
    assert found[0][0].seq > found[1][0].seq
    assert any(isinstance(record.event, FillReceived) for record in found[0] + found[1])
