"""What this running package is: its version and a hash over its source files."""

import functools
import hashlib
from pathlib import Path

import msgspec

from keeper import __version__

__all__ = ["Release", "running_release"]


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """Identity of the code that decides; a journal is replayed by the same one alone."""

    version: str
    wheel_hash: str


@functools.cache
def running_release() -> Release:
    """Return the release of the imported package: sha256 over its .py files, path by path."""
    root = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return Release(version=__version__, wheel_hash=digest.hexdigest())
