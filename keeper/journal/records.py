"""What the journal's records are: events, commands, hashes, headers, seals, snapshots, eras.

Bodies are JSON in the field order below, so that a stranger needs no code of ours to read one.
"""

import enum
from typing import Final

import msgspec

from keeper.domain.commands import Command
from keeper.domain.events import (
    BookUpdated,
    Conflated,
    Event,
    LeaderQuoted,
    MarketFacts,
    MarketListed,
    OraclePriced,
)

__all__ = [
    "FORMAT_VERSION",
    "BlockRecord",
    "CommandRecord",
    "EraRecord",
    "EventRecord",
    "HeaderRecord",
    "Record",
    "SealRecord",
    "SnapshotRecord",
    "Stream",
    "decode_record",
    "encode_record",
    "stream_of",
]

FORMAT_VERSION: Final = 1


class Stream(enum.StrEnum):
    """Which of the two records a step belongs to: what we did and own, or what the market said."""

    ACCOUNT = "account"
    MARKET = "market"


MARKET_EVENTS: Final = frozenset(
    {BookUpdated, OraclePriced, LeaderQuoted, MarketFacts, MarketListed, Conflated}
)
"""The one table of the split: these event types go to `market`, all else to `account`."""


def stream_of(event: Event) -> Stream:
    """Return the stream of an event; commands always go to `account`."""
    return Stream.MARKET if type(event) in MARKET_EVENTS else Stream.ACCOUNT


class EventRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="event"):
    """An event that was sequenced; `commands` records of the same seq follow it.

    `error` names the exception type when `step` failed on it, and is empty otherwise.
    """

    stream: Stream
    seq: int
    t_ns: int
    commands: int
    error: str
    event: Event


class CommandRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="command"):
    """A command that event `seq` gave rise to, the `ordinal`-th from zero."""

    stream: Stream
    seq: int
    ordinal: int
    t_ns: int
    command: Command


class BlockRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="block"):
    """Hash of the stream's last `count` records, chained to the block before (hex sha256)."""

    stream: Stream
    count: int
    hash: str


class HeaderRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="header"):
    """First record of a stream in a segment; `previous` is the last block hash before it."""

    stream: Stream
    format: int
    segment: int
    first_seq: int
    previous: str


class SealRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="seal"):
    """Last record of a stream in a segment: the Merkle root over its block hashes (hex)."""

    stream: Stream
    segment: int
    blocks: int
    root: str


class SnapshotRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="snapshot"):
    """Hash (hex sha256) of the snapshot with which `segment` begins: all that is known after `seq`.

    It follows its snapshot's file, so its place is not that of `seq`; an event or the segment's
    end comes right after it.
    """

    stream: Stream
    segment: int
    seq: int
    hash: str


class EraRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="era"):
    """First record of a release's era after another's, which ended at `seq` with `former`.

    `former` is the snapshot the former era closed with, hashed in its last record; `state_hash`
    is of that snapshot's state as this release migrated it. Roots are those at `seq`.
    """

    stream: Stream
    era: int
    seq: int
    schema: int
    package_version: str
    wheel_hash: str
    account_root: str
    market_root: str
    state_hash: str
    former: msgspec.Raw


Record = (
    EventRecord
    | CommandRecord
    | BlockRecord
    | HeaderRecord
    | SealRecord
    | SnapshotRecord
    | EraRecord
)

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final[msgspec.json.Decoder[Record]] = msgspec.json.Decoder(Record)


def encode_record(record: Record) -> bytes:
    """Return the canonical body of a record."""
    return _ENCODER.encode(record)


def decode_record(body: bytes) -> Record:
    """Return the record of a body. Raises msgspec.DecodeError."""
    return _DECODER.decode(body)
