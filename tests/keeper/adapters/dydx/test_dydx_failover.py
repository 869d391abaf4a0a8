"""Several endpoints: who is asked next, what a second one's refusal means, and the way back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from v4_proto.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint
from v4_proto.cosmos.tx.v1beta1 import service_pb2 as tx_service

from keeper.domain.errors import VenueUnavailable, WireError
from keeper.venues.dydx import node as node_module
from keeper.venues.dydx.node import Node

CHAIN = "localdydxprotocol"
RAW = b"a signed transaction"
UNAVAILABLE, EXHAUSTED = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED
Broadcast = Callable[[], tuple[str, int]]


class Validator:
    """A scripted validator: how it answers a broadcast, on which chain it is, what it was asked."""

    def __init__(self, chain_id: str = CHAIN) -> None:
        self.chain_id = chain_id
        self.status: grpc.StatusCode | None = None
        self.silent = False
        self.verdict = ("", 0)
        self.calls: list[str] = []
        self.address = ""

    async def node_info(self, _: Any, context: Any) -> Any:
        await self._serve("info", context)
        reply = tendermint.GetNodeInfoResponse()
        reply.default_node_info.network = self.chain_id
        return reply

    async def broadcast(self, request: Any, context: Any) -> Any:
        assert request.tx_bytes == RAW
        await self._serve("broadcast", context)
        reply = tx_service.BroadcastTxResponse()
        reply.tx_response.codespace, reply.tx_response.code = self.verdict
        reply.tx_response.raw_log = "a word"
        return reply

    async def _serve(self, what: str, context: Any) -> None:
        self.calls.append(what)
        if self.silent:
            await asyncio.sleep(30)
        if self.status is not None:
            await context.abort(self.status, "out of service")


@asynccontextmanager
async def serving(*validators: Validator) -> AsyncIterator[None]:
    servers = []
    for each in validators:
        server = grpc.aio.server()
        for service, method, request, handler in (
            (
                "cosmos.base.tendermint.v1beta1.Service",
                "GetNodeInfo",
                tendermint.GetNodeInfoRequest,
                each.node_info,
            ),
            (
                "cosmos.tx.v1beta1.Service",
                "BroadcastTx",
                tx_service.BroadcastTxRequest,
                each.broadcast,
            ),
        ):
            rpc = grpc.unary_unary_rpc_method_handler(
                handler,
                request_deserializer=request.FromString,
                response_serializer=lambda message: message.SerializeToString(),
            )
            server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(service, {method: rpc}),)
            )
        each.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
        servers.append(server)
    try:
        yield
    finally:
        for server in servers:
            await server.stop(None)


def node_of(*validators: Validator, chain_id: str = CHAIN) -> Node:
    first, *others = (each.address for each in validators)
    return Node(
        first, insecure=True, query_deadline_ms=300, fallbacks=tuple(others), chain_id=chain_id
    )


async def network(node: Node) -> str:
    answer = await node.query(
        "/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo",
        tendermint.GetNodeInfoRequest(),
        tendermint.GetNodeInfoResponse,
    )
    name: str = answer.reply.default_node_info.network
    return name


@pytest.mark.parametrize("fault", [UNAVAILABLE, EXHAUSTED, "silence"])
def test_query__first_out_of_service__second_answers_and_goes_on_serving(fault: Any) -> None:
    async def main() -> None:
        first, second = Validator(), Validator()
        async with serving(first, second), node_of(first, second) as node:
            first.silent = fault == "silence"
            first.status = None if first.silent else fault

            found = await network(node)
            asked = len(first.calls)
            await network(node)

            assert found == CHAIN
            assert node.endpoint == second.address
            assert len(first.calls) == asked

    asyncio.run(main())


def test_query__every_endpoint_out_of_service__the_last_failure_is_raised() -> None:
    async def main() -> None:
        first, second = Validator(), Validator()
        first.status = second.status = UNAVAILABLE
        async with serving(first, second), node_of(first, second) as node:
            await network(node)

    with pytest.raises(VenueUnavailable, match="UNAVAILABLE out of service"):
        asyncio.run(main())


def test_query__refused_for_a_reason__no_other_is_asked() -> None:
    async def main() -> list[str]:
        first, second = Validator(), Validator()
        first.status = grpc.StatusCode.INVALID_ARGUMENT
        async with serving(first, second), node_of(first, second) as node:
            with pytest.raises(VenueUnavailable, match="INVALID_ARGUMENT"):
                await network(node)
        return second.calls

    assert asyncio.run(main()) == []


def test_query__second_on_another_chain__is_passed_over() -> None:
    async def main() -> None:
        first, second, third = Validator(), Validator("dydx-mainnet-1"), Validator()
        first.status = UNAVAILABLE
        async with serving(first, second, third), node_of(first, second, third) as node:
            assert await network(node) == CHAIN
            assert node.endpoint == third.address

    asyncio.run(main())


def test_query__after_a_while_elsewhere__first_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        first, second = Validator(), Validator()
        first.status = UNAVAILABLE
        async with serving(first, second), node_of(first, second) as node:
            await network(node)
            first.status = None
            monkeypatch.setattr(node_module, "_AWAY_SECONDS", 0)
            await asyncio.sleep(0.01)

            await network(node)

            assert node.endpoint == first.address

    asyncio.run(main())


def test_broadcast__first_unavailable__same_bytes_to_the_second() -> None:
    async def main() -> None:
        first, second = Validator(), Validator()
        first.status = UNAVAILABLE
        async with serving(first, second), node_of(first, second) as node:
            reply = await node.broadcast(RAW, 500)

            assert (reply.codespace, reply.code) == ("", 0)
            assert second.calls == ["info", "broadcast"]

    asyncio.run(main())


def test_broadcast__second_has_the_bytes_already__its_word_counts() -> None:
    async def main() -> None:
        first, second = Validator(), Validator()
        first.status, second.verdict = UNAVAILABLE, ("sdk", 19)
        async with serving(first, second), node_of(first, second) as node:
            reply = await node.broadcast(RAW, 500)

            assert (reply.codespace, reply.code) == ("sdk", 19)

    asyncio.run(main())


def test_broadcast__second_refuses_what_the_first_may_have_taken__is_unknown() -> None:
    """The first may have passed it on: the refusal (a replacement not newer) would be of itself."""

    async def main() -> None:
        first, second = Validator(), Validator()
        first.status, second.verdict = UNAVAILABLE, ("clob", 20)
        async with serving(first, second), node_of(first, second) as node:
            await node.broadcast(RAW, 500)

    with pytest.raises(VenueUnavailable, match="answers a word"):
        asyncio.run(main())


def test_broadcast__first_refuses__is_the_verdict() -> None:
    async def main() -> None:
        first, second = Validator(), Validator()
        first.verdict = ("clob", 2003)
        async with serving(first, second), node_of(first, second) as node:
            reply = await node.broadcast(RAW, 500)

            assert (reply.codespace, reply.code, second.calls) == ("clob", 2003, [])

    asyncio.run(main())


def test_broadcast__first_silent_until_the_deadline__not_sent_late_but_second_serves_next() -> None:
    async def main() -> None:
        first, second = Validator(), Validator()
        first.silent = True
        async with serving(first, second), node_of(first, second) as node:
            with pytest.raises(VenueUnavailable, match="DEADLINE_EXCEEDED"):
                await node.broadcast(RAW, 100)
            assert second.calls == []

            await node.broadcast(RAW, 500)

            assert second.calls == ["info", "broadcast"]

    asyncio.run(main())


def test_broadcast__burst_meets_a_silent_endpoint__moves_on_once() -> None:
    async def main() -> None:
        validators = [Validator(), Validator(), Validator()]
        validators[0].silent = True
        async with serving(*validators), node_of(*validators) as node:
            burst = (node.broadcast(RAW, 100) for _ in range(4))
            results = await asyncio.gather(*burst, return_exceptions=True)

            assert all(isinstance(result, VenueUnavailable) for result in results)
            assert node.endpoint == validators[1].address

    asyncio.run(main())


def test_broadcast__undecodable_reply__wire_error() -> None:
    async def main() -> None:
        first = Validator()
        async with serving(first), node_of(first) as node:
            first.verdict = ("", -1)
            await node.broadcast(RAW, 500)

    with pytest.raises((WireError, VenueUnavailable)):
        asyncio.run(main())


def test_move_on__single_endpoint__stays() -> None:
    async def main() -> None:
        first = Validator()
        async with serving(first), node_of(first) as node:
            assert not node.move_on()
            assert node.endpoint == first.address

    asyncio.run(main())
