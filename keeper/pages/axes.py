"""Where times and values lie on a chart, and which of them are named.

Times without anything happening are folded away and marked: a story that jumps a day ahead would
otherwise be a line at each edge.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

__all__ = ["HEIGHT", "WIDTH", "Fold", "Label", "TimeAxis", "ValueAxis", "duration_text"]

WIDTH: Final = 100_000
HEIGHT: Final = 10_000
_LONGEST_GAP_MS: Final = 180_000
_FOLD_SHARE: Final = 40
_SECOND_MS: Final = 1_000
_MINUTE_MS: Final = 60 * _SECOND_MS
_HOUR_MS: Final = 60 * _MINUTE_MS
_DAY_MS: Final = 24 * _HOUR_MS
_TIME_STEPS_MS: Final = (
    *(n * _SECOND_MS for n in (1, 2, 5, 10, 15, 30)),
    *(n * _MINUTE_MS for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR_MS for n in (1, 2, 4, 6, 12)),
    *(n * _DAY_MS for n in (1, 2, 7, 14, 30, 90, 365)),
)
_TIME_TICKS: Final = 6
_CLEARANCE: Final = WIDTH // 6
_DAY_CLEARANCE: Final = WIDTH // 4
_VALUE_TICKS: Final = 4
_STEPS: Final = (1, 2, 5)


class Label(NamedTuple):
    """A named place: `at` on 0..WIDTH or 0..HEIGHT."""

    at: int
    text: str


class Fold(NamedTuple):
    """Time folded away at a place."""

    at: int
    ms: int


class TimeAxis:
    """Places times on 0..WIDTH; a span longer than `gap_ms` without data is folded (None: none)."""

    def __init__(self, times: Iterable[int], gap_ms: int | None = _LONGEST_GAP_MS) -> None:
        ordered = sorted(set(times))
        self._spans: list[tuple[int, int]] = []
        for at in ordered:
            if self._spans and (gap_ms is None or at - self._spans[-1][1] <= gap_ms):
                self._spans[-1] = (self._spans[-1][0], at)
            else:
                self._spans.append((at, at))
        self._active = sum(end - start for start, end in self._spans)
        self._fold = max(1, self._active // _FOLD_SHARE)
        self._total = max(1, self._active + self._fold * (len(self._spans) - 1))

    @property
    def end(self) -> int:
        """The last time on the axis."""
        return self._spans[-1][1] if self._spans else 0

    def place(self, at: int) -> int:
        """Return where a time lies; one inside a fold lies at its beginning."""
        before = 0
        for start, end in self._spans:
            if at <= start:
                break
            if at <= end:
                before += at - start
                break
            before += end - start + self._fold
        return min(before, self._total) * WIDTH // self._total

    def spans(self) -> list[tuple[int, int, int, int]]:
        """Return (start ms, end ms, place of start, place of end) of every span with data."""
        return [(start, end, self.place(start), self.place(end)) for start, end in self._spans]

    def folds(self) -> list[Fold]:
        """Return every fold, placed where the next span starts."""
        pairs = zip(self._spans, self._spans[1:], strict=False)
        return [Fold(self.place(later[0]), later[0] - former[1]) for former, later in pairs]

    def labels(self) -> list[Label]:
        """Return clock times: the first with its day, then round ones where there is room."""
        if not self._spans:
            return []
        found = [Label(0, _clock(self._spans[0][0], with_day=True))]
        step = self._step()
        day = self._spans[0][0] // _DAY_MS
        for start, end in self._spans:
            for at in range(-(-start // step) * step, end + 1, step):
                place, is_new_day = self.place(at), at // _DAY_MS != day
                clearance = _DAY_CLEARANCE if is_new_day or len(found) == 1 else _CLEARANCE
                if place - found[-1].at < clearance:
                    continue
                found.append(Label(place, _clock(at, with_day=is_new_day, step_ms=step)))
                day = at // _DAY_MS
        return found

    def _step(self) -> int:
        rough = self._active // _TIME_TICKS
        return next((s for s in _TIME_STEPS_MS if s >= rough), _TIME_STEPS_MS[-1])


def _clock(at_ms: int, *, with_day: bool, step_ms: int = _MINUTE_MS) -> str:
    at = datetime.fromtimestamp(at_ms // _SECOND_MS, tz=UTC)
    if step_ms >= _DAY_MS:
        return at.strftime("%-d %b")
    time = at.strftime("%H:%M:%S" if step_ms < _MINUTE_MS else "%H:%M")
    return f"{at.strftime('%-d %b')} {time}" if with_day else time


def duration_text(ms: int) -> str:
    """Write a span of time with its largest units, rounded down: 23 h, 5 min, 12 s."""
    for unit_ms, name in ((_DAY_MS, "d"), (_HOUR_MS, "h"), (_MINUTE_MS, "min")):
        if ms >= 2 * unit_ms:
            return f"{ms // unit_ms} {name}"
    return f"{ms // _SECOND_MS} s"


class ValueAxis:
    """Places integers on HEIGHT..0 with a margin and round ticks."""

    def __init__(self, values: Iterable[int]) -> None:
        known = list(values) or [0]
        low, high = min(known), max(known)
        margin = max(1, (high - low) // 12, abs(high) // 100_000)
        self._low, self._high = low - margin, high + margin

    @property
    def bounds(self) -> tuple[int, int]:
        """Values at the bottom and at the top."""
        return self._low, self._high

    def place(self, value: int) -> int:
        """Return where a value lies; larger is higher up."""
        return HEIGHT - (value - self._low) * HEIGHT // (self._high - self._low)

    def ticks(self) -> list[int]:
        """Return round values inside the axis."""
        step = self._step()
        first = -(-self._low // step) * step
        return list(range(first, self._high + 1, step))

    def _step(self) -> int:
        rough = max(1, (self._high - self._low) // _VALUE_TICKS)
        power: int = 10 ** (len(str(rough)) - 1)
        return next((step * power for step in _STEPS if step * power >= rough), 10 * power)
