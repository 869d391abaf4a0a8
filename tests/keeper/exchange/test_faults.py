"""Each fault does what it says to a node, a chain or an indexer, and ends when it is cleared."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import httpx
import pytest
from v4_proto.cosmos.base.tendermint.v1beta1 import query_pb2 as node_pb2
from v4_proto.cosmos.tx.v1beta1 import service_pb2 as txs

from keeper.devnet.exchange import Exchange, ExchangeConfig
from keeper.devnet.exchange.decimals import parse_iso
from keeper.devnet.exchange.faults import CATALOGUE, Fault, Faults
from keeper.devnet.exchange.model import SubaccountId
from tests.keeper.exchange.wallets import (
    BUY,
    IOC,
    SELL,
    Trader,
    cancel,
    deposit,
    order,
    place,
    withdraw,
)

Scenario = Callable[["Venue"], Awaitable[None]]
BROADCAST = "/cosmos.tx.v1beta1.Service/BroadcastTx"
LATEST = "/cosmos.base.tendermint.v1beta1.Service/GetLatestBlock"


class Venue:
    """A served exchange with two funded traders, spoken to over its wires."""

    def __init__(self, exchange: Exchange, channel: grpc.aio.Channel, http: httpx.AsyncClient):
        self.exchange = exchange
        self._channel = channel
        self.http = http
        self.alice, self.bob = Trader(1), Trader(2)

    def fund(self) -> None:
        chain = self.exchange.chain
        for trader in (self.alice, self.bob):
            chain.credit(trader.address, 1_000_000_000, f"memo {trader.seed}")
            chain.faucet(SubaccountId(trader.address, 0), 10_000_000_000)
        self.exchange.make_block()
        for trader in (self.alice, self.bob):
            account = chain.state.accounts.get(trader.address)
            assert account is not None
            trader.number = account.number

    async def fault(self, name: str, **settings: Any) -> Any:
        answer = await self.http.post("/admin/faults", json={"name": name, **settings})
        return answer.json()

    async def clear(self, name: str = "") -> Any:
        return (await self.http.delete("/admin/faults", params={"name": name})).json()

    async def send(self, raw: bytes) -> int:
        call = self._channel.unary_unary(
            BROADCAST,
            request_serializer=txs.BroadcastTxRequest.SerializeToString,
            response_deserializer=txs.BroadcastTxResponse.FromString,
        )
        request = txs.BroadcastTxRequest(tx_bytes=raw, mode=txs.BROADCAST_MODE_SYNC)
        return int((await call(request, timeout=5)).tx_response.code)

    async def height(self) -> int:
        call = self._channel.unary_unary(
            LATEST,
            request_serializer=node_pb2.GetLatestBlockRequest.SerializeToString,
            response_deserializer=node_pb2.GetLatestBlockResponse.FromString,
        )
        answer = await call(node_pb2.GetLatestBlockRequest(), timeout=5)
        return int(answer.block.header.height)

    async def rest(self, path: str) -> httpx.Response:
        return await self.http.get(f"http://127.0.0.1:{self.exchange.ports.rest}/v4{path}")

    def gtb(self, blocks: int = 8) -> int:
        return self.exchange.chain.height + 1 + blocks

    def bid(self, **more: Any) -> Any:
        return order(self.alice, **({"gtb": self.gtb()} | more))

    def resting(self) -> int:
        return sum(len(book.orders) for book in self.exchange.chain.clob.books.values())

    def position(self, trader: Trader) -> int:
        account = self.exchange.chain.state.subaccounts.get(SubaccountId(trader.address, 0))
        held = account.positions.get(1) if account else None
        return held.quantums if held else 0

    async def trade(self) -> None:
        """Alice's bid is hit by bob; nothing is committed yet."""
        await self.send(place(self.alice, self.bid(size=40)))
        taker = order(self.bob, gtb=self.gtb(), side=SELL, size=40, tif=IOC)
        await self.send(place(self.bob, taker))


def run(scenario: Scenario, config: ExchangeConfig | None = None) -> None:
    async def serve() -> None:
        async with Exchange(config or ExchangeConfig()) as exchange:
            ports = exchange.ports
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{ports.grpc}")
            admin = f"http://127.0.0.1:{ports.admin}"
            async with channel, httpx.AsyncClient(base_url=admin) as http:
                venue = Venue(exchange, channel, http)
                venue.fund()
                await scenario(venue)

    asyncio.run(serve())


# The registry


def test_strikes__same_seed_and_name__same_draws() -> None:
    draws = []
    for _ in range(2):
        faults = Faults(seed=7)
        faults.set(Fault("stream-lost", permille=300))
        draws.append([faults.strikes("stream-lost") for _ in range(200)])

    assert draws[0] == draws[1]
    assert 30 <= sum(draws[0]) <= 90


def test_strikes__other_seed__other_draws() -> None:
    draws = []
    for seed in (1, 2):
        faults = Faults(seed)
        faults.set(Fault("stream-lost", permille=300))
        draws.append([faults.strikes("stream-lost") for _ in range(200)])

    assert draws[0] != draws[1]


def test_strikes__count_used_up__ends() -> None:
    faults = Faults(seed=1)
    faults.set(Fault("order-lost", count=2))

    assert [faults.strikes("order-lost") for _ in range(3)] == [True, True, False]
    assert faults.active() == []


def test_strikes__other_address_or_channel__does_not() -> None:
    faults = Faults(seed=1)
    faults.set(Fault("order-lost", address="dydx1a"))
    faults.set(Fault("stream-lost", channel="v4_trades"))

    assert not faults.strikes("order-lost", address="dydx1b")
    assert not faults.strikes("stream-lost", channel="v4_orderbook")
    assert faults.strikes("order-lost", address="dydx1a")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault("meteor"), "no fault 'meteor'"),
        (Fault("deleverage"), "deleverage needs market, address"),
        (Fault("order-lost", permille=0), "permille"),
        (Fault("order-lost", count=-1), "must not be negative"),
    ],
)
def test_set__malformed__raises(fault: Fault, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Faults(seed=1).set(fault)


# Administration


def test_admin_faults__listed_set_cleared__answers() -> None:
    async def scenario(venue: Venue) -> None:
        known = (await venue.http.get("/admin/faults")).json()
        was_set = await venue.fault("order-lost", count=3, permille=500)
        active = (await venue.http.get("/admin/faults")).json()["active"]
        cleared = await venue.clear()

        assert [fault["name"] for fault in known["faults"]] == list(CATALOGUE)
        assert known["active"] == []
        assert (was_set["count"], was_set["height"]) == (3, venue.exchange.chain.height)
        assert [(fault["name"], fault["left"]) for fault in active] == [("order-lost", 3)]
        assert cleared["cleared"] == ["order-lost"]

    run(scenario)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": "order-lost", "times": 1}, "unknown fields: times"),
        ({"name": "order-lost", "count": "1"}, "count must be of type int"),
        ({"name": "crossed-book", "market": "DOGE-USD"}, "no market DOGE-USD"),
        ({"name": "crossed-book", "market": "ETH-USD"}, "there is no ask to cross"),
        ({"name": "market-status", "market": "ETH-USD", "status": "ODD"}, "status must be one of"),
        ({"name": "deleverage", "market": "ETH-USD", "address": "dydx1x"}, "holds no ETH-USD"),
    ],
)
def test_admin_faults__malformed__answers_400(body: dict[str, Any], message: str) -> None:
    async def scenario(venue: Venue) -> None:
        answer = await venue.http.post("/admin/faults", json=body)

        assert answer.status_code == 400
        assert message in answer.json()["error"]
        assert (await venue.http.get("/admin/faults")).json()["active"] == []

    run(scenario)


# Orders and cancels


def test_order_lost__placement__answers_0_and_rests_nowhere() -> None:
    async def scenario(venue: Venue) -> None:
        await venue.fault("order-lost", count=1)

        codes = [await venue.send(place(venue.alice, venue.bid())) for _ in range(2)]

        assert codes == [0, 0]
        assert venue.resting() == 1

    run(scenario)


def test_order_lost__invalid_placement__is_still_refused() -> None:
    async def scenario(venue: Venue) -> None:
        await venue.fault("order-lost")

        late = await venue.send(place(venue.alice, venue.bid(gtb=venue.exchange.chain.height)))
        far = await venue.send(place(venue.alice, venue.bid(gtb=venue.gtb(41))))

        assert (late, far) == (10, 11)

    run(scenario)


def test_cancel_lost__cancel__answers_0_and_order_stays() -> None:
    async def scenario(venue: Venue) -> None:
        wire = venue.bid()
        await venue.send(place(venue.alice, wire))
        await venue.fault("cancel-lost")

        code = await venue.send(cancel(venue.alice, wire.order_id, wire.good_til_block))

        assert (code, venue.resting()) == (0, 1)

    run(scenario)


def test_order_late__placement__reaches_book_two_blocks_later() -> None:
    async def scenario(venue: Venue) -> None:
        await venue.fault("order-late", count=1)

        code = await venue.send(place(venue.alice, venue.bid()))
        counts = []
        for _ in range(4):
            counts.append(venue.resting())
            venue.exchange.make_block()

        assert code == 0
        assert counts == [0, 0, 0, 1]

    run(scenario)


def test_answer_lost__placement__is_taken_though_the_call_fails() -> None:
    async def scenario(venue: Venue) -> None:
        await venue.fault("answer-lost", count=1)

        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await venue.send(place(venue.alice, venue.bid()))

        assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
        assert venue.resting() == 1

    run(scenario)


def test_not_included__deposit__answers_0_and_is_in_no_block() -> None:
    async def scenario(venue: Venue) -> None:
        await venue.fault("not-included", count=1, address=venue.alice.address)

        raw = venue.alice.paid(deposit(venue.alice, 1_000_000), sequence=0)
        code = await venue.send(raw)
        venue.exchange.make_block()
        venue.exchange.make_block()

        account = venue.exchange.chain.state.accounts.get(venue.alice.address)
        assert code == 0
        assert account is not None
        assert account.sequence == 0
        again = venue.alice.paid(deposit(venue.alice, 1_000_000), sequence=0, memo="again")
        assert await venue.send(again) == 0

    run(scenario)


def test_mempool_full__any_transaction__answers_20() -> None:
    async def scenario(venue: Venue) -> None:
        await venue.fault("mempool-full", count=1)

        codes = [await venue.send(place(venue.alice, venue.bid())) for _ in range(2)]

        assert codes == [20, 0]

    run(scenario)


# The node


def test_node_stuck__height_stands__orders_accepted_and_lost() -> None:
    async def scenario(venue: Venue) -> None:
        await venue.fault("node-stuck")
        stands = venue.exchange.chain.height
        for _ in range(3):
            venue.exchange.make_block()

        seen = await venue.height()
        code = await venue.send(place(venue.alice, venue.bid(gtb=stands + 2)))
        await venue.clear()

        assert (seen, code, venue.resting()) == (stands, 0, 0)
        assert await venue.height() == stands + 3

    run(scenario)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("node-unavailable", grpc.StatusCode.UNAVAILABLE),
        ("node-busy", grpc.StatusCode.RESOURCE_EXHAUSTED),
    ],
)
def test_node_fault__any_call__fails_until_cleared(name: str, status: grpc.StatusCode) -> None:
    async def scenario(venue: Venue) -> None:
        await venue.fault(name)

        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await venue.height()
        await venue.clear()

        assert failed.value.code() is status
        assert await venue.height() == venue.exchange.chain.height

    run(scenario)


def test_node_slow__call__is_answered_later() -> None:
    async def scenario(venue: Venue) -> None:
        await venue.fault("node-slow", count=1, amount=120)
        loop = asyncio.get_running_loop()

        before = loop.time()
        await venue.height()

        assert loop.time() - before >= 0.12

    run(scenario)


# The chain


def test_matches_not_proposed__block__fills_come_a_block_later() -> None:
    async def scenario(venue: Venue) -> None:
        await venue.trade()
        await venue.fault("matches-not-proposed", count=1)

        venue.exchange.make_block()
        first = venue.position(venue.alice)
        venue.exchange.make_block()

        assert (first, venue.position(venue.alice)) == (0, 40_000_000)

    run(scenario)


def test_matches_not_proposed__maker_expires__fill_never_comes() -> None:
    async def scenario(venue: Venue) -> None:
        good_til = venue.exchange.chain.height + 1
        await venue.send(place(venue.alice, venue.bid(size=40, gtb=good_til)))
        taker = order(venue.bob, gtb=venue.gtb(), side=SELL, size=40, tif=IOC)
        await venue.send(place(venue.bob, taker))
        await venue.fault("matches-not-proposed", count=1)

        for _ in range(3):
            venue.exchange.make_block()

        assert venue.position(venue.alice) == venue.position(venue.bob) == 0
        assert venue.resting() == 0
        assert not venue.exchange.chain.clob.fills

    run(scenario)


def test_proposer_reorders__two_takers__the_later_gets_the_fill() -> None:
    async def scenario(venue: Venue) -> None:
        await venue.send(place(venue.alice, venue.bid(size=40)))
        for number in (1, 0):
            venue.exchange.chain.faucet(SubaccountId(venue.bob.address, number), 10**10)
        venue.exchange.make_block()
        for number in (0, 1):
            taker = order(
                venue.bob, gtb=venue.gtb(), side=SELL, size=30, tif=IOC, subaccount=number
            )
            await venue.send(place(venue.bob, taker))
        await venue.fault("proposer-reorders", count=1)

        venue.exchange.make_block()

        sizes = []
        for number in (0, 1):
            key = SubaccountId(venue.bob.address, number)
            account = venue.exchange.chain.state.subaccounts.get(key)
            assert account is not None
            sizes.append(account.positions[1].quantums)
        assert sizes == [-10_000_000, -30_000_000]
        assert venue.position(venue.alice) == 40_000_000

    run(scenario)


def test_chain_halt__resumed__short_term_orders_gone_and_47_for_a_block() -> None:
    async def scenario(venue: Venue) -> None:
        await venue.send(place(venue.alice, venue.bid()))
        before = venue.exchange.chain.height
        await venue.fault("chain-halt")
        halted = [venue.exchange.make_block() for _ in range(3)]
        await venue.clear()

        refused = await venue.send(place(venue.alice, venue.bid()))
        time_before = venue.exchange.chain.block.time_ns
        venue.exchange.make_block()
        passed = venue.exchange.chain.block.time_ns - time_before
        taken = await venue.send(place(venue.alice, venue.bid()))

        assert halted == [before] * 3
        assert (refused, taken, venue.resting()) == (47, 0, 1)
        assert passed == 4_000_000_000

    run(scenario)


def test_chain_halt__number_of_blocks_given__ends_by_itself() -> None:
    async def scenario(venue: Venue) -> None:
        before = venue.exchange.chain.height
        await venue.fault("chain-halt", amount=2)

        heights = [venue.exchange.make_block() - before for _ in range(4)]

        assert heights == [0, 0, 1, 2]

    run(scenario)


@pytest.mark.parametrize(("blocks", "code"), [(299, 0), (300, 102)])
def test_chain_halt__five_minutes__gates_withdrawals(blocks: int, code: int) -> None:
    async def scenario(venue: Venue) -> None:
        await venue.fault("chain-halt", amount=blocks)
        for _ in range(blocks + 1):
            venue.exchange.make_block()

        raw = venue.alice.paid(withdraw(venue.alice, 1_000_000), sequence=0)
        await venue.send(raw)
        venue.exchange.make_block()

        (record,) = venue.exchange.chain.index.at(venue.exchange.chain.height)
        assert record.result.code == code

    run(scenario)


def test_stale_oracle__new_prices__stand_still_until_cleared() -> None:
    async def scenario(venue: Venue) -> None:
        chain = venue.exchange.chain
        await venue.fault("stale-oracle")
        chain.set_oracle(1, 3_100_000_000)
        venue.exchange.make_block()
        stale = chain.state.prices.get(1)
        await venue.clear()
        chain.set_oracle(1, 3_100_000_000)
        venue.exchange.make_block()

        assert (stale, chain.state.prices.get(1)) == (3_000_000_000, 3_100_000_000)

    run(scenario)


def test_clock_skew__blocks__are_dated_ahead() -> None:
    async def scenario(venue: Venue) -> None:
        before = venue.exchange.chain.block.time_ns
        await venue.fault("clock-skew", count=1)

        venue.exchange.make_block()

        assert venue.exchange.chain.block.time_ns - before == 46_000_000_000

    run(scenario)


def test_clock_skew__block_of_a_given_time__is_dated_ahead_of_it() -> None:
    async def scenario(venue: Venue) -> None:
        given = venue.exchange.chain.block.time_ns + 500
        await venue.fault("clock-skew", amount=7_000)

        venue.exchange.make_block(given)

        assert venue.exchange.chain.block.time_ns - given == 7_000_000_000

    run(scenario)


def test_clock_skew__every_block__is_as_far_ahead_and_time_never_goes_back() -> None:
    async def scenario(venue: Venue) -> None:
        start = venue.exchange.chain.block.time_ns
        await venue.fault("clock-skew", amount=7_000)
        dated = []
        for second in (1, 2, 3):
            venue.exchange.make_block(start + second * 1_000_000_000)
            dated.append((venue.exchange.chain.block.time_ns - start) // 1_000_000_000)

        assert dated == [8, 9, 10]

    run(scenario)


def test_clock_behind__blocks__stand_until_the_world_has_gone_on_as_far() -> None:
    async def scenario(venue: Venue) -> None:
        start = venue.exchange.chain.block.time_ns
        await venue.fault("clock-behind", amount=2_500)

        dated = []
        for second in range(1, 5):
            venue.exchange.make_block(start + second * 1_000_000_000)
            dated.append(venue.exchange.chain.block.time_ns - start)
        await venue.clear()
        venue.exchange.make_block(start + 5_000_000_000)

        assert dated == [1, 2, 500_000_000, 1_500_000_000]
        assert venue.exchange.chain.block.time_ns - start == 5_000_000_000

    run(scenario)


@pytest.mark.parametrize(("direction", "sign"), [("ahead", 1), ("behind", -1)])
def test_indexer_clock__rest_and_stream__date_blocks_otherwise_than_the_chain(
    direction: str, sign: int
) -> None:
    async def scenario(venue: Venue) -> None:
        exchange = venue.exchange
        heard: list[Any] = []
        exchange._streams.publish = heard.extend  # type: ignore[method-assign]
        await venue.fault(f"indexer-clock-{direction}", amount=7_000)
        exchange.make_block()
        told = (await venue.rest("/height")).json()
        true_ns = exchange.chain.block.time_ns
        await venue.clear()
        exchange.make_block()

        streamed = [m.contents["time"] for m in heard if m.channel == "v4_block_height"]
        assert parse_iso(told["time"]) - true_ns == sign * 7_000_000_000
        assert parse_iso(streamed[0]) - true_ns == sign * 7_000_000_000
        assert parse_iso(streamed[1]) == exchange.chain.block.time_ns

    run(scenario)


def test_market_status__set_and_cleared__follows_a_block_later() -> None:
    async def scenario(venue: Venue) -> None:
        await venue.fault("market-status", market="ETH-USD", status="CANCEL_ONLY")
        venue.exchange.make_block()
        refused = await venue.send(place(venue.alice, venue.bid()))
        await venue.clear()
        venue.exchange.make_block()

        assert (refused, await venue.send(place(venue.alice, venue.bid()))) == (34, 0)

    run(scenario)


def test_deleverage__position__fills_without_an_order() -> None:
    async def scenario(venue: Venue) -> None:
        await venue.trade()
        venue.exchange.make_block()
        await venue.fault(
            "deleverage", market="ETH-USD", address=venue.alice.address, amount=15_000_000
        )
        venue.exchange.make_block()

        path = f"/fills?address={venue.alice.address}&subaccountNumber=0"
        fill = (await venue.rest(path)).json()["fills"][0]
        other = path.replace(venue.alice.address, venue.bob.address)
        offset = (await venue.rest(other)).json()["fills"][0]
        assert (venue.position(venue.alice), venue.position(venue.bob)) == (25_000_000, -25_000_000)
        assert (fill["type"], fill["side"], fill["price"]) == ("DELEVERAGED", "SELL", "3000")
        assert (offset["type"], offset["side"], offset["fee"]) == ("OFFSETTING", "BUY", "0")
        assert "orderId" not in fill
        assert "orderId" not in offset

    run(scenario)


# The indexer


def test_indexer_lag__blocks__rest_is_behind_until_cleared() -> None:
    async def scenario(venue: Venue) -> None:
        await venue.fault("indexer-lag", amount=2)
        await venue.trade()
        heights = []
        for _ in range(3):
            venue.exchange.make_block()
            answer = (await venue.rest("/height")).json()
            heights.append(venue.exchange.chain.height - int(answer["height"]))
        path = f"/addresses/{venue.alice.address}/subaccountNumber/0"
        behind = (await venue.rest(path)).json()["subaccount"]
        await venue.clear()
        level = (await venue.rest(path)).json()["subaccount"]

        assert heights == [1, 2, 2]
        assert behind["openPerpetualPositions"]["ETH-USD"]["size"] == "0.04"
        assert level["latestProcessedBlockHeight"] == str(venue.exchange.chain.height)

    run(scenario)


def test_indexer_lag__trade_in_newest_block__is_not_known_yet() -> None:
    async def scenario(venue: Venue) -> None:
        await venue.fault("indexer-lag", amount=2)
        await venue.trade()
        venue.exchange.make_block()
        path = f"/addresses/{venue.alice.address}/subaccountNumber/0"

        before = (await venue.rest(path)).json()["subaccount"]

        assert before["openPerpetualPositions"] == {}
        assert venue.position(venue.alice) == 40_000_000

    run(scenario)


def test_crossed_book__bid_above_asks__until_cleared() -> None:
    async def scenario(venue: Venue) -> None:
        ask = order(venue.bob, gtb=venue.gtb(), side=SELL, price=30_100)
        await venue.send(place(venue.bob, ask))
        await venue.send(place(venue.alice, venue.bid(price=30_000)))
        await venue.fault("crossed-book", market="ETH-USD")
        crossed = (await venue.rest("/orderbooks/perpetualMarket/ETH-USD")).json()
        await venue.clear()
        mended = (await venue.rest("/orderbooks/perpetualMarket/ETH-USD")).json()

        assert (crossed["bids"][0]["price"], crossed["asks"][0]["price"]) == ("3010.3", "3010")
        assert mended["bids"] == [{"price": "3000", "size": "0.1"}]

    run(scenario)


@pytest.mark.parametrize(("name", "status"), [("rest-busy", 429), ("rest-unavailable", 503)])
def test_rest_fault__request__is_refused_once(name: str, status: int) -> None:
    async def scenario(venue: Venue) -> None:
        await venue.fault(name, count=1)

        answers = [(await venue.rest("/height")).status_code for _ in range(2)]

        assert answers == [status, 200]

    run(scenario)


# Conservation under all of it


def test_total_usdc__random_traffic_with_faults__is_conserved() -> None:
    async def scenario(venue: Venue) -> None:
        draws = random.Random(11)
        for name in ("order-lost", "cancel-lost", "order-late", "not-included"):
            await venue.fault(name, permille=200)
        for name in ("matches-not-proposed", "proposer-reorders"):
            await venue.fault(name, permille=400)
        for _ in range(120):
            trader = draws.choice((venue.alice, venue.bob))
            wire = order(
                trader,
                gtb=venue.gtb(draws.randrange(6)),
                side=draws.choice((BUY, SELL)),
                price=30_000 + draws.randrange(-5, 6),
                size=draws.randrange(1, 60),
            )
            await venue.send(place(trader, wire))
            if draws.random() < 0.3:
                venue.exchange.make_block()
        venue.exchange.make_block()

        state = (await venue.http.get("/admin/state")).json()
        sizes = [
            held["quantums"]
            for account in state["subaccounts"].values()
            for held in account["positions"].values()
        ]
        assert state["totals"]["total_usdc"] == 22_000_000_000
        assert sum(sizes) == 0
        assert any(sizes)

    run(scenario)
