"""The local exchange under load: signed transactions in, stream messages out, blocks on the clock.

`python -m benchmarks.exchange_load` is the client: it signs and broadcasts short-term orders from
many accounts at a steady rate and follows book and subaccounts on several connections. The
exchange is another process on the same machine, making a block a second by its clock, and measures
how late each block is complete.
"""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count

import httpx
import websockets

from benchmarks.build_sign import account_number, exchange_process
from keeper.domain.commands import PlaceOrder
from keeper.domain.orders import Side, TimeInForce
from keeper.venues.dydx.keys import LocalSigner, SecretKey, address_of
from keeper.venues.dydx.messages import place_order
from keeper.venues.dydx.node import Node
from keeper.venues.dydx.signing import TxSigner

__all__ = ["Load", "measure"]

CHAIN_ID = "localdydxprotocol"
TRADERS = 20
FOLLOWERS = 2  # connections that follow the book and every trader
DEADLINE_MS = 60_000  # a busy machine shows as late answers, not as a failed run
BATCHES = 20  # sendings a second
IN_FLIGHT = 400  # gRPC's server cancels calls where about a thousand wait
WARM_UP_SECONDS = 5
DEPOSIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Load:
    """What was sent and heard, and how the blocks kept pace. Times in microseconds."""

    seconds: int
    sent_per_second: float
    refused: int
    answer_p50_us: float
    answer_p99_us: float
    heard_per_second: float
    blocks: int
    late_p50_us: int
    late_p99_us: int
    block_cpu_p50_us: int
    block_cpu_p99_us: int
    exchange_cpu_percent: float


class _Trader:
    """An account that replaces its own quotes, sometimes into another's."""

    def __init__(self, number: int, account: int) -> None:
        key = LocalSigner(SecretKey(sha256(f"load {number}".encode()).digest()))
        self.address = address_of(key.public_key)
        self._signer = TxSigner(key, CHAIN_ID, account)
        self._ids = count(number * 1_000_000)
        self._number = number

    async def next_order(self, height: int) -> bytes:
        """Return a fresh order's bytes; one in ten crosses the book's middle."""
        client_id = next(self._ids)
        side = Side.BUY if client_id % 2 else Side.SELL
        distance = -1 if client_id % 10 == 0 else 1 + client_id % 15
        order = PlaceOrder(
            market="ETH-USD",
            client_id=client_id,
            side=side,
            quantums=10_000_000,
            subticks=3_000_000_000 - side.sign * distance * 100_000,
            good_til_block=height + 20,  # far enough for a client that gets little of the machine
            time_in_force=TimeInForce.IOC if distance < 0 else TimeInForce.GTT,
            reduce_only=False,
        )
        return (await self._signer.short_term(place_order(self.address, 0, 1, order))).raw


class _Follower:
    """A connection that counts what it hears; only heights are looked into."""

    def __init__(self) -> None:
        self.heard = 0
        self.height = 0

    async def run(self, url: str, addresses: list[str]) -> None:
        async with websockets.connect(url, max_size=None, compression=None) as socket:
            await socket.send(json.dumps({"type": "subscribe", "channel": "v4_block_height"}))
            asked = [
                ("v4_orderbook", "ETH-USD"),
                *(("v4_subaccounts", f"{a}/0") for a in addresses),
            ]
            for channel, identity in asked:
                request = {"type": "subscribe", "channel": channel, "id": identity}
                await socket.send(json.dumps(request))
            async for message in socket:
                self.heard += 1
                text = message if isinstance(message, str) else message.decode()
                if '"channel": "v4_block_height"' in text:
                    self._note(json.loads(text)["contents"])

    def _note(self, contents: dict[str, str]) -> None:
        self.height = int(contents.get("blockHeight") or contents.get("height") or self.height)


@dataclass(slots=True)
class _Answers:
    waits_ns: list[int]
    refused: int = 0


async def _broadcast(node: Node, raw: bytes, answers: _Answers) -> None:
    since = time.perf_counter_ns()
    reply = await node.broadcast(raw, DEADLINE_MS)
    answers.waits_ns.append(time.perf_counter_ns() - since)
    answers.refused += bool(reply.code)


async def _send(
    node: Node, traders: list[_Trader], rate: int, follower: _Follower, seconds: int
) -> _Answers:
    """Broadcast at a steady rate, late or not, and wait for the answers.

    With IN_FLIGHT unanswered it waits: an exchange that cannot follow shows as a lower rate.
    """
    answers, tasks, room = _Answers([]), [], asyncio.Semaphore(IN_FLIGHT)
    started, turn = time.monotonic(), 0
    for batch in range(seconds * BATCHES):
        await asyncio.sleep(max(started + batch / BATCHES - time.monotonic(), 0))
        for _ in range(rate // BATCHES):
            await room.acquire()
            raw = await traders[turn % len(traders)].next_order(follower.height)
            task = asyncio.create_task(_broadcast(node, raw, answers))
            task.add_done_callback(lambda _: room.release())
            tasks.append(task)
            turn += 1
    await asyncio.gather(*tasks)
    return answers


async def _traders(node: Node, http: httpx.AsyncClient, ports: dict[str, int]) -> list[_Trader]:
    """Fund the accounts by the faucet and wait until they exist."""
    empty = [_Trader(number, 0) for number in range(TRADERS)]
    url = f"http://127.0.0.1:{ports['rest']}/faucet/tokens"
    for trader in empty:
        body = {"address": trader.address, "subaccountNumber": 0, "amount": DEPOSIT}
        (await http.post(url, json=body)).raise_for_status()
    await asyncio.sleep(2.5)  # two blocks of the clock
    numbers = [await account_number(node, trader.address) for trader in empty]
    return [_Trader(number, account) for number, account in enumerate(numbers)]


@asynccontextmanager
async def _following(url: str, addresses: list[str]) -> AsyncIterator[list[_Follower]]:
    followers = [_Follower() for _ in range(FOLLOWERS)]
    tasks = [asyncio.create_task(each.run(url, addresses)) for each in followers]
    try:
        while any(not each.height for each in followers):
            await asyncio.sleep(0.05)
            for task in tasks:
                if task.done():
                    task.result()
        yield followers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(ports: dict[str, int], rate: int, seconds: int) -> Load:
    pace = f"http://127.0.0.1:{ports['admin']}/admin/pace"
    endpoint = f"127.0.0.1:{ports['grpc']}"
    async with (
        Node(endpoint, insecure=True, query_deadline_ms=DEADLINE_MS) as node,
        httpx.AsyncClient(timeout=30) as http,
    ):
        traders = await _traders(node, http, ports)
        stream = f"ws://127.0.0.1:{ports['websocket']}/"
        async with _following(stream, [trader.address for trader in traders]) as followers:
            await _send(node, traders, rate, followers[0], WARM_UP_SECONDS)
            before = (await http.delete(pace)).json()["process_cpu_seconds"]
            heard, started = sum(each.heard for each in followers), time.monotonic()
            answers = await _send(node, traders, rate, followers[0], seconds)
            took = time.monotonic() - started
            heard = sum(each.heard for each in followers) - heard
            blocks = (await http.get(pace)).json()
    waits = sorted(answers.waits_ns)
    return Load(
        seconds=seconds,
        sent_per_second=len(waits) / took,
        refused=answers.refused,
        answer_p50_us=waits[len(waits) // 2] / 1_000,
        answer_p99_us=waits[len(waits) * 99 // 100] / 1_000,
        heard_per_second=heard / took,
        blocks=blocks["blocks"],
        late_p50_us=blocks["late_p50_us"],
        late_p99_us=blocks["late_p99_us"],
        block_cpu_p50_us=blocks["cpu_p50_us"],
        block_cpu_p99_us=blocks["cpu_p99_us"],
        exchange_cpu_percent=100 * (blocks["process_cpu_seconds"] - before) / took,
    )


def measure(rate: int, seconds: int) -> Load:
    """Run the exchange on its own clock and load it with `rate` transactions a second."""
    with exchange_process(clocked=True) as ports:
        return asyncio.run(_run(ports, rate, seconds))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exchange_load", description=__doc__)
    parser.add_argument("--rate", type=int, default=500, help="transactions a second")
    parser.add_argument("--seconds", type=int, default=30, help="length of the measured run")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    load = measure(options.rate, options.seconds)
    if options.json:
        print(json.dumps(asdict(load)))
        return
    print(f"{datetime.now(UTC).date().isoformat()}, {options.seconds} s")
    for name, value in asdict(load).items():
        print(f"{name:24}{value:>12,.0f}")


if __name__ == "__main__":
    main()
