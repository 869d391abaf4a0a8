"""Work on closed files, off the order path: sealing, compressing, snapshots."""

import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

__all__ = ["Background", "give_way"]

_PAUSE_SECONDS: Final = 0.0005


def give_way() -> None:
    """Let another thread run: a waiting loop gets the interpreter at once, not in its next turn."""
    time.sleep(_PAUSE_SECONDS)


class Background:
    """Two threads: one makes closed files durable, which the next segment waits for.

    The other does the rest, in the order given.
    """

    def __init__(self) -> None:
        self._finisher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal-finish")
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal-work")
        self._finishing: Future[None] | None = None
        self._working: list[Future[Any]] = []

    def finish(self, descriptor: int, wait_idle: Callable[[], None]) -> None:
        """Bring a file to stable storage and close it once nobody else uses it any more."""
        self._finishing = self._finisher.submit(_sync_and_close, descriptor, wait_idle)

    def wait_finished(self) -> None:
        """Wait until the file given to `finish` is durable. Raises OSError."""
        finishing, self._finishing = self._finishing, None
        if finishing is not None:
            finishing.result()

    def do(self, work: Callable[[], Any]) -> "Future[Any]":
        """Do a piece of work after those given before."""
        future = self._worker.submit(work)
        self._working.append(future)
        return future

    def raise_errors(self) -> None:
        """Raise what a finished piece of work raised."""
        finished = [future for future in self._working if future.done()]
        self._working = [future for future in self._working if not future.done()]
        for future in finished:
            future.result()

    def close(self) -> None:
        """Wait for everything given, then end the threads. Raises what a piece of work raised."""
        self._finisher.shutdown(wait=True)
        self._worker.shutdown(wait=True)
        self.wait_finished()
        self.raise_errors()

    def settle(self) -> None:
        """Wait for everything given so far. Raises what a piece of work raised."""
        for future in list(self._working):
            future.result()


def _sync_and_close(descriptor: int, wait_idle: Callable[[], None]) -> None:
    try:
        os.fdatasync(descriptor)
    finally:
        wait_idle()
        os.close(descriptor)
