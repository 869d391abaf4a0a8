"""Step charts as inline SVG: lines stretch with the page, text stays HTML, so phones read it.

Times without anything happening are folded away and marked: a story that jumps a day ahead would
otherwise be a line at each edge.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup

__all__ = ["Chart", "Dots", "Line", "TimeAxis", "ValueAxis", "money_text", "step_chart"]

_WIDTH: Final = 10_000
_HEIGHT: Final = 4_000
_PERCENT: Final = 100
_LONGEST_GAP_MS: Final = 180_000
_FOLD_SHARE: Final = 40
_TICKS: Final = 4
_STEPS: Final = (1, 2, 5)

Points = Sequence[tuple[int, int | None]]


@dataclass(frozen=True, slots=True)
class Line:
    """A step series (unix ms, value); `style` is a CSS class."""

    name: str
    style: str
    points: Points


@dataclass(frozen=True, slots=True)
class Dots:
    """Single moments (unix ms, value); `style` is a CSS class."""

    name: str
    style: str
    points: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws: the drawing, and labels as (percent of the axis, text)."""

    drawing: Markup
    y_labels: tuple[tuple[int, str], ...]
    x_labels: tuple[tuple[int, str], ...]
    legend: tuple[tuple[str, str], ...]
    summary: str


class TimeAxis:
    """Places times on 0.._WIDTH; spans longer than _LONGEST_GAP_MS without data are folded."""

    def __init__(self, times: Iterable[int]) -> None:
        ordered = sorted(set(times))
        self._spans: list[tuple[int, int]] = []
        for at in ordered:
            if self._spans and at - self._spans[-1][1] <= _LONGEST_GAP_MS:
                self._spans[-1] = (self._spans[-1][0], at)
            else:
                self._spans.append((at, at))
        active = sum(end - start for start, end in self._spans)
        self._fold = max(1, active // _FOLD_SHARE)
        self._total = max(1, active + self._fold * (len(self._spans) - 1))

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
        return min(before, self._total) * _WIDTH // self._total

    def folds(self) -> list[tuple[int, int]]:
        """Return (place, folded ms) of every fold."""
        pairs = zip(self._spans, self._spans[1:], strict=False)
        return [(self.place(later[0]), later[0] - former[1]) for former, later in pairs]

    def labels(self) -> tuple[tuple[int, str], ...]:
        """Return (percent, clock time) at the start of each span, when there is room."""
        found: list[tuple[int, str]] = []
        for start, _ in self._spans:
            percent = self.place(start) * _PERCENT // _WIDTH
            if not found or percent - found[-1][0] >= 24:
                found.append((percent, _clock(start)))
        if self._spans and found[-1][0] <= 70:
            found.append((_PERCENT, _clock(self.end)))
        return tuple(found)


def _clock(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1_000, tz=UTC).strftime("%d %b %H:%M")


class ValueAxis:
    """Places integers on _HEIGHT..0 with a margin and round ticks."""

    def __init__(self, values: Iterable[int]) -> None:
        known = list(values) or [0]
        low, high = min(known), max(known)
        margin = max(1, (high - low) // 12, abs(high) // 100_000)
        self._low, self._high = low - margin, high + margin

    def place(self, value: int) -> int:
        """Return where a value lies; larger is higher up."""
        return _HEIGHT - (value - self._low) * _HEIGHT // (self._high - self._low)

    def ticks(self) -> list[int]:
        """Return round values inside the axis."""
        step = self._step()
        first = -(-self._low // step) * step
        return list(range(first, self._high + 1, step))

    def _step(self) -> int:
        rough = max(1, (self._high - self._low) // _TICKS)
        power: int = 10 ** (len(str(rough)) - 1)
        return next((step * power for step in _STEPS if step * power >= rough), 10 * power)


def step_chart(
    lines: Sequence[Line],
    dots: Sequence[Dots],
    *,
    decimals: int,
    unit: str,
    band: int | None = None,
) -> Chart | None:
    """Draw step lines and dots over folded time; None when there is nothing to draw.

    Values are integers with `decimals`; `band` draws a zero line and +-band when it is given.
    """
    times = [at for line in lines for at, _ in line.points] + [a for d in dots for a, _ in d.points]
    values = [v for line in lines for _, v in line.points if v is not None]
    values += [value for group in dots for _, value in group.points]
    if not times or not values:
        return None
    guides = [] if band is None else ([-band, 0, band] if band else [0])
    x, y = TimeAxis(times), ValueAxis([*values, *guides])
    parts = [_path("fold", f"M{place} 0V{_HEIGHT}") for place, _ in x.folds()]
    parts += [_path("grid", f"M0 {y.place(tick)}H{_WIDTH}") for tick in y.ticks()]
    parts += [_path("guide", f"M0 {y.place(value)}H{_WIDTH}") for value in guides]
    parts += [_path(f"line {line.style}", _steps(line.points, x, y)) for line in lines]
    parts += [
        _path(f"dot {d.style}", "".join(f"M{x.place(a)} {y.place(v)}h0" for a, v in d.points))
        for d in dots
        if d.points
    ]
    svg = (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(parts)}</svg>"
    )
    first, last = _first_last(lines)
    return Chart(
        drawing=Markup(svg),  # noqa: S704 - made of integers and our own class names alone
        y_labels=tuple(
            (y.place(tick) * _PERCENT // _HEIGHT, money_text(tick, decimals, short=True))
            for tick in y.ticks()
        ),
        x_labels=x.labels(),
        legend=(*((line.style, line.name) for line in lines), *((d.style, d.name) for d in dots)),
        summary=f"from {money_text(first, decimals)} to {money_text(last, decimals)} {unit}, "
        f"between {money_text(min(values), decimals)} and {money_text(max(values), decimals)}",
    )


def _path(style: str, data: str) -> str:
    return f'<path class="{style}" d="{data}"/>'


def _steps(points: Points, x: TimeAxis, y: ValueAxis) -> str:
    """A step path: each value holds until the next; None lifts the pen."""
    parts: list[str] = []
    is_down = False
    for at, value in points:
        place = x.place(at)
        if is_down:
            parts.append(f"H{place}")
        if value is None:
            is_down = False
            continue
        parts.append(f"V{y.place(value)}" if is_down else f"M{place} {y.place(value)}")
        is_down = True
    if is_down:
        parts.append(f"H{x.place(x.end)}")
    return "".join(parts)


def _first_last(lines: Sequence[Line]) -> tuple[int, int]:
    known = [value for line in lines[:1] for _, value in line.points if value is not None]
    return (known[0], known[-1]) if known else (0, 0)


def money_text(value: int, decimals: int, *, short: bool = False) -> str:
    """Write an integer with `decimals` exactly; `short` drops trailing zeros."""
    sign, digits = ("-" if value < 0 else ""), str(abs(value)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    fraction = fraction.rstrip("0") if short else fraction
    return f"{sign}{int(whole):,}{'.' + fraction if fraction else ''}"
