"""Drives the one clock of the local world: starts it, jumps ahead, paces, pauses."""

import os
import time
from pathlib import Path

import msgspec

from keeper.clock import WorldTime, read_world_time
from keeper.domain.units import NS_PER_SECOND, PPM

__all__ = ["WorldClock"]


class WorldClock:
    """Writes the clock file; each change replaces it atomically, so readers never see half."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def start(self, world_ns: int, *, paused: bool = False) -> None:
        """Begin at `world_ns` (unix nanoseconds) with real pace, or standing still."""
        self._write(
            WorldTime(
                anchor_wall_ns=time.time_ns(),
                anchor_world_ns=world_ns,
                rate_ppm=PPM,
                paused=paused,
            )
        )

    def now_ns(self) -> int:
        """World time in unix nanoseconds."""
        return read_world_time(self.path).at(time.time_ns())

    def step(self, seconds: int) -> None:
        """Jump ahead. Raises ValueError: time never goes back."""
        if seconds < 0:
            raise ValueError(f"the world clock cannot go back ({seconds} s)")
        self._write(self._rebased(added_ns=seconds * NS_PER_SECOND))

    def set_rate(self, rate_ppm: int) -> None:
        """Run at `rate_ppm` world seconds per million wall seconds. Raises ValueError."""
        if rate_ppm <= 0:
            raise ValueError(f"the rate must be positive ({rate_ppm} ppm); pause instead")
        self._write(msgspec.structs.replace(self._rebased(), rate_ppm=rate_ppm))

    def pause(self) -> None:
        """Stand still."""
        self._write(msgspec.structs.replace(self._rebased(), paused=True))

    def resume(self) -> None:
        """Go on from where it stood."""
        self._write(msgspec.structs.replace(self._rebased(), paused=False))

    def _rebased(self, *, added_ns: int = 0) -> WorldTime:
        wall, current = time.time_ns(), read_world_time(self.path)
        return msgspec.structs.replace(
            current, anchor_wall_ns=wall, anchor_world_ns=current.at(wall) + added_ns
        )

    def _write(self, anchor: WorldTime) -> None:
        temporary = self.path.with_suffix(".tmp")
        temporary.write_bytes(msgspec.json.encode(anchor))
        os.replace(temporary, self.path)
