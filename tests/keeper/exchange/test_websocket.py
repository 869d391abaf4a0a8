"""The streams: subscriptions, numbering, batches, limits, closing codes."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from keeper.devnet.exchange.faults import Fault
from keeper.devnet.exchange.indexer import Message
from keeper.devnet.exchange.websocket import StreamServer
from tests.keeper.exchange.market import TradedMarket

Scenario = Callable[["Served"], Awaitable[None]]


class Served:
    """A stream server over a traded market, and one client."""

    def __init__(self, market: TradedMarket, server: StreamServer, socket: ClientConnection):
        self.market = market
        self.server = server
        self.socket = socket
        self.seconds = [0.0]

    async def say(self, **request: Any) -> None:
        await self.socket.send(json.dumps(request))

    async def hear(self) -> Any:
        return json.loads(await asyncio.wait_for(self.socket.recv(), 5))

    async def hear_until_closed(self) -> None:
        while True:
            await self.hear()

    async def subscribe(self, channel: str, **more: Any) -> Any:
        await self.say(type="subscribe", channel=channel, **more)
        return await self.hear()

    def publish(self, channel: str, identity: str, contents: dict[str, Any]) -> None:
        self.server.publish([Message(channel, identity, contents)])


def run(scenario: Scenario) -> None:
    async def serve() -> None:
        market = TradedMarket()
        now = [0.0]
        server = StreamServer(market.indexer.tables, market.chain.faults, lambda: now[0])
        port = await server.start("127.0.0.1", 0)
        try:
            async with websockets.connect(f"ws://127.0.0.1:{port}/") as socket:
                served = Served(market, server, socket)
                served.seconds = now
                assert (await served.hear())["type"] == "connected"
                await scenario(served)
        finally:
            await server.stop()

    asyncio.run(serve())


def test_stream__connection__numbers_its_messages_from_zero() -> None:
    async def scenario(served: Served) -> None:
        first = await served.subscribe("v4_orderbook", id="ETH-USD")
        second = await served.subscribe("v4_trades", id="ETH-USD")

        assert (first["message_id"], second["message_id"]) == (1, 2)
        assert first["connection_id"] == second["connection_id"]
        assert first["contents"] == {"bids": [], "asks": []}

    run(scenario)


@pytest.mark.parametrize(
    ("channel", "identity", "version"),
    [
        ("v4_orderbook", "ETH-USD", "1.0.0"),
        ("v4_trades", "ETH-USD", "2.1.0"),
        ("v4_candles", "ETH-USD/1MIN", "1.0.0"),
        ("v4_subaccounts", "dydx1x/0", "3.0.0"),
    ],
)
def test_stream__update__carries_channel_id_and_version(
    channel: str, identity: str, version: str
) -> None:
    async def scenario(served: Served) -> None:
        await served.subscribe(channel, id=identity)

        served.publish(channel, identity, {"a": 1})
        message = await served.hear()

        assert message["type"] == "channel_data"
        assert (message["channel"], message["id"]) == (channel, identity)
        assert (message["version"], message["contents"]) == (version, {"a": 1})

    run(scenario)


def test_stream__markets__carries_no_id() -> None:
    async def scenario(served: Served) -> None:
        subscribed = await served.subscribe("v4_markets")
        served.publish("v4_markets", "", {"oraclePrices": {}})

        assert "id" not in subscribed
        assert "id" not in await served.hear()
        assert subscribed["contents"]["markets"]["ETH-USD"]["oraclePrice"] == "3000"

    run(scenario)


def test_stream__block_height__initial_key_differs_from_update() -> None:
    async def scenario(served: Served) -> None:
        subscribed = await served.subscribe("v4_block_height")
        before = len(served.market.messages)
        served.market.block()
        served.server.publish(served.market.messages[before:])

        assert subscribed["id"] == "v4_block_height"
        assert subscribed["contents"]["height"] == "3"
        assert (await served.hear())["contents"]["blockHeight"] == "4"

    run(scenario)


def test_stream__unknown_subaccount__starts_empty() -> None:
    async def scenario(served: Served) -> None:
        subscribed = await served.subscribe("v4_subaccounts", id="dydx1nobody/0")

        assert subscribed["contents"] == {}

    run(scenario)


def test_stream__batched__gathers_updates_of_a_quarter_second() -> None:
    async def scenario(served: Served) -> None:
        await served.subscribe("v4_orderbook", id="ETH-USD", batched=True)

        for number in range(3):
            served.publish("v4_orderbook", "ETH-USD", {"n": number})
        message = await served.hear()

        assert message["type"] == "channel_batch_data"
        assert message["contents"] == [{"n": 0}, {"n": 1}, {"n": 2}]

    run(scenario)


def test_stream__unsubscribed__hears_nothing_more() -> None:
    async def scenario(served: Served) -> None:
        await served.subscribe("v4_trades", id="ETH-USD")
        await served.say(type="unsubscribe", channel="v4_trades", id="ETH-USD")
        assert (await served.hear())["type"] == "unsubscribed"

        served.publish("v4_trades", "ETH-USD", {"trades": []})
        await served.say(type="ping")
        again = await served.subscribe("v4_trades", id="ETH-USD")

        assert again["type"] == "subscribed"

    run(scenario)


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ({"type": "subscribe", "channel": "v4_unheard"}, "Invalid channel: v4_unheard"),
        ({"type": "shout"}, "Invalid message type: shout"),
        (
            {"type": "subscribe", "channel": "v4_orderbook", "id": "DOGE-USD"},
            "Invalid subscription id for channel: (v4_orderbook-DOGE-USD)",
        ),
        (
            {"type": "subscribe", "channel": "v4_candles", "id": "ETH-USD/2MIN"},
            "Invalid subscription id for channel: (v4_candles-ETH-USD/2MIN)",
        ),
    ],
)
def test_stream__wrong_request__answers_error(request_: dict[str, str], text: str) -> None:
    async def scenario(served: Served) -> None:
        await served.say(**request_)
        message = await served.hear()

        assert (message["type"], message["message"]) == ("error", text)

    run(scenario)


def test_stream__twice__answers_error() -> None:
    async def scenario(served: Served) -> None:
        await served.subscribe("v4_trades", id="ETH-USD")
        message = await served.subscribe("v4_trades", id="ETH-USD")

        assert message["type"] == "error"
        assert "already subscribed" in message["message"]

    run(scenario)


def test_stream__three_subscribes_in_a_second__third_is_refused() -> None:
    async def scenario(served: Served) -> None:
        request = {"channel": "v4_trades", "id": "ETH-USD"}
        for _ in range(2):
            await served.subscribe(**request)
        third = await served.subscribe(**request)
        assert "Too many subscribe attempts" in third["message"]

        served.seconds[0] = 1.5
        await served.say(type="unsubscribe", **request)
        await served.hear()

        assert (await served.subscribe(**request))["type"] == "subscribed"

    run(scenario)


def test_stream__more_than_256_subaccounts__answers_error() -> None:
    async def scenario(served: Served) -> None:
        for number in range(256):
            answer = await served.subscribe("v4_subaccounts", id=f"dydx1x/{number}")
            assert answer["type"] == "subscribed"
        answer = await served.subscribe("v4_subaccounts", id="dydx1x/256")

        assert "subscription limit" in answer["message"]

    run(scenario)


def test_stream__three_invalid_messages_in_a_second__closes_1008() -> None:
    async def scenario(served: Served) -> None:
        for _ in range(3):
            await served.socket.send("not json")
        with pytest.raises(ConnectionClosed) as closed:
            await served.hear_until_closed()

        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008

    run(scenario)


def test_stream__server_stops__closes_1012() -> None:
    async def scenario(served: Served) -> None:
        await served.server.stop()
        with pytest.raises(ConnectionClosed) as closed:
            await served.hear()

        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012

    run(scenario)


# Faults


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stream-lost", [(2, "b"), (3, "c")]),
        ("stream-gap", [(3, "b"), (4, "c")]),
        ("stream-duplicated", [(2, "a"), (3, "a"), (4, "b"), (5, "c")]),
        ("stream-reordered", [(2, "b"), (3, "a"), (4, "c")]),
    ],
)
def test_stream_fault__first_message__is_struck(name: str, expected: list[tuple[int, str]]) -> None:
    async def scenario(served: Served) -> None:
        await served.subscribe("v4_trades", id="ETH-USD")
        served.market.chain.faults.set(Fault(name, count=1))

        for contents in ("a", "b", "c"):
            served.publish("v4_trades", "ETH-USD", {"trades": [contents]})

        heard = [await served.hear() for _ in expected]
        assert [(m["message_id"], m["contents"]["trades"][0]) for m in heard] == expected

    run(scenario)


def test_stream_fault__silent__carries_nothing_until_cleared() -> None:
    async def scenario(served: Served) -> None:
        await served.subscribe("v4_trades", id="ETH-USD")
        served.market.chain.faults.set(Fault("stream-silent"))
        served.publish("v4_trades", "ETH-USD", {"trades": ["a"]})
        served.market.chain.faults.clear("stream-silent")
        served.publish("v4_trades", "ETH-USD", {"trades": ["b"]})

        assert (await served.hear())["contents"]["trades"] == ["b"]

    run(scenario)


def test_stream_fault__snapshot_failed__answers_error_then_serves() -> None:
    async def scenario(served: Served) -> None:
        served.market.chain.faults.set(Fault("snapshot-failed", count=1, channel="v4_orderbook"))

        refused = await served.subscribe("v4_orderbook", id="ETH-USD")
        served.seconds[0] += 2
        taken = await served.subscribe("v4_orderbook", id="ETH-USD")

        assert (refused["type"], taken["type"]) == ("error", "subscribed")
        assert refused["message"] == (
            "Internal error, could not fetch data for subscription: v4_orderbook-ETH-USD"
        )

    run(scenario)


@pytest.mark.parametrize(("politely", "code"), [(True, 1012), (False, None)])
def test_stream_fault__disconnected__closes_as_named(politely: bool, code: int | None) -> None:
    async def scenario(served: Served) -> None:
        await served.server.disconnect(politely=politely)

        with pytest.raises(ConnectionClosed) as closed:
            await served.hear()

        assert (closed.value.rcvd.code if closed.value.rcvd else None) == code

    run(scenario)


def test_stream_fault__refused__answers_503_to_new_connections() -> None:
    async def scenario(served: Served) -> None:
        served.market.chain.faults.set(Fault("stream-refused", count=1))
        host, port = served.socket.remote_address[:2]

        with pytest.raises(InvalidStatus) as refused:
            await websockets.connect(f"ws://{host}:{port}/")
        async with websockets.connect(f"ws://{host}:{port}/") as again:
            first = json.loads(await again.recv())

        assert refused.value.response.status_code == 503
        assert first["type"] == "connected"

    run(scenario)
