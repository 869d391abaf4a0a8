"""A client as a child process: one JSON object a line asks, one a line answers.

`orders {ids, until}` answers `{ns, codes}`; `listen` and `deafen` open and close the book's
stream; `arm {price, ids, until}` answers at once, and `{codes}` again after the order that the
next book message with that price makes it send.
"""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["CONTENDERS", "Client", "Contender", "OFFICIAL_PYTHON"]

ROOT: Final = Path(__file__).resolve().parents[2]
OFFICIAL_PYTHON: Final = ROOT / ".venv-dydx-client" / "bin" / "python"
_HERE: Final = Path(__file__).parent
_PATIENCE_SECONDS: Final = 180

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contender:
    """A client, how it is run and with which key."""

    name: str
    command: tuple[str, ...]
    key: str
    asks_sequence: bool


CONTENDERS: Final = (
    Contender("keeper", (sys.executable, "-m", "benchmarks.orders.ours"), "0b" * 32, False),
    Contender(
        "official client",
        (str(OFFICIAL_PYTHON), str(_HERE / "official.py")),
        "0c" * 32,
        True,
    ),
    Contender(
        "official client, no sequence query",
        (str(OFFICIAL_PYTHON), str(_HERE / "official.py")),
        "0d" * 32,
        False,
    ),
)
"""The official client asks for the account before every order unless told not to."""


class Client:
    """A running child."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, contender: Contender, ports: Json) -> "Client":
        """Start it and wait until it is connected. Raises RuntimeError when it is not."""
        told = {**ports, "key": contender.key, "asks_sequence": contender.asks_sequence}
        client = cls(
            await asyncio.create_subprocess_exec(
                *contender.command,
                json.dumps(told),
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        )
        await client.answer()
        return client

    async def ask(self, do: str, **what: object) -> Json:
        """Ask and wait for the answer."""
        if self._process.stdin is None:
            raise RuntimeError("the client has no input")
        self._process.stdin.write(json.dumps({"do": do, **what}).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> Json:
        """Wait for the next answer. Raises RuntimeError when the client has ended."""
        if self._process.stdout is None:
            raise RuntimeError("the client has no output")
        line = await asyncio.wait_for(self._process.stdout.readline(), _PATIENCE_SECONDS)
        if not line:
            raise RuntimeError("the client ended; what it said is above")
        answered: Json = json.loads(line)
        return answered

    async def stop(self) -> None:
        """End it."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
