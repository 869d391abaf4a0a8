"""The append-only journal: segment files, hash chains, verification and recovery."""

from keeper.journal.checking import Step
from keeper.journal.hashing import Roots, data_root
from keeper.journal.reader import BEGINNING, JournalReader, SegmentStart, TornTail
from keeper.journal.writer import JournalOptions, JournalWriter

__all__ = [
    "BEGINNING",
    "JournalOptions",
    "JournalReader",
    "JournalWriter",
    "Roots",
    "SegmentStart",
    "Step",
    "TornTail",
    "data_root",
]
