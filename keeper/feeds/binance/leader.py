"""The leader's best bid and ask as events, from ticker and book, at a bounded pace."""

import asyncio
from collections.abc import Mapping

from keeper.domain.errors import AthanorError, ConfigError, FeedUnavailable, WireError
from keeper.domain.events import LeaderQuoted, SourceDown, SourceGap, SourceUp
from keeper.feeds.binance.client import DepthReader
from keeper.feeds.binance.depth import DepthBook, SequenceBroken
from keeper.feeds.binance.session import Session
from keeper.feeds.binance.settings import BinanceSettings
from keeper.feeds.binance.wire import BookTicker, e8
from keeper.ports import Clock, Emit

__all__ = ["BinanceLeader"]


class BinanceLeader:
    """An EventSource of LeaderQuoted; `markets` names our market for each symbol.

    A quote leaves at once when the last one is `pace_ms` old, else when it is. While the other end
    answers, an unchanged quote is told again once a second: quiet is not stale.
    """

    def __init__(
        self, settings: BinanceSettings, markets: Mapping[str, str], pace_ms: int, clock: Clock
    ) -> None:
        self._settings = settings
        self._markets = dict(markets)
        self._pace_seconds = pace_ms / 1_000
        self._clock = clock
        self._reader = DepthReader(settings)
        self.source = f"leader:binance-{settings.market}"

    async def run(self, emit: Emit) -> None:
        """Emit until cancelled; reconnects by itself.

        Raises ConfigError when the exchange does not know a symbol before the first SourceUp.
        """
        first_ms, longest_ms = self._settings.reconnect_first_ms, self._settings.reconnect_max_ms
        pause_ms, was_ever_up = 0, False
        while True:
            quotes = _Quotes(self.source, self._markets, self._pace_seconds, emit)
            error = await self._session(quotes)
            was_ever_up = was_ever_up or quotes.is_up
            if isinstance(error, ConfigError) and not was_ever_up:
                raise error
            if isinstance(error, SequenceBroken):
                emit(_gap(self.source, error))
            if quotes.is_up or pause_ms == 0:
                emit(SourceDown(source=self.source, detail=str(error)))
            pause_ms = first_ms if quotes.is_up else min(max(first_ms, pause_ms * 2), longest_ms)
            await self._clock.sleep(pause_ms / 1_000)

    async def _session(self, quotes: "_Quotes") -> AthanorError:
        """Run one session to its end and tell why it ended."""
        try:
            await Session(self._settings, self._reader, self._clock, quotes).run()
        except (ConfigError, FeedUnavailable, WireError) as error:
            return error
        finally:
            quotes.stop()
        raise AssertionError("unreachable: a session ends by an error or a cancellation")

    async def close(self) -> None:
        """Close connections."""
        await self._reader.close()


def _gap(source: str, broken: SequenceBroken) -> SourceGap:
    return SourceGap(source=source, expected=broken.expected, received=broken.received)


class _Quotes:
    """What one session told: the newest best of each symbol, and which has been emitted when."""

    def __init__(
        self, source: str, markets: Mapping[str, str], pace_seconds: float, emit: Emit
    ) -> None:
        self._source = source
        self._markets = markets
        self._pace_seconds = pace_seconds
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._newest: dict[str, LeaderQuoted] = {}
        self._told: dict[str, float] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self.is_up = False

    def message(self, symbol: str, text: bytes) -> None:
        """Raw messages are the recorder's."""

    def ticker(self, symbol: str, ticker: BookTicker) -> None:
        self._best(
            symbol,
            ticker.last_id,
            (e8(ticker.bid), e8(ticker.bid_size)),
            (e8(ticker.ask), e8(ticker.ask_size)),
        )

    def book(self, symbol: str, book: DepthBook) -> None:
        bids, asks = book.top_bids(1), book.top_asks(1)
        if bids and asks:
            self._best(symbol, book.last_id, bids[0], asks[0])

    def confirmed(self) -> None:
        for symbol in self._newest:
            if symbol not in self._timers:
                self._tell(symbol)

    def stop(self) -> None:
        """Emit nothing more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _best(
        self, symbol: str, update_id: int, bid: tuple[int, int], ask: tuple[int, int]
    ) -> None:
        """Take a best bid and ask (price, size) unless a newer one is known, and see it told."""
        known = self._newest.get(symbol)
        if known is not None and update_id <= known.source_seq:
            return
        self._newest[symbol] = LeaderQuoted(
            market=self._markets[symbol],
            source=self._source,
            source_seq=update_id,
            bid_e8=bid[0],
            bid_size_e8=bid[1],
            ask_e8=ask[0],
            ask_size_e8=ask[1],
        )
        if symbol in self._timers:
            return
        left = self._told.get(symbol, 0.0) + self._pace_seconds - self._loop.time()
        if left <= 0:
            self._tell(symbol)
        else:
            self._timers[symbol] = self._loop.call_later(left, self._tell_late, symbol)

    def _tell_late(self, symbol: str) -> None:
        del self._timers[symbol]
        self._tell(symbol)

    def _tell(self, symbol: str) -> None:
        self._told[symbol] = self._loop.time()
        self._emit(self._newest[symbol])
        if not self.is_up and len(self._newest) == len(self._markets):
            self.is_up = True
            self._emit(SourceUp(source=self._source))
