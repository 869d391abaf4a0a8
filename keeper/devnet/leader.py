"""Binance's public data on loopback, from recordings: what they hold comes out as it came in.

One port serves the combined stream and the depth endpoint. A message leaves when a tape's time has
reached its arrival in the recording, corrected to the exchange's clock. Depth messages leave at the
speed they were recorded at, under the name the client asked for.
"""

import asyncio
import http
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Final
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.http11 import Request, Response

from keeper.feeds.binance.depth import Followed
from keeper.feeds.binance.wire import E8, DepthSnapshot, DepthUpdate, decode
from keeper.recordings import Recording

__all__ = ["LeaderServer"]

HOST: Final = "127.0.0.1"
_POLL_SECONDS: Final = 0.02
_DEPTH_PATHS: Final = ("/fapi/v1/depth", "/api/v3/depth")
_BAD_SYMBOL: Final = '{"code":-1121,"msg":"Invalid symbol."}'
_Levels = tuple[tuple[int, int], ...]


class LeaderServer:
    """Plays recordings to whoever connects, up to the time `tape_ns` tells (Unix nanoseconds)."""

    def __init__(self, recordings: Sequence[Recording], tape_ns: Callable[[], int]) -> None:
        self._players = {recording.symbol: _Player(recording) for recording in recordings}
        self._tape_ns = tape_ns
        self._server: Server | None = None
        self._pump: asyncio.Task[None] | None = None
        self.port = 0

    async def open(self, port: int = 0) -> None:
        """Play up to now, then listen (port 0: a free one). Raises OSError, RecordingInvalid."""
        self._play()
        self._server = await serve(
            self._connected, HOST, port, process_request=self._requested, compression=None
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        self._pump = asyncio.create_task(self._run())

    @property
    def ws_url(self) -> str:
        """Base address of the stream, for [leader] ws_url."""
        return f"ws://{HOST}:{self.port}"

    @property
    def rest_url(self) -> str:
        """Base address of REST, for [leader] rest_url."""
        return f"http://{HOST}:{self.port}"

    async def close(self) -> None:
        """Stop playing and drop every connection. Raises what ended the playing early."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        if self._pump is not None:
            self._pump.cancel()
            (ended,) = await asyncio.gather(self._pump, return_exceptions=True)
            if isinstance(ended, Exception):
                raise ended

    async def _run(self) -> None:
        while True:
            self._play()
            await asyncio.sleep(_POLL_SECONDS)

    def _play(self) -> None:
        now_ns = self._tape_ns()
        for player in self._players.values():
            player.play(now_ns)

    async def _connected(self, connection: ServerConnection) -> None:
        """Give the client what it asked for until it leaves."""
        assert connection.request is not None  # noqa: S101 - a handshake has one
        streams = parse_qs(urlsplit(connection.request.path).query).get("streams", [""])[0]
        wanted = [name for name in streams.split("/") if self._player_of(name) is not None]
        for name in wanted:
            self._players[_symbol(name)].subscribe(name, connection)
        try:
            await connection.wait_closed()
        finally:
            for name in wanted:
                self._players[_symbol(name)].unsubscribe(name, connection)

    def _requested(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer REST; let a websocket's handshake through."""
        parts = urlsplit(request.path)
        if parts.path == "/stream":
            return None
        if parts.path not in _DEPTH_PATHS:
            return connection.respond(http.HTTPStatus.NOT_FOUND, "{}")
        query = parse_qs(parts.query)
        player = self._players.get(query.get("symbol", [""])[0])
        if player is None:
            return connection.respond(http.HTTPStatus.BAD_REQUEST, _BAD_SYMBOL)
        text = player.snapshot(int(query.get("limit", ["500"])[0]))
        if text is None:
            return connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "{}")
        return connection.respond(http.HTTPStatus.OK, text)

    def _player_of(self, stream: str) -> "_Player | None":
        return self._players.get(_symbol(stream))


class _Player:
    """One recording at a place in time: its book there, and who listens to which stream."""

    def __init__(self, recording: Recording) -> None:
        self._lines: Iterator[tuple[int, bytes]] = recording.lines()
        self._next: tuple[int, bytes] | None = next(self._lines, None)
        self._followed = Followed()
        self._listeners: dict[str, set[ServerConnection]] = {}

    def play(self, until_ns: int) -> None:
        """Let out what is due."""
        while self._next is not None and self._next[0] <= until_ns:
            self._let_out(self._next[1])
            self._next = next(self._lines, None)

    def snapshot(self, levels: int) -> str | None:
        """The depth endpoint's answer; None before the recording's own snapshot was played."""
        book = self._followed.book
        if book is None:
            return None
        return json.dumps(
            {
                "lastUpdateId": book.last_id,
                "bids": _texts(book.top_bids(levels)),
                "asks": _texts(book.top_asks(levels)),
            }
        )

    def subscribe(self, stream: str, connection: ServerConnection) -> None:
        self._listeners.setdefault(stream, set()).add(connection)

    def unsubscribe(self, stream: str, connection: ServerConnection) -> None:
        self._listeners[stream].discard(connection)

    def _let_out(self, text: bytes) -> None:
        payload = decode(text)
        if isinstance(payload, DepthSnapshot):
            if self._followed.book is None:
                self._followed.load(payload)
            return
        if isinstance(payload, DepthUpdate):
            self._followed.update(payload)
        recorded = _stream_of(text)
        for stream, listeners in self._listeners.items():
            if _channel(stream) == _channel(recorded) and listeners:
                renamed = text.replace(recorded.encode(), stream.encode(), 1)
                broadcast(listeners, renamed.decode())


def _symbol(stream: str) -> str:
    return stream.partition("@")[0].upper()


def _channel(stream: str) -> str:
    """The channel's name without its speed."""
    return stream.partition("@")[2].partition("@")[0]


def _stream_of(text: bytes) -> str:
    name: str = json.loads(text)["stream"]
    return name


def _texts(levels: _Levels) -> list[list[str]]:
    return [[_decimal(price), _decimal(size)] for price, size in levels]


def _decimal(value_e8: int) -> str:
    return f"{value_e8 // E8}.{value_e8 % E8:08}"
