"""The keeper's dYdX adapter as a child process: its own sender, links, stream and mapping.

One JSON object a line on standard input, one on standard output; see `children.py`.
"""

import asyncio
import json
import sys
import time
from typing import Any

from keeper.clock import SystemClock
from keeper.domain.commands import CommandId, PlaceOrder
from keeper.domain.events import CommandResult, Event
from keeper.domain.orders import Side, TimeInForce
from keeper.venues.dydx import wire
from keeper.venues.dydx.directory import Directory, load_listings
from keeper.venues.dydx.keys import LocalSigner, SecretKey, address_of
from keeper.venues.dydx.links import Links, make_links
from keeper.venues.dydx.mapping import book_levels, subticks_of
from keeper.venues.dydx.permitting import account_number
from keeper.venues.dydx.progress import OrderIndex
from keeper.venues.dydx.sender import Sender
from keeper.venues.dydx.settings import DydxSettings
from keeper.venues.dydx.signing import TxSigner
from keeper.venues.dydx.stream import Stream

MARKET = "ETH-USD"
CHAIN_ID = "localdydxprotocol"

Json = dict[str, Any]


class Ours:
    """Two senders, one of them through the tap, and a stream that is opened on request."""

    def __init__(self, told: Json) -> None:
        self._told = told
        self._signer = LocalSigner(SecretKey(bytes.fromhex(told["key"])))
        self._directory = Directory()
        self._stream: Stream | None = None
        self._reading: asyncio.Task[None] | None = None
        self._wanted: Json | None = None

    async def open(self) -> None:
        """Connect, learn the market, and have both connections answer once."""
        self._direct = await self._sender(self._links(self._told["grpc"]))
        self._tapped = await self._sender(self._links(self._told["tapped"]))

    def _links(self, grpc: int) -> Links:
        settings = DydxSettings(
            chain_id=CHAIN_ID,
            grpc_endpoint=f"127.0.0.1:{grpc}",
            grpc_insecure=True,
            rest_url=self._told["rest"],
            ws_url=self._told["websocket"],
            address=address_of(self._signer.public_key),
            subaccount=0,
            markets=(MARKET,),
            place_deadline_ms=60_000,
        )
        return make_links(settings, SystemClock())

    async def _sender(self, links: Links) -> Sender:
        settings = links.settings
        self._directory.take(await load_listings(links.reader, links.indexer, settings.markets))
        number = await account_number(settings, links.reader, self._signer.public_key)
        signer = TxSigner(self._signer, settings.chain_id, number)
        return Sender(links.node, signer, settings, self._directory.markets, OrderIndex())

    async def orders(self, asked: Json) -> Json:
        """Place them all at once; the time is until the last answer."""
        since = time.perf_counter_ns()
        codes = await self._place(self._direct, asked)
        return {"ns": time.perf_counter_ns() - since, "codes": codes}

    async def _place(self, sender: Sender, asked: Json) -> list[int]:
        codes: list[int] = []
        answered = asyncio.Event()

        def note(event: Event) -> None:
            if not isinstance(event, CommandResult):
                raise TypeError(f"a sender emits results, not {type(event).__name__}")
            codes.append(event.code if event.outcome != "UNKNOWN" else -1)
            if len(codes) == len(asked["ids"]):
                answered.set()

        for client_id in asked["ids"]:
            sender.send(CommandId(1, client_id, 0), _order(client_id, asked["until"]), note)
        await answered.wait()
        return codes

    async def listen(self, _: Json) -> Json:
        """Connect and follow the book."""
        self._stream = await Stream.open(self._told["websocket"], 10_000)
        await self._stream.subscribe("v4_orderbook", MARKET)
        while (await self._stream.receive()).type != "subscribed":
            pass
        self._reading = asyncio.create_task(self._read(self._stream))
        return {}

    async def _read(self, stream: Stream) -> None:
        market = self._directory.markets[MARKET]
        while True:
            envelope = await stream.receive()
            bids = book_levels(market, wire.decode(envelope.contents, wire.BookLevels).bids)
            asked = self._wanted
            if asked is None:
                continue
            price = subticks_of(market, asked["price"])
            if any(level.subticks == price for level in bids):
                self._wanted = None
                say({"codes": await self._place(self._tapped, asked)})

    async def arm(self, asked: Json) -> Json:
        """React to the next change of the book that has the asked price."""
        self._wanted = asked
        return {}

    async def deafen(self, _: Json) -> Json:
        """Close the stream."""
        if self._reading is not None and self._stream is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            await self._stream.close()
        return {}


def _order(client_id: int, until: int) -> PlaceOrder:
    return PlaceOrder(
        market=MARKET,
        client_id=client_id,
        side=Side.BUY,
        quantums=10_000_000,
        subticks=900_000_000,
        good_til_block=until,
        time_in_force=TimeInForce.GTT,
        reduce_only=False,
    )


def say(answer: Json) -> None:
    """Answer the parent."""
    print(json.dumps(answer), flush=True)


async def main() -> None:
    """Serve until standard input ends."""
    client = Ours(json.loads(sys.argv[1]))
    await client.open()
    say({})
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        say(await getattr(client, asked["do"])(asked))


asyncio.run(main())
