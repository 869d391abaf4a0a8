"""Follows a journal while a keeper writes it: what happened, not whether every hash is right.

A view, never proof: `JournalReader` checks. The file that is read stays open, so a segment that is
sealed and removed meanwhile is still read to its end.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from keeper.journal.framing import FrameReader, body_of
from keeper.journal.layout import unpack_sealed, wal_path
from keeper.journal.records import EventRecord, Stream, decode_record

__all__ = ["JournalFollower", "newest_sealed"]

_WAL_PATTERN: Final = "open-*.wal"


class JournalFollower:
    """Reads what was appended since the last call; starts at the beginning of the open segment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: BinaryIO | None = None
        self._number = 0
        self._rest = b""

    def poll(self) -> list[EventRecord]:
        """Return the events written since the last call. Raises JournalCorrupt, DecodeError."""
        found: list[EventRecord] = []
        while True:
            if self._file is None and not self._open():
                return found
            found += self._read()
            newest = _newest_wal(self._folder)
            if newest <= self._number:
                return found
            found += self._read()  # what was written before the next segment was begun
            self.close()

    def close(self) -> None:
        """Let go of the open file."""
        if self._file is not None:
            self._file.close()
        self._file, self._rest = None, b""

    def _open(self) -> bool:
        """Open the next segment, or the newest where the next is gone already."""
        newest = _newest_wal(self._folder)
        for number in (self._number + 1, newest) if self._number else (newest,):
            path = wal_path(self._folder, number)
            if number > self._number and path.exists():
                self._file, self._number = path.open("rb"), number
                return True
        return False

    def _read(self) -> list[EventRecord]:
        if self._file is None:
            return []
        self._rest += self._file.read()
        reader = FrameReader(wal_path(self._folder, self._number).name, self._rest)
        found = []
        while (framed := reader.next()) is not None:
            record = decode_record(body_of(framed))
            if isinstance(record, EventRecord):
                found.append(record)
        self._rest = self._rest[reader.offset :]
        return found


def newest_sealed(folder: Path, stream: Stream, most: int) -> Iterator[list[EventRecord]]:
    """Yield the events of up to `most` sealed segments, the newest first. Raises JournalCorrupt."""
    paths = sorted(folder.glob(f"{stream.value}-*.sealed"), reverse=True)
    for path in paths[:most]:
        records = (decode_record(body_of(framed)) for _, framed in unpack_sealed(path))
        yield [record for record in records if isinstance(record, EventRecord)]


def _newest_wal(folder: Path) -> int:
    return max((int(path.stem.rsplit("-", 1)[1]) for path in folder.glob(_WAL_PATTERN)), default=0)
