"""Which sources a deployment is made from."""

import functools
import shutil
import subprocess
from pathlib import Path

__all__ = ["source_commit"]

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def source_commit() -> str:
    """Name the commit of this checkout, "-dirty" behind it if contracts/ differs from it.

    Empty where there is no checkout: an unpacked archive, or no git.
    """
    if shutil.which("git") is None:
        return ""
    commit = _git("rev-parse", "--verify", "HEAD")
    if not commit:
        return ""
    return f"{commit}-dirty" if _git("status", "--porcelain", "--", "contracts") else commit


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""
