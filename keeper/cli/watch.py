"""`keeper status --watch`: a keeper live in the terminal, or a line at a time into a pipe."""

import contextlib
import json
import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click
import msgspec
from rich.console import Console
from rich.live import Live

from keeper.cli.watch_view import Look, drawn, pressed, spoken
from keeper.web.watching import Watched, Watcher

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["watch"]

_ARROWS: Final = {b"\x1b[A": "up", b"\x1b[B": "down", b"\x1bOA": "up", b"\x1bOB": "down"}


def watch(watched: Watched, interval_seconds: float, *, as_json: bool) -> None:
    """Show until the person leaves or the process is told to end; the keeper may restart meanwhile.

    On a terminal the whole screen is used; elsewhere one line (with `as_json` one JSON object) is
    printed per interval.
    """
    watcher = Watcher(watched)
    try:
        if sys.stdout.isatty() and sys.stdin.isatty() and not as_json:
            _Screen(watcher, interval_seconds).run()
        else:
            _lines(watcher, interval_seconds, as_json=as_json)
    finally:
        watcher.close()


def _lines(watcher: Watcher, interval_seconds: float, *, as_json: bool) -> None:
    while True:
        watcher.look()
        view = watcher.view()
        click.echo(json.dumps(msgspec.to_builtins(view)) if as_json else spoken(view))
        time.sleep(interval_seconds)


class _Screen:
    """One terminal: draws on every look, key and change of size."""

    def __init__(self, watcher: Watcher, interval_seconds: float) -> None:
        self._watcher = watcher
        self._interval_seconds = interval_seconds
        self._console = Console()
        self._choice = Look()

    def run(self) -> None:
        """Draw until `q`."""
        due, live = 0.0, Live(console=self._console, screen=True, auto_refresh=False)
        with _keys() as (keyboard, bell), live:
            while not self._choice.leaves:
                if time.monotonic() >= due:
                    self._watcher.look()
                    due = time.monotonic() + self._interval_seconds
                live.update(self._drawn(), refresh=True)
                self._wait(keyboard, bell, max(0.0, due - time.monotonic()))

    def _drawn(self) -> "RenderableType":
        # The terminal itself is asked: COLUMNS, where it is exported, does not follow a resize.
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
        self._console.size = (columns, rows)
        fills = self._watcher.traces.newest_fills()
        return drawn(self._watcher.view(), fills, self._choice, (columns, rows))

    def _wait(self, keyboard: int, bell: int, seconds: float) -> None:
        ready, _, _ = select.select([keyboard, bell], [], [], seconds)
        if bell in ready:
            os.read(bell, 64)
        if keyboard in ready:
            typed = os.read(keyboard, 64)
            if not typed:
                self._choice = pressed(self._choice, "q", 0)
            for key in _named(typed):
                self._choice = pressed(self._choice, key, self._markets())

    def _markets(self) -> int:
        status = self._watcher.view().status
        return sum(1 for m in status["markets"] if m["quoted"]) if status is not None else 0


def _named(typed: bytes) -> list[str]:
    """Split what was typed into keys; an unknown escape sequence is none."""
    if typed in _ARROWS:
        return [_ARROWS[typed]]
    return [] if typed.startswith(b"\x1b") else list(typed.decode("ascii", "ignore"))


@contextlib.contextmanager
def _keys() -> Iterator[tuple[int, int]]:
    """Read keys one by one and hear of changes of size; the terminal is left as it was found."""
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    heard, rung = os.pipe()
    old = signal.signal(signal.SIGWINCH, lambda *_: os.write(rung, b"."))
    try:
        tty.setcbreak(keyboard)
        yield keyboard, heard
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, old)
        os.close(heard)
        os.close(rung)
