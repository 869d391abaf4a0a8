"""Transport to the indexer's websocket: one connection, its subscriptions and its sequence."""

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidURI, WebSocketException

from keeper.domain.errors import VenueUnavailable, WireError
from keeper.venues.dydx import wire

__all__ = ["SequenceGap", "Stream"]

_PING_SECONDS = 10
_QUEUE = 4_096
_MOST_BYTES = 64 * 1024 * 1024
_encoder = msgspec.json.Encoder()


class SequenceGap(WireError):
    """Raised inside this package when message ids skip; the venue turns it into SourceGap."""

    def __init__(self, expected: int, received: int) -> None:
        super().__init__(f"message id {received} came where {expected} was due")
        self.expected = expected
        self.received = received


class Stream:
    """A connected websocket; message ids are checked, everything unbatched."""

    def __init__(self, url: str, connection: ClientConnection) -> None:
        self._url = url
        self._connection = connection
        self._expected = 0

    @classmethod
    async def open(cls, url: str, deadline_ms: int) -> "Stream":
        """Connect. Raises VenueUnavailable."""
        try:
            connection = await connect(
                url,
                open_timeout=deadline_ms / 1_000,
                close_timeout=1,
                ping_interval=_PING_SECONDS,
                ping_timeout=_PING_SECONDS,
                max_queue=_QUEUE,
                max_size=_MOST_BYTES,
                compression=None,
            )
        except (WebSocketException, InvalidURI, OSError, TimeoutError) as error:
            raise VenueUnavailable(
                f"{url}: {type(error).__name__} {error}",
                next_step="check the indexer's websocket address and health",
            ) from error
        return cls(url, connection)

    async def subscribe(self, channel: str, key: str | None = None) -> None:
        """Ask for a channel; its answer arrives as a message. Raises VenueUnavailable."""
        await self._ask({"type": "subscribe", "channel": channel, "batched": False}, key)

    async def unsubscribe(self, channel: str, key: str) -> None:
        """End a channel; its answer arrives as a message. Raises VenueUnavailable."""
        await self._ask({"type": "unsubscribe", "channel": channel}, key)

    async def _ask(self, request: dict[str, object], key: str | None) -> None:
        if key is not None:
            request["id"] = key
        try:
            await self._connection.send(_encoder.encode(request).decode())
        except (WebSocketException, OSError) as error:
            raise self._lost(error) from error

    async def receive(self) -> wire.Envelope:
        """Return the next message. Raises VenueUnavailable, WireError or SequenceGap."""
        try:
            payload = await self._connection.recv(decode=False)
        except (WebSocketException, OSError) as error:
            raise self._lost(error) from error
        envelope = wire.decode(payload, wire.Envelope)
        if envelope.message_id != self._expected:
            raise SequenceGap(self._expected, envelope.message_id)
        self._expected += 1
        return envelope

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()

    def _lost(self, error: Exception) -> VenueUnavailable:
        received = error.rcvd if isinstance(error, ConnectionClosed) else None
        reason = "connection lost" if received is None else f"closed with {received.code}"
        text = "" if received is None else f" {received.reason}"
        return VenueUnavailable(f"{self._url}: {reason}{text}".rstrip())
