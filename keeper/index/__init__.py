"""A derived index of a journal in SQLite: rebuilt at any time, never a source of truth."""

from keeper.index.build import Index, IndexUnavailable, Progress, RunStart, open_index
from keeper.index.location import index_path

__all__ = ["Index", "IndexUnavailable", "Progress", "RunStart", "index_path", "open_index"]
