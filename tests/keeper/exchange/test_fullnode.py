"""Full-node streaming: snapshot, order by order updates, confirmed fills."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import pytest
from v4_proto.dydxprotocol.clob import query_pb2
from v4_proto.dydxprotocol.clob.query_pb2_grpc import QueryStub

from keeper.devnet.exchange import Exchange, ExchangeConfig
from keeper.devnet.exchange.model import SubaccountId
from tests.keeper.exchange.wallets import ETH, SELL, Trader, cancel, order, place

Scenario = Callable[["Node"], Awaitable[None]]
FINALIZE = 7


class Node:
    """A served exchange with two funded traders, and a client of its stream."""

    def __init__(self, exchange: Exchange, channel: grpc.aio.Channel) -> None:
        self.exchange = exchange
        self._stub = QueryStub(channel)
        self.alice, self.bob = self._fund(1), self._fund(2)

    def _fund(self, seed: int) -> Trader:
        trader = Trader(seed)
        self.exchange.chain.faucet(SubaccountId(trader.address, 0), 10_000_000_000)
        self.exchange.make_block()
        account = self.exchange.chain.state.accounts.get(trader.address)
        assert account is not None
        return Trader(seed, account.number)

    def send(self, raw: bytes) -> None:
        outcome = self.exchange.chain.check_tx(raw)
        assert outcome.result.code == 0
        self.exchange.publish(outcome.events)

    def follow(self, **request: Any) -> Any:
        return self._stub.StreamOrderbookUpdates(query_pb2.StreamOrderbookUpdatesRequest(**request))


async def updates(stream: Any) -> Any:
    return (await asyncio.wait_for(stream.read(), 5)).updates


def run(scenario: Scenario) -> None:
    async def serve() -> None:
        async with (
            Exchange(ExchangeConfig()) as exchange,
            grpc.aio.insecure_channel(f"127.0.0.1:{exchange.ports.grpc}") as channel,
        ):
            await scenario(Node(exchange, channel))

    asyncio.run(serve())


def test_stream__order_placed_before__is_in_snapshot() -> None:
    async def scenario(node: Node) -> None:
        node.send(place(node.alice, order(node.alice, gtb=9, client_id=4)))

        (book,) = await updates(node.follow(clob_pair_id=[ETH]))

        assert book.orderbook_update.snapshot
        (change,) = book.orderbook_update.updates
        assert change.order_place.order.order_id.client_id == 4
        assert change.order_place.order.quantums == 100_000_000

    run(scenario)


def test_stream__place_and_cancel__tells_each_order() -> None:
    async def scenario(node: Node) -> None:
        stream = node.follow(clob_pair_id=[ETH])
        await updates(stream)
        wire = order(node.alice, gtb=9)
        node.send(place(node.alice, wire))
        node.send(cancel(node.alice, wire.order_id, 9))

        (placed,), (removed,) = await updates(stream), await updates(stream)

        assert placed.exec_mode == 0
        assert placed.orderbook_update.updates[0].HasField("order_place")
        reason = removed.orderbook_update.updates[0].order_remove.reason
        assert reason == 2  # user canceled

    run(scenario)


def test_stream__match__fill_is_told_in_finalize_mode_alone() -> None:
    async def scenario(node: Node) -> None:
        stream = node.follow(
            clob_pair_id=[ETH], subaccount_ids=[node.alice.subaccount()], market_ids=[ETH]
        )
        snapshot = await updates(stream)
        node.send(place(node.alice, order(node.alice, gtb=9)))
        node.send(place(node.bob, order(node.bob, gtb=9, side=SELL, size=40)))
        node.exchange.chain.set_oracle(ETH, 3_100_000_000)
        node.exchange.make_block()

        told = [await updates(stream) for _ in range(3)]

        assert [u.WhichOneof("update_message") for u in snapshot] == [
            "orderbook_update",
            "subaccount_update",
            "price_update",
        ]
        optimistic = [u for batch in told[:2] for u in batch]
        assert not [u for u in optimistic if u.HasField("order_fill")]
        (fill,) = [u for u in told[2] if u.HasField("order_fill")]
        assert fill.exec_mode == FINALIZE
        assert fill.block_height == node.exchange.chain.height
        assert list(fill.order_fill.fill_amounts) == [40_000_000, 40_000_000]
        (account,) = [u for u in told[2] if u.HasField("subaccount_update")]
        (position,) = account.subaccount_update.updated_perpetual_positions
        assert position.quantums == 40_000_000
        (price,) = [u for u in told[2] if u.HasField("price_update")]
        assert price.price_update.price.price == 3_100_000_000

    run(scenario)


def test_stream__own_orders_alone__hides_others() -> None:
    async def scenario(node: Node) -> None:
        stream = node.follow(
            clob_pair_id=[ETH],
            subaccount_ids=[node.bob.subaccount()],
            filter_orders_by_subaccount_id=True,
        )
        await updates(stream)
        node.send(place(node.alice, order(node.alice, gtb=9, client_id=1)))
        node.send(place(node.bob, order(node.bob, gtb=9, client_id=2)))

        (placed,) = await updates(stream)

        order_id = placed.orderbook_update.updates[0].order_place.order.order_id
        assert order_id.client_id == 2

    run(scenario)


def test_stream__expiry__removes_order_as_expired() -> None:
    async def scenario(node: Node) -> None:
        height = node.exchange.chain.height
        node.send(place(node.alice, order(node.alice, gtb=height + 1)))
        stream = node.follow(clob_pair_id=[ETH])
        await updates(stream)
        node.exchange.make_block()

        (removed,) = await updates(stream)

        change = removed.orderbook_update.updates[0].order_remove
        assert (change.reason, change.removal_status) == (1, 2)

    run(scenario)


def test_stream__nothing_named__is_refused() -> None:
    async def scenario(node: Node) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await node.follow().read()
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT

    run(scenario)
