"""Journals whose checksums are right and whose story is not: each is refused by name."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
import zstandard

from keeper.domain.errors import JournalCorrupt
from keeper.journal import JournalReader
from keeper.journal.framing import frame
from keeper.journal.hashing import StreamChain
from keeper.journal.layout import compress_segment, sealed_path, wal_path
from keeper.journal.records import (
    BlockRecord,
    CommandRecord,
    EventRecord,
    HeaderRecord,
    Record,
    SealRecord,
    Stream,
    decode_record,
    encode_record,
)
from tests.keeper.samples import book, fill, open_writer, order, sample_steps, write_steps

Records = Sequence[Record]
replace = msgspec.structs.replace


def genuine(folder: Path, count: int = 5) -> Records:
    """The records of a sealed one-segment journal as they were written."""
    folder.mkdir(exist_ok=True)
    writer = open_writer(folder / "genuine")
    writer.append(1, fill(1), (order(1), order(2)))
    write_steps(writer, sample_steps(count)[1:])
    path = wal_path(folder / "genuine", 1)
    content = path.read_bytes()
    writer.close()
    return records_of(content)


def records_of(content: bytes) -> Records:
    records: list[Record] = []
    at = 0
    while at < len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4], "little")
        records.append(decode_record(content[at + 12 : end]))
        at = end
    return records


def write(path: Path, records: Records) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(frame(encode_record(record)) for record in records))


def changed(records: Records, at: int, **changes: object) -> Records:
    return [*records[:at], replace(records[at], **changes), *records[at + 1 :]]


def read(folder: Path) -> list[int]:
    return [step.seq for step in JournalReader(folder).steps()]


Forgery = Callable[[Records], Records]

FORGERIES: dict[str, tuple[Forgery, str, int]] = {
    "gap in the sequence": (lambda r: changed(r, 5, seq=3), "sequence 3 follows 1", 5),
    "time goes back": (lambda r: changed(r, 5, t_ns=0), "time goes backwards", 5),
    "command of another step": (lambda r: changed(r, 3, seq=9), "command out of order", 3),
    "command twice": (lambda r: [*r[:4], r[3], *r[4:]], "command out of order", 4),
    "command too many": (
        lambda r: [*r[:5], replace(r[4], ordinal=2), *r[5:]],
        "command without its event",
        5,
    ),
    "command too few": (lambda r: [*r[:4], *r[5:]], "has fewer commands than it says", 4),
    "second header": (lambda r: [r[0], *r], "a second header", 1),
    "unknown format": (lambda r: changed(r, 0, format=2), "format 2 is not known", 0),
    "wrong segment": (lambda r: changed(r, 0, segment=4), "segment number out of order", 0),
    "not chained": (lambda r: changed(r, 0, previous="ff" * 32), "not chained", 0),
    "wrong first sequence": (lambda r: changed(r, 0, first_seq=7), "begins at 7, 1 is next", 0),
    "no header": (lambda r: r[2:], "record outside a segment", 0),
    "seal without a block": (
        lambda r: [*r, SealRecord(stream=Stream.ACCOUNT, segment=1, blocks=0, root="")],
        "seal out of place",
        10,
    ),
    "wrong block hash": (
        lambda r: [*r, BlockRecord(stream=Stream.MARKET, count=2, hash="00" * 32)],
        "the block's hash does not match",
        10,
    ),
    "block twice": (
        lambda r: [*closed(r), BlockRecord(stream=Stream.MARKET, count=0, hash="00" * 32)],
        "block hash out of place",
        11,
    ),
}


def closed(records: Records) -> Records:
    """Add the right hash of the market stream's open block."""
    chain = StreamChain(Stream.MARKET)
    for record in records:
        if record.stream is Stream.MARKET:
            chain.add(frame(encode_record(record)))
    return [*records, chain.close_block()]


@pytest.mark.parametrize("name", FORGERIES)
def test_steps__records_that_contradict_each_other__are_refused_by_name(
    tmp_path: Path, name: str
) -> None:
    forge, reason, number = FORGERIES[name]
    folder = tmp_path / "forged"
    write(wal_path(folder, 1), forge(genuine(tmp_path)))

    with pytest.raises(JournalCorrupt) as caught:
        read(folder)

    assert reason in caught.value.reason
    assert (caught.value.segment, caught.value.record) == ("open-00000001.wal", number)


def test_genuine__as_written__is_read(tmp_path: Path) -> None:
    """The forgeries above differ from this one by their forgery alone."""
    records = genuine(tmp_path)
    write(wal_path(tmp_path / "same", 1), records)

    kinds = [type(record) for record in records]
    assert kinds[:5] == [HeaderRecord, HeaderRecord, EventRecord, CommandRecord, CommandRecord]
    assert len(records) == 10
    assert read(tmp_path / "same") == [1, 2, 3, 4, 5]


def test_steps__full_block_without_its_hash__is_refused(tmp_path: Path) -> None:
    records = genuine(tmp_path, 600)
    kept = [record for record in records if not isinstance(record, BlockRecord)]
    write(wal_path(tmp_path / "forged", 1), kept)

    with pytest.raises(JournalCorrupt, match="the hash of a full block is missing"):
        read(tmp_path / "forged")


def test_steps__body_that_is_no_record__is_refused(tmp_path: Path) -> None:
    wal_path(tmp_path, 1).write_bytes(frame(b'{"record":"rumour"}'))

    with pytest.raises(JournalCorrupt, match="not a record of this schema"):
        read(tmp_path)


def test_steps__unsealed_segment_before_the_last__is_refused(tmp_path: Path) -> None:
    records = genuine(tmp_path)
    folder = tmp_path / "forged"
    write(wal_path(folder, 1), records)
    write(wal_path(folder, 2), records)

    with pytest.raises(JournalCorrupt, match=r"open-00000001\.wal.*ends without its seal"):
        read(folder)


def test_steps__segment_missing_between_two__is_refused(tmp_path: Path) -> None:
    write(wal_path(tmp_path, 1), [])
    write(wal_path(tmp_path, 3), [])

    with pytest.raises(JournalCorrupt, match=r"open-00000002\.wal.*the segment is missing"):
        read(tmp_path)


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A sealed journal of 600 steps; returns its folder."""
    writer = open_writer(tmp_path)
    writer.append(1, fill(1), (order(1), order(2)))
    write_steps(writer, sample_steps(600)[1:])
    writer.close()
    return tmp_path


def cut_last_frame(path: Path) -> None:
    content, at, starts = path.read_bytes(), 0, []
    while at < len(content):
        starts.append(at)
        at += 12 + int.from_bytes(content[at : at + 4], "little")
    path.write_bytes(content[: starts[-1]])


def test_steps__sealed_stream_cut_between_blocks__is_refused(sealed: Path) -> None:
    path = sealed_path(sealed, Stream.MARKET, 1)
    cut_last_frame(path)

    with pytest.raises(JournalCorrupt, match=r"market-00000001\.sealed.*without its seal"):
        read(sealed)


def test_steps__sealed_stream_cut_inside_a_block__is_refused(sealed: Path) -> None:
    path = sealed_path(sealed, Stream.ACCOUNT, 1)
    path.write_bytes(path.read_bytes()[:-3])

    with pytest.raises(JournalCorrupt, match=r"account-00000001\.sealed.*cut short"):
        read(sealed)


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (b"no zstd frame", "compressed block: "),
        (zstandard.ZstdCompressor().compress(frame(b"{}")[:-1]), "ends inside a record"),
    ],
    ids=["garbage", "cut"],
)
def test_steps__compressed_block_of_something_else__is_refused(
    sealed: Path, packed: bytes, reason: str
) -> None:
    sealed_path(sealed, Stream.MARKET, 1).write_bytes(frame(packed))

    with pytest.raises(JournalCorrupt, match=reason):
        read(sealed)


def test_compress_segment__file_cut_short__is_refused_and_kept(tmp_path: Path) -> None:
    write(wal_path(tmp_path, 1), genuine(tmp_path))
    path = wal_path(tmp_path, 1)
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(JournalCorrupt, match="cut short"):
        compress_segment(tmp_path, 1, lambda: None)

    assert path.exists()


def test_steps__events_without_the_account_streams_commands__are_refused(tmp_path: Path) -> None:
    """A market event's commands live in the other stream: leaving them out there is seen."""
    account, market = (r for r in genuine(tmp_path) if isinstance(r, HeaderRecord))
    event = EventRecord(stream=Stream.MARKET, seq=1, t_ns=1, commands=1, error="", event=book(1))
    folder = tmp_path / "forged"
    folder.mkdir()
    parts: tuple[Records, ...] = ([account], [market, event])
    for records in parts:
        path = sealed_path(folder, records[0].stream, 1)
        path.write_bytes(_packed(_sealed_stream(records)))

    with pytest.raises(JournalCorrupt, match="commands of event 1 are missing"):
        read(folder)


def _sealed_stream(records: Records) -> Records:
    chain = StreamChain(records[0].stream)
    chain.segment = 1
    for record in records:
        chain.add(frame(encode_record(record)))
    return [*records, chain.close_block(), chain.seal()]


def _packed(records: Records) -> bytes:
    raw = b"".join(frame(encode_record(record)) for record in records)
    return frame(zstandard.ZstdCompressor().compress(raw))
