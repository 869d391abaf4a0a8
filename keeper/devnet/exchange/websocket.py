"""Owns the indexer's websocket: connections, subscriptions, batches, limits."""

import asyncio
import json
import logging
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from . import streams
from .faults import Faults
from .indexer import Message
from .tables import Tables

__all__ = ["StreamServer"]

Json = dict[str, Any]
Key = tuple[str, str]  # channel, id
BATCH_SECONDS = 0.25
PING_SECONDS, PONG_SECONDS = 30, 10
RATE_WINDOW_SECONDS, SUBSCRIBES, INVALID = 1.0, 2, 2
MAX_QUEUED = 10_000
DATA = ("channel_data", "channel_batch_data")
POLICY_VIOLATION, TRY_AGAIN, RESTART = 1008, 1013, 1012
log = logging.getLogger(__name__)


class _Rate:
    """At most `limit` events in any window."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._times: deque[float] = deque()

    def use(self, now: float) -> bool:
        while self._times and self._times[0] <= now - RATE_WINDOW_SECONDS:
            self._times.popleft()
        self._times.append(now)
        return len(self._times) <= self._limit


class Connection:
    """One client: its message counter, what it follows, what waits to be sent.

    All messages go through one queue, so that their order is the order they were made in.
    """

    def __init__(
        self, socket: ServerConnection, tables: Tables, identity: str, faults: Faults
    ) -> None:
        self.socket = socket
        self._ix = tables
        self._faults = faults
        self.id = identity
        self._next_message = 0
        self.followed: dict[Key, bool] = {}  # whether batched
        self._batches: dict[tuple[Key, int | None], list[Json]] = {}
        self.queue: asyncio.Queue[str] = asyncio.Queue(MAX_QUEUED)
        self._subscribes: dict[Key, _Rate] = {}
        self._invalid = _Rate(INVALID)
        self.overflowed = False

    def send(self, kind: str, **fields: Any) -> None:
        """Queue a message with the next message id."""
        body = {"type": kind, "connection_id": self.id, "message_id": self._next_message}
        self._next_message += 1
        if kind in DATA and self._is_lost(fields["channel"]):
            return
        try:
            self.queue.put_nowait(json.dumps(body | fields))
        except asyncio.QueueFull:
            self.overflowed = True

    def _is_lost(self, channel: str) -> bool:
        if self._faults.get("stream-silent") is not None:
            return True
        return self._faults.strikes("stream-gap", channel=channel)

    def update(self, message: Message) -> None:
        """Queue an update if this client follows its channel."""
        key = (message.channel, message.id)
        batched = self.followed.get(key)
        if batched is None:
            return
        if batched:
            place = (key, message.subaccount)
            self._batches.setdefault(place, []).append(message.contents)
        else:
            self._send_data("channel_data", (key, message.subaccount), message.contents)

    def flush(self) -> None:
        """Queue what batched subscriptions have gathered."""
        for place, contents in self._batches.items():
            self._send_data("channel_batch_data", place, contents)
        self._batches.clear()

    def _send_data(
        self, kind: str, place: tuple[Key, int | None], contents: Json | list[Json]
    ) -> None:
        (channel, identity), child = place
        fields: Json = {"channel": channel}
        if identity:
            fields["id"] = identity
        if child is not None:
            fields["subaccountNumber"] = child
        fields["version"] = streams.CHANNELS[channel].version
        self.send(kind, **fields, contents=contents)

    def handle(self, raw: str | bytes, now: float) -> bool:
        """Take a client's message; False when the client must be closed."""
        try:
            request = json.loads(raw)
            kind = request["type"]
        except (ValueError, KeyError, TypeError):
            return self._refuse("Invalid message: could not parse", now)
        if kind == "ping":
            return True
        if kind not in ("subscribe", "unsubscribe"):
            return self._refuse(f"Invalid message type: {kind}", now)
        channel = request.get("channel")
        if channel not in streams.CHANNELS:
            return self._refuse(f"Invalid channel: {channel}", now)
        key = (channel, self._identity(channel, request))
        if kind == "unsubscribe":
            return self._unsubscribe(key)
        return self._subscribe(key, bool(request.get("batched", False)), now)

    @staticmethod
    def _identity(channel: str, request: Json) -> str:
        if channel == "v4_markets":
            return ""
        if channel == "v4_block_height":
            return "v4_block_height"
        return str(request.get("id", ""))

    def _refuse(self, text: str, now: float) -> bool:
        self.send("error", message=text)
        return self._invalid.use(now)

    def _error(self, key: Key, text: str) -> bool:
        self.send("error", message=text, channel=key[0], id=key[1])
        return True

    def _subscribe(self, key: Key, batched: bool, now: float) -> bool:
        channel, identity = key
        if not self._subscribes.setdefault(key, _Rate(SUBSCRIBES)).use(now):
            return self._error(key, f"Too many subscribe attempts for channel {channel}-{identity}")
        if key in self.followed:
            return self._error(
                key, f"Invalid subscribe message: already subscribed ({channel}-{identity})"
            )
        count = sum(1 for followed, _ in self.followed if followed == channel)
        if count >= streams.CHANNELS[channel].limit:
            return self._error(key, f"Per-connection subscription limit reached for {channel}")
        if self._faults.strikes("snapshot-failed", channel=channel):
            return self._error(
                key, f"Internal error, could not fetch data for subscription: {channel}-{identity}"
            )
        try:
            contents = streams.initial_contents(self._ix, channel, identity)
        except streams.UnknownSubscription:
            return self._error(key, f"Invalid subscription id for channel: ({channel}-{identity})")
        fields: Json = {"channel": channel}
        if identity:
            fields["id"] = identity
        self.send("subscribed", **fields, contents=contents)
        self.followed[key] = batched
        return True

    def _unsubscribe(self, key: Key) -> bool:
        self.flush()
        self.followed.pop(key, None)
        fields = {"channel": key[0]} | ({"id": key[1]} if key[1] else {})
        self.send("unsubscribed", **fields)
        return True


class StreamServer:
    """Serves the streams and hands every update to the connections that follow it."""

    def __init__(self, tables: Tables, faults: Faults, now: Callable[[], float]) -> None:
        self._ix = tables
        self._faults = faults
        self._now = now
        self._opened = 0
        self._held: list[Message] = []  # sent after what follows them
        self._connections: dict[str, Connection] = {}
        self._server: Server | None = None
        self._flusher: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the bound port."""
        self._server = await serve(
            self._serve,
            host,
            port,
            ping_interval=PING_SECONDS,
            ping_timeout=PONG_SECONDS,
            compression=None,
            process_request=self._admit,
        )
        self._flusher = asyncio.create_task(self._flush_forever())
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def stop(self) -> None:
        """Close every connection as a restart does (1012) and stop listening."""
        if self._flusher is not None:
            self._flusher.cancel()
        for connection in list(self._connections.values()):
            await connection.socket.close(RESTART, "service restart")
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def _admit(self, socket: ServerConnection, _: Request) -> Response | None:
        if self._faults.strikes("stream-refused"):
            return socket.respond(HTTPStatus.SERVICE_UNAVAILABLE, "try again later\n")
        return None

    async def disconnect(self, *, politely: bool) -> None:
        """Break every connection: closed with 1012, or cut without a word."""
        for connection in list(self._connections.values()):
            if politely:
                await connection.socket.close(RESTART, "service restart")
            else:
                connection.socket.transport.abort()

    def publish(self, messages: Iterable[Message]) -> None:
        """Hand updates to every connection, in order, but for what the faults do to them."""
        for message in self._disturbed(messages):
            parent = streams.parent_message(message)
            for connection in self._connections.values():
                connection.update(message)
                if parent is not None:
                    connection.update(parent)

    def _disturbed(self, messages: Iterable[Message]) -> Iterable[Message]:
        for message in messages:
            channel = message.channel
            if self._faults.strikes("stream-lost", channel=channel):
                continue
            if self._faults.strikes("stream-reordered", channel=channel):
                self._held.append(message)
                continue
            yield message
            held, self._held = self._held, []
            yield from held
            if self._faults.strikes("stream-duplicated", channel=channel):
                yield message

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(BATCH_SECONDS)
            for connection in self._connections.values():
                connection.flush()

    async def _serve(self, socket: ServerConnection) -> None:
        self._opened += 1
        identity = str(uuid.uuid5(uuid.NAMESPACE_URL, f"connection/{self._opened}"))
        connection = Connection(socket, self._ix, identity, self._faults)
        connection.send("connected")
        self._connections[connection.id] = connection
        writer = asyncio.create_task(self._write(connection))
        try:
            await self._read(connection)
        except ConnectionClosed as closed:
            log.debug("stream %s closed: %s", connection.id, closed)
        finally:
            del self._connections[connection.id]
            writer.cancel()

    async def _read(self, connection: Connection) -> None:
        async for raw in connection.socket:
            if not connection.handle(raw, self._now()):
                await connection.socket.close(POLICY_VIOLATION, "Too many invalid messages")
                return

    async def _write(self, connection: Connection) -> None:
        try:
            while True:
                await connection.socket.send(await connection.queue.get())
                if connection.overflowed:
                    await connection.socket.close(TRY_AGAIN, "client is too slow")
                    return
        except ConnectionClosed as closed:
            log.debug("stream %s closed: %s", connection.id, closed)
