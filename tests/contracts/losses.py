"""Owns the keeper's loss buckets as the specification states them, apart from the contract.

Levels and losses are exact fractions of accepted NAV, times in seconds.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

DAY: Final = 86_400
WAD: Final = 10**18
OPERATION: Final = Fraction(3, 1_000)
ALL: Final = Fraction(1)


@dataclass(slots=True)
class Bucket:
    """Refills linearly from empty to `full` in `seconds`, never above."""

    full: Fraction
    seconds: int
    level: Fraction = field(init=False)

    def __post_init__(self) -> None:
        self.level = self.full

    def pass_time(self, seconds: int) -> None:
        self.level = min(self.full, self.level + self.full * seconds / self.seconds)

    def draw(self, part: Fraction, least: Fraction) -> None:
        """Draw down to `least`; a level below it stays."""
        self.level = min(self.level, max(least, self.level - part))

    @property
    def owed(self) -> Fraction:
        return max(Fraction(0), -self.level)


@dataclass(slots=True)
class KeeperLosses:
    """Both buckets, and what operations lost that no report has shown yet [asset units]."""

    time: int
    day: Bucket = field(default_factory=lambda: Bucket(Fraction(1, 100), DAY))
    month: Bucket = field(default_factory=lambda: Bucket(Fraction(3, 100), 30 * DAY))
    before_cut: int = 0
    since_cut: int = 0
    lost: list[tuple[int, Fraction, Fraction, Fraction]] = field(default_factory=list)
    """Every loss of an operation, with its time and what day and month owed afterwards."""

    def pass_time_until(self, time: int) -> None:
        for bucket in (self.day, self.month):
            bucket.pass_time(time - self.time)
        self.time = time

    def holds(self, part: Fraction) -> bool:
        return part <= min(self.day.level, self.month.level)

    def operate(self, loss: int, accepted: int) -> None:
        self.since_cut += loss
        part = Fraction(loss, accepted)
        self._draw(part, least=-ALL)
        self.lost.append((self.time, part, self.day.owed, self.month.owed))

    def cut(self) -> None:
        self.before_cut += self.since_cut
        self.since_cut = 0

    def report(self, loss: int, accepted: int) -> None:
        self._draw(Fraction(max(0, loss - self.before_cut), accepted), least=Fraction(0))
        self.before_cut = 0

    def most_lost(self) -> Fraction:
        """Return the most that a window lost beyond what both buckets allow and owe; at most 0."""
        excess = Fraction(-1)
        for first, (start, *_) in enumerate(self.lost):
            total = Fraction(0)
            for time, part, *owed in self.lost[first:]:
                total += part
                for bucket, debt in zip((self.day, self.month), owed, strict=True):
                    allowed = bucket.full + bucket.full * (time - start) / bucket.seconds
                    excess = max(excess, total - allowed - debt)
        return excess

    def _draw(self, part: Fraction, least: Fraction) -> None:
        self.day.draw(part, least)
        self.month.draw(part, least)
