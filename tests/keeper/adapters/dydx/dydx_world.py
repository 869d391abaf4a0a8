"""The local exchange with our adapter connected to it and another trader on the other side."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from dydx_peers import Events

from keeper.config.template import draft, render_config
from keeper.devnet.exchange import Exchange, ExchangeConfig
from keeper.devnet.exchange.dump import state_dump
from keeper.devnet.exchange.model import SubaccountId
from keeper.domain.approval import Approved
from keeper.domain.commands import CancelOrders, CommandId, OrderCommand, PlaceOrder
from keeper.domain.events import CommandResult, Event, SubaccountObserved
from keeper.domain.orders import Side, TimeInForce
from keeper.venues.dydx.account import Receipt, Wallet, open_wallet
from keeper.venues.dydx.keys import LocalSigner, SecretKey, Signer, address_of
from keeper.venues.dydx.node import Node
from keeper.venues.dydx.reader import Reader
from keeper.venues.dydx.settings import DydxSettings, FeeSettings
from keeper.venues.dydx.signing import SignedTx
from keeper.venues.dydx.venue import DydxVenue
from tests.keeper.exchange.wallets import Trader, order, place

T = TypeVar("T")
WAIT_SECONDS = 10.0
CHAIN = "localdydxprotocol"
DEPOSIT = 10_000_000_000
TICK, STEP = 100_000, 1_000_000
OWNER = LocalSigner(SecretKey(b"\x0a" * 32))
HOT = LocalSigner(SecretKey(b"\x0b" * 32))
ADDRESS = address_of(OWNER.public_key)


class ExchangeClock:
    """The exchange's block time; pacing is real."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def now_ns(self) -> int:
        return self._exchange.chain.block.time_ns

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def until(probe: Callable[[], T], what: str = "condition") -> T:
    """Return the first truthy answer of a probe, or fail after a while."""
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        found = probe()
        if found:
            return found
        await asyncio.sleep(0.005)
    raise AssertionError(f"{what} did not happen in {WAIT_SECONDS} s")


class World:
    """One exchange, our venue on it, what it emitted, and a taker."""

    def __init__(self, exchange: Exchange, node: Node, taker: Trader) -> None:
        self.exchange = exchange
        self.node = node
        self.taker = taker
        self.events = Events()
        self.venue: DydxVenue | None = None
        self.task: asyncio.Task[None] | None = None
        self._seq = count(1)

    def settings(self, **changes: Any) -> DydxSettings:
        ports = self.exchange.ports
        values: dict[str, Any] = {
            "chain_id": "localdydxprotocol",
            "grpc_endpoint": f"127.0.0.1:{ports.grpc}",
            "grpc_insecure": True,
            "rest_url": f"http://127.0.0.1:{ports.rest}",
            "ws_url": f"ws://127.0.0.1:{ports.websocket}",
            "address": ADDRESS,
            "subaccount": 0,
            "markets": ("ETH-USD", "BTC-USD"),
            "reconnect_first_ms": 10,
            "observe_interval_ms": 60_000,
            "query_deadline_ms": 3_000,
        }
        return DydxSettings(**values | changes)

    def emit(self, event: Event) -> None:
        self.events.append(event)

    async def connect(
        self, signer: Signer = OWNER, resume_height: int | None = None, **changes: Any
    ) -> DydxVenue:
        """Start a venue on the exchange and wait until it is up."""
        self.start(signer, resume_height, **changes)
        assert self.venue is not None
        await self.came_up(1)
        return self.venue

    def start(
        self, signer: Signer = OWNER, resume_height: int | None = None, **changes: Any
    ) -> None:
        clock = ExchangeClock(self.exchange)
        self.venue = DydxVenue(self.settings(**changes), signer, clock, resume_height=resume_height)
        self.task = asyncio.create_task(self.venue.run(self.emit))

    async def came_up(self, times: int) -> None:
        def probe() -> bool:
            if self.task is not None and self.task.done():
                self.task.result()
            return sum(type(e).__name__ == "SourceUp" for e in self.events) >= times

        await until(probe, f"SourceUp number {times}")

    async def disconnect(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        if self.venue is not None:
            await self.venue.close()
        self.venue = self.task = None

    async def send(self, *commands: OrderCommand) -> list[CommandResult]:
        """Submit commands as one burst; return their results in the commands' order."""
        assert self.venue is not None
        seq = next(self._seq)
        ids = [CommandId(1, seq, ordinal) for ordinal in range(len(commands))]
        await self.venue.submit([(i, Approved(c)) for i, c in zip(ids, commands, strict=True)])

        def results() -> dict[CommandId, CommandResult]:
            return {r.command: r for r in self.events.of(CommandResult) if r.command in ids}

        await until(lambda: len(results()) == len(ids), "every result")
        return [results()[command_id] for command_id in ids]

    async def take(self, side: int, ticks: int, steps: int) -> None:
        """Have the other trader cross with a limit order (ETH ticks and steps)."""
        wire = order(
            self.taker, side=side, price=ticks, size=steps, gtb=self.exchange.chain.height + 10
        )
        reply = await self.node.broadcast(place(self.taker, wire), 2_000)
        assert (reply.code, reply.raw_log) == (0, "[]")

    async def block(self) -> int:
        """Make a block and wait until the adapter has seen it."""
        height = self.exchange.make_block()
        await until(
            lambda: any(getattr(e, "height", 0) >= height for e in self.events), "the block"
        )
        return height

    async def observed(self, height: int) -> SubaccountObserved:
        """Wait for the committed state of a height."""

        def probe() -> Any:
            return next((e for e in self.events.of(SubaccountObserved) if e.height == height), None)

        found: SubaccountObserved = await until(probe, f"the state at {height}")
        return found

    def truth(self, number: int = 0) -> dict[str, Any]:
        """Return the exchange's own word on our subaccount."""
        found: dict[str, Any] = state_dump(self.exchange.chain)["subaccounts"][
            f"{ADDRESS}/{number}"
        ]
        return found


def quote(
    client_id: int, side: Side, ticks: int, steps: int, good_til_block: int, **changes: Any
) -> PlaceOrder:
    """Return an ETH quote in ticks of 0.1 USD and steps of 0.001 ETH."""
    values: dict[str, Any] = {
        "market": "ETH-USD",
        "time_in_force": TimeInForce.POST_ONLY,
        "reduce_only": False,
    }
    return PlaceOrder(
        client_id=client_id,
        side=side,
        quantums=steps * STEP,
        subticks=ticks * TICK,
        good_til_block=good_til_block,
        **values | changes,
    )


def cancel(good_til_block: int, *client_ids: int, market: str = "ETH-USD") -> CancelOrders:
    return CancelOrders(market=market, client_ids=client_ids, good_til_block=good_til_block)


@asynccontextmanager
async def world(**config: Any) -> AsyncIterator[World]:
    """Serve an exchange with two funded accounts; blocks are made by hand."""
    async with Exchange(ExchangeConfig(**config)) as exchange:
        node = Node(f"127.0.0.1:{exchange.ports.grpc}", insecure=True, query_deadline_ms=3_000)
        trader = Trader(7)
        for address in (ADDRESS, trader.address):
            exchange.chain.credit(address, 1_000_000_000, f"memo {address}")
            exchange.chain.faucet(SubaccountId(address, 0), DEPOSIT)
        exchange.make_block()
        account = exchange.chain.state.accounts.get(trader.address)
        assert account is not None
        here = World(exchange, node, Trader(7, account.number))
        try:
            yield here
        finally:
            await here.disconnect()
            await node.close()


@asynccontextmanager
async def wallet_world(**config: Any) -> AsyncIterator[tuple[World, Wallet, Reader]]:
    async with world(**config) as here:
        clock = ExchangeClock(here.exchange)
        wallet = await open_wallet(here.node, OWNER, CHAIN, FeeSettings(), clock)
        yield here, wallet, Reader(here.node)


async def included(here: World, wallet: Wallet, signed: SignedTx) -> Receipt:
    """Send a transaction, make a block and return its receipt."""
    reply = await wallet.send(signed, 2_000)
    assert (reply.code, reply.raw_log, reply.tx_hash) == (0, "[]", signed.tx_hash)
    assert await wallet.receipt(signed.tx_hash) is None
    here.exchange.make_block()
    receipt = await wallet.wait(signed.tx_hash, 5)
    assert receipt.code == 0, receipt.raw_log
    return receipt


def trade_only(key: bytes, subaccounts: str, pairs: str) -> bytes:
    kinds = "/dydxprotocol.clob.MsgPlaceOrder,/dydxprotocol.clob.MsgCancelOrder"
    filters = (
        ("SignatureVerification", key),
        ("MessageFilter", f"{kinds},/dydxprotocol.clob.MsgBatchCancel".encode()),
        ("SubaccountFilter", subaccounts.encode()),
        ("ClobPairIdFilter", pairs.encode()),
    )
    shapes = [{"type": k, "config": base64.b64encode(c).decode()} for k, c in filters]
    return json.dumps(shapes).encode()


@asynccontextmanager
async def running() -> AsyncIterator[tuple[World, Wallet, Reader]]:
    """The exchange making blocks by itself, at this machine's time."""
    async with wallet_world() as (here, wallet, reader):

        async def make_blocks() -> None:
            while True:
                await asyncio.sleep(0.05)
                here.exchange.make_block(time.time_ns())

        here.exchange.make_block(time.time_ns())
        blocks = asyncio.create_task(make_blocks())
        try:
            yield here, wallet, reader
        finally:
            blocks.cancel()


def config_of(here: World, file: Path) -> Path:
    """Write a configuration of keeper and treasurer on this exchange, at this machine's time."""
    ports = here.exchange.ports
    values = (
        f"vault.address={'0x' + '11' * 20}",
        f"vault.reporter={'0x' + '22' * 20}",
        f"venue.adapter={'0x' + '55' * 20}",
        f"venue.address={ADDRESS}",
        f"venue.bridge_address={ADDRESS}",
        f"venue.grpc_endpoint=127.0.0.1:{ports.grpc}",
        f"venue.rest_url=http://127.0.0.1:{ports.rest}",
        f"venue.ws_url=ws://127.0.0.1:{ports.websocket}",
    )
    data = draft("local", ("keeper", "treasurer"), values)
    file.write_text(render_config(data, venue="local"))
    return file
