"""A bar appears on a terminal, after two seconds, on stderr; nowhere else."""

import io
import sys
from collections.abc import Iterator

import pytest

from keeper.cli import progress as module
from keeper.cli.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    ticking = Clock()
    monkeypatch.setattr(module, "time", ticking)
    return ticking


def told(clock: Clock, seconds: float, screen: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "stderr", screen)
    with progress_bar("reading") as show:
        show(1, 10)
        clock.now = seconds
        show(5, 10)
        show(10, 10)
    return screen.getvalue()


def test_progress_bar__quick_work__shows_nothing(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(clock, 1.9, Terminal(), monkeypatch) == ""


def test_progress_bar__slow_work_on_a_terminal__shows_a_bar(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = told(clock, 2.1, Terminal(), monkeypatch)

    assert "reading" in out
    assert "100%" in out


def test_progress_bar__not_a_terminal__shows_nothing(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(clock, 9.0, io.StringIO(), monkeypatch) == ""
