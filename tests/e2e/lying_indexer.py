"""An indexer between the keeper and the exchange's own: it can cross the book or keep it quiet."""

import asyncio
import contextlib
import json
import threading
from enum import Enum
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

__all__ = ["LyingIndexer", "Mood"]

_CHANNEL = "v4_orderbook"
_ABSURD_BID = "99999"
"""A price in USD above every ask of the world."""
_LIE, _TRUTH = [_ABSURD_BID, "1"], [_ABSURD_BID, "0"]


class Mood(Enum):
    """What it does to the updates of the book; everything else always passes."""

    HONEST = "passes them on"
    CROSSED = "adds a bid above every ask"
    SILENT = "withholds them"


class LyingIndexer:
    """Relays websocket messages in a thread of its own; ids stay in sequence whatever it does."""

    def __init__(self, upstream: str) -> None:
        self.mood = Mood.HONEST
        self.url = ""
        self._upstream = upstream
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._stop = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        async with serve(self._relay, "127.0.0.1", 0, compression=None) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            self.url = f"ws://127.0.0.1:{port}"
            self._ready.set()
            await self._stop.wait()

    async def _relay(self, keeper: ServerConnection) -> None:
        async with connect(self._upstream, compression=None, max_size=None) as exchange:
            with contextlib.suppress(ConnectionClosed):
                pumps = (self._down(exchange, keeper), self._up(keeper, exchange))
                await asyncio.gather(*pumps)

    async def _up(self, keeper: ServerConnection, exchange: ClientConnection) -> None:
        async for message in keeper:
            await exchange.send(message)
        await exchange.close()

    async def _down(self, exchange: ClientConnection, keeper: ServerConnection) -> None:
        sent, lied = 0, False
        async for message in exchange:
            envelope = json.loads(message)
            if _is_book_update(envelope):
                if self.mood is Mood.SILENT:
                    continue
                if self.mood is Mood.CROSSED or lied:
                    lied = self.mood is Mood.CROSSED
                    envelope["contents"].setdefault("bids", []).append(_LIE if lied else _TRUTH)
            envelope["message_id"] = sent
            sent += 1
            await keeper.send(json.dumps(envelope))
        await keeper.close()


def _is_book_update(envelope: dict[str, Any]) -> bool:
    return envelope.get("channel") == _CHANNEL and envelope.get("type") == "channel_data"
