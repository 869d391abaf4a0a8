"""The serving side of the control socket, inside a running keeper."""

import asyncio
import json
import os
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from keeper.control.asking import (
    LINE_LIMIT,
    REASON_LIMIT,
    VERBS,
    Request,
    is_reason,
    socket_path,
)
from keeper.domain.errors import AthanorError
from keeper.domain.events import OperatorCommand
from keeper.ports import Emit

__all__ = ["ControlServer", "Peer", "Question"]

PRIVATE: Final = 0o700
_CREDENTIALS: Final = "3i"  # struct ucred: pid, uid, gid


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """The process at the other end, by the kernel's word; -1 where a system has none."""

    uid: int = -1
    pid: int = -1


Question = Callable[[Request, Peer], dict[str, Any]]


class ControlServer:
    """Serves one keeper's socket; `views` give JSON objects, `emit` takes operator commands.

    `questions` are answered with what they say of the whole request.
    """

    def __init__(
        self,
        journal: Path,
        emit: Emit,
        views: Mapping[str, Callable[[], dict[str, Any]]],
        markets: tuple[str, ...],
        questions: Mapping[str, Question] | None = None,
    ) -> None:
        self._path = socket_path(journal)
        self._emit = emit
        self._views = views
        self._markets = markets
        self._questions = questions or {}

    async def run(self) -> None:
        """Serve until cancelled. Raises OSError when the socket cannot be made."""
        self._path.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        if self._path.parent.stat().st_uid != os.getuid():
            raise PermissionError(f"{self._path.parent} belongs to somebody else")
        # The journal's lock is held by now, so a socket that is still there is a dead keeper's.
        self._path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, self._path, limit=LINE_LIMIT)
        self._path.chmod(0o600)
        try:
            async with server:
                await server.serve_forever()
        finally:
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            answer = self._answer(line, _peer(writer))
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except (ConnectionError, ValueError):
            return  # the asker went away, or sent a line beyond the limit: nothing to tell it
        finally:
            writer.close()

    def _answer(self, line: bytes, peer: Peer) -> dict[str, Any]:
        try:
            request = msgspec.json.decode(line, type=Request)
        except msgspec.DecodeError as error:
            return {"error": f"not a request: {error}"}
        if not is_reason(request.reason):
            return {"error": f"a reason is at most {REASON_LIMIT} printable characters"}
        view = self._views.get(request.verb)
        if view is not None:
            return {request.verb: view()}
        if request.verb in self._questions:
            return self._asked(request, peer)
        return self._told(request, peer)

    def _told(self, request: Request, peer: Peer) -> dict[str, Any]:
        """Take a word into the log."""
        if request.verb not in VERBS:
            known = ", ".join((*self._views, *self._questions, *VERBS))
            return {"error": f"unknown verb {request.verb}; known: {known}"}
        is_market = request.verb in ("pause", "resume", "cancel")
        if is_market and request.argument not in ("", *self._markets):
            return {"error": f"no market {request.argument}; markets: {', '.join(self._markets)}"}
        self._emit(
            OperatorCommand(
                verb=request.verb,
                argument=request.argument,
                operator=request.operator,
                reason=request.reason,
                uid=peer.uid,
                pid=peer.pid,
            )
        )
        return {"accepted": True}

    def _asked(self, request: Request, peer: Peer) -> dict[str, Any]:
        """Answer a question; a refusal carries its reasons and changes nothing."""
        try:
            return {request.verb: self._questions[request.verb](request, peer)}
        except AthanorError as error:
            problems = [msgspec.to_builtins(p) for p in getattr(error, "problems", ())]
            return {"error": str(error), "next_step": error.next_step, "problems": problems}


def _peer(writer: asyncio.StreamWriter) -> Peer:
    """Ask the kernel who holds the other end; it was fixed when that end connected."""
    held = writer.get_extra_info("socket")
    option = getattr(socket, "SO_PEERCRED", None)
    if held is None or option is None:
        return Peer()
    raw = held.getsockopt(socket.SOL_SOCKET, option, struct.calcsize(_CREDENTIALS))
    pid, uid, _gid = struct.unpack(_CREDENTIALS, raw)
    return Peer(uid=uid, pid=pid)
