"""The hash chain and Merkle roots of one stream; the same class for writing and for checking."""

import hashlib
from collections.abc import Sequence
from typing import Final

from keeper.journal.records import BlockRecord, SealRecord, Stream

__all__ = ["BLOCK_RECORDS", "ZERO_HASH", "StreamChain", "data_root", "merkle_root"]

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


class StreamChain:
    """Running chain of one stream: block = sha256(previous block | its framed records).

    Headers, events and commands are hashed; block and seal records carry results of it.
    """

    __slots__ = ("_blocks", "_hasher", "_segment_roots", "count", "previous", "segment", "stream")

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.segment = 0
        self.previous = ZERO_HASH
        self.count = 0
        self._blocks: list[bytes] = []
        self._segment_roots: list[bytes] = []
        self._hasher = hashlib.sha256(ZERO_HASH)

    def add(self, framed: bytes) -> None:
        """Take a framed record into the open block."""
        self._hasher.update(framed)
        self.count += 1

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
        return record

    def copy(self) -> "StreamChain":
        """Return an independent chain at the same point."""
        other = StreamChain(self.stream)
        other.segment, other.previous, other.count = self.segment, self.previous, self.count
        other._blocks = list(self._blocks)
        other._segment_roots = list(self._segment_roots)
        other._hasher = self._hasher.copy()
        return other

    def root(self) -> bytes:
        """Return the stream's root now: over the sealed segments' roots and the open one's."""
        open_blocks = [*self._blocks, self._hasher.digest()] if self.count else self._blocks
        current = [merkle_root(open_blocks)] if open_blocks else []
        return merkle_root([*self._segment_roots, *current])
