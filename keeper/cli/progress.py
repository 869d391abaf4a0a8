"""A progress bar for what takes longer than a moment, on a terminal's stderr alone."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

__all__ = ["progress_bar"]

PATIENCE_SECONDS = 2


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function to be told (done, total); a bar appears after two seconds."""
    started = time.monotonic()
    bar: Any = None

    def show(done: int, total: int) -> None:
        nonlocal bar
        if bar is None:
            if not sys.stderr.isatty() or time.monotonic() - started < PATIENCE_SECONDS:
                return
            bar = click.progressbar(length=total, label=label, file=sys.stderr)
            bar.render_progress()
        bar.update(done - bar.pos)

    try:
        yield show
    finally:
        if bar is not None:
            bar.render_finish()
