"""Kills the process it is in, without a word, at the first crash point that it was asked for."""

import inspect
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["AFTER", "BEFORE", "DURING", "Order", "Trigger", "phases_of"]

BEFORE: Final = "before"
DURING: Final = "during"
"""Half of the bytes are written."""
AFTER: Final = "after"
_DIVISIBLE: Final = ("os.write", "file.write")


def phases_of(name: str) -> tuple[str, ...]:
    """Return the phases of a call at which a process can die."""
    is_divisible = name.rpartition(": ")[2] in _DIVISIBLE
    return (BEFORE, DURING, AFTER) if is_divisible else (BEFORE, AFTER)


@dataclass(frozen=True, slots=True)
class Order:
    """Where to die: at the first point not in `done`, or at the `nth` passing of `aim`."""

    done: frozenset[str] = frozenset()
    aim: str = ""
    nth: int = 1


@dataclass(slots=True)
class Trigger:
    """Counts every passing of every point; armed in the child alone."""

    order: Order | None = None
    report: int = -1
    passed: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, order: Order, report: int) -> None:
        """From now on die as told; the point's name goes to the descriptor `report` first."""
        self.order, self.report = order, report

    def at(self, point: str, last_act: Callable[[], None] | None = None) -> None:
        """Pass a point, or die there, after a last act."""
        if self.order is None:
            return
        with self._lock:
            self.passed[point] += 1
            if self._is_fatal(self.order, point):
                if last_act is not None:
                    last_act()
                os.write(self.report, f"{point}\n".encode())
                os.kill(os.getpid(), signal.SIGKILL)

    def call(self, name: str, function: Any) -> Any:
        """Return `function` with a point before and after it; a coroutine is over when it ends."""
        phases = phases_of(name)

        def called(*arguments: Any, **named: Any) -> Any:
            self.at(f"{name} | {BEFORE}")
            if DURING in phases:
                self.at(f"{name} | {DURING}", lambda: _write_half(function, *arguments))
            answer = function(*arguments, **named)
            if inspect.iscoroutine(answer):
                return self._awaited(name, answer)
            self.at(f"{name} | {AFTER}")
            return answer

        return called

    async def _awaited(self, name: str, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await work
        finally:
            self.at(f"{name} | {AFTER}")

    def _is_fatal(self, order: Order, point: str) -> bool:
        if order.aim:
            return point == order.aim and self.passed[point] == order.nth
        return point not in order.done


def _write_half(function: Any, *arguments: Any) -> None:
    """Write the first half of what was to be written, and let it reach the system."""
    *where, content = arguments
    function(*where, content[: len(content) // 2])
    flush = getattr(getattr(function, "__self__", None), "flush", None)
    if flush is not None:
        flush()
