"""A loopback connection that takes its time: delays both directions, and says when bytes pass."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

__all__ = ["Tap"]

Seen = Callable[[bytes, int], None]
"""Told each piece of bytes and when (`time.perf_counter_ns`) the client got or gave it."""


def _unheard(_piece: bytes, _at_ns: int) -> None:
    """Nobody listens."""


class Tap:
    """Listens on a free port and passes bytes on to `port`, each direction late by half the trip.

    Opening a connection is not delayed: what is measured runs over open ones.
    """

    def __init__(self, port: int, round_trip_ms: int) -> None:
        self._target = port
        self._late = round_trip_ms / 2_000
        self._pipes: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.to_client: Seen = _unheard
        self.from_client: Seen = _unheard
        self.port = 0

    async def __aenter__(self) -> "Tap":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    async def _serve(self, client: asyncio.StreamReader, reply: asyncio.StreamWriter) -> None:
        exchange, ask = await asyncio.open_connection("127.0.0.1", self._target)
        for pipe in (self._up(client, ask), self._down(exchange, reply)):
            task = asyncio.create_task(pipe)
            self._pipes.add(task)
            task.add_done_callback(self._pipes.discard)

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Heard before the delay: the client has given these bytes away."""
        await self._pass_on(reader, writer, self._heard_from_client, _unheard)

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Heard after the delay: the client gets these bytes now."""
        await self._pass_on(reader, writer, _unheard, self._heard_to_client)

    def _heard_from_client(self, piece: bytes, at_ns: int) -> None:
        self.from_client(piece, at_ns)

    def _heard_to_client(self, piece: bytes, at_ns: int) -> None:
        self.to_client(piece, at_ns)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, before: Seen, after: Seen
    ) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        writing = asyncio.create_task(self._write(waiting, writer, after))
        try:
            with suppress(ConnectionError):
                while piece := await reader.read(65_536):
                    before(piece, time.perf_counter_ns())
                    waiting.put_nowait((time.monotonic() + self._late, piece))
            waiting.put_nowait((time.monotonic() + self._late, b""))
            await writing
        finally:
            writing.cancel()
            writer.close()

    async def _write(
        self, waiting: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, after: Seen
    ) -> None:
        """Write each piece when it is due, in order; an empty one is the end."""
        while True:
            due, piece = await waiting.get()
            if self._late:
                await asyncio.sleep(max(due - time.monotonic(), 0))
            if not piece:
                return
            after(piece, time.perf_counter_ns())
            with suppress(ConnectionError):
                writer.write(piece)
