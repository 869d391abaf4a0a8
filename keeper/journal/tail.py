"""Verifies a journal's last segment alone: what a start-up check can afford on any journal."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keeper.domain.errors import JournalCorrupt
from keeper.journal.framing import FrameReader, body_of
from keeper.journal.layout import sealed_path, segment_numbers, unpack_sealed, wal_path
from keeper.journal.reader import JournalReader, SegmentStart
from keeper.journal.records import HeaderRecord, Stream, decode_record

__all__ = ["Tail", "last_segment", "verify_from"]


@dataclass(frozen=True, slots=True)
class Tail:
    """What was verified: the last sequence, and the bytes of a write that was cut short."""

    last_seq: int
    torn_bytes: int


def last_segment(folder: Path) -> SegmentStart | None:
    """Return where the last segment begins, by its own headers; None in an empty folder.

    Raises JournalCorrupt.
    """
    numbers = segment_numbers(folder)
    if not numbers:
        return None
    number = numbers[-1]
    headers: dict[Stream, HeaderRecord] = {}
    name = wal_path(folder, number).name
    for framed in _frames(folder, number):
        record = _decode(name, framed)
        if isinstance(record, HeaderRecord):
            headers.setdefault(record.stream, record)
        if len(headers) == len(Stream):
            break
    if not headers:
        return None
    if len(headers) < len(Stream):
        raise JournalCorrupt(name, 0, "a stream's header is missing")
    account, market = headers[Stream.ACCOUNT], headers[Stream.MARKET]
    return SegmentStart(
        segment=number,
        last_seq=account.first_seq - 1,
        last_t_ns=0,
        account_hash=account.previous,
        market_hash=market.previous,
    )


def verify_from(folder: Path, start: SegmentStart) -> Tail:
    """Check every record from there to the end. Raises JournalCorrupt."""
    reader = JournalReader(folder, start)
    for _ in reader.steps():
        pass
    return Tail(reader.last_seq, reader.torn.dropped if reader.torn is not None else 0)


def _frames(folder: Path, number: int) -> Iterator[bytes]:
    path = wal_path(folder, number)
    if path.exists():
        frames = FrameReader(path.name, path.read_bytes())
        while (framed := frames.next()) is not None:
            yield framed
        return
    for stream in Stream:
        sealed = sealed_path(folder, stream, number)
        if not sealed.exists():
            raise JournalCorrupt(sealed.name, 0, "the segment is missing")
        yield from (framed for _, framed in _first(unpack_sealed(sealed)))


def _first(records: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    for record in records:
        yield record
        return


def _decode(segment: str, framed: bytes) -> object:
    try:
        return decode_record(body_of(framed))
    except msgspec.DecodeError as error:
        reason = f"the body is not a record of this schema: {error}"
        raise JournalCorrupt(segment, 0, reason) from error
