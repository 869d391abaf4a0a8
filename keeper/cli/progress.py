"""A progress bar on stderr for what takes longer than a moment: on a terminal, or when asked."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

__all__ = ["progress_bar"]

PATIENCE_SECONDS = 2


@contextmanager
def progress_bar(label: str, *, is_forced: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Yield a function to be told (done, total); a bar appears after two seconds.

    Where no terminal is there is nothing, or, when forced, a line every two seconds.
    """
    is_terminal = sys.stderr.isatty()
    shown_at = time.monotonic()
    bar: Any = None

    def show(done: int, total: int) -> None:
        nonlocal bar, shown_at
        if bar is None:
            if time.monotonic() - shown_at < PATIENCE_SECONDS:
                return
            if not is_terminal:
                shown_at = time.monotonic()
                if is_forced:
                    click.echo(f"{label}: {done} of {total}", err=True)
                return
            bar = click.progressbar(length=total, label=label, file=sys.stderr)
            bar.render_progress()
        bar.update(done - bar.pos)

    try:
        yield show
    finally:
        if bar is not None:
            bar.render_finish()
