"""How a person reaches a running keeper: a Unix socket per journal folder, one JSON line each way.

The socket's folder is the user's own (0700). Requests are a verb and an argument; `status` is
answered at once, everything else enters the log as an OperatorCommand like any other event.
"""

import asyncio
import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from keeper.domain.errors import AthanorError
from keeper.domain.events import OperatorCommand
from keeper.ports import Emit

__all__ = ["VERBS", "ControlServer", "NotRunning", "Request", "ask", "socket_path"]

VERBS: Final = ("pause", "resume", "exit", "halt", "set")
LINE_LIMIT: Final = 1 << 20
PRIVATE: Final = 0o700


class NotRunning(AthanorError):
    """Raised when no keeper answers for a journal folder; handled by the command line."""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person asks: `status`, or one of VERBS with its argument (often a market)."""

    verb: str
    argument: str = ""
    operator: str = ""


def socket_path(journal: Path) -> Path:
    """Return the socket of a journal folder: in the user's runtime folder, named by its hash."""
    name = hashlib.sha256(str(journal.resolve()).encode()).hexdigest()[:16]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    base = Path(runtime) if runtime else Path(tempfile.gettempdir()) / f"athanor-{os.getuid()}"
    return base / f"keeper-{name}.sock"


class ControlServer:
    """Serves one keeper's socket; `status` gives a JSON object, `emit` takes operator commands."""

    def __init__(
        self,
        journal: Path,
        emit: Emit,
        status: Callable[[], dict[str, Any]],
        markets: tuple[str, ...],
    ) -> None:
        self._path = socket_path(journal)
        self._emit = emit
        self._status = status
        self._markets = markets

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
            writer.write(json.dumps(self._answer(line)).encode() + b"\n")
            await writer.drain()
        except (ConnectionError, ValueError):
            return  # the asker went away, or sent a line beyond the limit: nothing to tell it
        finally:
            writer.close()

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = msgspec.json.decode(line, type=Request)
        except msgspec.DecodeError as error:
            return {"error": f"not a request: {error}"}
        if request.verb == "status":
            return {"status": self._status()}
        if request.verb not in VERBS:
            return {"error": f"unknown verb {request.verb}; known: {', '.join(VERBS)}"}
        is_market = request.verb in ("pause", "resume")
        if is_market and request.argument not in ("", *self._markets):
            return {"error": f"no market {request.argument}; markets: {', '.join(self._markets)}"}
        self._emit(
            OperatorCommand(verb=request.verb, argument=request.argument, operator=request.operator)
        )
        return {"accepted": True}


def ask(journal: Path, request: Request, *, timeout_seconds: float = 5.0) -> dict[str, Any]:
    """Ask the keeper of a journal folder. Raises NotRunning, AthanorError on its error answer."""
    path = socket_path(journal)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_seconds)
            connection.connect(str(path))
            connection.sendall(msgspec.json.encode(request) + b"\n")
            with connection.makefile("rb") as stream:
                answer = json.loads(stream.readline(LINE_LIMIT))
    except (OSError, ValueError) as error:
        raise NotRunning(
            f"no keeper answers for journal {journal}: {error}",
            next_step="start it: keeper run --config FILE",
        ) from error
    if "error" in answer:
        raise AthanorError(str(answer["error"]), next_step="see: keeper status")
    return dict(answer)
