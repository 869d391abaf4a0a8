"""Step charts as inline SVG that a small script can read out and zoom; without it they still show.

One drawing stretches with the page (lines, bands), the other does not (text, markers), so that
phones can read it. The script gets the exact integers behind the drawing as JSON.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import msgspec
from markupsafe import Markup, escape

from keeper.pages.axes import HEIGHT, WIDTH, TimeAxis, ValueAxis, duration_text
from keeper.pages.numbers import money_text
from keeper.pages.series import steps_of

__all__ = ["Band", "Chart", "Dots", "Drawn", "Key", "Line", "Scale", "Unit", "step_chart"]

Points = Sequence[tuple[int, int | None]]

_FIRST_EDGE: Final = WIDTH // 20
_LAST_EDGE: Final = WIDTH - _FIRST_EDGE


@dataclass(frozen=True, slots=True)
class Unit:
    """How a chart's integers are written: their decimals, and a unit for people."""

    decimals: int
    name: str


@dataclass(frozen=True, slots=True)
class Line:
    """A step series (unix ms, value); `style` is a CSS class."""

    name: str
    style: str
    points: Points


@dataclass(frozen=True, slots=True)
class Band:
    """The area between two lines wherever both are known; it takes no part in the legend."""

    style: str
    lower: Points
    upper: Points


@dataclass(frozen=True, slots=True)
class Dots:
    """Single moments (unix ms, value); `style` is a CSS class, `shape` dot or diamond."""

    name: str
    style: str
    points: Sequence[tuple[int, int]]
    shape: str = "dot"


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is drawn, back to front: bands, lines, dots."""

    lines: Sequence[Line]
    dots: Sequence[Dots] = ()
    bands: Sequence[Band] = ()


@dataclass(frozen=True, slots=True)
class Scale:
    """Axes given from outside: shared times, and values that have to be in sight with a line."""

    times: TimeAxis | None = None
    guides: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of the legend; `shape` is line, dot or diamond."""

    name: str
    style: str
    shape: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template shows; `data` is the JSON the script reads."""

    drawing: Markup
    marks: Markup
    data: Markup
    keys: tuple[Key, ...]
    summary: str


def step_chart(drawn: Drawn, unit: Unit, scale: Scale | None = None) -> Chart | None:
    """Draw over folded time; None when there is nothing to draw."""
    scale = scale or Scale()
    shown = [line for line in drawn.lines if any(v is not None for _, v in line.points)]
    dots = [group for group in drawn.dots if group.points]
    values = [v for line in shown for _, v in line.points if v is not None]
    values += [value for group in dots for _, value in group.points]
    if not values:
        return None
    x = scale.times or TimeAxis(_times(shown, dots))
    y = ValueAxis([*values, *scale.guides])
    low, high = money_text(min(values), unit.decimals), money_text(max(values), unit.decimals)
    return Chart(
        drawing=_drawing(Drawn(shown, dots, drawn.bands), scale.guides, x, y),
        marks=_marks(dots, unit, x, y),
        data=_data(shown, dots, unit, x, y),
        keys=(
            *(Key(line.name, line.style, "line") for line in shown),
            *(Key(group.name, group.style, group.shape) for group in dots),
        ),
        summary=f"{_course(shown, unit)}between {low} and {high} {unit.name}",
    )


def _times(lines: Iterable[Line], dots: Iterable[Dots]) -> list[int]:
    found = [at for line in lines for at, _ in line.points]
    return found + [at for group in dots for at, _ in group.points]


def _course(lines: Sequence[Line], unit: Unit) -> str:
    known = [value for line in lines[:1] for _, value in line.points if value is not None]
    if not known:
        return ""
    first, last = money_text(known[0], unit.decimals), money_text(known[-1], unit.decimals)
    return f"{lines[0].name} from {first} to {last}, "


def _drawing(drawn: Drawn, guides: Iterable[int], x: TimeAxis, y: ValueAxis) -> Markup:
    parts = [_path("fold", f"M{fold.at} 0V{HEIGHT}") for fold in x.folds()]
    parts += [_path("grid", f"M0 {y.place(tick)}H{WIDTH}") for tick in y.ticks()]
    parts += [_path("guide", f"M0 {y.place(value)}H{WIDTH}") for value in guides]
    parts += [_path(f"band {band.style}", _area(band, x, y)) for band in drawn.bands]
    parts += [_path(f"line {line.style}", _steps(line.points, x, y)) for line in drawn.lines]
    svg = (
        f'<svg class="drawing" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" '
        f'aria-hidden="true">{"".join(parts)}</svg>'
    )
    return Markup(svg)  # noqa: S704 - made of integers and our own class names alone


def _marks(dots: Iterable[Dots], unit: Unit, x: TimeAxis, y: ValueAxis) -> Markup:
    """Text and markers in percent of the plot, so that they keep their shape."""
    parts = [
        f'<text class="y" x="0" dx="-8" y="{_percent(y.place(tick), HEIGHT)}" dy=".32em">'
        f"{money_text(tick, unit.decimals, short=True)}</text>"
        for tick in y.ticks()
    ]
    parts += [
        f'<text class="x {_anchor(label.at)}" x="{_percent(label.at, WIDTH)}" y="100%" dy="1.5em">'
        f"{label.text}</text>"
        for label in x.labels()
    ]
    parts += [
        f'<text class="gap" x="{_percent(fold.at, WIDTH)}" y="0" dx="-3" dy=".9em">'
        f"{duration_text(fold.ms)}</text>"
        for fold in x.folds()
    ]
    for group in dots:
        markers = "".join(
            _marker(group.shape, _percent(x.place(at), WIDTH), _percent(y.place(value), HEIGHT))
            for at, value in group.points
        )
        parts.append(f'<g class="dots {group.style}">{markers}</g>')
    svg = f'<svg class="marks" aria-hidden="true">{"".join(parts)}</svg>'
    return Markup(svg)  # noqa: S704 - made of integers and our own class names alone


def _marker(shape: str, x: str, y: str) -> str:
    if shape == "diamond":
        return f'<rect x="{x}" y="{y}" width="7" height="7"/>'
    return f'<circle cx="{x}" cy="{y}" r="4"/>'


def _anchor(at: int) -> str:
    return "first" if at < _FIRST_EDGE else "last" if at > _LAST_EDGE else "mid"


def _percent(at: int, whole: int) -> str:
    return f"{money_text(at * 10_000 // whole, 2, short=True)}%"


def _data(
    lines: Iterable[Line], dots: Iterable[Dots], unit: Unit, x: TimeAxis, y: ValueAxis
) -> Markup:
    """The integers behind the drawing; times and values as differences, which are short."""
    series = [_series(line.name, line.style, "line", line.points) for line in lines]
    series += [_series(group.name, group.style, group.shape, group.points) for group in dots]
    body = {
        "spans": x.spans(),
        "y": y.bounds,
        "decimals": unit.decimals,
        "unit": unit.name,
        "series": series,
    }
    text = msgspec.json.encode(body).decode()
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - cannot end the script element


def _series(name: str, style: str, shape: str, points: Points) -> dict[str, Any]:
    times, values = [at for at, _ in points], [value for _, value in points]
    before, differences = 0, list[int | None]()
    for value in values:
        differences.append(None if value is None else value - before)
        before = before if value is None else value
    gaps = times[:1] + [later - former for former, later in pairwise(times)]
    return {"name": name, "style": style, "shape": shape, "t": gaps, "v": differences}


def _path(style: str, data: str) -> str:
    return f'<path class="{escape(style)}" d="{data}"/>'


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


def _area(band: Band, x: TimeAxis, y: ValueAxis) -> str:
    """The outline of each stretch in which both edges are known."""
    parts: list[str] = []
    run: list[tuple[int, int, int]] = []
    for at, (low, high) in steps_of(band.lower, band.upper):
        if low is not None and high is not None:
            run.append((x.place(at), y.place(low), y.place(high)))
        elif run:
            parts.append(_outline(run, x.place(at)))
            run = []
    if run:
        parts.append(_outline(run, x.place(x.end)))
    return "".join(parts)


def _outline(run: Sequence[tuple[int, int, int]], end: int) -> str:
    """Along the upper edge to the end, back along the lower one."""
    parts = [f"M{run[0][0]} {run[0][2]}"]
    parts += [f"H{place}V{high}" for place, _, high in run[1:]]
    parts.append(f"H{end}V{run[-1][1]}")
    for (place, _, _), (_, low, _) in zip(reversed(run[1:]), reversed(run[:-1]), strict=True):
        parts.append(f"H{place}V{low}")
    return "".join(parts) + f"H{run[0][0]}Z"
