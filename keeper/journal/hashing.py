"""The hash chain and Merkle roots of one stream; the same class for writing and for checking."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from keeper.journal.records import BlockRecord, SealRecord, Stream

__all__ = ["BLOCK_RECORDS", "ZERO_HASH", "Roots", "StreamChain", "data_root", "merkle_root"]

BLOCK_RECORDS: Final = 256
ZERO_HASH: Final = bytes(32)


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over `leaves` (32 zero bytes for none); an odd node is promoted unchanged.

    leaf = sha256(0x00 | leaf), node = sha256(0x01 | left | right).
    """
    if not leaves:
        return ZERO_HASH
    row = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(row) > 1:
        paired = [
            hashlib.sha256(b"\x01" + row[i] + row[i + 1]).digest()
            for i in range(0, len(row) - 1, 2)
        ]
        row = paired + row[len(paired) * 2 :]
    return row[0]


def data_root(account_root: bytes, market_root: bytes, state_hash: bytes) -> bytes:
    """Return the root a report carries: sha256 over a tag and the three hashes."""
    return hashlib.sha256(b"athanor.data.v1" + account_root + market_root + state_hash).digest()


@dataclass(frozen=True, slots=True)
class Roots:
    """Merkle roots of both streams up to and including step `seq`."""

    seq: int
    account: bytes
    market: bytes


class StreamChain:
    """Running chain of one stream: block = sha256(previous block | its framed records).

    Headers, events and commands are hashed; block and seal records carry results of it.
    """

    __slots__ = (
        "_anchored",
        "_blocks",
        "_has_data",
        "_hasher",
        "_segment_roots",
        "count",
        "previous",
        "segment",
        "stream",
    )

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.segment = 0
        self.previous = ZERO_HASH
        self.count = 0
        self._blocks: list[bytes] = []
        self._segment_roots: list[bytes] = []
        self._hasher = hashlib.sha256(ZERO_HASH)
        self._has_data = False
        self._anchored = 0

    def add_header(self, framed: bytes) -> None:
        """Take a segment's header into the open block."""
        self._hasher.update(framed)
        self.count += 1

    def add(self, framed: bytes) -> None:
        """Take a framed event or command into the open block."""
        self._hasher.update(framed)
        self.count += 1
        self._has_data = True
        self._anchored = len(self._segment_roots)

    @property
    def due(self) -> bool:
        """Whether the open block is full and its hash has to be written next."""
        return self.count >= BLOCK_RECORDS

    def close_block(self) -> BlockRecord:
        """Close the open block and return the record of its hash."""
        record = BlockRecord(stream=self.stream, count=self.count, hash=self._hasher.digest().hex())
        self.previous = self._hasher.digest()
        self._blocks.append(self.previous)
        self._hasher = hashlib.sha256(self.previous)
        self.count = 0
        return record

    def seal(self) -> SealRecord:
        """Close the segment (its open block must be closed) and return its seal."""
        root = merkle_root(self._blocks)
        record = SealRecord(
            stream=self.stream, segment=self.segment, blocks=len(self._blocks), root=root.hex()
        )
        self._segment_roots.append(root)
        self._blocks = []
        if self._has_data:
            self._anchored = len(self._segment_roots)
        self._has_data = False
        return record

    @classmethod
    def after(cls, stream: Stream, segment: int, previous: bytes) -> "StreamChain":
        """Return a chain that goes on after a segment; its `root` lacks what came before."""
        chain = cls(stream)
        chain.segment, chain.previous = segment, previous
        chain._hasher = hashlib.sha256(previous)
        return chain

    def copy(self) -> "StreamChain":
        """Return an independent chain at the same point."""
        other = StreamChain(self.stream)
        other.segment, other.previous, other.count = self.segment, self.previous, self.count
        other._blocks = list(self._blocks)
        other._segment_roots = list(self._segment_roots)
        other._hasher = self._hasher.copy()
        other._has_data, other._anchored = self._has_data, self._anchored
        return other

    def root(self) -> bytes:
        """Return the stream's root: over the segments' roots up to its last event or command.

        Neither a seal nor a header after that record changes it, so the root at a step is the
        same however much is logged afterwards.
        """
        segments = self._segment_roots[: self._anchored]
        if not self._has_data:
            return merkle_root(segments)
        blocks = [*self._blocks, self._hasher.digest()] if self.count else self._blocks
        return merkle_root([*segments, merkle_root(blocks)])
