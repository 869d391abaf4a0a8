"""Owns the reader of a tape: recorded books and trades, already in a market's own integers.

A tape is a text file of JSON lines in order of time. The first is a header, `{"tape": 1}`; each
other line is a book frame `{"t", "m", "b": [[subticks, quantums], ...], "a": [...]}`, best level
first, or a trade `{"t", "m", "s", "p", "q"}`: time in ns, market id, side of the taker, subticks,
base quantums.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .model import Side

__all__ = ["Frame", "Moment", "TapeReader", "Trade"]

HEADER = {"tape": 1}
Levels = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """A market's recorded book from this time on: (subticks, base quantums), best first."""

    time_ns: int
    market_id: int
    bids: Levels
    asks: Levels


@dataclass(frozen=True, slots=True)
class Trade:
    """What a recorded taker bought or sold, at the price it got."""

    time_ns: int
    market_id: int
    side: Side
    subticks: int
    quantums: int


Moment = Frame | Trade


class TapeReader:
    """Reads a tape forward; holds one moment ahead and nothing behind."""

    def __init__(self, path: Path) -> None:
        self._moments = _moments(path)
        self._ahead = next(self._moments, None)

    def until(self, time_ns: int) -> Iterator[Moment]:
        """Yield what has not been read yet up to `time_ns`, included. Raises ValueError."""
        while self._ahead is not None and self._ahead.time_ns <= time_ns:
            moment, self._ahead = self._ahead, next(self._moments, None)
            yield moment

    @property
    def is_at_end(self) -> bool:
        """Whether everything has been read."""
        return self._ahead is None


def _moments(path: Path) -> Iterator[Moment]:
    with path.open() as lines:
        if lines.readline().strip() != json.dumps(HEADER):
            raise ValueError(f"{path} is not a tape: its first line is not {json.dumps(HEADER)}")
        before_ns = 0
        for number, line in enumerate(lines, start=2):
            try:
                moment = _moment(json.loads(line))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path}, line {number}: malformed: {error!r}") from error
            if moment.time_ns < before_ns:
                raise ValueError(f"{path}, line {number}: time goes back from {before_ns}")
            before_ns = moment.time_ns
            yield moment


def _moment(shape: dict[str, Any]) -> Moment:
    time_ns, market_id = int(shape["t"]), int(shape["m"])
    if "s" in shape:
        return Trade(time_ns, market_id, Side(shape["s"]), int(shape["p"]), int(shape["q"]))
    return Frame(time_ns, market_id, _levels(shape["b"]), _levels(shape["a"]))


def _levels(pairs: list[list[int]]) -> Levels:
    return tuple((subticks, quantums) for subticks, quantums in pairs)
