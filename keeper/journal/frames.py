"""The bytes of one write: framed records with the block hashes that fall due, headers, seals."""

from collections.abc import Sequence

from keeper.journal.framing import frame
from keeper.journal.hashing import StreamChain
from keeper.journal.reader import SegmentStart
from keeper.journal.records import (
    FORMAT_VERSION,
    CommandRecord,
    EraRecord,
    EventRecord,
    HeaderRecord,
    SnapshotRecord,
    Stream,
    encode_record,
)

__all__ = ["Frames", "header_frames", "seal_frames", "whole_segment"]

Chains = dict[Stream, StreamChain]


class Frames:
    """Collects the frames of one write and puts block hashes where they are due."""

    __slots__ = ("_account", "_market", "content")

    def __init__(self, chains: Chains) -> None:
        self._account = chains[Stream.ACCOUNT]
        self._market = chains[Stream.MARKET]
        self.content: list[bytes] = []

    def add(self, stream: Stream, record: EventRecord | CommandRecord) -> None:
        """Add a record of a step."""
        framed = frame(encode_record(record))
        chain = self._market if stream is Stream.MARKET else self._account
        self.content.append(framed)
        chain.add(framed)
        if chain.due:
            self._close_block(chain)

    def note(self, record: SnapshotRecord | EraRecord) -> None:
        """Add a record that is no part of a step."""
        framed = frame(encode_record(record))
        self.content.append(framed)
        self._account.note(framed)
        if self._account.due:
            self._close_block(self._account)

    def _close_block(self, chain: StreamChain) -> None:
        self.content.append(frame(encode_record(chain.close_block())))


def header_frames(chains: Chains, start: SegmentStart) -> bytes:
    """Begin a segment in both chains; return its headers."""
    frames: list[bytes] = []
    for stream, chain in chains.items():
        chain.segment = start.segment
        header = HeaderRecord(
            stream=stream,
            format=FORMAT_VERSION,
            segment=start.segment,
            first_seq=start.last_seq + 1,
            previous=chain.previous.hex(),
        )
        frames.append(frame(encode_record(header)))
        chain.note(frames[-1])
    return b"".join(frames)


def seal_frames(chains: Chains) -> bytes:
    """End the segment in both chains; return the last block hashes and the seals."""
    frames: list[bytes] = []
    for chain in chains.values():
        if chain.count:
            frames.append(frame(encode_record(chain.close_block())))
        frames.append(frame(encode_record(chain.seal())))
    return b"".join(frames)


def whole_segment(
    chains: Chains, start: SegmentStart, notes: Sequence[SnapshotRecord | EraRecord]
) -> bytes:
    """Return a segment that holds `notes` and no step, from its headers to its seals."""
    headers, frames = header_frames(chains, start), Frames(chains)
    for note in notes:
        frames.note(note)
    return b"".join((headers, *frames.content, seal_frames(chains)))
