"""Owns the indexer's delay: events wait until the indexer's height reaches them."""

from collections import deque
from collections.abc import Iterable

from .chain import Chain
from .events import BlockCommitted, Event, LevelChanged
from .indexer import Indexer, Message
from .model import Side

__all__ = ["LaggingIndexer"]

MS = 1_000_000
PHANTOM_STEPS = 10  # size of the bid that a crossed book keeps


class LaggingIndexer:
    """Hands the chain's events to the indexer, as late and as wrong as the faults say."""

    def __init__(self, chain: Chain, indexer: Indexer) -> None:
        self._chain = chain
        self._indexer = indexer
        self._waiting: deque[tuple[int, tuple[Event, ...]]] = deque()  # by height
        self._phantom: LevelChanged | None = None

    def consume(self, events: Iterable[Event]) -> list[Message]:
        """Take events in order; returns the messages of those the indexer has reached."""
        batch = tuple(events)
        if batch:
            self._waiting.append((self._chain.height, batch))
        return self.catch_up()

    def catch_up(self) -> list[Message]:
        """Return the messages of what the indexer has reached by now."""
        lag = 0
        if self._chain.faults.get("indexer-lag") is not None:
            lag = self._chain.faults.amount("indexer-lag")
        self._indexer.tables.clock_ns = self._clock_ns()
        messages: list[Message] = []
        while self._waiting and self._waiting[0][0] <= self._chain.height - lag:
            height, batch = self._waiting.popleft()
            behind = height < self._chain.height and height in self._chain.blocks
            committed = self._chain.state
            self._indexer.tables.state = committed.at(height) if behind else committed
            messages += self._indexer.consume(batch)
            if self._phantom is not None and isinstance(batch[-1], BlockCommitted):
                messages += self._indexer.consume((self._phantom,))
        return messages

    def _clock_ns(self) -> int:
        """How far ahead of the chain the indexer dates blocks."""
        faults = self._chain.faults
        signs = (("indexer-clock-ahead", 1), ("indexer-clock-behind", -1))
        set_now = [(name, sign) for name, sign in signs if faults.get(name) is not None]
        return sum(sign * faults.amount(name) for name, sign in set_now) * MS

    def cross(self, market_id: int, ticks: int) -> list[Message]:
        """Leave a bid in the indexer's book so many ticks above its best ask.

        Raises ValueError where there is no ask.
        """
        asks = self._indexer.tables.markets[market_id].levels[Side.SELL]
        market = self._chain.state.markets.get(market_id)
        if market is None or not asks:
            raise ValueError("there is no ask to cross")
        messages = self.uncross()
        price = min(asks) + ticks * market.subticks_per_tick
        size = PHANTOM_STEPS * market.step_base_quantums
        self._phantom = LevelChanged(market_id, Side.BUY, price, size)
        return messages + self._indexer.consume((self._phantom,))

    def uncross(self) -> list[Message]:
        """Bring the level back to what the book has there."""
        phantom, self._phantom = self._phantom, None
        if phantom is None:
            return []
        levels = dict(self._chain.clob.books[phantom.market_id].levels(Side.BUY))
        true = LevelChanged(
            phantom.market_id, Side.BUY, phantom.subticks, levels.get(phantom.subticks, 0)
        )
        return self._indexer.consume((true,))
