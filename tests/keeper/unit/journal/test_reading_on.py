"""Reading on: a live journal followed over rotations, and a second reader that goes on from one."""

from pathlib import Path

import pytest

from keeper.domain.errors import JournalCorrupt
from keeper.journal import JournalOptions, JournalReader, JournalWriter
from keeper.journal.layout import wal_path
from tests.keeper.samples import Written, open_writer, sample_steps, write_steps

SMALL = JournalOptions(max_segment_bytes=20_000)


def seqs(reader: JournalReader) -> list[int]:
    return [step.seq for step in reader.steps()]


def settle(writer: JournalWriter) -> None:
    """Wait until what was sealed is compressed, as a busy keeper's disk would."""
    writer.settle()


@pytest.fixture
def steps() -> list[Written]:
    return sample_steps(900)


@pytest.mark.parametrize("compressed", [True, False])
def test_steps__called_again_while_segments_rotate__yields_each_step_once(
    tmp_path: Path, steps: list[Written], compressed: bool
) -> None:
    writer = open_writer(tmp_path, SMALL)
    reader, found = JournalReader(tmp_path), []

    for at in range(0, len(steps), 45):
        write_steps(writer, steps[at : at + 45])
        if compressed:
            settle(writer)
        found += seqs(reader)
    writer.close()

    assert found == list(range(1, len(steps) + 1))
    assert seqs(reader) == []
    assert len(reader.segments) > 5
    assert reader.roots() == complete(tmp_path).roots()


def complete(folder: Path) -> JournalReader:
    reader = JournalReader(folder)
    assert seqs(reader)
    return reader


def test_steps__half_written_step__comes_once_it_is_whole(
    tmp_path: Path, steps: list[Written]
) -> None:
    writer = open_writer(tmp_path)
    write_steps(writer, steps[:10])
    path, reader = wal_path(tmp_path, 1), JournalReader(tmp_path)
    before = path.stat().st_size
    writer.append(*steps[10])
    whole = path.read_bytes()
    path.write_bytes(whole[: before + 20])

    first = seqs(reader)
    torn = reader.torn
    path.write_bytes(whole)

    assert first == list(range(1, 11))
    assert torn is not None
    assert torn.offset == before
    assert seqs(reader) == [11]
    writer.close()


def test_reader__from_where_another_was__yields_the_rest_of_the_segment(
    tmp_path: Path, steps: list[Written]
) -> None:
    writer = open_writer(tmp_path, SMALL)
    write_steps(writer, steps[:600])
    first = JournalReader(tmp_path)
    assert seqs(first)[-1] == 600
    write_steps(writer, steps[600:])
    writer.close()

    second = JournalReader(tmp_path, first.start)

    assert first.start.segment > 1
    assert seqs(second) == list(range(first.start.last_seq + 1, len(steps) + 1))
    with pytest.raises(RuntimeError, match="from the first on"):
        second.roots()


def test_reader__from_a_segment_of_another_journal__is_refused(
    tmp_path: Path, steps: list[Written]
) -> None:
    for name, changed in (("one", steps), ("other", [(1, *steps[0][1:]), *steps[1:]])):
        writer = open_writer(tmp_path / name, SMALL)
        write_steps(writer, changed)
        writer.close()
    one = complete(tmp_path / "one")

    with pytest.raises(JournalCorrupt, match="not chained"):
        seqs(JournalReader(tmp_path / "other", one.start))


def test_steps__damage_behind_what_was_read__names_the_record_in_the_file(
    tmp_path: Path, steps: list[Written]
) -> None:
    writer = open_writer(tmp_path)
    write_steps(writer, steps[:20])
    reader, path = JournalReader(tmp_path), wal_path(tmp_path, 1)
    read = len(seqs(reader))
    size = path.stat().st_size
    write_steps(writer, steps[20:30])
    whole = path.read_bytes()
    content = bytearray(whole)
    content[size + 14] ^= 1
    path.write_bytes(bytes(content))

    with pytest.raises(JournalCorrupt, match=rf"record {_records(whole[:size])}: "):
        seqs(reader)
    assert read == 20
    path.write_bytes(whole)
    writer.close()


def _records(data: bytes) -> int:
    from keeper.journal.framing import FrameReader

    frames = FrameReader("wal", data)
    while frames.next() is not None:
        pass
    return frames.number
