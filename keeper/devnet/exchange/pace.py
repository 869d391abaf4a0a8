"""Owns the measure of the block clock: how late blocks are complete, and what each costs."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Pace"]

KEPT = 3_600


@dataclass(slots=True)
class Pace:
    """The last blocks made by the clock. Lateness: from the moment a block was due until it was
    committed and handed to indexer and streams."""

    _late_us: deque[int] = field(default_factory=lambda: deque(maxlen=KEPT))
    _cpu_us: deque[int] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, late_us: int, cpu_us: int) -> None:
        """Count a block."""
        self._late_us.append(late_us)
        self._cpu_us.append(cpu_us)

    def clear(self) -> None:
        """Forget the blocks so far."""
        self._late_us.clear()
        self._cpu_us.clear()

    def summary(self) -> dict[str, int | float]:
        """Return percentiles in microseconds, and the process's CPU seconds so far."""
        return {
            "blocks": len(self._late_us),
            "late_p50_us": _percentile(self._late_us, 50),
            "late_p99_us": _percentile(self._late_us, 99),
            "cpu_p50_us": _percentile(self._cpu_us, 50),
            "cpu_p99_us": _percentile(self._cpu_us, 99),
            "process_cpu_seconds": time.process_time(),
        }


def _percentile(values: Sequence[int], percent: int) -> int:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0
