"""Six orders built and signed, and the same six broadcast to the local exchange.

The exchange is its own process on loopback, answering each broadcast after its CheckTx (signature
verified, order matched); a block is made between rounds.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from v4_proto.cosmos.auth.v1beta1.auth_pb2 import BaseAccount
from v4_proto.cosmos.auth.v1beta1.query_pb2 import QueryAccountRequest, QueryAccountResponse

from benchmarks.figures import Figure, Samples, median_of, now
from keeper.domain.commands import PlaceOrder
from keeper.domain.orders import Side, TimeInForce
from keeper.venues.dydx.keys import LocalSigner, SecretKey, address_of
from keeper.venues.dydx.messages import place_order
from keeper.venues.dydx.node import Node
from keeper.venues.dydx.signing import SignedTx, TxSigner

__all__ = ["account_number", "exchange_process", "figures"]

CHAIN_ID = "localdydxprotocol"
ORDERS = 6
DEADLINE_MS = 5_000
SECRET = bytes(31) + b"\x2a"
GOAL = "<= 0.5 ms"


def _orders(good_til_block: int) -> list[PlaceOrder]:
    """Three post-only orders a side; the same ids each time, so that a later set replaces it."""
    return [
        PlaceOrder(
            market="ETH-USD",
            client_id=number,
            side=side,
            quantums=100_000_000,
            subticks=3_000_000_000 - side.sign * (1 + number) * 1_000_000,
            good_til_block=good_til_block,
            time_in_force=TimeInForce.POST_ONLY,
            reduce_only=False,
        )
        for number, side in enumerate((Side.BUY, Side.SELL) * (ORDERS // 2))
    ]


async def _signed(signer: TxSigner, address: str, good_til_block: int) -> list[SignedTx]:
    orders = _orders(good_til_block)
    return [await signer.short_term(place_order(address, 0, 1, order)) for order in orders]


async def _signing_run(rounds: int) -> Samples:
    local = LocalSigner(SecretKey(SECRET))
    signer, address = TxSigner(local, CHAIN_ID, 0), address_of(local.public_key)
    samples = Samples()
    for number in range(rounds):
        since = now()
        await _signed(signer, address, 100 + number)
        samples.add(since)
    return samples


@contextmanager
def exchange_process(*, clocked: bool = False) -> Iterator[dict[str, int]]:
    """Run the local exchange as a process of its own; yield its ports.

    Its blocks are made by hand, or each second where it is `clocked`.
    """
    with tempfile.TemporaryDirectory(prefix="athanor-bench-") as folder:
        config, clock = Path(folder) / "exchange.json", Path(folder) / "clock.json"
        settings: dict[str, object] = {"faucet": True}
        if clocked:
            wall = time.time_ns()
            world = {"anchor_wall_ns": wall, "anchor_world_ns": wall, "rate_ppm": 1_000_000}
            clock.write_text(json.dumps({**world, "paused": False}))
            settings["clock_path"] = str(clock)
        config.write_text(json.dumps(settings))
        process = subprocess.Popen(
            [sys.executable, "-m", "keeper.devnet.exchange", "--config", str(config)],
            stdout=subprocess.PIPE,
        )
        try:
            if process.stdout is None:
                raise RuntimeError("the exchange has no output")
            ports: dict[str, int] = json.loads(process.stdout.readline())
            yield ports
        finally:
            process.terminate()
            process.wait(timeout=10)
            if process.stdout is not None:
                process.stdout.close()


async def account_number(node: Node, address: str) -> int:
    """Return the number of an account that exists."""
    answer = await node.query(
        "/cosmos.auth.v1beta1.Query/Account",
        QueryAccountRequest(address=address),
        QueryAccountResponse,
    )
    account = BaseAccount.FromString(answer.reply.account.value)
    return int(account.account_number)


async def _broadcast_run(ports: dict[str, int], rounds: int) -> Samples:
    local = LocalSigner(SecretKey(SECRET))
    address, samples = address_of(local.public_key), Samples()
    endpoint = f"127.0.0.1:{ports['grpc']}"
    async with (
        Node(endpoint, insecure=True, query_deadline_ms=DEADLINE_MS) as node,
        httpx.AsyncClient() as http,
    ):
        await _fund(http, ports, address)
        signer = TxSigner(local, CHAIN_ID, await account_number(node, address))
        for _ in range(rounds):
            height = await _make_block(http, ports)
            since = now()
            signed = await _signed(signer, address, height + 10)
            replies = await asyncio.gather(
                *(node.broadcast(each.raw, DEADLINE_MS) for each in signed)
            )
            samples.add(since)
            refused = [reply.raw_log for reply in replies if reply.code]
            if refused:
                raise RuntimeError(f"the exchange refused: {refused[0]}")
    return samples


async def _fund(http: httpx.AsyncClient, ports: dict[str, int], address: str) -> None:
    body = {"address": address, "subaccountNumber": 0, "amount": 100_000}
    url = f"http://127.0.0.1:{ports['rest']}/faucet/tokens"
    (await http.post(url, json=body)).raise_for_status()
    await _make_block(http, ports)


async def _make_block(http: httpx.AsyncClient, ports: dict[str, int]) -> int:
    answer = await http.post(f"http://127.0.0.1:{ports['admin']}/admin/block")
    answer.raise_for_status()
    return int(answer.json()["height"])


def figures(*, runs: int, rounds: int) -> list[Figure]:
    """Measure `runs` times over `rounds` sets of six orders."""
    signing = [asyncio.run(_signing_run(rounds)) for _ in range(runs)]
    with exchange_process() as ports:
        sending = [asyncio.run(_broadcast_run(ports, max(20, rounds // 10))) for _ in range(runs)]
    return [
        median_of("6 orders built and signed", signing, GOAL),
        median_of("6 orders built, signed, broadcast, answered", sending, "none set"),
    ]
