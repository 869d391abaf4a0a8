"""gRPC answers: state at height, blocks, transaction search, simulation."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import pytest
from v4_proto.cosmos.bank.v1beta1 import query_pb2 as bank
from v4_proto.cosmos.base.tendermint.v1beta1 import query_pb2 as node
from v4_proto.cosmos.tx.v1beta1 import service_pb2 as txs
from v4_proto.dydxprotocol.accountplus import query_pb2 as accountplus
from v4_proto.dydxprotocol.clob import query_pb2 as clob
from v4_proto.dydxprotocol.perpetuals import query_pb2 as perpetuals
from v4_proto.dydxprotocol.prices import query_pb2 as prices
from v4_proto.dydxprotocol.subaccounts import query_pb2 as subaccounts

from keeper.devnet.exchange import Exchange, ExchangeConfig
from keeper.devnet.exchange.serializable import from_bytes, to_bytes
from tests.keeper.exchange.test_process import Rpc
from tests.keeper.exchange.wallets import (
    SELL,
    USDC,
    Signing,
    Trader,
    deposit,
    order,
    place,
    send,
    withdraw,
)

Scenario = Callable[["Node"], Awaitable[None]]
NODE = "/cosmos.base.tendermint.v1beta1.Service/"
TXS = "/cosmos.tx.v1beta1.Service/"


class Node(Rpc):
    """A client of a served exchange, with named queries."""

    def __init__(self, channel: grpc.aio.Channel, exchange: Exchange) -> None:
        super().__init__(channel)
        self.exchange = exchange

    def fund(self, seed: int) -> Trader:
        trader = Trader(seed)
        self.exchange.chain.credit(trader.address, 1_000_000_000, f"0x{seed}:0")
        self.exchange.make_block()
        account = self.exchange.chain.state.accounts.get(trader.address)
        assert account is not None
        return Trader(seed, account.number)

    async def at(self, height: int | None, path: str, request: Any, response: Any) -> Any:
        metadata = {} if height is None else {"x_cosmos_block_height": str(height)}
        return await self.call(path, request, response, **metadata)

    async def balance(self, address: str, height: int | None = None) -> int:
        request = bank.QueryBalanceRequest(address=address, denom=USDC)
        path = "/cosmos.bank.v1beta1.Query/Balance"
        return int((await self.at(height, path, request, bank.QueryBalanceResponse)).balance.amount)

    async def subaccount(self, trader: Trader, height: int | None = None) -> Any:
        request = subaccounts.QueryGetSubaccountRequest(owner=trader.address, number=0)
        path = "/dydxprotocol.subaccounts.Query/Subaccount"
        answer = await self.at(height, path, request, subaccounts.QuerySubaccountResponse)
        return answer.subaccount

    async def search(self, **fields: Any) -> Any:
        request = txs.GetTxsEventRequest(**fields)
        return await self.call(TXS + "GetTxsEvent", request, txs.GetTxsEventResponse)


def run(scenario: Scenario, config: ExchangeConfig | None = None) -> None:
    async def serve() -> None:
        async with (
            Exchange(config or ExchangeConfig()) as exchange,
            grpc.aio.insecure_channel(f"127.0.0.1:{exchange.ports.grpc}") as channel,
        ):
            await scenario(Node(channel, exchange))

    asyncio.run(serve())


@pytest.mark.parametrize(
    ("value", "wire"),
    [(0, "02"), (1, "0201"), (-400_000_000, "0317d78400"), (2**70, "02400000000000000000")],
)
def test_to_bytes__integer__is_sign_and_magnitude(value: int, wire: str) -> None:
    assert to_bytes(value).hex() == wire
    assert from_bytes(bytes.fromhex(wire)) == value


def test_state_at_height__after_moves__answers_as_it_was() -> None:
    async def scenario(node: Node) -> None:
        alice = node.fund(1)
        first = node.exchange.chain.height
        await node.broadcast(alice.paid(deposit(alice, 700_000_000), sequence=0))
        second = node.exchange.make_block()
        await node.broadcast(alice.paid(withdraw(alice, 1_000_000), sequence=1))
        node.exchange.make_block()

        balances = [await node.balance(alice.address, h) for h in (first - 1, first, second)]
        held = [
            [from_bytes(p.quantums) for p in (await node.subaccount(alice, h)).asset_positions]
            for h in (first, second, None)
        ]

        assert balances == [0, 1_000_000_000, 299_995_000]
        assert held == [[], [700_000_000], [699_000_000]]

    run(scenario)


def test_state_at_height__position_index_and_price__answer_as_they_were() -> None:
    async def scenario(node: Node) -> None:
        alice, bob = node.fund(1), node.fund(2)
        for trader in (alice, bob):
            await node.broadcast(trader.paid(deposit(trader, 900_000_000), sequence=0))
        before = node.exchange.make_block()
        gtb = before + 5
        await node.broadcast(place(alice, order(alice, gtb=gtb)))
        await node.broadcast(place(bob, order(bob, gtb=gtb, side=SELL)))
        node.exchange.chain.set_oracle(1, 3_100_000_000)
        after = node.exchange.make_block()

        shapes = [await node.subaccount(alice, height) for height in (before, after)]
        request = prices.QueryMarketPriceRequest(id=1)
        path = "/dydxprotocol.prices.Query/MarketPrice"
        quotes = [
            (await node.at(h, path, request, prices.QueryMarketPriceResponse)).market_price.price
            for h in (before, after)
        ]
        request = perpetuals.QueryPerpetualRequest(id=1)
        path = "/dydxprotocol.perpetuals.Query/Perpetual"
        interest = [
            from_bytes(
                (
                    await node.at(h, path, request, perpetuals.QueryPerpetualResponse)
                ).perpetual.open_interest
            )
            for h in (before, after)
        ]

        assert len(shapes[0].perpetual_positions) == 0
        (position,) = shapes[1].perpetual_positions
        assert from_bytes(position.quantums) == 100_000_000
        assert from_bytes(position.quote_balance) == -300_000_000
        assert quotes == [3_000_000_000, 3_100_000_000]
        assert interest == [0, 100_000_000]

    run(scenario)


@pytest.mark.parametrize("height", ["0", None])
def test_state_at_height__zero_or_absent__is_latest(height: str | None) -> None:
    async def scenario(node: Node) -> None:
        alice = node.fund(1)

        assert await node.balance(alice.address, None if height is None else 0) == 1_000_000_000

    run(scenario)


def test_state_at_height__not_kept__is_refused() -> None:
    async def scenario(node: Node) -> None:
        for _ in range(12):
            node.exchange.make_block()
        latest = node.exchange.chain.height

        assert await node.balance("dydx1x", latest - 9) == 0
        for height in (latest - 10, latest + 1):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await node.balance("dydx1x", height)
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert "version does not exist" in (refused.value.details() or "")

    run(scenario, ExchangeConfig(history_blocks=10))


def test_blocks__by_height__have_growing_times_and_linked_hashes() -> None:
    async def scenario(node: Node) -> None:
        for _ in range(3):
            node.exchange.make_block()
        blocks = []
        for height in (2, 3, 4):
            request = node_query(height)
            path = NODE + "GetBlockByHeight"
            blocks.append(await node.call(path, request, GET_BLOCK))
        latest = await node.call(NODE + "GetLatestBlock", LATEST, LATEST_ANSWER)

        times = [b.block.header.time.ToNanoseconds() for b in blocks]
        assert times == [1_760_000_000_000_000_000 + n * 10**9 for n in (1, 2, 3)]
        assert blocks[1].block.header.last_block_id.hash == blocks[0].block_id.hash
        assert latest.block.header.height == 4
        assert latest.block.header.chain_id == "localdydxprotocol"
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await node.call(NODE + "GetBlockByHeight", node_query(5), GET_BLOCK)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT

    run(scenario)


GET_BLOCK = node.GetBlockByHeightResponse
LATEST, LATEST_ANSWER = node.GetLatestBlockRequest(), node.GetLatestBlockResponse


def node_query(height: int) -> Any:
    return node.GetBlockByHeightRequest(height=height)


def test_get_txs_event__credits_and_sends__found_with_memo_and_pages() -> None:
    async def scenario(node: Node) -> None:
        alice = node.fund(1)
        for number in range(3):
            message = send(alice.address, Trader(2).address, 100 + number)
            await node.broadcast(alice.paid(message, sequence=number, memo=f"n{number}"))
            node.exchange.make_block()
        query = f"transfer.sender='{alice.address}'"

        whole = await node.search(query=query)
        pages = [await node.search(query=query, page=page, limit=2) for page in (1, 2, 3)]
        newest = await node.search(query=query, order_by=txs.ORDER_BY_DESC, limit=1)
        bounded = await node.search(query=f"{query} AND tx.height<=4")
        received = await node.search(query=f"transfer.recipient='{alice.address}'")

        assert [tx.body.memo for tx in whole.txs] == ["n0", "n1", "n2"]
        assert [r.height for r in whole.tx_responses] == [3, 4, 5]
        assert [[t.body.memo for t in p.txs] for p in pages] == [["n0", "n1"], ["n2"], []]
        assert [page.total for page in pages] == [3, 3, 3]
        assert [tx.body.memo for tx in newest.txs] == ["n2"]
        assert [tx.body.memo for tx in bounded.txs] == ["n0", "n1"]
        assert [tx.body.memo for tx in received.txs] == ["0x1:0"]
        (event,) = received.tx_responses[0].events
        attributes = {a.key: a.value for a in event.attributes}
        assert attributes["recipient"] == alice.address
        assert attributes["amount"] == f"1000000000{USDC}"

    run(scenario)


@pytest.mark.parametrize("query", ["", "tx.height=3", "nonsense", "transfer.sender>'a'"])
def test_get_txs_event__query_not_served__is_refused(query: str) -> None:
    async def scenario(node: Node) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await node.search(query=query)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT

    run(scenario)


def test_get_tx__before_and_after_block__not_found_then_found() -> None:
    async def scenario(node: Node) -> None:
        alice = node.fund(1)
        sent = await node.broadcast(alice.paid(deposit(alice, 1), sequence=0))
        request = txs.GetTxRequest(hash=sent.txhash)
        with pytest.raises(grpc.aio.AioRpcError) as missing:
            await node.call(TXS + "GetTx", request, txs.GetTxResponse)
        height = node.exchange.make_block()
        found = await node.call(TXS + "GetTx", request, txs.GetTxResponse)

        assert missing.value.code() is grpc.StatusCode.NOT_FOUND
        assert found.tx_response.height == height
        assert found.tx_response.code == 0

    run(scenario)


def test_get_tx__short_term_order__is_never_found() -> None:
    async def scenario(node: Node) -> None:
        alice = node.fund(1)
        sent = await node.broadcast(place(alice, order(alice, gtb=5)))
        node.exchange.make_block()

        with pytest.raises(grpc.aio.AioRpcError) as missing:
            await node.call(TXS + "GetTx", txs.GetTxRequest(hash=sent.txhash), txs.GetTxResponse)
        assert missing.value.code() is grpc.StatusCode.NOT_FOUND

    run(scenario)


def test_simulate__good_and_bad__gives_gas_or_reason() -> None:
    async def scenario(node: Node) -> None:
        alice = node.fund(1)
        good = txs.SimulateRequest(tx_bytes=alice.sign(deposit(alice, 1)))
        bad = txs.SimulateRequest(tx_bytes=alice.sign(withdraw(alice, 1)))

        answer = await node.call(TXS + "Simulate", good, txs.SimulateResponse)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await node.call(TXS + "Simulate", bad, txs.SimulateResponse)

        assert 60_000 < answer.gas_info.gas_used < 80_000
        assert "NewlyUndercollateralized" in (refused.value.details() or "")
        assert await node.balance(alice.address) == 1_000_000_000

    run(scenario)


def test_broadcast__block_mode__is_refused() -> None:
    async def scenario(node: Node) -> None:
        request = txs.BroadcastTxRequest(tx_bytes=b"x", mode=txs.BROADCAST_MODE_BLOCK)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await node.call(TXS + "BroadcastTx", request, txs.BroadcastTxResponse)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT

    run(scenario)


def test_account__unknown__is_not_found() -> None:
    async def scenario(node: Node) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as missing:
            await node.account(Trader(77).address)
        assert missing.value.code() is grpc.StatusCode.NOT_FOUND

    run(scenario)


def test_block_rate_limit_configuration__default__is_4000_in_5() -> None:
    async def scenario(node: Node) -> None:
        answer = await node.call(
            "/dydxprotocol.clob.Query/BlockRateLimitConfiguration",
            clob.QueryBlockRateLimitConfigurationRequest(),
            clob.QueryBlockRateLimitConfigurationResponse,
        )
        limits = answer.block_rate_limit_config.max_short_term_orders_and_cancels_per_n_blocks
        assert [(limit.num_blocks, limit.limit) for limit in limits] == [(5, 4_000)]

    run(scenario)


def test_account_state__after_nonce__remembers_it() -> None:
    async def scenario(node: Node) -> None:
        alice = node.fund(1)
        nonce = node.exchange.chain.block.time_ns // 10**6
        how = Signing(sequence=nonce, gas_limit=200_000, fee=5_000)
        await node.broadcast(alice.sign(deposit(alice, 1), how=how))
        node.exchange.make_block()
        answer = await node.call(
            "/dydxprotocol.accountplus.Query/AccountState",
            accountplus.AccountStateRequest(address=alice.address),
            accountplus.AccountStateResponse,
        )
        details = answer.account_state.timestamp_nonce_details
        assert list(details.timestamp_nonces) == [nonce]
        account = await node.account(alice.address)
        assert account.sequence == 0
        assert account.pub_key.type_url == "/cosmos.crypto.secp256k1.PubKey"

    run(scenario)
