"""dYdX's official client as a child process; run by the interpreter of its own environment.

One JSON object a line on standard input, one on standard output; see `children.py`.
"""

import asyncio
import json
import sys
import threading
import time

from dydx_v4_client.indexer.rest.constants import OrderType
from dydx_v4_client.indexer.rest.indexer_client import IndexerClient
from dydx_v4_client.indexer.socket.websocket import IndexerSocket
from dydx_v4_client.key_pair import KeyPair
from dydx_v4_client.network import make_local
from dydx_v4_client.node.client import NodeClient
from dydx_v4_client.node.market import Market
from dydx_v4_client.wallet import Wallet
from v4_proto.dydxprotocol.clob.order_pb2 import Order


class Official:
    """The client as its examples use it; without its sequence query where so told."""

    def __init__(self, told):
        self.told, self.loop = told, asyncio.get_running_loop()
        self.rest, self.key = told["rest"], KeyPair.from_hex(told["key"])
        self.address = Wallet(self.key, 0, 0).address
        self.wanted, self.socket, self.thread = None, None, None
        self.listening = threading.Event()

    async def connect(self, grpc):
        network = make_local(
            node_url=f"127.0.0.1:{grpc}", rest_indexer=self.rest, websocket_indexer=""
        )
        node = await NodeClient.connect(network.node)
        if not self.told["asks_sequence"]:
            node.sequence_manager = None
        return node

    async def open(self):
        self.node = await self.connect(self.told["grpc"])
        self.tapped = await self.connect(self.told["tapped"])
        account = await self.node.get_account(self.address)
        await self.tapped.get_account(self.address)
        self.wallet = Wallet(self.key, account.account_number, account.sequence)
        markets = await IndexerClient(self.rest).markets.get_perpetual_markets("ETH-USD")
        self.market = Market(markets["markets"]["ETH-USD"])

    def order(self, client_id, until):
        return self.market.order(
            self.market.order_id(self.address, 0, client_id, 0),
            order_type=OrderType.LIMIT,
            side=Order.Side.SIDE_BUY,
            size=0.01,
            price=900,
            time_in_force=Order.TIME_IN_FORCE_UNSPECIFIED,
            reduce_only=False,
            good_til_block=until,
        )

    async def place(self, node, client_id, until):
        answer = await node.place_order(self.wallet, self.order(client_id, until))
        return answer.tx_response.code

    async def orders(self, asked):
        since = time.perf_counter_ns()
        places = [self.place(self.node, each, asked["until"]) for each in asked["ids"]]
        codes = await asyncio.gather(*places)
        return {"ns": time.perf_counter_ns() - since, "codes": codes}

    async def listen(self, _asked):
        self.socket = IndexerSocket(self.told["websocket"], on_message=self.heard)
        self.thread = threading.Thread(target=self.socket.run_forever, daemon=True)
        self.thread.start()
        if not await self.loop.run_in_executor(None, self.listening.wait, 10):
            raise TimeoutError("the book was not subscribed")
        return {}

    def heard(self, socket, message):
        """Called in the socket's thread, as the client's examples have it."""
        if message["type"] == "connected":
            socket.order_book.subscribe("ETH-USD", batched=False)
        elif message["type"] == "subscribed":
            self.listening.set()
        elif self.wanted is not None:
            bids = message["contents"].get("bids", [])
            if any(level[0] == self.wanted["price"] for level in bids):
                asked, self.wanted = self.wanted, None
                place = self.place(self.tapped, asked["ids"][0], asked["until"])
                asyncio.run_coroutine_threadsafe(self.react(place), self.loop)

    async def react(self, place):
        say({"codes": [await place]})

    async def arm(self, asked):
        self.wanted = asked
        return {}

    async def deafen(self, _asked):
        self.socket.close()
        await self.loop.run_in_executor(None, self.thread.join)
        self.listening.clear()
        return {}


def say(answer):
    print(json.dumps(answer), flush=True)


async def main():
    client = Official(json.loads(sys.argv[1]))
    await client.open()
    say({})
    while line := await client.loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        say(await getattr(client, asked["do"])(asked))


asyncio.run(main())
