"""The append-only journal: segment files, hash chains, verification and recovery."""

from keeper.journal.checking import Step
from keeper.journal.hashing import Roots, data_root
from keeper.journal.reader import JournalReader, TornTail
from keeper.journal.writer import JournalOptions, JournalWriter

__all__ = [
    "JournalOptions",
    "JournalReader",
    "JournalWriter",
    "Roots",
    "Step",
    "TornTail",
    "data_root",
]
