"""Brings written records to stable storage off the path, at most an interval late."""

import os
import threading
from pathlib import Path

from keeper.journal.layout import sync_folder

__all__ = ["Syncer"]


class Syncer:
    """A thread that calls fdatasync on the watched descriptor after each mark."""

    def __init__(self, interval_ms: int, folder: Path) -> None:
        """`folder` is made durable as well, once after each new descriptor: its file is new."""
        self._interval_s = interval_ms / 1000
        self._folder = folder
        self._is_new = False
        self._dirty = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._in_flight = threading.Lock()
        self._descriptor: int | None = None
        self._error: OSError | None = None
        self._thread: threading.Thread | None = None

    def watch(self, descriptor: int) -> None:
        """Follow this descriptor from now on; the thread starts with the first one."""
        with self._lock:
            self._descriptor = descriptor
            self._is_new = True
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
            self._thread.start()

    def release(self) -> None:
        """Let go of the descriptor, at once; its owner may close it after `wait_idle`."""
        with self._lock:
            self._descriptor = None

    def wait_idle(self) -> None:
        """Wait for a sync under way: afterwards no released descriptor is in use."""
        with self._in_flight:
            pass

    def mark(self) -> None:
        """Say that something was written."""
        if not self._dirty.is_set():
            self._dirty.set()

    def sync_now(self) -> None:
        """Sync in the caller's thread. Raises OSError, also one the thread met earlier."""
        self.raise_error()
        self._dirty.clear()
        self._sync()

    def raise_error(self) -> None:
        """Raise the OSError the thread met, if any: from then on nothing is durable."""
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Stop the thread."""
        self._stopped.set()
        self._dirty.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._dirty.wait()
            self._dirty.clear()
            try:
                self._sync()
            except OSError as error:
                self._error = error
                return
            self._stopped.wait(self._interval_s)

    def _sync(self) -> None:
        with self._in_flight:
            with self._lock:
                descriptor, is_new = self._descriptor, self._is_new
                self._is_new = False
            if is_new:
                sync_folder(self._folder)
            if descriptor is not None:
                os.fdatasync(descriptor)
