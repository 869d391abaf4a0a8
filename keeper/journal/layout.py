"""Names of the files in a journal folder, and the sealed form of a segment.

`open-N.wal`      both streams in the order they were written; the last one may be unsealed
`snapshot-N.zst`  what is known when segment N begins (`snapshots.py`)
`account-N.sealed` and `market-N.sealed`  the two streams of a sealed segment, compressed: each
frame's body is the zstd frame of a run of whole records, so that damage is named to a block.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import zstandard

from keeper.domain.errors import JournalCorrupt
from keeper.journal.framing import FrameReader, body_of, frame
from keeper.journal.hashing import BLOCK_RECORDS
from keeper.journal.records import Stream

__all__ = [
    "compress_segment",
    "remove_temporaries",
    "sealed_path",
    "segment_numbers",
    "sync_folder",
    "unpack_sealed",
    "wal_path",
    "write_durably",
]

_LEVEL: Final = 6


_RUN: Final = BLOCK_RECORDS + 1
"""Records in one compressed run."""

_SHORT: Final = 32
"""Frames handled between two pauses: some tenths of a millisecond of work."""


class _StreamOnly(msgspec.Struct):
    stream: Stream


_STREAM_DECODER: Final = msgspec.json.Decoder(_StreamOnly)


def wal_path(folder: Path, number: int) -> Path:
    """Return the path of a segment as it is written."""
    return folder / f"open-{number:08d}.wal"


def sealed_path(folder: Path, stream: Stream, number: int) -> Path:
    """Return the path of one stream of a sealed segment."""
    return folder / f"{stream.value}-{number:08d}.sealed"


def segment_numbers(folder: Path) -> list[int]:
    """Return the numbers of the segments present, in order. Raises JournalCorrupt on a gap."""
    names = [*folder.glob("open-*.wal"), *folder.glob("*-*.sealed")]
    numbers = sorted({int(path.stem.rsplit("-", 1)[1]) for path in names})
    for expected, number in enumerate(numbers, start=1):
        if number != expected:
            raise JournalCorrupt(wal_path(folder, expected).name, 0, "the segment is missing")
    return numbers


def compress_segment(folder: Path, number: int, pause: Callable[[], None]) -> None:
    """Replace a sealed write-ahead file by its two compressed streams; safe to repeat.

    `pause` is called between short pieces of work. Raises JournalCorrupt, OSError.
    """
    source = wal_path(folder, number)
    parts = _split(source, pause)
    for stream, frames in parts.items():
        write_durably(sealed_path(folder, stream, number), _pack(frames, pause))
    source.unlink()


def unpack_sealed(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (record number, framed record) of a sealed stream. Raises JournalCorrupt."""
    outer = FrameReader(path.name, path.read_bytes())
    number = 0
    while True:
        outer.number = number
        packed = outer.next()
        if packed is None:
            break
        for framed in _unpack(path.name, number, body_of(packed)):
            yield number, framed
            number += 1
    if outer.leftover:
        raise JournalCorrupt(path.name, number, "the sealed file is cut short")


def _split(source: Path, pause: Callable[[], None]) -> dict[Stream, list[bytes]]:
    reader = FrameReader(source.name, source.read_bytes())
    parts: dict[Stream, list[bytes]] = {stream: [] for stream in Stream}
    while (framed := reader.next()) is not None:
        parts[_STREAM_DECODER.decode(body_of(framed)).stream].append(framed)
        if reader.number % _SHORT == 0:
            pause()
    if reader.leftover:
        raise JournalCorrupt(source.name, reader.number, "a sealed segment is cut short")
    return parts


def _pack(frames: list[bytes], pause: Callable[[], None]) -> bytes:
    compressor = zstandard.ZstdCompressor(level=_LEVEL)
    packed: list[bytes] = []
    for at in range(0, len(frames), _RUN):
        packed.append(frame(compressor.compress(b"".join(frames[at : at + _RUN]))))
        pause()
    return b"".join(packed)


def _unpack(segment: str, number: int, packed: bytes) -> list[bytes]:
    try:
        raw = zstandard.ZstdDecompressor().decompress(packed)
    except zstandard.ZstdError as error:
        raise JournalCorrupt(segment, number, f"compressed block: {error}") from error
    reader = FrameReader(segment, raw)
    reader.number = number
    frames: list[bytes] = []
    while (framed := reader.next()) is not None:
        frames.append(framed)
    if reader.leftover:
        raise JournalCorrupt(segment, reader.number, "compressed block ends inside a record")
    return frames


def write_durably(path: Path, content: bytes) -> None:
    """Put a file in place whole or not at all. Raises OSError."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def remove_temporaries(folder: Path) -> None:
    """Remove what a crash left half-written under a temporary name. Raises OSError."""
    for path in folder.glob("*.tmp"):
        path.unlink()


def sync_folder(folder: Path) -> None:
    """Make created, renamed and removed names in `folder` durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
