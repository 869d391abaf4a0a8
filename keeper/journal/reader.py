"""Reads a journal folder back: every checksum, hash, count and sequence is verified on the way."""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from keeper.domain.errors import JournalCorrupt
from keeper.journal.checking import OutOfPlaceError, Step, StepAssembler, StreamCheck
from keeper.journal.framing import FrameReader, body_of
from keeper.journal.hashing import ZERO_HASH, ChainPosition, Roots
from keeper.journal.layout import sealed_path, segment_numbers, unpack_sealed, wal_path
from keeper.journal.records import (
    CommandRecord,
    EraRecord,
    EventRecord,
    HeaderRecord,
    Record,
    SnapshotRecord,
    Stream,
    decode_record,
)

__all__ = [
    "BEGINNING",
    "Entry",
    "EraBegun",
    "JournalReader",
    "SegmentBegun",
    "SegmentStart",
    "TornTail",
]

Positions = Mapping[Stream, ChainPosition]


@dataclass(frozen=True, slots=True)
class TornTail:
    """The incomplete last write of a crashed run: `dropped` bytes of `segment` from `offset` on.

    None are dropped of a segment that was created and not yet written to.
    """

    segment: str
    offset: int
    dropped: int


class SegmentStart(msgspec.Struct, frozen=True, kw_only=True):
    """Where a segment begins: the step before it, and the block hash each stream goes on from.

    A reader that starts here refuses a segment that is not chained to just that.
    """

    segment: int
    last_seq: int
    last_t_ns: int
    account_hash: str
    market_hash: str


BEGINNING: Final = SegmentStart(
    segment=1,
    last_seq=0,
    last_t_ns=0,
    account_hash=ZERO_HASH.hex(),
    market_hash=ZERO_HASH.hex(),
)


@dataclass(frozen=True, slots=True)
class SegmentBegun:
    """A segment after the first begins here; `positions` are those of the chains before it."""

    start: SegmentStart
    positions: Positions


@dataclass(frozen=True, slots=True)
class EraBegun:
    """Another release goes on with `segment`; `roots` are the journal's, computed, up to there."""

    segment: int
    record: EraRecord
    roots: Roots


Entry = Step | SegmentBegun | SnapshotRecord | EraBegun
"""What a journal tells in order: steps, and between them where segments and eras begin."""


class _Located(NamedTuple):
    segment: str
    number: int
    record: Record
    framed: bytes


_Told = EventRecord | CommandRecord | SnapshotRecord | EraRecord


class _Merged(NamedTuple):
    """Sorts by (seq, ordinal): an event (-1) comes before its commands, a note after them."""

    seq: int
    ordinal: int
    segment: str
    number: int
    record: _Told
    located: _Located


_NOTE: Final = 1 << 62


class JournalReader:
    """Yields the steps of a folder in order; everything else is final once they are exhausted.

    It works on a folder that another process appends to. `start` is where the segment begins in
    which the reader is: another reader can go on from there.
    """

    def __init__(
        self, folder: Path, start: SegmentStart = BEGINNING, positions: Positions | None = None
    ) -> None:
        """Read from `start`; `roots` needs the chains' `positions` there unless it is the first."""
        self._folder = folder
        self._knows_past = start == BEGINNING or positions is not None
        self._offset = 0
        self._frames = 0
        self.start = start
        self.torn: TornTail | None = None
        self.segments: list[int] = []
        before = positions or {
            Stream.ACCOUNT: ChainPosition(previous=start.account_hash),
            Stream.MARKET: ChainPosition(previous=start.market_hash),
        }
        self._assembler_before = StepAssembler(start.last_seq, start.last_t_ns)
        self._checks_before = {
            stream: StreamCheck.after(stream, start.segment - 1, before[stream])
            for stream in Stream
        }
        self._rewind()

    @property
    def checks(self) -> dict[Stream, StreamCheck]:
        """The hash chains at the point reached."""
        return self._checks

    def roots(self) -> Roots:
        """Return the roots over the whole journal up to the last step yielded.

        Raises RuntimeError when the reader did not start at the beginning, nor at positions.
        """
        if not self._knows_past:
            raise RuntimeError("roots need every segment from the first on")
        chains = {stream: check.chain for stream, check in self._checks.items()}
        return Roots(self.last_seq, chains[Stream.ACCOUNT].root(), chains[Stream.MARKET].root())

    @property
    def last_seq(self) -> int:
        """Sequence of the last step read; 0 before the first."""
        return self._assembler.seq

    @property
    def last_t_ns(self) -> int:
        """Time of the last step read, unix nanoseconds."""
        return self._assembler.t_ns

    def steps(self) -> Iterator[Step]:
        """Yield every step; called again, those appended since.

        An incomplete last write is left out and reported in `torn`. Raises JournalCorrupt naming
        the segment and record.
        """
        return (entry for entry in self.entries() if isinstance(entry, Step))

    def entries(self) -> Iterator[Entry]:
        """Yield every step, and where segments and eras begin; else as `steps`.

        Called again, it may repeat an entry that is no step.
        """
        self.segments = segment_numbers(self._folder)
        self.torn = None
        for number in self.segments:
            if number > self.start.segment:
                yield self._enter(number)
            if number == self.start.segment and not self._is_finished(number):
                yield from self._segment_entries(number)

    def _segment_entries(self, number: int) -> Iterator[Entry]:
        try:
            with wal_path(self._folder, number).open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            known = self.last_seq  # its beginning may have been read before it was sealed
            self._rewind()
            for entry in self._sealed_entries(number):
                if not isinstance(entry, Step) or entry.seq > known:
                    yield entry
        else:
            yield from self._wal_entries(number, data, is_last=number == self.segments[-1])

    def _enter(self, number: int) -> SegmentBegun:
        self.start = SegmentStart(
            segment=number,
            last_seq=self.last_seq,
            last_t_ns=self.last_t_ns,
            account_hash=self._checks[Stream.ACCOUNT].chain.previous.hex(),
            market_hash=self._checks[Stream.MARKET].chain.previous.hex(),
        )
        self._assembler_before = self._assembler.copy()
        self._checks_before = {stream: check.copy() for stream, check in self._checks.items()}
        self._offset = self._frames = 0
        positions = {stream: check.chain.position for stream, check in self._checks.items()}
        return SegmentBegun(self.start, positions)

    def _rewind(self) -> None:
        """Go back to where the segment begins."""
        self._assembler = self._assembler_before.copy()
        self._checks = {stream: check.copy() for stream, check in self._checks_before.items()}

    def _is_finished(self, number: int) -> bool:
        return not any(c.is_open or c.chain.segment < number for c in self._checks.values())

    def _wal_entries(self, number: int, data: bytes, *, is_last: bool) -> Iterator[Entry]:
        path = wal_path(self._folder, number)
        if is_last:
            end = self._complete_length(path.name, data)
            if end < len(data) or self._offset + end == 0:
                self.torn = TornTail(path.name, self._offset + end, len(data) - end)
            data = data[:end]
        scan = _WalScan(path.name, data, self._checks, self._assembler, self._frames)
        for told in scan.entries():
            yield self._entry(told)
        self._offset += len(data)
        self._frames = scan.number
        if not is_last and (scan.leftover or any(c.is_open for c in self._checks.values())):
            raise JournalCorrupt(path.name, scan.number, "the segment ends without its seal")

    def _complete_length(self, segment: str, data: bytes) -> int:
        checks = {stream: check.copy() for stream, check in self._checks.items()}
        scan = _WalScan(segment, data, checks, self._assembler.copy(), self._frames)
        for _ in scan.entries():
            pass
        return scan.complete_at

    def _sealed_entries(self, number: int) -> Iterator[Entry]:
        streams = [self._sealed_records(stream, number) for stream in Stream]
        for merged in heapq.merge(*streams):
            told = _told(self._assembler, merged.located, merged.record)
            if told is not None:
                yield self._entry(told)
        if not self._assembler.between_steps:
            name = sealed_path(self._folder, Stream.ACCOUNT, number).name
            raise JournalCorrupt(name, 0, f"commands of event {self.last_seq} are missing")

    def _entry(self, told: Step | SnapshotRecord | EraRecord) -> Entry:
        if not isinstance(told, EraRecord):
            return told
        chains = {stream: check.chain for stream, check in self._checks.items()}
        roots = (chains[Stream.ACCOUNT].root(), chains[Stream.MARKET].root())
        return EraBegun(self.start.segment, told, Roots(told.seq, *roots))

    def _sealed_records(self, stream: Stream, number: int) -> Iterator[_Merged]:
        path = sealed_path(self._folder, stream, number)
        if not path.exists():
            raise JournalCorrupt(path.name, 0, "the segment is missing")
        check = self._checks[stream]
        at, seq = 0, self.last_seq
        for at, framed in unpack_sealed(path):
            located = _decode(path.name, at, framed)
            _check(check, located, self.last_seq)
            record = located.record
            if isinstance(record, EventRecord | CommandRecord):
                seq = record.seq
                yield _merged(located, record)
            elif isinstance(record, SnapshotRecord | EraRecord):
                yield _Merged(seq, _NOTE, path.name, at, record, located)
        if check.is_open or check.chain.segment != number:
            raise JournalCorrupt(path.name, at, "the segment ends without its seal")


class _WalScan:
    """One pass over a write-ahead file; `complete_at` is where its last whole write ended."""

    def __init__(
        self,
        segment: str,
        data: bytes,
        checks: dict[Stream, StreamCheck],
        assembler: StepAssembler,
        number: int,
    ) -> None:
        self._frames = FrameReader(segment, data)
        self._frames.number = number
        self._segment = segment
        self._checks = checks
        self._assembler = assembler
        self._after_note = False
        self.complete_at = 0

    @property
    def leftover(self) -> int:
        return self._frames.leftover

    @property
    def number(self) -> int:
        return self._frames.number

    def entries(self) -> Iterator[Step | SnapshotRecord | EraRecord]:
        waiting: list[Step | SnapshotRecord | EraRecord] = []
        while True:
            at = self._frames.number
            framed = self._frames.next()
            if framed is None:
                return
            located = _decode(self._segment, at, framed)
            _check(self._checks[located.record.stream], located, self._assembler.seq)
            if isinstance(located.record, _Told):
                told = _told(self._assembler, located, located.record)
                waiting += () if told is None else (told,)
                self._after_note = isinstance(told, SnapshotRecord | EraRecord)
            if self._write_is_complete():
                self.complete_at = self._frames.offset
                yield from waiting
                waiting.clear()

    def _write_is_complete(self) -> bool:
        checks = self._checks.values()
        if self._after_note and any(check.is_open for check in checks):
            return False  # a note never ends a write: an event or the segment's end follows
        in_step = not self._assembler.between_steps
        half_open = len({check.is_open for check in checks}) > 1
        return not in_step and not half_open and all(check.settled for check in checks)


def _decode(segment: str, number: int, framed: bytes) -> _Located:
    try:
        return _Located(segment, number, decode_record(body_of(framed)), framed)
    except msgspec.DecodeError as error:
        reason = f"the body is not a record of this schema: {error}"
        raise JournalCorrupt(segment, number, reason) from error


def _check(check: StreamCheck, located: _Located, last_seq: int) -> None:
    record = located.record
    if isinstance(record, HeaderRecord) and record.first_seq != last_seq + 1:
        reason = f"the segment begins at {record.first_seq}, {last_seq + 1} is next"
        raise JournalCorrupt(located.segment, located.number, reason)
    try:
        check.accept(located.record, located.framed)
    except OutOfPlaceError as error:
        raise JournalCorrupt(located.segment, located.number, str(error)) from error


def _told(
    assembler: StepAssembler, located: _Located, record: _Told
) -> Step | SnapshotRecord | EraRecord | None:
    if isinstance(record, SnapshotRecord | EraRecord):
        return record
    try:
        return assembler.accept(record, located.framed)
    except OutOfPlaceError as error:
        raise JournalCorrupt(located.segment, located.number, str(error)) from error


def _merged(located: _Located, record: EventRecord | CommandRecord) -> _Merged:
    ordinal = record.ordinal if isinstance(record, CommandRecord) else -1
    return _Merged(record.seq, ordinal, located.segment, located.number, record, located)
