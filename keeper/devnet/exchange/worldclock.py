"""Owns the world clock file: the exchange's own reader of the local world's time."""

import json
from pathlib import Path

__all__ = ["WorldClock"]

PPM = 1_000_000


class WorldClock:
    """Reads `{anchor_wall_ns, anchor_world_ns, rate_ppm, paused}`, replaced atomically."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now_ns(self, wall_ns: int) -> int:
        """Return world time at a wall time, ns. Raises OSError or ValueError."""
        clock = json.loads(self._path.read_text())
        anchor = int(clock["anchor_world_ns"])
        if clock["paused"]:
            return anchor
        return anchor + (wall_ns - int(clock["anchor_wall_ns"])) * int(clock["rate_ppm"]) // PPM
