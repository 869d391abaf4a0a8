"""One keeper after another: started from the nursery, watched until it is dead."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.e2e.console import ROOT
from tests.e2e.crash.trigger import Order
from tests.e2e.crash.twins import SOUND

__all__ = ["Death", "Keeper", "Nursery"]

_LINE_LIMIT: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class Death:
    """How a keeper ended: its exit code (-9: killed), the point it died at, what guards saw.

    `passed` counts the passings of each point by one that was not killed.
    """

    status: int
    point: str
    unlisted: tuple[str, ...]
    passed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Keeper:
    """A living keeper; `death` is done when it is not."""

    pid: int
    death: "asyncio.Task[Death]"


@dataclass(slots=True)
class Nursery:
    """The forking process; one keeper at a time."""

    config: Path
    environment: Mapping[str, str]
    log: Path
    twin: str = SOUND
    points: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    _process: asyncio.subprocess.Process | None = None

    async def open(self) -> None:
        """Load the keeper's code."""
        with self.log.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.e2e.crash.nursery"),
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=_LINE_LIMIT,
            )
        loaded = await self._hear()
        self.points, self.modules = loaded["points"], loaded["modules"]

    async def start(
        self, order: Order, overrides: Sequence[str], config: Path | None = None
    ) -> Keeper:
        """Fork a keeper that dies as ordered, by another file if one is given."""
        assert self._process is not None
        assert self._process.stdin is not None
        request = {
            "config": str(config or self.config),
            "environment": dict(self.environment),
            "overrides": list(overrides),
            "log": str(self.log),
            "done": sorted(order.done),
            "aim": order.aim,
            "nth": order.nth,
            "twin": self.twin,
        }
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        await self._process.stdin.drain()
        pid = (await self._hear())["pid"]
        return Keeper(pid, asyncio.create_task(self._end()))

    async def close(self) -> None:
        """End the forking process."""
        if self._process is not None and self._process.returncode is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            await self._process.wait()

    async def _end(self) -> Death:
        message = await self._hear()
        said: list[str] = message["said"]
        points = [line for line in said if not line.startswith(("!", "="))]
        unlisted = tuple(line.removeprefix("! ") for line in said if line.startswith("!"))
        counts = (line.split(" ", 2)[1:] for line in said if line.startswith("="))
        passed = {point: int(count) for count, point in counts}
        return Death(message["status"], points[0] if points else "", unlisted, passed)

    async def _hear(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        assert line, f"the nursery ended:\n{self.log.read_text()[-4_000:]}"
        message: dict[str, Any] = json.loads(line)
        return message
