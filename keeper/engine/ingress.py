"""The ingress queue: keeps arrival order and merges superseded market data before sequencing.

Only books, oracle prices and leaders' quotes are merged, each with what still waits from the same
source for the same market. A source's SourceUp, SourceDown or SourceGap ends the merging of what
came before it.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from keeper.domain.events import (
    BookLevel,
    BookUpdated,
    Conflated,
    Event,
    LeaderQuoted,
    OraclePriced,
    SourceDown,
    SourceGap,
    SourceUp,
)

__all__ = ["Ingress", "merge_books"]

_Mergeable = BookUpdated | OraclePriced | LeaderQuoted
_Key = tuple[str, str, str]
_MERGEABLE = (BookUpdated, OraclePriced, LeaderQuoted)
_SOURCE_CHANGES = (SourceUp, SourceDown, SourceGap)


@dataclass(slots=True)
class _Waiting:
    """Market data of one key in one place of the queue."""

    key: _Key
    events: list[_Mergeable]


class Ingress:
    """Unbounded queue of events; fills, results and blocks are never dropped or merged."""

    def __init__(self) -> None:
        self._queue: deque[Event | _Waiting] = deque()
        self._open: dict[_Key, _Waiting] = {}
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, event: Event) -> None:
        """Add an event at the end, or merge it into what waits from its source."""
        if isinstance(event, _MERGEABLE):
            self._put_market_data(event)
        else:
            if isinstance(event, _SOURCE_CHANGES):
                self._open = {k: w for k, w in self._open.items() if k[1] != event.source}
            self._queue.append(event)
        self._filled.set()

    def pop(self) -> Event | None:
        """Take the next event; a merged one is preceded by its Conflated. None when empty."""
        if not self._queue:
            self._filled.clear()
            return None
        head = self._queue.popleft()
        if not isinstance(head, _Waiting):
            return head
        if self._open.get(head.key) is head:
            del self._open[head.key]
        if len(head.events) == 1:
            return head.events[0]
        self._queue.appendleft(_merge(head.events))
        return Conflated(source=head.key[1], count=len(head.events) - 1)

    def wake(self) -> None:
        """Let `wait` return although nothing came."""
        self._filled.set()

    async def wait(self) -> None:
        """Wait until something may have come."""
        await self._filled.wait()

    def _put_market_data(self, event: _Mergeable) -> None:
        key = (type(event).__name__, event.source, event.market)
        waiting = self._open.get(key)
        if waiting is None:
            waiting = self._open[key] = _Waiting(key, [])
            self._queue.append(waiting)
        waiting.events.append(event)


def _merge(events: Sequence[_Mergeable]) -> Event:
    last = events[-1]
    if isinstance(last, BookUpdated):
        return merge_books([event for event in events if isinstance(event, BookUpdated)])
    return last


def merge_books(updates: Sequence[BookUpdated]) -> BookUpdated:
    """Merge updates of one book, oldest first, into one that leaves the same book behind."""
    starts = [index for index, update in enumerate(updates) if update.snapshot]
    relevant = updates[starts[-1] :] if starts else updates
    is_snapshot = bool(starts)
    last = updates[-1]
    return BookUpdated(
        market=last.market,
        source=last.source,
        source_seq=last.source_seq,
        snapshot=is_snapshot,
        bids=_merge_levels([update.bids for update in relevant], is_snapshot),
        asks=_merge_levels([update.asks for update in relevant], is_snapshot),
    )


def _merge_levels(sides: Sequence[tuple[BookLevel, ...]], snapshot: bool) -> tuple[BookLevel, ...]:
    sizes = {level.subticks: level.quantums for side in sides for level in side}
    return tuple(BookLevel(price, size) for price, size in sizes.items() if size or not snapshot)
