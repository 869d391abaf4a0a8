"""The running exchange over its own ports: gRPC, REST, websocket, administration."""

import asyncio
import json
from typing import Any

import grpc.aio
import httpx
import websockets
from v4_proto.cosmos.auth.v1beta1.auth_pb2 import BaseAccount
from v4_proto.cosmos.auth.v1beta1.query_pb2 import QueryAccountRequest, QueryAccountResponse
from v4_proto.cosmos.tx.v1beta1 import service_pb2 as txs

from keeper.devnet.exchange import Exchange, ExchangeConfig
from tests.keeper.exchange.wallets import SELL, Trader, order, place


class Rpc:
    """A raw gRPC client."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    async def call(self, path: str, request: Any, response: Any, **metadata: str) -> Any:
        method = self._channel.unary_unary(
            path,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response.FromString,
        )
        pairs = tuple((key.replace("_", "-"), value) for key, value in metadata.items())
        return await method(request, metadata=pairs, timeout=5)

    async def broadcast(self, raw: bytes) -> Any:
        request = txs.BroadcastTxRequest(tx_bytes=raw, mode=txs.BROADCAST_MODE_SYNC)
        path = "/cosmos.tx.v1beta1.Service/BroadcastTx"
        answer = await self.call(path, request, txs.BroadcastTxResponse)
        return answer.tx_response

    async def account(self, address: str) -> BaseAccount:
        answer = await self.call(
            "/cosmos.auth.v1beta1.Query/Account",
            QueryAccountRequest(address=address),
            QueryAccountResponse,
        )
        return BaseAccount.FromString(answer.account.value)


async def funded(exchange: Exchange, rpc: Rpc, rest: httpx.AsyncClient, seed: int) -> Trader:
    """Return a trader with 10,000 USDC in subaccount 0, by the faucet."""
    trader = Trader(seed)
    body = {"address": trader.address, "subaccountNumber": 0, "amount": 10_000}
    answer = await rest.post("/faucet/tokens", json=body)
    assert answer.status_code == 202
    exchange.make_block()
    account = await rpc.account(trader.address)
    return Trader(seed, account.account_number)


async def next_of(socket: Any, channel: str) -> dict[str, Any]:
    """Return the next message of a channel."""
    while True:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 5))
        if message.get("channel") == channel:
            return message


def test_exchange__match_over_all_ports__shows_fill_everywhere() -> None:
    asyncio.run(_match_over_all_ports())


async def _match_over_all_ports() -> None:
    async with (
        Exchange(ExchangeConfig(faucet=True)) as exchange,
        grpc.aio.insecure_channel(f"127.0.0.1:{exchange.ports.grpc}") as channel,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{exchange.ports.rest}") as rest,
        websockets.connect(f"ws://127.0.0.1:{exchange.ports.websocket}/") as socket,
    ):
        rpc = Rpc(channel)
        alice = await funded(exchange, rpc, rest, 1)
        bob = await funded(exchange, rpc, rest, 2)
        for request in (
            {"channel": "v4_subaccounts", "id": f"{alice.address}/0"},
            {"channel": "v4_orderbook", "id": "ETH-USD"},
        ):
            await socket.send(json.dumps({"type": "subscribe", **request}))
        assert (await next_of(socket, "v4_subaccounts"))["type"] == "subscribed"
        assert (await next_of(socket, "v4_orderbook"))["contents"] == {"bids": [], "asks": []}

        placed = await rpc.broadcast(place(alice, order(alice)))
        taken = await rpc.broadcast(place(bob, order(bob, side=SELL, size=40)))

        assert (placed.code, placed.raw_log, taken.code) == (0, "[]", 0)
        opened = await next_of(socket, "v4_subaccounts")
        assert opened["contents"]["orders"][0]["status"] == "BEST_EFFORT_OPENED"
        book = await next_of(socket, "v4_orderbook")
        assert book["contents"] == {"bids": [["3000", "0.1"]]}
        book = await next_of(socket, "v4_orderbook")
        assert book["contents"] == {"bids": [["3000", "0.06"]]}
        exchange.make_block()
        filled = await next_of(socket, "v4_subaccounts")
        assert filled["contents"]["orders"][0]["status"] == "OPEN"
        assert filled["contents"]["fills"][0]["liquidity"] == "MAKER"
        assert filled["contents"]["fills"][0]["fee"] == "0.012"
        params = {"address": alice.address, "subaccountNumber": 0}
        orders = (await rest.get("/v4/orders", params=params)).json()
        assert [(o["status"], o["totalFilled"]) for o in orders] == [("OPEN", "0.04")]
        fills = (await rest.get("/v4/fills", params=params)).json()["fills"]
        assert [(f["size"], f["price"]) for f in fills] == [("0.04", "3000")]
        shape = (await rest.get(f"/v4/addresses/{alice.address}/subaccountNumber/0")).json()
        assert shape["subaccount"]["equity"] == "9999.988"
        assert shape["subaccount"]["openPerpetualPositions"]["ETH-USD"]["size"] == "0.04"
        height = (await rest.get("/v4/height")).json()["height"]
        assert height == "4"
