"""What happened on the recorded market: books and trades at exchange time, in order."""

import heapq
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from keeper.domain.errors import WireError
from keeper.domain.orders import Side
from keeper.domain.units import NS_PER_MS
from keeper.feeds.binance.depth import DepthBook, Followed
from keeper.feeds.binance.wire import DepthSnapshot, DepthUpdate, Payload, Trade, e8
from keeper.recordings.lines import BACKWARDS_NS, Line, payload_of, read_lines, refuse

__all__ = ["BookAt", "Moment", "Tape", "TradeAt", "arrivals", "in_order", "play"]

_MARKET_TRADES: Final = (None, "MARKET")


class BookAt(msgspec.Struct, frozen=True, gc=False):
    """The best levels (price_e8, size_e8), best first, from `t_ns` (Unix ns, exchange time) on."""

    t_ns: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


class TradeAt(msgspec.Struct, frozen=True, gc=False):
    """A trade at `t_ns` (Unix ns, exchange time) by its aggressor's side, in 1e-8."""

    t_ns: int
    side: Side
    price_e8: int
    size_e8: int


Moment = BookAt | TradeAt


class Tape:
    """Follows one symbol's lines: buffers updates, takes the snapshot, then keeps the book."""

    def __init__(self, levels: int) -> None:
        self._levels = levels
        self._followed = Followed()
        self.trades_passed_over = 0

    @property
    def has_book(self) -> bool:
        return self._followed.book is not None

    def continues(self, update: DepthUpdate) -> bool:
        """Tell whether a file that starts with this update goes on where the last one ended."""
        book = self._followed.book
        return book is not None and book.follows(update)

    def take(self, line: Line, payload: Payload) -> Moment | None:
        """Apply a message. Raises RecordingInvalid for a gap, a crossed book or a remainder."""
        try:
            return self._take(payload)
        except WireError as error:
            raise refuse(
                line, str(error), "record again, or cut the files around the place named"
            ) from error

    def _take(self, payload: Payload) -> Moment | None:
        if isinstance(payload, DepthUpdate):
            return self._book() if self._followed.update(payload) else None
        if isinstance(payload, Trade):
            return self._trade(payload)
        if isinstance(payload, DepthSnapshot):
            return self._snapshot(payload)
        return None

    def _book(self) -> BookAt | None:
        """The book after the latest update; None while there is none."""
        book, latest = self._followed.book, self._followed.latest
        if book is None or latest is None or not book.synchronised:
            return None
        at_ms = latest.event_ms if latest.matched_ms is None else latest.matched_ms
        return BookAt(at_ms * NS_PER_MS, book.top_bids(self._levels), book.top_asks(self._levels))

    def _trade(self, trade: Trade) -> TradeAt | None:
        if trade.kind not in _MARKET_TRADES:
            self.trades_passed_over += 1
            return None
        book = self._followed.book
        if book is None or not book.synchronised:
            return None
        side = Side.SELL if trade.buyer_is_maker else Side.BUY
        return TradeAt(trade.matched_ms * NS_PER_MS, side, e8(trade.price), e8(trade.size))

    def _snapshot(self, snapshot: DepthSnapshot) -> BookAt | None:
        """Take the first snapshot; a later one is checked and left: the chain is unbroken."""
        if self._followed.book is None:
            self._followed.load(snapshot)
            return self._book()
        DepthBook().load(snapshot)
        return None


def arrivals(moments: Iterable[Moment]) -> Iterator[Moment]:
    """Yield the moments with prints of one time and side as one: their farthest price, all of
    their size. An order that sweeps levels is printed once a level."""
    pending: TradeAt | None = None
    for moment in moments:
        if isinstance(moment, TradeAt):
            if pending is not None and (pending.t_ns, pending.side) == (moment.t_ns, moment.side):
                pending = _swept(pending, moment)
                continue
            if pending is not None:
                yield pending
            pending = moment
            continue
        if pending is not None:
            yield pending
            pending = None
        yield moment
    if pending is not None:
        yield pending


def _swept(first: TradeAt, second: TradeAt) -> TradeAt:
    farther = max if first.side is Side.BUY else min
    return TradeAt(
        first.t_ns,
        first.side,
        farther(first.price_e8, second.price_e8),
        first.size_e8 + second.size_e8,
    )


def play(files: Iterable[Path], levels: int) -> Iterator[Moment]:
    """Yield what files that chain hold, by exchange time. Raises RecordingInvalid."""
    tape = Tape(levels)
    return in_order(
        (line, tape.take(line, payload_of(line))) for file in files for line in read_lines(file)
    )


def in_order(found: Iterable[tuple[Line, Moment | None]]) -> Iterator[Moment]:
    """Sort by exchange time, ties by arrival, within the tolerance that streams interleave.

    Raises RecordingInvalid for a moment further back than the tolerance.
    """
    waiting: list[tuple[int, int, Moment]] = []
    latest = 0
    for arrival, (line, moment) in enumerate(found):
        if moment is None:
            continue
        if moment.t_ns < latest - BACKWARDS_NS:
            back_ms = (latest - moment.t_ns) // NS_PER_MS
            raise refuse(line, f"exchange time runs {back_ms} ms backwards")
        latest = max(latest, moment.t_ns)
        heapq.heappush(waiting, (moment.t_ns, arrival, moment))
        while waiting[0][0] < latest - BACKWARDS_NS:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]
