"""Laws of the journal: any steps survive a round trip, any changed bit is found and named."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.domain.errors import JournalCorrupt
from keeper.domain.events import (
    BookUpdated,
    CommandResult,
    FillReceived,
    PoolObserved,
    Reconciled,
    VaultObserved,
)
from keeper.journal import JournalReader
from keeper.journal.framing import FrameReader, frame
from keeper.journal.layout import wal_path
from keeper.journal.records import EventRecord, Stream, decode_record, encode_record
from tests.keeper.samples import open_writer, sample_steps, write_steps

KINDS: tuple[type[Any], ...] = (
    BookUpdated,
    CommandResult,
    FillReceived,
    PoolObserved,
    Reconciled,
    VaultObserved,
)


@given(
    st.integers(0, 2**63), st.one_of(*(st.from_type(kind) for kind in KINDS)), st.text(max_size=20)
)
def test_encode_record__any_event__decodes_to_itself_in_the_same_bytes(
    seq: int, event: FillReceived, error: str
) -> None:
    record = EventRecord(
        stream=Stream.ACCOUNT, seq=seq, t_ns=seq, commands=0, error=error, event=event
    )

    body = encode_record(record)

    assert decode_record(body) == record
    assert encode_record(decode_record(body)) == body


@dataclass(frozen=True)
class Spot:
    """Where to flip a bit and which records the reader may name: `first` to `last`."""

    path: Path
    byte: int
    first: int
    last: int


@pytest.fixture(scope="module", params=["open", "sealed"])
def journal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of 600 steps: as one open file, or sealed into its two streams."""
    folder = tmp_path_factory.mktemp(request.param)
    writer = open_writer(folder)
    write_steps(writer, sample_steps(600))
    content = wal_path(folder, 1).read_bytes()
    writer.close()
    if request.param == "open":
        for path in folder.glob("*.sealed"):
            path.unlink()
        wal_path(folder, 1).write_bytes(content)
    return folder


def spots(folder: Path) -> Iterator[Spot]:
    """Every byte of every frame's header, and every 37th byte of the files."""
    for path in sorted([*folder.glob("*.wal"), *folder.glob("*.sealed")]):
        frames = FrameReader(path.name, path.read_bytes())
        packed = path.suffix == ".sealed"
        start, record = 0, 0
        while frames.next() is not None:
            count = 257 if packed else 1
            for byte in range(start, frames.offset):
                if byte < start + 12 or byte % 37 == 0:
                    yield Spot(path, byte, record, record + count - 1)
            start, record = frames.offset, record + count


def test_steps__one_bit_changed_anywhere__is_found_and_named(journal: Path) -> None:
    reader = JournalReader(journal)
    assert sum(1 for _ in reader.steps()) == 600
    assert reader.torn is None
    checked = 0

    for number, spot in enumerate(spots(journal)):
        if number % 61 and spot.path.suffix == ".wal":
            continue
        content = bytearray(spot.path.read_bytes())
        original = bytes(content)
        content[spot.byte] ^= 1 << (number * 5 % 8)
        spot.path.write_bytes(content)
        with pytest.raises(JournalCorrupt) as caught:
            for _ in JournalReader(journal).steps():
                pass
        spot.path.write_bytes(original)

        assert caught.value.segment == spot.path.name
        assert spot.first <= caught.value.record <= spot.last
        checked += 1

    assert checked > 50


def test_steps__a_whole_record_replaced_by_another_valid_one__is_found(tmp_path: Path) -> None:
    """Checksums can be made again by a forger; the block's hash and the seal cannot."""
    writer = open_writer(tmp_path)
    write_steps(writer, sample_steps(600))
    content = wal_path(tmp_path, 1).read_bytes()
    writer.close()
    forged = content.replace(b'"fill_id":"fill-3"', b'"fill_id":"fill-9"')
    assert forged != content
    wal_path(tmp_path, 1).write_bytes(_checksums_again(forged))
    for path in tmp_path.glob("*.sealed"):
        path.unlink()

    with pytest.raises(JournalCorrupt, match="block's hash does not match"):
        for _ in JournalReader(tmp_path).steps():
            pass


def _checksums_again(content: bytes) -> bytes:
    at, frames = 0, []
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "little")
        frames.append(frame(content[at + 12 : at + 12 + length]))
        at += 12 + length
    return b"".join(frames)
