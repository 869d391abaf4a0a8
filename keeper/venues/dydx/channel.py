"""One gRPC address: its channel, with keepalive, opened lazily and reconnecting by itself."""

from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.message import Message

__all__ = ["Endpoint"]

# Servers close a connection that pings more often than every five minutes, or while nothing is
# asked (their default); a dead one is noticed by the deadline of every call.
_OPTIONS: Final = (
    ("grpc.keepalive_time_ms", 310_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)


class Endpoint:
    """One address: a channel that is opened by its first call and reconnects by itself."""

    def __init__(self, address: str, *, insecure: bool) -> None:
        self.address = address
        self._insecure = insecure
        self._channel: grpc.aio.Channel | None = None
        self._methods: dict[str, Any] = {}

    def method(self, name: str) -> Any:
        """Return the callable of a unary method."""
        call = self._methods.get(name)
        if call is None:
            # Replies stay bytes: grpc would hand out None for those it cannot decode.
            call = self._open().unary_unary(
                name, request_serializer=_serialise, response_deserializer=None
            )
            self._methods[name] = call
        return call

    async def close(self) -> None:
        """Close the channel; calls under way end as unavailable or cancelled."""
        if self._channel is not None:
            await self._channel.close(grace=None)
            self._channel = None
            self._methods.clear()

    def _open(self) -> grpc.aio.Channel:
        if self._channel is None:
            if self._insecure:
                self._channel = grpc.aio.insecure_channel(self.address, options=_OPTIONS)
            else:
                credentials = grpc.ssl_channel_credentials()
                self._channel = grpc.aio.secure_channel(self.address, credentials, options=_OPTIONS)
        return self._channel


def _serialise(message: Message) -> bytes:
    return message.SerializeToString()
