"""Watches the system calls of a keeper for writes that the list of sites does not have.

Whatever leaves the process is traced to the nearest line of keeper code under it: that line must
be part of a listed site. What a library does on its own, with no keeper code under it (a ping of
the websocket), is no call of the keeper's.
"""

import asyncio.selector_events
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Final

import grpc.aio

from tests.e2e.crash.sites import Site

__all__ = ["Guards"]

_CALLS: Final = ("write", "writev", "pwrite", "fsync", "fdatasync", "ftruncate", "sendfile")
_AUDITED: Final = frozenset(
    (
        "os.chmod",
        "os.link",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "os.truncate",
        "socket.bind",
        "socket.connect",
        "socket.sendto",
        "subprocess.Popen",
    )
)
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Guards:
    """Collects writes by lines that are no listed site; `unlisted` is empty when all is well."""

    def __init__(self, sites: Sequence[Site]) -> None:
        self._spans: dict[str, list[tuple[int, int]]] = {}
        for site in sites:
            self._spans.setdefault(site.file, []).append((site.first_line, site.last_line))
        self._root = f"{Path(sys.modules['keeper'].__file__ or '').parent}{os.sep}"
        self.unlisted: list[str] = []

    def watch(self) -> None:
        """Watch from now on."""
        for name in _CALLS:
            setattr(os, name, self._watched(f"os.{name}", getattr(os, name)))
        transport: Any = asyncio.selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
        transport.write = self._watched("socket write", transport.write)
        method: Any = grpc.aio.UnaryUnaryMultiCallable
        for made in method.__subclasses__():
            made.__call__ = self._watched("grpc call", made.__call__)
        sys.addaudithook(self._audit)

    def _watched(self, what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            self._check(what)
            return function(*arguments, **named)

        return watched

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _AUDITED or (event == "open" and int(arguments[2] or 0) & _WRITING):
            self._check(event)

    def _check(self, what: str) -> None:
        frame = _nearest(sys._getframe(2), self._root)
        if frame is None:
            return
        spans = self._spans.get(frame.f_code.co_filename, ())
        if not any(first <= frame.f_lineno <= last for first, last in spans):
            place = f"{frame.f_code.co_filename.removeprefix(self._root)}:{frame.f_lineno}"
            self.unlisted.append(f"{what} at {place} {frame.f_code.co_qualname}")


def _nearest(frame: FrameType | None, root: str) -> FrameType | None:
    while frame is not None and not frame.f_code.co_filename.startswith(root):
        frame = frame.f_back
    return frame
