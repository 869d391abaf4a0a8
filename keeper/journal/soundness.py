"""Checks files that nobody is going to read: every checksum, without decoding a record.

A start that goes on from a snapshot reads the records after it alone; damage before it would stay
unnoticed until an audit, when the undamaged copies may be gone.
"""

from pathlib import Path

from keeper.domain.errors import JournalCorrupt
from keeper.journal.framing import FrameReader
from keeper.journal.layout import sealed_path, segment_numbers, unpack_sealed, wal_path
from keeper.journal.records import Stream

__all__ = ["require_sound_before"]


def require_sound_before(folder: Path, segment: int) -> None:
    """Check the files of all segments before `segment`. Raises JournalCorrupt, OSError."""
    for number in segment_numbers(folder):
        if number >= segment:
            return
        for path in _files(folder, number):
            _require_sound(path)


def _files(folder: Path, number: int) -> list[Path]:
    path = wal_path(folder, number)
    return [path] if path.exists() else [sealed_path(folder, s, number) for s in Stream]


def _require_sound(path: Path) -> None:
    if not path.exists():
        raise JournalCorrupt(path.name, 0, "the file is missing")
    reader = FrameReader(path.name, path.read_bytes())
    try:
        while reader.next() is not None:
            pass
    except JournalCorrupt:
        _name_record(path)
        raise
    if reader.leftover:
        _name_record(path)
        raise JournalCorrupt(path.name, reader.number, "the file is cut short")


def _name_record(path: Path) -> None:
    """Read a damaged file to the damage: a sealed one knows its records block by block."""
    if path.suffix == ".sealed":
        for _ in unpack_sealed(path):
            pass
