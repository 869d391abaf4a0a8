"""Transport to the validator: one gRPC channel with keepalive, and a deadline on every call."""

from types import TracebackType
from typing import Any, Final

import grpc
import grpc.aio
import msgspec
from google.protobuf.message import DecodeError, Message
from v4_proto.cosmos.tx.v1beta1.service_pb2 import (
    BROADCAST_MODE_SYNC,
    BroadcastTxRequest,
    BroadcastTxResponse,
)

from keeper.domain.errors import VenueUnavailable, WireError

__all__ = ["Answer", "BroadcastReply", "Node"]

_HEIGHT: Final = "x-cosmos-block-height"
_BROADCAST: Final = "/cosmos.tx.v1beta1.Service/BroadcastTx"
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


class Answer(msgspec.Struct, frozen=True):
    """A reply and the height of the state it was read from (0 when the server does not say)."""

    reply: Any
    height: int


class BroadcastReply(msgspec.Struct, frozen=True, kw_only=True):
    """The node's CheckTx verdict; code 0 only means that this node took the transaction."""

    code: int
    codespace: str
    raw_log: str
    tx_hash: str


class Node:
    """A validator's gRPC endpoint; connects on the first call and reconnects by itself."""

    def __init__(self, endpoint: str, *, insecure: bool, query_deadline_ms: int) -> None:
        self._endpoint = endpoint
        self._insecure = insecure
        self._deadline = query_deadline_ms / 1_000
        self._channel: grpc.aio.Channel | None = None
        self._methods: dict[str, Any] = {}

    async def query(
        self, method: str, request: Message, reply: type[Any], height: int | None = None
    ) -> Answer:
        """Read, at a height when one is given. Raises VenueUnavailable or WireError."""
        answer = await self._read(method, request, reply, height)
        if answer is None:
            raise VenueUnavailable(f"{self._endpoint} {method}: not found")
        return answer

    async def find(
        self, method: str, request: Message, reply: type[Any], height: int | None = None
    ) -> Answer | None:
        """Read what may not exist: None when the node answers NOT_FOUND."""
        return await self._read(method, request, reply, height)

    async def broadcast(self, raw: bytes, deadline_ms: int) -> BroadcastReply:
        """Send a transaction and return the node's CheckTx verdict.

        Raises VenueUnavailable or WireError: the transaction may or may not have reached the chain.
        """
        request = BroadcastTxRequest(tx_bytes=raw, mode=BROADCAST_MODE_SYNC)
        call = self._method(_BROADCAST)
        try:
            raw_reply = await call(request, timeout=deadline_ms / 1_000)
        except (grpc.RpcError, grpc.aio.BaseError) as error:
            raise self._unavailable(_BROADCAST, error) from error
        response = _decoded(_BROADCAST, BroadcastTxResponse, raw_reply).tx_response
        return BroadcastReply(
            code=response.code,
            codespace=response.codespace,
            raw_log=response.raw_log,
            tx_hash=response.txhash,
        )

    async def close(self) -> None:
        """Close the channel; calls under way end as VenueUnavailable or cancelled."""
        if self._channel is not None:
            await self._channel.close(grace=None)
            self._channel = None
            self._methods.clear()

    async def __aenter__(self) -> "Node":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _read(
        self, method: str, request: Message, reply: type[Any], height: int | None
    ) -> Answer | None:
        metadata = () if height is None else ((_HEIGHT, str(height)),)
        call = self._method(method)(request, timeout=self._deadline, metadata=metadata)
        try:
            raw_reply = await call
            header = await call.initial_metadata()
        except (grpc.RpcError, grpc.aio.BaseError) as error:
            if isinstance(error, grpc.aio.AioRpcError) and error.code() is _NOT_FOUND:
                return None
            raise self._unavailable(method, error) from error
        return Answer(_decoded(method, reply, raw_reply), _height_of(header, height))

    def _method(self, method: str) -> Any:
        call = self._methods.get(method)
        if call is None:
            # Replies stay bytes: grpc would hand out None for those it cannot decode.
            call = self._open().unary_unary(
                method, request_serializer=_serialise, response_deserializer=None
            )
            self._methods[method] = call
        return call

    def _open(self) -> grpc.aio.Channel:
        if self._channel is None:
            if self._insecure:
                self._channel = grpc.aio.insecure_channel(self._endpoint, options=_OPTIONS)
            else:
                credentials = grpc.ssl_channel_credentials()
                self._channel = grpc.aio.secure_channel(
                    self._endpoint, credentials, options=_OPTIONS
                )
        return self._channel

    def _unavailable(self, method: str, error: Exception) -> VenueUnavailable:
        if isinstance(error, grpc.aio.AioRpcError):
            reason = f"{error.code().name} {error.details() or ''}".strip()
        else:
            reason = f"{type(error).__name__} {error}"
        return VenueUnavailable(
            f"{self._endpoint} {method}: {reason}",
            next_step="check the node's address, TLS setting and health",
        )


_NOT_FOUND: Final = grpc.StatusCode.NOT_FOUND


def _serialise(message: Message) -> bytes:
    return message.SerializeToString()


def _decoded(method: str, reply: type[Any], raw: bytes) -> Any:
    try:
        return reply.FromString(raw)
    except DecodeError as error:
        raise WireError(f"{method}: the reply is no {reply.__name__}") from error


def _height_of(metadata: Any, asked: int | None) -> int:
    for key, value in metadata or ():
        if key == _HEIGHT:
            try:
                answered = int(value)
            except ValueError as error:
                raise WireError(f"the node names height {value!r}") from error
            if asked is not None and answered != asked:
                raise WireError(f"the node answered for height {answered}, asked was {asked}")
            return answered
    return asked or 0
