"""Stands between a keeper and the exchange's stream: can lose the connection, or one message."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

__all__ = ["Relay", "open_relay"]


@dataclass(slots=True)
class Relay:
    """Passes messages on, both ways, until told to misbehave once."""

    upstream: str
    url: str = ""
    _loses_next: bool = False
    _connections: set[ServerConnection] = field(default_factory=set)

    async def drop(self) -> None:
        """Close every connection, as a failing network does."""
        for connection in [*self._connections]:
            await connection.close()

    def lose_one(self) -> None:
        """Withhold the next message: the one after it has a number that does not follow."""
        self._loses_next = True

    async def serve(self, below: ServerConnection) -> None:
        """Relay one connection to its end."""
        self._connections.add(below)
        try:
            async with connect(self.upstream, max_size=None, compression=None) as above:
                passing = (self._down(above, below), self._up(below, above))
                tasks = [asyncio.ensure_future(way) for way in passing]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self._connections.discard(below)

    async def _down(self, above: ClientConnection, below: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in above:
                if self._loses_next:
                    self._loses_next = False
                    continue
                await below.send(message)

    async def _up(self, below: ServerConnection, above: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in below:
                await above.send(message)


@asynccontextmanager
async def open_relay(upstream: str) -> AsyncIterator[Relay]:
    """Listen on a free loopback port."""
    relay = Relay(upstream)
    async with serve(relay.serve, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        relay.url = f"ws://127.0.0.1:{port}"
        yield relay
