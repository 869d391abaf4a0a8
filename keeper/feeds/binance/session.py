"""One connected period: every message in order, a book per symbol, checked for gaps until it ends.

A snapshot that is older than the first update that waits for it is taken again. Once a book stands,
an update that does not follow ends the session: what was missed cannot be known.
"""

import asyncio
from typing import Final, Protocol

from keeper.domain.errors import FeedUnavailable, WireError
from keeper.feeds.binance.client import DepthReader, Stream
from keeper.feeds.binance.depth import DepthBook, Followed, SequenceBroken
from keeper.feeds.binance.settings import BinanceSettings
from keeper.feeds.binance.wire import (
    BookTicker,
    DepthUpdate,
    Payload,
    decode,
    decode_snapshot,
)
from keeper.ports import Clock

__all__ = ["Session", "Sink"]

_ATTEMPTS: Final = 8
_RETRY_SECONDS: Final = 0.25


class Sink(Protocol):
    """Who a session tells what arrived; called in the order of arrival, must not block."""

    def message(self, symbol: str, text: bytes) -> None:
        """A raw message of a symbol: of a stream, or a snapshot that was taken."""
        ...

    def ticker(self, symbol: str, ticker: BookTicker) -> None:
        """The best bid and ask, as its stream tells them."""
        ...

    def book(self, symbol: str, book: DepthBook) -> None:
        """The book changed."""
        ...

    def confirmed(self) -> None:
        """The other end has just answered: what was told last still stands."""
        ...


class Session:
    """Follows the symbols of its settings from one connect to one loss."""

    def __init__(
        self, settings: BinanceSettings, reader: DepthReader, clock: Clock, sink: Sink
    ) -> None:
        self._settings = settings
        self._reader = reader
        self._clock = clock
        self._sink = sink
        self._followed = {symbol: Followed() for symbol in settings.symbols}
        self._due: asyncio.Queue[str] = asyncio.Queue()

    async def run(self) -> None:
        """Tell the sink until the connection ends, never returns.

        Raises FeedUnavailable, WireError (SequenceBroken, BookCrossed), or ConfigError when the
        exchange does not know a symbol.
        """
        stream = await Stream.open(self._settings)
        if self._settings.eager:
            for symbol in self._settings.symbols:
                self._due.put_nowait(symbol)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(stream))
                tasks.create_task(self._confirm(stream))
                tasks.create_task(self._take_snapshots())
        except* Exception as group:
            raise _first(group) from group
        finally:
            await stream.close()

    async def _read(self, stream: Stream) -> None:
        while True:
            text = await stream.receive()
            payload = decode(text)
            symbol = getattr(payload, "symbol", "")
            if symbol not in self._followed:
                raise WireError(f"a message of {symbol or 'no symbol'}, which was not asked for")
            self._sink.message(symbol, text)
            self._take(symbol, payload)

    def _take(self, symbol: str, payload: Payload) -> None:
        if isinstance(payload, BookTicker):
            self._sink.ticker(symbol, payload)
        elif isinstance(payload, DepthUpdate):
            self._update(symbol, payload)

    def _update(self, symbol: str, update: DepthUpdate) -> None:
        followed = self._followed[symbol]
        is_first = followed.book is None and not followed.has_updates
        try:
            if followed.update(update) and followed.book is not None:
                self._sink.book(symbol, followed.book)
        except SequenceBroken:
            if followed.book is None or followed.book.synchronised:
                raise
            followed.wait_again(update)
            self._due.put_nowait(symbol)
            return
        if is_first and not self._settings.eager:
            self._due.put_nowait(symbol)

    async def _take_snapshots(self) -> None:
        while True:
            symbol = await self._due.get()
            if self._followed[symbol].book is None:
                await self._take_snapshot(symbol)

    async def _take_snapshot(self, symbol: str) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            text = await self._reader.snapshot(symbol)
            try:
                book = self._followed[symbol].load(decode_snapshot(text))
            except SequenceBroken as error:
                if attempt == _ATTEMPTS:
                    raise FeedUnavailable(
                        f"{symbol}: {_ATTEMPTS} snapshots in a row were older than the stream",
                        next_step="try again later; the exchange's REST lags behind its stream",
                    ) from error
                await self._clock.sleep(_RETRY_SECONDS)
                continue
            self._sink.message(symbol, text)
            self._sink.book(symbol, book)
            return

    async def _confirm(self, stream: Stream) -> None:
        while True:
            await self._clock.sleep(self._settings.confirm_ms / 1_000)
            await stream.confirm()
            self._sink.confirmed()


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    """The first error of a group, groups inside it opened."""
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
