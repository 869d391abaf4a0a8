"""A treasurer on the local exchange: requests served once, over restarts, and nothing else."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from v4_proto.dydxprotocol.clob.tx_pb2 import MsgPlaceOrder

from keeper.devnet.exchange import Exchange, ExchangeConfig
from keeper.devnet.exchange.addresses import BRIDGE
from keeper.devnet.exchange.dump import state_dump
from keeper.devnet.exchange.model import SubaccountId
from keeper.treasurer.policy import Action, BridgeHome, Deposit, Move, Policy, Withdraw
from keeper.treasurer.serve import Treasurer, TreasurerSettings
from keeper.treasurer.signer import FEE_QUANTUMS, OwnPlaces, TreasurySigner
from keeper.treasurer.venue import VenueReader
from keeper.venues.dydx.keys import LocalSigner, SecretKey, address_of
from keeper.venues.dydx.node import Node
from keeper.venues.dydx.signing import TxSigner
from tests.keeper.exchange.wallets import BUY, IOC, SELL, Trader, order, place

NS = 1_000_000_000
USDC = 1_000_000
ADAPTER = "0x00000000000000000000000000000000000000AA"
OWNER = LocalSigner(SecretKey(b"\x0c" * 32))
ADDRESS = address_of(OWNER.public_key)
PLACES = OwnPlaces(ADDRESS, frozenset((0, 1)), BRIDGE, ADAPTER)
POLICY = Policy(
    trading=0,
    reserve=None,
    trading_share_ppm=1_000_000,
    wallet_float=USDC,
    min_move=10 * USDC,
    fee=FEE_QUANTUMS,
)


class Requests:
    """What the vault asked home so far."""

    def __init__(self) -> None:
        self.total = 0

    async def requested(self) -> int:
        return self.total


class BlockingClock:
    """Every pause makes a block, so that what was broadcast is included."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.stalled = False

    def now_ns(self) -> int:
        return self._exchange.chain.block.time_ns

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        if not self.stalled:
            self._exchange.make_block()


class World:
    """The exchange, the vault's requests, and treasurers that come and go."""

    def __init__(self, exchange: Exchange, node: Node) -> None:
        self.exchange = exchange
        self.requests = Requests()
        self.clock = BlockingClock(exchange)
        self.node = node

    def treasurer(self, policy: Policy = POLICY) -> Treasurer:
        """A new process: nothing is remembered from the one before."""
        return Treasurer(
            TreasurerSettings(PLACES, policy, 0.01),
            self.requests,
            VenueReader(self.node, PLACES),
            TreasurySigner(OWNER, "localdydxprotocol", PLACES),
            self.clock,
        )

    def credit(self, amount: int, memo: str = "0x01:0") -> None:
        self.exchange.chain.credit(ADDRESS, amount, memo)
        self.exchange.make_block()

    async def open_position(self, steps: int) -> None:
        """Buy ETH at 3000 from another trader (steps of 0.001 ETH, 5 bp taker fee)."""
        chain = self.exchange.chain
        seller = Trader(7)
        chain.credit(seller.address, USDC, "seller")
        chain.faucet(SubaccountId(seller.address, 0), 10_000 * USDC)
        self.exchange.make_block()
        account = chain.state.accounts.get(seller.address)
        assert account is not None
        seller = dataclasses.replace(seller, number=account.number)
        ask = order(seller, side=SELL, size=steps, gtb=chain.height + 5)
        bid = order(seller, side=BUY, size=steps, gtb=chain.height + 5, tif=IOC)
        bid.order_id.subaccount_id.owner = ADDRESS
        own = chain.state.accounts.get(ADDRESS)
        assert own is not None
        signer = TxSigner(OWNER, "localdydxprotocol", own.number)
        crossing = await signer.short_term(MsgPlaceOrder(order=bid))
        for raw in (place(seller, ask), crossing.raw):
            assert chain.check_tx(raw).result.code == 0
        self.exchange.make_block()

    async def work(self, policy: Policy = POLICY) -> list[Action]:
        """Let a fresh treasurer act at each step until nothing is due."""
        done: list[Action] = []
        while (action := await self.treasurer(policy).act_once()) is not None:
            done.append(action)
            assert len(done) < 10
        return done

    def wallet(self, address: str = ADDRESS) -> int:
        return int(state_dump(self.exchange.chain)["bank"].get(address, 0))

    def subaccount(self, number: int) -> int:
        held = state_dump(self.exchange.chain)["subaccounts"].get(f"{ADDRESS}/{number}")
        return int(held["usdc"]) if held else 0

    def bridged_out(self) -> int:
        return int(state_dump(self.exchange.chain)["totals"]["bridged_out"])


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    async with Exchange(ExchangeConfig()) as exchange:
        grpc = f"127.0.0.1:{exchange.ports.grpc}"
        async with Node(grpc, insecure=True, query_deadline_ms=3_000) as node:
            yield World(exchange, node)


def test_act_once__nothing_arrived_yet__nothing() -> None:
    async def script() -> None:
        async with world() as here:
            here.requests.total = 5 * USDC
            assert await here.work() == []

    asyncio.run(script())


def test_act_once__arrival__in_the_trading_subaccount_but_for_the_float() -> None:
    async def script() -> None:
        async with world() as here:
            here.credit(1_000 * USDC)

            assert await here.work() == [Deposit(0, 999 * USDC - FEE_QUANTUMS)]
            assert here.wallet() == USDC
            assert here.subaccount(0) == 999 * USDC - FEE_QUANTUMS

    asyncio.run(script())


def test_act_once__request__sent_home_once_by_processes_that_remember_nothing() -> None:
    async def script() -> None:
        async with world() as here:
            here.credit(1_000 * USDC)
            await here.work()
            here.requests.total = 300 * USDC

            done = await here.work()

            assert done == [Withdraw(0, 300 * USDC + 2 * FEE_QUANTUMS), BridgeHome(300 * USDC)]
            assert here.bridged_out() == 300 * USDC
            assert await here.work() == []
            here.requests.total += 50 * USDC
            await here.work()
            assert here.bridged_out() == 350 * USDC

    asyncio.run(script())


def test_act_once__killed_between_broadcast_and_block__paid_once() -> None:
    async def script() -> None:
        async with world() as here:
            here.credit(1_000 * USDC)
            here.requests.total = 300 * USDC
            here.clock.stalled = True  # no block: the first process dies while it waits
            assert await here.treasurer().act_once() is None
            assert await here.treasurer().act_once() is None
            here.clock.stalled = False
            here.exchange.make_block()

            await here.work()

            assert here.bridged_out() == 300 * USDC

    asyncio.run(script())


def test_act_once__request_above_everything__all_but_float_and_fees() -> None:
    async def script() -> None:
        async with world() as here:
            here.credit(1_000 * USDC)
            await here.work()
            here.requests.total = 5_000 * USDC

            await here.work()

            assert here.subaccount(0) == 0
            assert here.bridged_out() == 999 * USDC - 3 * FEE_QUANTUMS
            assert here.wallet() == USDC

    asyncio.run(script())


def test_act_once__reserve__trading_kept_at_its_share() -> None:
    split = dataclasses.replace(POLICY, reserve=1, trading_share_ppm=100_000)

    async def script() -> None:
        async with world() as here:
            here.credit(1_000 * USDC)
            await here.work(split)
            assert here.subaccount(0) == 100 * USDC
            assert here.subaccount(1) == 899 * USDC - 2 * FEE_QUANTUMS

            here.requests.total = 500 * USDC
            done = await here.work(split)

            assert [type(action) for action in done] == [Withdraw, BridgeHome, Move]
            assert here.bridged_out() == 500 * USDC
            assert here.subaccount(0) <= 51 * USDC

    asyncio.run(script())


def test_act_once__open_position__its_margin_stays_until_it_is_closed() -> None:
    async def script() -> None:
        async with world() as here:
            here.credit(1_000 * USDC)
            await here.work()
            await here.open_position(steps=300)  # 0.3 ETH at 3000: 45 USDC of initial margin
            here.requests.total = 5_000 * USDC

            await here.work()

            held = state_dump(here.exchange.chain)["subaccounts"][f"{ADDRESS}/0"]
            equity = held["usdc"] + held["positions"]["1"]["quote_balance"] + 900 * USDC
            assert 49 * USDC < equity < 50 * USDC  # the margin and a tenth of it
            assert here.bridged_out() == 1_000 * USDC - USDC - 3 * FEE_QUANTUMS - equity - 450_000

    asyncio.run(script())
