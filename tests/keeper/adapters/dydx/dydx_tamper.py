"""A websocket relay between adapter and exchange that a test can make misbehave."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import websockets
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Message = dict[str, Any]
Tamper = Callable[[Message], list[Message | str]]


class Relay:
    """Passes messages on; `tamper` may drop, change or add some. Counts its connections."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.url = ""
        self.connections = 0
        self.tamper: Tamper = lambda message: [message]

    async def serve(self, client: ServerConnection) -> None:
        self.connections += 1
        async with websockets.connect(self.upstream) as server:
            asks = asyncio.create_task(self._asks(client, server))
            try:
                async for raw in server:
                    for message in self.tamper(json.loads(raw)):
                        text = message if isinstance(message, str) else json.dumps(message)
                        await client.send(text)
            except ConnectionClosed:
                await client.close()
            finally:
                asks.cancel()
                await asyncio.gather(asks, return_exceptions=True)

    async def _asks(self, client: ServerConnection, server: Any) -> None:
        async for raw in client:
            await server.send(raw)
        await server.close()


@asynccontextmanager
async def relay(upstream: str) -> AsyncIterator[Relay]:
    """Serve a relay on a free loopback port."""
    here = Relay(upstream)
    async with serve(here.serve, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        here.url = f"ws://127.0.0.1:{port}"
        yield here


def once(tamper: Tamper, when: Callable[[Message], bool]) -> Tamper:
    """Tamper with the first message that fits, and pass all others on."""
    done = False

    def wrapped(message: Message) -> list[Message | str]:
        nonlocal done
        if done or not when(message):
            return [message]
        done = True
        return tamper(message)

    return wrapped
