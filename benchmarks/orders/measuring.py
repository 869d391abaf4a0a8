"""Runs the contenders in turn against one exchange and checks every order they sent."""

import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import httpx

from benchmarks.build_sign import CHAIN_ID, account_number, exchange_process
from benchmarks.orders.children import CONTENDERS, Client, Contender
from benchmarks.orders.tap import Tap
from keeper.domain.commands import PlaceOrder
from keeper.domain.orders import Side, TimeInForce
from keeper.venues.dydx.keys import LocalSigner, SecretKey, address_of
from keeper.venues.dydx.messages import place_order
from keeper.venues.dydx.node import Node
from keeper.venues.dydx.signing import TxSigner

__all__ = ["BURSTS", "Measured", "REACTION", "ROUND_TRIPS_MS", "measure"]

ROUND_TRIPS_MS: Final = (0, 50)
BURSTS: Final = (1, 10, 100)
REACTION: Final = "reaction"
_SINGLES: Final = 5  # single orders and reactions in a round; one burst of 10; one of 100 in two
_WARM_UPS: Final = 3
_ORDER: Final = b"/dydxprotocol.clob.MsgPlaceOrder"
_TRADER_KEY: Final = "0e" * 32
_LIFE_BLOCKS: Final = 3

Json = dict[str, Any]
Kind = int | str


@dataclass(slots=True)
class Measured:
    """Nanoseconds by (contender, round trip, burst size or REACTION); orders found resting."""

    samples: dict[tuple[str, int, Kind], list[int]] = field(
        default_factory=lambda: defaultdict(list)
    )
    orders: dict[str, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(slots=True)
class _Wire:
    """When the tap gave a client the price it waits for, and when the order came back."""

    price: bytes = b""
    heard_ns: int = 0
    sent_ns: int = 0

    def to_client(self, piece: bytes, at_ns: int) -> None:
        if not self.heard_ns and self.price and self.price in piece:
            self.heard_ns = at_ns

    def from_client(self, piece: bytes, at_ns: int) -> None:
        if self.heard_ns and not self.sent_ns and _ORDER in piece:
            self.sent_ns = at_ns


class _Place:
    """The exchange: blocks by hand, the faucet, what rests, and a trader who moves the book."""

    def __init__(self, ports: dict[str, int], node: Node, http: httpx.AsyncClient) -> None:
        self.ports = ports
        self._node = node
        self._http = http
        self._key = LocalSigner(SecretKey(bytes.fromhex(_TRADER_KEY)))
        self._signer: TxSigner | None = None
        self._ids = count(1)
        self.prices = count(1_000)
        self.height = 0

    async def open(self) -> None:
        """Fund the trader and the contenders."""
        keys = (_TRADER_KEY, *(each.key for each in CONTENDERS))
        for address in map(_address, keys):
            body = {"address": address, "subaccountNumber": 0, "amount": 100_000}
            url = f"http://127.0.0.1:{self.ports['rest']}/faucet/tokens"
            (await self._http.post(url, json=body)).raise_for_status()
        await self.make_block()
        number = await account_number(self._node, _address(_TRADER_KEY))
        self._signer = TxSigner(self._key, CHAIN_ID, number)

    async def make_block(self) -> None:
        """Make one block."""
        answer = await self._http.post(self._admin("block"))
        answer.raise_for_status()
        self.height = int(answer.json()["height"])

    async def resting_ids(self, key: str) -> set[int]:
        """Client ids of the orders of that key on the books."""
        answer = await self._http.get(self._admin("state"))
        answer.raise_for_status()
        owner = f"{_address(key)}/0"
        return {o["client_id"] for o in answer.json()["resting"] if o["subaccount"] == owner}

    async def bid(self, price: int) -> None:
        """Let the trader bid at a whole price. Raises RuntimeError when it is refused."""
        if self._signer is None:
            raise RuntimeError("the trader has no account yet")
        order = PlaceOrder(
            market="ETH-USD",
            client_id=next(self._ids),
            side=Side.BUY,
            quantums=10_000_000,
            subticks=price * 1_000_000,
            good_til_block=self.height + _LIFE_BLOCKS,
            time_in_force=TimeInForce.GTT,
            reduce_only=False,
        )
        message = place_order(_address(_TRADER_KEY), 0, 1, order)
        signed = await self._signer.short_term(message)
        reply = await self._node.broadcast(signed.raw, 60_000)
        if reply.code:
            raise RuntimeError(f"the trader's order was refused: {reply.raw_log}")

    def _admin(self, what: str) -> str:
        return f"http://127.0.0.1:{self.ports['admin']}/admin/{what}"


class _Turn:
    """One contender at one round trip: its child, its taps, and the checks of what it sends."""

    def __init__(
        self, place: _Place, contender: Contender, trip_ms: int, measured: Measured
    ) -> None:
        self._place = place
        self._contender = contender
        self._trip = trip_ms
        self._measured = measured
        self._ids = count(1_000 * (1 + trip_ms))
        self._wire = _Wire()

    async def open(self, stack: AsyncExitStack) -> None:
        """Start the taps and the child."""
        ports = self._place.ports
        grpc, websocket = Tap(ports["grpc"], self._trip), Tap(ports["websocket"], self._trip)
        grpc.from_client, websocket.to_client = self._heard_up, self._heard_down
        for tap in (grpc, websocket):
            await stack.enter_async_context(tap)
        told = {
            "grpc": grpc.port if self._trip else ports["grpc"],
            "tapped": grpc.port,
            "rest": f"http://127.0.0.1:{ports['rest']}",
            "websocket": f"ws://127.0.0.1:{websocket.port}",
        }
        self._client = await Client.start(self._contender, told)
        stack.push_async_callback(self._client.stop)

    def _heard_up(self, piece: bytes, at_ns: int) -> None:
        self._wire.from_client(piece, at_ns)

    def _heard_down(self, piece: bytes, at_ns: int) -> None:
        self._wire.to_client(piece, at_ns)

    async def burst(self, size: int, *, counts: bool = True) -> None:
        """Have `size` orders placed at once; keep the time until the last answer."""
        ids = [next(self._ids) for _ in range(size)]
        answer = await self._client.ask("orders", ids=ids, until=self._until())
        await self._check(ids, answer["codes"])
        if counts:
            self._keep(size, int(answer["ns"]), size)

    async def reactions(self, number: int, *, counts: bool = True) -> None:
        """Have the book changed and an order answer it, so many times."""
        await self._client.ask("listen")
        for _ in range(number):
            price, ids = next(self._place.prices), [next(self._ids)]
            self._wire = _Wire(price=f'"{price}"'.encode())
            await self._client.ask("arm", price=str(price), ids=ids, until=self._until())
            await self._place.bid(price)
            answer = await self._client.answer()
            await self._check(ids, answer["codes"])
            if not self._wire.sent_ns:
                raise RuntimeError("an order was answered that the tap did not see")
            if counts:
                self._keep(REACTION, self._wire.sent_ns - self._wire.heard_ns, 1)
        await self._client.ask("deafen")

    def _until(self) -> int:
        return self._place.height + _LIFE_BLOCKS

    def _keep(self, kind: Kind, nanoseconds: int, orders: int) -> None:
        self._measured.samples[self._contender.name, self._trip, kind].append(nanoseconds)
        self._measured.orders[self._contender.name] += orders

    async def _check(self, ids: Sequence[int], codes: Sequence[int]) -> None:
        """Every order has code 0 and rests on the exchange's book; then a block is made."""
        missing = set(ids) - await self._place.resting_ids(self._contender.key)
        if list(codes) != [0] * len(ids) or missing:
            raise RuntimeError(
                f"{self._contender.name}: codes {sorted(set(codes))}, "
                f"{len(missing)} of {len(ids)} orders do not rest"
            )
        await self._place.make_block()


def _address(key: str) -> str:
    return address_of(LocalSigner(SecretKey(bytes.fromhex(key))).public_key)


@asynccontextmanager
async def _turns(place: _Place, measured: Measured) -> AsyncIterator[list[_Turn]]:
    async with AsyncExitStack() as stack:
        turns = [
            _Turn(place, contender, trip, measured)
            for trip in ROUND_TRIPS_MS
            for contender in CONTENDERS
        ]
        for turn in turns:
            await turn.open(stack)
        yield turns


async def _round(turns: Sequence[_Turn], number: int) -> None:
    """Each contender in turn, thing by thing, so that all meet the same minutes."""
    for _ in range(_SINGLES):
        for turn in turns:
            await turn.burst(1)
    for size in BURSTS[1:]:
        for turn in turns if size == 10 or number % 2 == 0 else ():
            await turn.burst(size)
    for turn in turns:
        await turn.reactions(_SINGLES)


async def _measure(ports: dict[str, int], rounds: int) -> Measured:
    measured = Measured()
    async with (
        Node(f"127.0.0.1:{ports['grpc']}", insecure=True, query_deadline_ms=60_000) as node,
        httpx.AsyncClient(timeout=60) as http,
    ):
        place = _Place(ports, node, http)
        await place.open()
        async with _turns(place, measured) as turns:
            for turn in turns:
                for _ in range(_WARM_UPS):
                    await turn.burst(1, counts=False)
                await turn.reactions(1, counts=False)
            for number in range(rounds):
                since = time.monotonic()
                await _round(turns, number)
                took = time.monotonic() - since
                print(f"round {number + 1} of {rounds}: {took:.0f} s", file=sys.stderr)
    return measured


def measure(rounds: int) -> Measured:
    """Run `rounds` rounds of every contender at every round trip. Raises RuntimeError when an
    order was not taken."""
    with exchange_process() as ports:
        return asyncio.run(_measure(ports, rounds))
