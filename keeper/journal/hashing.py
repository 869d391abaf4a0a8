"""The hash chain and Merkle roots of one stream; the same class for writing and for checking."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from keeper.journal.records import BlockRecord, SealRecord, Stream

__all__ = [
    "BLOCK_RECORDS",
    "ZERO_HASH",
    "ChainPosition",
    "MerklePeaks",
    "Roots",
    "StreamChain",
    "data_root",
    "merkle_root",
]

BLOCK_RECORDS: Final = 256
ZERO_HASH: Final = bytes(32)


class MerklePeaks:
    """A Merkle tree that only grows, kept as the roots of its whole subtrees, left to right.

    leaf = sha256(0x00 | leaf), node = sha256(0x01 | left | right); an odd node is promoted
    unchanged, so the root is that of `merkle_root` over the same leaves.
    """

    __slots__ = ("peaks",)

    def __init__(self, peaks: Sequence[tuple[int, bytes]] = ()) -> None:
        """Start from peaks as (leaves below, hash), taken from another tree."""
        self.peaks = list(peaks)

    def add(self, leaf: bytes) -> None:
        """Append a leaf."""
        size, node = 1, hashlib.sha256(b"\x00" + leaf).digest()
        while self.peaks and self.peaks[-1][0] == size:
            node = _node(self.peaks.pop()[1], node)
            size *= 2
        self.peaks.append((size, node))

    def copy(self) -> "MerklePeaks":
        """Return an independent tree of the same leaves."""
        return MerklePeaks(self.peaks)

    def root(self) -> bytes:
        """Return the root; 32 zero bytes without leaves."""
        if not self.peaks:
            return ZERO_HASH
        root = self.peaks[-1][1]
        for _, peak in reversed(self.peaks[:-1]):
            root = _node(peak, root)
        return root


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over `leaves`; 32 zero bytes for none."""
    tree = MerklePeaks()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def data_root(account_root: bytes, market_root: bytes, state_hash: bytes) -> bytes:
    """Return the root a report carries: sha256 over a tag and the three hashes."""
    return hashlib.sha256(b"athanor.data.v1" + account_root + market_root + state_hash).digest()


@dataclass(frozen=True, slots=True)
class Roots:
    """Merkle roots of both streams up to and including step `seq`."""

    seq: int
    account: bytes
    market: bytes


class ChainPosition(msgspec.Struct, frozen=True, kw_only=True):
    """Where a stream's chain stands between two segments: all that the next one builds on.

    `previous` is the last block's hash, `peaks` the tree of segment roots as (leaves, hash), and
    `unanchored` the roots of segments after the last event or command (all hex).
    """

    previous: str
    peaks: tuple[tuple[int, str], ...] = ()
    unanchored: tuple[str, ...] = ()


class StreamChain:
    """Running chain of one stream: block = sha256(previous block | its framed records).

    Everything but block and seal records is hashed; these carry results of it.
    """

    __slots__ = (
        "_blocks",
        "_has_data",
        "_hasher",
        "_segments",
        "_unanchored",
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
        self._segments = MerklePeaks()
        self._unanchored: list[bytes] = []
        self._hasher = hashlib.sha256(ZERO_HASH)
        self._has_data = False

    def note(self, framed: bytes) -> None:
        """Take a record that is no part of a step into the open block: header, snapshot, era."""
        self._hasher.update(framed)
        self.count += 1

    def add(self, framed: bytes) -> None:
        """Take a framed event or command into the open block."""
        self._hasher.update(framed)
        self.count += 1
        if not self._has_data:
            self._anchor()

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
        self._unanchored.append(root)
        self._blocks = []
        if self._has_data:
            self._anchor()
        self._has_data = False
        return record

    @classmethod
    def after(cls, stream: Stream, segment: int, position: ChainPosition) -> "StreamChain":
        """Return a chain that goes on after a segment; without peaks its `root` lacks the past."""
        chain = cls(stream)
        chain.segment, chain.previous = segment, bytes.fromhex(position.previous)
        chain._segments = MerklePeaks([(n, bytes.fromhex(peak)) for n, peak in position.peaks])
        chain._unanchored = [bytes.fromhex(root) for root in position.unanchored]
        chain._hasher = hashlib.sha256(chain.previous)
        return chain

    @property
    def position(self) -> ChainPosition:
        """Where the chain stands; to be asked between two segments."""
        return ChainPosition(
            previous=self.previous.hex(),
            peaks=tuple((size, peak.hex()) for size, peak in self._segments.peaks),
            unanchored=tuple(root.hex() for root in self._unanchored),
        )

    def copy(self) -> "StreamChain":
        """Return an independent chain at the same point."""
        other = StreamChain(self.stream)
        other.segment, other.previous, other.count = self.segment, self.previous, self.count
        other._blocks, other._unanchored = list(self._blocks), list(self._unanchored)
        other._segments, other._has_data = self._segments.copy(), self._has_data
        other._hasher = self._hasher.copy()
        return other

    def root(self) -> bytes:
        """Return the stream's root: over the segments' roots up to its last event or command.

        Neither a seal nor a header after that record changes it, so the root at a step is the
        same however much is logged afterwards.
        """
        if not self._has_data:
            return self._segments.root()
        blocks = [*self._blocks, self._hasher.digest()] if self.count else self._blocks
        tree = self._segments.copy()
        tree.add(merkle_root(blocks))
        return tree.root()

    def _anchor(self) -> None:
        self._has_data = True
        for root in self._unanchored:
            self._segments.add(root)
        self._unanchored.clear()
