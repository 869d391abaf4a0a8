"""Where the index of a journal lies: in the user's cache folder, named by the journal's path."""

import hashlib
import os
from pathlib import Path

__all__ = ["index_path"]


def index_path(journal: Path) -> Path:
    """Return the index file of a journal folder.

    KEEPER_CACHE_DIR, else XDG_CACHE_HOME/athanor, else ~/.cache/athanor.
    """
    chosen = os.environ.get("KEEPER_CACHE_DIR")
    if chosen:
        base = Path(chosen)
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "athanor"
    name = hashlib.sha256(str(journal.resolve()).encode()).hexdigest()[:16]
    return base / f"index-{name}.sqlite"
