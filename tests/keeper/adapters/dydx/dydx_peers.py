"""Small stand-ins the adapter's tests talk to: a clock, and in-memory ends of each transport."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message

from keeper.domain.errors import VenueUnavailable
from keeper.domain.events import Event
from keeper.venues.dydx import wire
from keeper.venues.dydx.reader import PerpetualState, PositionState, SubaccountState

ADDRESS = "dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4"


class StepClock:
    """A clock that stands still; sleeping yields to other tasks without waiting."""

    def __init__(self, now_ns: int = 1_760_000_000_000_000_000) -> None:
        self.time_ns = now_ns
        self.slept: list[float] = []

    def now_ns(self) -> int:
        return self.time_ns

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


class Events(list[Event]):
    """What was emitted, in order."""

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self if isinstance(event, kind)]


class ChainHistory:
    """Committed states by height, as a Reader answers them; `calls` are the heights asked."""

    def __init__(self) -> None:
        self.states: dict[int, SubaccountState] = {}
        self.indexes: dict[int, int] = {}
        self.calls: list[int | None] = []

    def put(self, height: int, usdc: int, *positions: tuple[int, int, int]) -> None:
        entries = tuple(PositionState(p, q, index, 0) for p, q, index in positions)
        self.states[height] = SubaccountState(height, usdc, entries)

    async def subaccount(
        self, owner: str, number: int, height: int | None = None
    ) -> SubaccountState:
        assert (owner, number) == (ADDRESS, 0)
        self.calls.append(height)
        known = self.states.get(max(self.states) if height is None else height)
        if known is None:
            raise VenueUnavailable(f"no state at {height}")
        return known

    async def perpetual(self, perpetual_id: int, height: int | None = None) -> PerpetualState:
        assert height is not None
        return PerpetualState(perpetual_id, "ETH-USD", perpetual_id, -9, self.indexes[height], 0)


class IndexerHistory:
    """Fills, transfers and orders as an Indexer answers them; an order after so many seconds."""

    def __init__(self) -> None:
        self.fills: list[wire.Fill] = []
        self.transfers: list[wire.Transfer] = []
        self.orders: dict[str, wire.Order] = {}
        self.asked: list[str] = []
        self.seconds = 0.0

    async def fills_above(self, height: int) -> list[wire.Fill]:
        return [fill for fill in self.fills if int(fill.created_at_height) > height]

    async def transfers_above(self, height: int) -> list[wire.Transfer]:
        return [entry for entry in self.transfers if int(entry.created_at_height) > height]

    async def order(self, order_id: str) -> wire.Order | None:
        self.asked.append(order_id)
        await asyncio.sleep(self.seconds)
        return self.orders.get(order_id)


Handler = Callable[[Message, "grpc.aio.ServicerContext[Any, Any]"], Any]


@asynccontextmanager
async def grpc_server(
    service: str, method: str, request: type[Any], handler: Handler
) -> AsyncIterator[str]:
    """Serve one unary method on a free loopback port; yields host:port."""
    server = grpc.aio.server()
    rpc = grpc.unary_unary_rpc_method_handler(
        handler,
        request_deserializer=request.FromString,
        response_serializer=lambda message: (
            message if isinstance(message, bytes) else message.SerializeToString()
        ),
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: rpc}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
