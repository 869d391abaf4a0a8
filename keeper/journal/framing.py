"""How a record lies on disk: a twelve-byte header and a body, each with its own checksum.

header = length of the body, crc32c of the body, crc32c of those eight bytes (each u32 LE)

The header's own checksum is what tells a torn last write (the file simply ends early) from a
changed length (the header does not match): the first may be dropped, the second never.
"""

import struct

import google_crc32c

from keeper.domain.errors import JournalCorrupt

__all__ = ["FrameReader", "body_of", "frame"]

_HEADER = struct.Struct("<III")
_HEAD = struct.Struct("<II")


def frame(body: bytes) -> bytes:
    """Return `body` with its header in front."""
    head = _HEAD.pack(len(body), google_crc32c.value(body))
    return b"".join((head, google_crc32c.value(head).to_bytes(4, "little"), body))


class FrameReader:
    """Walks the frames of one file; `offset` and `number` name the next frame."""

    __slots__ = ("_data", "_segment", "number", "offset")

    def __init__(self, segment: str, data: bytes) -> None:
        self._segment = segment
        self._data = data
        self.offset = 0
        self.number = 0

    def next(self) -> bytes | None:
        """Return the next frame, header included; None at the end or where the file is torn.

        Raises JournalCorrupt when a checksum does not match.
        """
        start = self.offset
        body_at = start + _HEADER.size
        if body_at > len(self._data) or self._only_zeros_from(start):
            return None
        length, body_crc, head_crc = _HEADER.unpack_from(self._data, start)
        if google_crc32c.value(self._data[start : start + _HEAD.size]) != head_crc:
            raise JournalCorrupt(self._segment, self.number, "the header's checksum does not match")
        end = body_at + length
        if end > len(self._data):
            return None
        if google_crc32c.value(self._data[body_at:end]) != body_crc:
            raise JournalCorrupt(self._segment, self.number, "the body's checksum does not match")
        self.offset = end
        self.number += 1
        return self._data[start:end]

    @property
    def leftover(self) -> int:
        """Bytes after the last whole frame: zero unless the file is torn."""
        return len(self._data) - self.offset

    def _only_zeros_from(self, start: int) -> bool:
        """Whether a power cut left the file extended but unwritten from here on."""
        if any(self._data[start : start + _HEADER.size]):
            return False
        return not any(self._data[start:])


def body_of(framed: bytes) -> bytes:
    """Return the body of a frame that `FrameReader.next` returned."""
    return framed[_HEADER.size :]
