"""The clocks: the machine's own, and the local world's, which every process reads from one file."""

import asyncio
import os
import time
from pathlib import Path
from typing import Final

import msgspec

from keeper.domain.errors import ConfigError
from keeper.domain.units import PPM
from keeper.ports import Clock

__all__ = ["FileClock", "SystemClock", "WorldTime", "clock_from_source", "read_world_time"]

SYSTEM_SOURCE: Final = "system"


class SystemClock:
    """The machine's clock: unix nanoseconds, UTC."""

    def now_ns(self) -> int:
        return time.time_ns()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class WorldTime(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How world time follows wall time: both anchors in unix nanoseconds, rate in ppm."""

    anchor_wall_ns: int
    anchor_world_ns: int
    rate_ppm: int
    paused: bool

    def at(self, wall_ns: int) -> int:
        """World time (unix nanoseconds) at a wall time, towards minus infinity."""
        if self.paused:
            return self.anchor_world_ns
        return self.anchor_world_ns + (wall_ns - self.anchor_wall_ns) * self.rate_ppm // PPM


def read_world_time(path: Path) -> WorldTime:
    """Read a world clock file. Raises ConfigError when it is absent or malformed."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=WorldTime)
    except OSError as error:
        raise ConfigError(
            f"world clock {path} cannot be read: {error.strerror}",
            next_step="start the local world (keeper devnet up) or set clock.source = 'system'",
        ) from error
    except msgspec.DecodeError as error:
        raise ConfigError(
            f"world clock {path} is malformed: {error}",
            next_step="the file is written by the local world alone; restart it",
        ) from error


class FileClock:
    """The local world's clock; the file is replaced atomically and re-read whenever it changed.

    `now_ns` raises ConfigError when the file is gone or malformed: a process without its clock
    must not decide anything.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._time: WorldTime | None = None

    def now_ns(self) -> int:
        return self._current().at(time.time_ns())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def _current(self) -> WorldTime:
        identity = self._identity()
        if self._time is None or identity is None or identity != self._seen:
            self._time = read_world_time(self._path)
            self._seen = identity
        return self._time

    def _identity(self) -> tuple[int, int, int] | None:
        """What changes when the file is replaced; taken before reading, so never newer than it."""
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size


def clock_from_source(source: str) -> Clock:
    """Return the clock a configuration names: 'system', or the path of a world clock file."""
    return SystemClock() if source == SYSTEM_SOURCE else FileClock(Path(source))
