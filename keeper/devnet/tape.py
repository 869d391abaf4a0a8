"""Turns recordings into the exchange's tape, and into what everyone else follows: their prices.

The exchange has its own units: recorded prices go to the tick outward (a bid down, an ask up, a
taker's price towards the worse), sizes down to the step, levels of one tick are added up and the
best twenty are kept. Trades of one instant, side and price were one taker's: they become one order.
Books closer than a fifth of a second are thinned to the last of them: the exchange looks once a
block.
"""

import heapq
import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from statistics import median, pstdev
from typing import Final, TextIO

from keeper.devnet.markets import PRICE_DECIMALS, MarketRoute
from keeper.domain.orders import Side
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND, PPM
from keeper.recordings import BookAt, Recording, TradeAt

__all__ = ["LEVELS", "Tape", "TapeMarket", "write_tape"]

LEVELS: Final = 20
_RAW_LEVELS: Final = 200  # a tick of the exchange holds ten of the recording's
_FRAME_NS: Final = 200 * NS_PER_MS
_WIRE_SIDE: Final = {Side.BUY: 1, Side.SELL: 2}
_E8: Final = 10**PRICE_DECIMALS

Line = tuple[int, str]
Levels = list[list[int]]


@dataclass(frozen=True, slots=True)
class TapeMarket:
    """One market of a tape: its recording, its mid over time, and measures of both.

    `mids` are USD with 8 decimals from `times` (Unix ns) on. `half_spread_ppm` is the median half
    spread in the exchange's ticks, `move_ppm` the standard deviation of the mid's change in a
    second.
    """

    route: MarketRoute
    recording: Recording
    times: tuple[int, ...]
    mids: tuple[int, ...]
    orders: int
    half_spread_ppm: int
    move_ppm: int

    def mid(self, tape_ns: int) -> int:
        """The mid at a time; before the first one, the first."""
        return self.mids[max(0, bisect_right(self.times, tape_ns) - 1)]


@dataclass(frozen=True, slots=True)
class Tape:
    """A tape on disk, the time that all its markets cover (Unix ns), and the markets.

    It is played from `from_ns`: the start, unless somebody chose a later mark.
    """

    path: Path
    start_ns: int
    end_ns: int
    from_ns: int
    markets: tuple[TapeMarket, ...]

    def market(self, name: str) -> TapeMarket | None:
        """The market of this name, if it is recorded."""
        return next((found for found in self.markets if found.route.market == name), None)

    @property
    def seconds(self) -> int:
        """Whole seconds that are played."""
        return (self.end_ns - self.from_ns) // NS_PER_SECOND


def write_tape(recordings: tuple[tuple[MarketRoute, Recording], ...], path: Path) -> Tape:
    """Write what all recordings cover in common to `path`. Raises RecordingInvalid, OSError."""
    start_ns = max(recording.start_ns for _, recording in recordings)
    end_ns = min(recording.end_ns for _, recording in recordings)
    converters = [_Converter(*pair, start_ns, end_ns) for pair in recordings]
    with path.open("w") as stream:
        stream.write('{"tape": 1}\n')
        _write(stream, converters)
    return Tape(path, start_ns, end_ns, start_ns, tuple(each.market() for each in converters))


def _write(stream: TextIO, converters: list["_Converter"]) -> None:
    for _, text in heapq.merge(*(each.lines() for each in converters), key=itemgetter(0)):
        stream.write(text)


@dataclass(slots=True)
class _Order:
    """A recorded taker's order, as far as its trades have been seen."""

    time_ns: int
    side: Side
    subticks: int
    size_e8: int


@dataclass(slots=True)
class _Converter:
    """One recording on its way into the tape: yields lines and measures what passes."""

    route: MarketRoute
    recording: Recording
    start_ns: int
    end_ns: int
    times: list[int] = field(default_factory=list)
    mids: list[int] = field(default_factory=list)
    half_spreads: list[int] = field(default_factory=list)
    orders: int = 0
    _waiting: tuple[int, BookAt] | None = None
    _framed_ns: int = 0
    _written_ns: int = 0
    _open: _Order | None = None

    def lines(self) -> Iterator[Line]:
        """Yield lines in time order; what stood at the start is dated there."""
        for moment in self.recording.moments(_RAW_LEVELS):
            if moment.t_ns > self.end_ns:
                break
            if isinstance(moment, BookAt):
                yield from self._book(moment)
            elif moment.t_ns >= self.start_ns:
                yield from self._due_frame(moment.t_ns)
                yield from self._trade(moment)
        yield from self._due_frame(self.end_ns + _FRAME_NS)
        yield from self._close_order()

    def market(self) -> TapeMarket:
        """What was measured, once every line was taken."""
        return TapeMarket(
            self.route,
            self.recording,
            tuple(self.times),
            tuple(self.mids),
            self.orders,
            round(median(self.half_spreads)),
            self._move_ppm(),
        )

    def _book(self, book: BookAt) -> Iterator[Line]:
        """Note the mid; keep the book until its frame is due."""
        if not book.bids or not book.asks:
            return
        yield from self._due_frame(book.t_ns)
        time_ns = max(book.t_ns, self.start_ns)
        mid = (book.bids[0][0] + book.asks[0][0]) // 2
        if self.times and self.times[-1] == time_ns:
            self.mids[-1] = mid
        elif not self.mids or mid != self.mids[-1]:
            self.times.append(time_ns)
            self.mids.append(mid)
        self._waiting = (time_ns, book)

    def _due_frame(self, now_ns: int) -> Iterator[Line]:
        """Yield the book that waits, once the frame before it is old enough."""
        if self._waiting is None or now_ns <= max(self.start_ns, self._framed_ns + _FRAME_NS):
            return
        (time_ns, book), self._waiting = self._waiting, None
        yield from self._close_order()
        time_ns = max(time_ns, self._written_ns)
        bids, asks = self._levels(book.bids, Side.BUY), self._levels(book.asks, Side.SELL)
        self._framed_ns = time_ns
        if bids and asks:
            width = asks[0][0] - bids[0][0]
            self.half_spreads.append(width * PPM // (asks[0][0] + bids[0][0]))
            shape = {"t": time_ns, "m": self.route.clob_pair_id, "b": bids, "a": asks}
            yield self._line(time_ns, shape)

    def _levels(self, levels: tuple[tuple[int, int], ...], side: Side) -> Levels:
        sizes: dict[int, int] = {}
        for price, size in levels:
            subticks = self._subticks(price, up=side is Side.SELL)
            if subticks not in sizes and len(sizes) == LEVELS:
                break
            sizes[subticks] = sizes.get(subticks, 0) + size
        found = ((subticks, self._quantums(size)) for subticks, size in sizes.items())
        return [[subticks, quantums] for subticks, quantums in found if quantums]

    def _trade(self, trade: TradeAt) -> Iterator[Line]:
        subticks = self._subticks(trade.price_e8, up=trade.side is Side.BUY)
        order = self._open
        if order is not None and (order.time_ns, order.side, order.subticks) == (
            trade.t_ns,
            trade.side,
            subticks,
        ):
            order.size_e8 += trade.size_e8
            return
        yield from self._close_order()
        self._open = _Order(trade.t_ns, trade.side, subticks, trade.size_e8)

    def _close_order(self) -> Iterator[Line]:
        order, self._open = self._open, None
        quantums = 0 if order is None else self._quantums(order.size_e8)
        if order is None or not quantums:
            return
        self.orders += 1
        shape = {"t": order.time_ns, "m": self.route.clob_pair_id, "s": _WIRE_SIDE[order.side]}
        yield self._line(order.time_ns, {**shape, "p": order.subticks, "q": quantums})

    def _line(self, time_ns: int, shape: dict[str, object]) -> Line:
        self._written_ns = time_ns
        return time_ns, json.dumps(shape, separators=(",", ":")) + "\n"

    def _subticks(self, price_e8: int, *, up: bool) -> int:
        tick = self.route.subticks_per_tick
        unit = tick * _E8
        exact = price_e8 * self.route.subticks_scale
        return (-(-exact // unit) if up else exact // unit) * tick

    def _quantums(self, size_e8: int) -> int:
        exact: int = size_e8 * 10**-self.route.atomic_resolution // _E8
        return exact // self.route.step_base_quantums * self.route.step_base_quantums

    def _move_ppm(self) -> int:
        """Standard deviation of the mid's change in a second, in ppm."""
        seconds = range(self.start_ns, self.end_ns, NS_PER_SECOND)
        sampled = [self.mids[max(0, bisect_right(self.times, at) - 1)] for at in seconds]
        moves = [(later - mid) * PPM / mid for mid, later in pairwise(sampled)]
        return round(pstdev(moves)) if moves else 0
