"""That something can be heard or not: blocks of the EVM chain, sources, timers."""

import msgspec

__all__ = [
    "BlockReverted",
    "BlockSeen",
    "Conflated",
    "SourceDown",
    "SourceGap",
    "SourceUp",
    "TimerFired",
]


class BlockSeen(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A new head of the EVM chain; timestamp in unix seconds. Key: (number, hash).

    `base_fee_wei` is what it asks for a unit of gas, in wei.
    """

    number: int
    hash: str
    timestamp: int
    base_fee_wei: int = 0


class BlockReverted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A block that is no longer canonical. Key: (number, hash)."""

    number: int
    hash: str


class TimerFired(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A periodic wake-up; its time is the record's."""

    name: str


class SourceUp(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A data source is connected and complete from here on."""

    source: str


class SourceDown(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A data source is lost; what it said is stale at once."""

    source: str
    detail: str


class SourceGap(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A source skipped from `expected` to `received`; its book is not to be quoted on."""

    source: str
    expected: int
    received: int


class Conflated(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`count` superseded market-data inputs of a source were merged before sequencing."""

    source: str
    count: int
