"""Tells what happens, with the time it took; to a terminal or to a plain log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

__all__ = ["Narrator"]


class Narrator:
    """Prints chapters and lines on standard error, so that standard output stays data."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._began = time.monotonic()

    @contextmanager
    def chapter(self, title: str) -> Iterator[None]:
        """Announce a chapter and say how long it took."""
        began = time.monotonic()
        self._console.print(f"[bold]{title}[/bold]")
        with self._console.status(title):
            yield
        self._console.print(f"  [dim]{time.monotonic() - began:.1f} s[/dim]")

    def say(self, line: str) -> None:
        """One thing that has just become true."""
        self._console.print(f"  {line}")

    @property
    def elapsed_seconds(self) -> int:
        return round(time.monotonic() - self._began)
