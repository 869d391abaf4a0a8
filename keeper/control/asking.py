"""The asking side of the control socket: finds a keeper by its journal folder and asks it."""

import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from keeper.domain.errors import AthanorError

__all__ = [
    "LINE_LIMIT",
    "REASON_LIMIT",
    "VERBS",
    "ControlRefused",
    "NotRunning",
    "Request",
    "ask",
    "is_reason",
    "socket_path",
]

VERBS: Final = ("pause", "resume", "cancel", "exit", "halt", "set")
LINE_LIMIT: Final = 1 << 20
REASON_LIMIT: Final = 500


class NotRunning(AthanorError):
    """Raised when no keeper answers for a journal folder; handled by the command line."""


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One reason of a refusal: stable code, what it is about, why, and the fix."""

    code: str
    path: str
    message: str
    fix: str
    line: int = 0


class ControlRefused(AthanorError):
    """Raised when the keeper answers that it does not do what was asked; nothing was logged.

    `problems` are the keeper's own, one a reason, when it gave several.
    """

    def __init__(self, message: str, *, next_step: str = "", problems: Sequence[Any] = ()) -> None:
        super().__init__(message, next_step=next_step)
        self.problems = tuple(msgspec.convert(list(problems), list[Reason]))


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person asks: a view (`status`, `orders`, `positions`), one of VERBS with its argument
    (often a market), or a question with an argument of its own (`params`, `plan`).

    `operator` is the asker's own word; the keeper adds the system's word on the asking process.
    """

    verb: str
    argument: str = ""
    operator: str = ""
    reason: str = ""


def is_reason(text: str) -> bool:
    """Whether a reason may stand in the log: printable and at most REASON_LIMIT characters."""
    return len(text) <= REASON_LIMIT and text.isprintable()


def socket_path(journal: Path) -> Path:
    """Return the socket of a journal folder: in the user's runtime folder, named by its hash."""
    name = hashlib.sha256(str(journal.resolve()).encode()).hexdigest()[:16]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    base = Path(runtime) if runtime else Path(tempfile.gettempdir()) / f"athanor-{os.getuid()}"
    return base / f"keeper-{name}.sock"


def ask(journal: Path, request: Request, *, timeout_seconds: float = 5.0) -> dict[str, Any]:
    """Ask the keeper of a journal folder. Raises NotRunning, ControlRefused."""
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
        next_step = str(answer.get("next_step") or "see: keeper status")
        raise ControlRefused(
            str(answer["error"]), next_step=next_step, problems=answer.get("problems", ())
        )
    return dict(answer)
