"""The gRPC transport: heights, deadlines, and no foreign exception gets out."""

import asyncio
from typing import Any

import grpc
import pytest
from dydx_peers import grpc_server
from v4_proto.cosmos.tx.v1beta1 import service_pb2 as tx_service
from v4_proto.dydxprotocol.subaccounts import query_pb2 as subaccounts

from keeper.domain.errors import VenueUnavailable, WireError
from keeper.venues.dydx.node import Node
from keeper.venues.dydx.reader import Reader
from keeper.venues.dydx.serializable import encode_int

SERVICE = "dydxprotocol.subaccounts.Query"
PATH = f"/{SERVICE}/Subaccount"
REQUEST = subaccounts.QueryGetSubaccountRequest(owner="dydx1us", number=0)
REPLY = subaccounts.QuerySubaccountResponse


def node_at(endpoint: str, deadline_ms: int = 2_000) -> Node:
    return Node(endpoint, insecure=True, query_deadline_ms=deadline_ms)


def sending(metadata: tuple[tuple[str, str], ...], reply: Any) -> Any:
    async def handler(_: Any, context: Any) -> Any:
        await context.send_initial_metadata(metadata)
        return reply

    return handler


def subaccount_reply() -> Any:
    reply = REPLY()
    asset = reply.subaccount.asset_positions.add()
    asset.quantums = encode_int(-5_000_001)
    for perpetual_id, quantums in ((1, -7), (0, 3)):
        position = reply.subaccount.perpetual_positions.add()
        position.perpetual_id = perpetual_id
        position.quantums = encode_int(quantums)
        position.funding_index = encode_int(-11)
        position.quote_balance = encode_int(13)
    return reply


async def subaccount_over(handler: Any, height: int | None) -> Any:
    async with (
        grpc_server(SERVICE, "Subaccount", subaccounts.QueryGetSubaccountRequest, handler) as at,
        node_at(at) as node,
    ):
        return await Reader(node).subaccount("dydx1us", 0, height)


def test_subaccount__negative_balance_and_positions__decoded_in_order() -> None:
    handler = sending((("x-cosmos-block-height", "42"),), subaccount_reply())

    state = asyncio.run(subaccount_over(handler, 42))

    assert (state.height, state.usdc) == (42, -5_000_001)
    assert [(p.perpetual_id, p.quantums) for p in state.positions] == [(0, 3), (1, -7)]
    assert (state.positions[0].funding_index, state.positions[0].quote_balance) == (-11, 13)


def test_subaccount__height_asked__travels_as_metadata() -> None:
    seen: list[str] = []

    async def handler(_: Any, context: Any) -> Any:
        seen.extend(v for k, v in context.invocation_metadata() if k == "x-cosmos-block-height")
        return subaccount_reply()

    state = asyncio.run(subaccount_over(handler, 42))

    assert seen == ["42"]
    assert state.height == 42


@pytest.mark.parametrize(
    ("metadata", "asked"),
    [((("x-cosmos-block-height", "41"),), 42), ((("x-cosmos-block-height", "x"),), 42), ((), None)],
)
def test_subaccount__other_or_no_height__wire_error(metadata: Any, asked: int | None) -> None:
    with pytest.raises(WireError):
        asyncio.run(subaccount_over(sending(metadata, subaccount_reply()), asked))


def test_subaccount__foreign_asset__wire_error() -> None:
    reply = subaccount_reply()
    reply.subaccount.asset_positions.add().asset_id = 7

    with pytest.raises(WireError, match="asset 7"):
        asyncio.run(subaccount_over(sending((("x-cosmos-block-height", "1"),), reply), None))


@pytest.mark.parametrize(
    "status",
    [
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.INTERNAL,
    ],
)
def test_query__any_status__venue_unavailable(status: grpc.StatusCode) -> None:
    async def handler(_: Any, context: Any) -> Any:
        await context.abort(status, "because")

    with pytest.raises(VenueUnavailable):
        asyncio.run(subaccount_over(handler, None))


def test_query__undecodable_reply__wire_error() -> None:
    with pytest.raises(WireError, match="QuerySubaccountResponse"):
        asyncio.run(subaccount_over(sending((), b"\xff\xff\xff"), None))


def test_query__handler_crashes__venue_unavailable() -> None:
    async def handler(_: Any, __: Any) -> Any:
        raise ZeroDivisionError

    with pytest.raises(VenueUnavailable):
        asyncio.run(subaccount_over(handler, None))


def test_query__no_answer__venue_unavailable_at_the_deadline() -> None:
    async def handler(_: Any, __: Any) -> Any:
        await asyncio.sleep(30)

    async def main() -> None:
        async with (
            grpc_server(
                SERVICE, "Subaccount", subaccounts.QueryGetSubaccountRequest, handler
            ) as at,
            node_at(at, deadline_ms=50) as node,
        ):
            await node.query(PATH, REQUEST, REPLY)

    with pytest.raises(VenueUnavailable, match="DEADLINE_EXCEEDED"):
        asyncio.run(main())


def test_query__nobody_listens__venue_unavailable() -> None:
    async def main() -> None:
        async with node_at("127.0.0.1:1", deadline_ms=500) as node:
            await node.query(PATH, REQUEST, REPLY)

    with pytest.raises(VenueUnavailable, match=r"127\.0\.0\.1:1"):
        asyncio.run(main())


def test_query__tls_endpoint_that_is_none__venue_unavailable() -> None:
    async def main() -> None:
        handler = sending((), subaccount_reply())
        async with (
            grpc_server(
                SERVICE, "Subaccount", subaccounts.QueryGetSubaccountRequest, handler
            ) as at,
            Node(at, insecure=False, query_deadline_ms=500) as node,
        ):
            await node.query(PATH, REQUEST, REPLY)

    with pytest.raises(VenueUnavailable):
        asyncio.run(main())


def test_find__not_found__none() -> None:
    async def handler(_: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.NOT_FOUND, "no such thing")

    async def main() -> Any:
        async with (
            grpc_server(
                SERVICE, "Subaccount", subaccounts.QueryGetSubaccountRequest, handler
            ) as at,
            node_at(at) as node,
        ):
            return await node.find(PATH, REQUEST, REPLY)

    assert asyncio.run(main()) is None


async def broadcast_over(handler: Any, deadline_ms: int) -> Any:
    async with (
        grpc_server(
            "cosmos.tx.v1beta1.Service", "BroadcastTx", tx_service.BroadcastTxRequest, handler
        ) as at,
        node_at(at) as node,
    ):
        return await node.broadcast(b"tx", deadline_ms)


def test_broadcast__refused_by_check_tx__its_word() -> None:
    async def handler(request: Any, _: Any) -> Any:
        assert (request.tx_bytes, request.mode) == (b"tx", tx_service.BROADCAST_MODE_SYNC)
        reply = tx_service.BroadcastTxResponse()
        reply.tx_response.code = 2003
        reply.tx_response.codespace = "clob"
        reply.tx_response.raw_log = "post-only would cross"
        reply.tx_response.txhash = "AB"
        return reply

    reply = asyncio.run(broadcast_over(handler, 1_000))

    assert (reply.code, reply.codespace) == (2003, "clob")
    assert (reply.raw_log, reply.tx_hash) == ("post-only would cross", "AB")


def test_broadcast__no_answer__venue_unavailable_at_the_deadline() -> None:
    async def handler(_: Any, __: Any) -> Any:
        await asyncio.sleep(30)

    with pytest.raises(VenueUnavailable, match="DEADLINE_EXCEEDED"):
        asyncio.run(broadcast_over(handler, 50))
