"""A reporter's own connection to a validator: raw answers, at a height."""

from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.message import Message
from v4_proto.cosmos.bank.v1beta1.query_pb2 import QueryBalanceRequest
from v4_proto.cosmos.base.query.v1beta1.pagination_pb2 import PageRequest
from v4_proto.cosmos.base.tendermint.v1beta1.query_pb2 import (
    GetBlockByHeightRequest,
    GetLatestBlockRequest,
)
from v4_proto.cosmos.tx.v1beta1.service_pb2 import (
    ORDER_BY_ASC,
    GetTxsEventRequest,
    GetTxsEventResponse,
)
from v4_proto.dydxprotocol.perpetuals.query_pb2 import QueryAllPerpetualsRequest
from v4_proto.dydxprotocol.prices.query_pb2 import (
    QueryAllMarketPricesRequest,
    QueryMarketPriceRequest,
)
from v4_proto.dydxprotocol.subaccounts.query_pb2 import QueryGetSubaccountRequest

from keeper.domain.errors import VenueUnavailable, WireError
from keeper.reporter.wire import USDC_DENOM, Header, decode_chain_id, decode_header

__all__ = ["StateOutOfReach", "Validator"]

_HEIGHT: Final = "x-cosmos-block-height"
_TENDERMINT: Final = "/cosmos.base.tendermint.v1beta1.Service/"
_EVERYTHING: Final = PageRequest(limit=10_000)
_TXS_PER_PAGE: Final = 100
_TRANSIENT: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,
    }
)


class StateOutOfReach(VenueUnavailable):
    """Raised when the node answers but does not have what was asked, e.g. pruned state."""


class Validator:
    """Reads committed state as bytes. Every method raises VenueUnavailable, WireError."""

    def __init__(self, endpoint: str, *, insecure: bool, deadline_seconds: float) -> None:
        self._endpoint = endpoint
        self._insecure = insecure
        self._deadline = deadline_seconds
        self._channel: grpc.aio.Channel | None = None

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close(None)
            self._channel = None

    async def chain_id(self) -> str:
        """Id of the chain the node follows."""
        return decode_chain_id(await self._read(_TENDERMINT + "GetLatestBlock", _LATEST))

    async def latest(self) -> Header:
        """Height and time of the newest block."""
        return decode_header(await self._read(_TENDERMINT + "GetLatestBlock", _LATEST))

    async def header(self, height: int) -> bytes:
        """The block at a height."""
        request = GetBlockByHeightRequest(height=height)
        return await self._read(_TENDERMINT + "GetBlockByHeight", request)

    async def balance(self, address: str, height: int) -> bytes:
        """A wallet's USDC."""
        request = QueryBalanceRequest(address=address, denom=USDC_DENOM)
        return await self._read("/cosmos.bank.v1beta1.Query/Balance", request, height)

    async def subaccount(self, owner: str, number: int, height: int) -> bytes:
        """A subaccount; one that was never used is empty."""
        request = QueryGetSubaccountRequest(owner=owner, number=number)
        return await self._read("/dydxprotocol.subaccounts.Query/Subaccount", request, height)

    async def perpetuals(self, height: int) -> bytes:
        """All perpetuals with their funding indices."""
        request = QueryAllPerpetualsRequest(pagination=_EVERYTHING)
        return await self._read("/dydxprotocol.perpetuals.Query/AllPerpetuals", request, height)

    async def prices(self, height: int) -> bytes:
        """All oracle prices."""
        request = QueryAllMarketPricesRequest(pagination=_EVERYTHING)
        return await self._read("/dydxprotocol.prices.Query/AllMarketPrices", request, height)

    async def price(self, market_id: int, height: int) -> bytes:
        """One oracle price."""
        request = QueryMarketPriceRequest(id=market_id)
        return await self._read("/dydxprotocol.prices.Query/MarketPrice", request, height)

    async def transactions(self, query: str) -> list[bytes]:
        """Every page of a transaction search, oldest first."""
        pages: list[bytes] = []
        total, seen = 1, 0
        while seen < total:
            request = GetTxsEventRequest(
                query=query, order_by=ORDER_BY_ASC, page=len(pages) + 1, limit=_TXS_PER_PAGE
            )
            raw = await self._read("/cosmos.tx.v1beta1.Service/GetTxsEvent", request)
            answer = GetTxsEventResponse.FromString(raw)
            pages.append(raw)
            total, seen = answer.total, seen + len(answer.txs)
            if not answer.txs:
                break
        if seen < total:
            raise WireError(f"a search for {query} gave {seen} of {total} transactions")
        return pages

    async def _read(self, method: str, request: Message, height: int | None = None) -> bytes:
        call = self._open().unary_unary(
            method, request_serializer=_to_bytes, response_deserializer=bytes
        )
        metadata = () if height is None else ((_HEIGHT, str(height)),)
        try:
            running = call(request, metadata=metadata, timeout=self._deadline)
            raw: bytes = await running
            answered = {str(key): _text(value) for key, value in await running.initial_metadata()}
        except grpc.aio.AioRpcError as error:
            kind = VenueUnavailable if error.code() in _TRANSIENT else StateOutOfReach
            raise kind(
                f"{self._endpoint} {method}: {error.code().name} {error.details()}",
                next_step="start the venue's node or correct its address",
            ) from error
        if height is not None and answered.get(_HEIGHT, str(height)) != str(height):
            raise WireError(f"{method} answered for height {answered[_HEIGHT]}, not {height}")
        return raw

    def _open(self) -> grpc.aio.Channel:
        if self._channel is None:
            self._channel = (
                grpc.aio.insecure_channel(self._endpoint)
                if self._insecure
                else grpc.aio.secure_channel(self._endpoint, grpc.ssl_channel_credentials())
            )
        return self._channel


_LATEST: Final = GetLatestBlockRequest()


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _to_bytes(message: Any) -> bytes:
    raw: bytes = message.SerializeToString()
    return raw
