"""Transport to the validator: gRPC channels with keepalive, failover, a deadline on every call."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final

import grpc
import grpc.aio
import msgspec
from google.protobuf.message import DecodeError, Message
from v4_proto.cosmos.base.tendermint.v1beta1.query_pb2 import (
    GetNodeInfoRequest,
    GetNodeInfoResponse,
)
from v4_proto.cosmos.tx.v1beta1.service_pb2 import (
    BROADCAST_MODE_SYNC,
    BroadcastTxRequest,
    BroadcastTxResponse,
)

from keeper.domain.errors import VenueUnavailable, WireError
from keeper.venues.dydx.channel import Endpoint

__all__ = ["Answer", "BroadcastReply", "Node"]

_HEIGHT: Final = "x-cosmos-block-height"
_BROADCAST: Final = "/cosmos.tx.v1beta1.Service/BroadcastTx"
_NODE_INFO: Final = "/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo"
_AWAY_SECONDS: Final = 60
_NOT_FOUND: Final = grpc.StatusCode.NOT_FOUND
_ELSEWHERE: Final = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
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
    """A validator's gRPC, at one endpoint or at the first of several that answers.

    A call that meets an endpoint out of reach, out of time or out of quota goes on at the next
    one, which then serves whatever follows. After a while the first is tried again. With
    `chain_id` a further endpoint on another chain is passed over.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        insecure: bool,
        query_deadline_ms: int,
        fallbacks: Sequence[str] = (),
        chain_id: str = "",
    ) -> None:
        self._endpoints = tuple(Endpoint(a, insecure=insecure) for a in (endpoint, *fallbacks))
        self._deadline = query_deadline_ms / 1_000
        self._chain_id = chain_id
        self._known = {endpoint}
        self._current = 0
        self._away_since = 0.0

    @property
    def endpoint(self) -> str:
        """The address that serves now."""
        return self._endpoints[self._current].address

    def move_on(self) -> bool:
        """Let the next endpoint serve from here on; tell whether there is another one."""
        if len(self._endpoints) == 1:
            return False
        self._serve_from((self._current + 1) % len(self._endpoints))
        return True

    async def query(
        self, method: str, request: Message, reply: type[Any], height: int | None = None
    ) -> Answer:
        """Read, at a height when one is given. Raises VenueUnavailable or WireError."""
        answer = await self.find(method, request, reply, height)
        if answer is None:
            raise VenueUnavailable(f"{self.endpoint} {method}: not found")
        return answer

    async def find(
        self, method: str, request: Message, reply: type[Any], height: int | None = None
    ) -> Answer | None:
        """Read what may not exist: None when the node answers NOT_FOUND."""
        self._return_home()
        failure: VenueUnavailable | None = None
        for index in self._order():
            try:
                await self._check_chain(index)
                answer = await self._read(self._endpoints[index], method, request, reply, height)
            except _OutOfService as error:
                failure = error
            else:
                self._serve_from(index)
                return answer
        raise failure or VenueUnavailable("no endpoint is configured")

    async def broadcast(self, raw: bytes, deadline_ms: int) -> BroadcastReply:
        """Send a transaction and return the node's CheckTx verdict.

        Where an endpoint fails in time, the same bytes go to the next. A refusal there says
        nothing about what the first has passed on, so it is no verdict. Raises VenueUnavailable
        or WireError: the transaction may or may not have reached the chain.
        """
        end = asyncio.get_running_loop().time() + deadline_ms / 1_000
        failure: VenueUnavailable | None = None
        first = self._current
        for index in self._order():
            left = end - asyncio.get_running_loop().time()
            if failure is not None and left <= 0:
                break
            try:
                await self._check_chain(index)
                reply = await self._sent(self._endpoints[index], raw, left)
            except _OutOfService as error:
                failure = error
                continue
            self._serve_from(index)
            if failure is None or reply.code == 0 or _is_known(reply):
                return reply
            raise VenueUnavailable(f"{failure}; {self.endpoint} answers {reply.raw_log}")
        if self._current == first:
            self.move_on()
        raise failure or VenueUnavailable("no endpoint is configured")

    async def close(self) -> None:
        """Close every channel; calls under way end as VenueUnavailable or cancelled."""
        for endpoint in self._endpoints:
            await endpoint.close()

    async def __aenter__(self) -> "Node":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _order(self) -> list[int]:
        """Every endpoint once, the one that serves first."""
        count = len(self._endpoints)
        return [(self._current + step) % count for step in range(count)]

    def _serve_from(self, index: int) -> None:
        if index != self._current:
            self._current = index
            self._away_since = asyncio.get_running_loop().time()

    def _return_home(self) -> None:
        """Begin with the first endpoint again after a while at another."""
        if self._current and asyncio.get_running_loop().time() - self._away_since > _AWAY_SECONDS:
            self._current = 0

    async def _check_chain(self, index: int) -> None:
        """Pass over a further endpoint that is on another chain."""
        endpoint = self._endpoints[index]
        if not self._chain_id or endpoint.address in self._known:
            return
        answer = await self._read(endpoint, _NODE_INFO, GetNodeInfoRequest(), GetNodeInfoResponse)
        found = "" if answer is None else answer.reply.default_node_info.network
        if found != self._chain_id:
            raise _OutOfService(f"{endpoint.address} is on chain {found}, not {self._chain_id}")
        self._known.add(endpoint.address)

    async def _read(
        self,
        endpoint: Endpoint,
        method: str,
        request: Message,
        reply: type[Any],
        height: int | None = None,
    ) -> Answer | None:
        metadata = () if height is None else ((_HEIGHT, str(height)),)
        call = endpoint.method(method)(request, timeout=self._deadline, metadata=metadata)
        try:
            raw_reply = await call
            header = await call.initial_metadata()
        except (grpc.RpcError, grpc.aio.BaseError) as error:
            if isinstance(error, grpc.aio.AioRpcError) and error.code() is _NOT_FOUND:
                return None
            raise _unavailable(endpoint, method, error) from error
        return Answer(_decoded(method, reply, raw_reply), _height_of(header, height))

    async def _sent(self, endpoint: Endpoint, raw: bytes, seconds: float) -> BroadcastReply:
        request = BroadcastTxRequest(tx_bytes=raw, mode=BROADCAST_MODE_SYNC)
        call = endpoint.method(_BROADCAST)
        try:
            raw_reply = await call(request, timeout=seconds)
        except (grpc.RpcError, grpc.aio.BaseError) as error:
            raise _unavailable(endpoint, _BROADCAST, error) from error
        response = _decoded(_BROADCAST, BroadcastTxResponse, raw_reply).tx_response
        return BroadcastReply(
            code=response.code,
            codespace=response.codespace,
            raw_log=response.raw_log,
            tx_hash=response.txhash,
        )


class _OutOfService(VenueUnavailable):
    """Raised inside this module: another endpoint may answer what this one did not."""


def _unavailable(endpoint: Endpoint, method: str, error: Exception) -> VenueUnavailable:
    kind = VenueUnavailable
    if isinstance(error, grpc.aio.AioRpcError):
        reason = f"{error.code().name} {error.details() or ''}".strip()
        kind = _OutOfService if error.code() in _ELSEWHERE else kind
    else:
        reason = f"{type(error).__name__} {error}"
    return kind(
        f"{endpoint.address} {method}: {reason}",
        next_step="check the node's address, TLS setting and health",
    )


def _is_known(reply: BroadcastReply) -> bool:
    """Whether the node has those very bytes already."""
    return (reply.codespace, reply.code) == ("sdk", 19)


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
