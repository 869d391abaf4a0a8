"""Checks that records follow each other as the writer makes them: order, counts, hashes."""

from dataclasses import dataclass

from keeper.domain.commands import Command
from keeper.domain.events import Event
from keeper.journal.framing import body_of
from keeper.journal.hashing import BLOCK_RECORDS, ChainPosition, StreamChain
from keeper.journal.records import (
    FORMAT_VERSION,
    BlockRecord,
    CommandRecord,
    EraRecord,
    EventRecord,
    HeaderRecord,
    Record,
    SealRecord,
    SnapshotRecord,
    Stream,
)

__all__ = ["OutOfPlaceError", "Step", "StepAssembler", "StreamCheck"]


class OutOfPlaceError(Exception):
    """Raised inside the journal when a record contradicts those before it; the reader names it."""


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise OutOfPlaceError(reason)


@dataclass(frozen=True, slots=True)
class Step:
    """One event with what it gave rise to; `error` names the exception when `step` failed."""

    seq: int
    t_ns: int
    event: Event
    commands: tuple[Command, ...]
    error: str
    command_bodies: tuple[bytes, ...]


class StreamCheck:
    """Follows one stream over its segments and recomputes every hash in it."""

    __slots__ = ("chain", "is_open")

    def __init__(self, stream: Stream) -> None:
        self.chain = StreamChain(stream)
        self.is_open = False

    @classmethod
    def after(cls, stream: Stream, segment: int, position: ChainPosition) -> "StreamCheck":
        """Return a check whose next record opens the segment after `segment`."""
        check = cls(stream)
        check.chain = StreamChain.after(stream, segment, position)
        return check

    def accept(self, record: Record, framed: bytes) -> None:
        """Take the stream's next record. Raises OutOfPlaceError."""
        match record:
            case HeaderRecord():
                self._open(record, framed)
            case BlockRecord():
                self._close_block(record)
            case SealRecord():
                self._seal(record)
            case SnapshotRecord() | EraRecord():
                self._require_room()
                self.chain.note(framed)
            case _:
                self._require_room()
                self.chain.add(framed)

    def copy(self) -> "StreamCheck":
        """Return an independent check at the same point."""
        other = StreamCheck(self.chain.stream)
        other.chain, other.is_open = self.chain.copy(), self.is_open
        return other

    @property
    def settled(self) -> bool:
        """Whether no block hash is due: a write may end here."""
        return not self.chain.due

    def _require_room(self) -> None:
        _require(self.is_open, "record outside a segment")
        _require(not self.chain.due, "the hash of a full block is missing")

    def _open(self, header: HeaderRecord, framed: bytes) -> None:
        _require(not self.is_open, "a second header in a segment")
        _require(header.format == FORMAT_VERSION, f"format {header.format} is not known")
        _require(header.segment == self.chain.segment + 1, "segment number out of order")
        _require(header.previous == self.chain.previous.hex(), "not chained to the segment before")
        self.is_open = True
        self.chain.segment = header.segment
        self.chain.note(framed)

    def _close_block(self, record: BlockRecord) -> None:
        _require(self.is_open and 0 < self.chain.count <= BLOCK_RECORDS, "block hash out of place")
        _require(self.chain.close_block() == record, "the block's hash does not match its records")

    def _seal(self, record: SealRecord) -> None:
        _require(self.is_open and self.chain.count == 0, "seal out of place")
        _require(self.chain.seal() == record, "the seal's root does not match its blocks")
        self.is_open = False


class StepAssembler:
    """Puts events and their commands together; sequence without gaps, time without steps back."""

    __slots__ = ("_bodies", "_commands", "_event", "seq", "t_ns")

    def __init__(self, seq: int = 0, t_ns: int = 0) -> None:
        self.seq = seq
        self.t_ns = t_ns
        self._event: EventRecord | None = None
        self._commands: list[Command] = []
        self._bodies: list[bytes] = []

    def copy(self) -> "StepAssembler":
        """Return an independent assembler at the same point between two steps."""
        return StepAssembler(self.seq, self.t_ns)

    @property
    def between_steps(self) -> bool:
        """Whether no event still waits for commands."""
        return self._event is None

    def accept(self, record: EventRecord | CommandRecord, framed: bytes) -> Step | None:
        """Take the next record; return the step it completes. Raises OutOfPlaceError."""
        if isinstance(record, EventRecord):
            self._begin(record)
        else:
            self._extend(record, framed)
        return self._finish()

    def _begin(self, record: EventRecord) -> None:
        _require(self._event is None, f"event {self.seq} has fewer commands than it says")
        _require(record.seq == self.seq + 1, f"sequence {record.seq} follows {self.seq}")
        _require(record.t_ns >= self.t_ns, "time goes backwards")
        self.seq, self.t_ns, self._event = record.seq, record.t_ns, record

    def _extend(self, record: CommandRecord, framed: bytes) -> None:
        _require(self._event is not None, "command without its event")
        expected = (self.seq, len(self._commands), self.t_ns)
        _require((record.seq, record.ordinal, record.t_ns) == expected, "command out of order")
        self._commands.append(record.command)
        self._bodies.append(body_of(framed))

    def _finish(self) -> Step | None:
        event = self._event
        if event is None or len(self._commands) < event.commands:
            return None
        step = Step(
            seq=event.seq,
            t_ns=event.t_ns,
            event=event.event,
            commands=tuple(self._commands),
            error=event.error,
            command_bodies=tuple(self._bodies),
        )
        self._event, self._commands, self._bodies = None, [], []
        return step
