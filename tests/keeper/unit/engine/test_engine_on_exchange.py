"""The whole keeper on the local exchange: quotes, fill, stop, restart, replay, books that agree."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.tape import run_started
from keeper.accounting.attribution import VenueProfit, attribute
from keeper.devnet.exchange import Exchange, ExchangeConfig
from keeper.devnet.exchange.dump import state_dump
from keeper.devnet.exchange.model import SubaccountId
from keeper.domain.events import FillReceived, RunStarted
from keeper.engine import Engine
from keeper.engine.sequencer import Sequencer
from keeper.journal import JournalOptions, JournalReader, JournalWriter
from keeper.journal.rerun import CORE
from keeper.replay import replay
from keeper.venues.dydx.keys import LocalSigner, SecretKey, address_of
from keeper.venues.dydx.node import Node
from keeper.venues.dydx.settings import DydxSettings
from keeper.venues.dydx.venue import DydxVenue
from tests.keeper.exchange.wallets import BUY, SELL, Trader, order, place
from tests.keeper.fakes import FakeAlerts

KEY = LocalSigner(SecretKey(b"\x0a" * 32))
ADDRESS = address_of(KEY.public_key)
DEPOSIT = 10_000_000_000
WAIT_SECONDS = 15.0


class ExchangeClock:
    """The exchange's block time; pacing is real."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def now_ns(self) -> int:
        return self._exchange.chain.block.time_ns

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class World:
    """An exchange with a taker on it, and our keeper's folder."""

    exchange: Exchange
    node: Node
    taker: Trader
    folder: Path

    async def trader_order(self, side: int, ticks: int, steps: int) -> None:
        wire = order(
            self.taker, side=side, price=ticks, size=steps, gtb=self.exchange.chain.height + 15
        )
        reply = await self.node.broadcast(place(self.taker, wire), 2_000)
        assert (reply.code, reply.raw_log) == (0, "[]")

    def ours(self) -> list[dict[str, Any]]:
        """Our orders on the exchange's own book."""
        resting = state_dump(self.exchange.chain)["resting"]
        return [order for order in resting if order["subaccount"] == f"{ADDRESS}/0"]

    def truth(self) -> dict[str, Any]:
        """The exchange's own word on our subaccount."""
        found: dict[str, Any] = state_dump(self.exchange.chain)["subaccounts"][f"{ADDRESS}/0"]
        return found

    def engine(self) -> Engine:
        ports = self.exchange.ports
        settings = DydxSettings(
            chain_id="localdydxprotocol",
            grpc_endpoint=f"127.0.0.1:{ports.grpc}",
            grpc_insecure=True,
            rest_url=f"http://127.0.0.1:{ports.rest}",
            ws_url=f"ws://127.0.0.1:{ports.websocket}",
            address=ADDRESS,
            subaccount=0,
            markets=("ETH-USD",),
            reconnect_first_ms=10,
            observe_interval_ms=60_000,
            query_deadline_ms=3_000,
        )
        clock = ExchangeClock(self.exchange)
        journal = JournalWriter.open(self.folder, JournalOptions())
        venue = DydxVenue(settings, KEY, clock)
        sequencer = Sequencer(CORE, journal, clock)
        return Engine(sequencer, clock, venue, None, FakeAlerts(), run_started(2))

    @asynccontextmanager
    async def trading(self) -> AsyncIterator[Engine]:
        """Run the keeper meanwhile; stop it gracefully at the end."""
        engine = self.engine()
        task = asyncio.create_task(engine.run())
        try:
            yield engine
        finally:
            engine.stop()
            async with asyncio.timeout(WAIT_SECONDS):
                await task

    async def blocks_until(self, probe: Callable[[], bool], what: str) -> None:
        """Make blocks until a condition holds."""
        for _ in range(60):
            if probe():
                return
            self.exchange.make_block()
            await asyncio.sleep(0.2)
        raise AssertionError(f"{what} did not happen")


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    async with Exchange(ExchangeConfig()) as exchange:
        taker = Trader(7)
        for address in (ADDRESS, taker.address):
            exchange.chain.credit(address, 1_000_000_000, f"memo {address}")
            exchange.chain.faucet(SubaccountId(address, 0), DEPOSIT)
        exchange.make_block()
        account = exchange.chain.state.accounts.get(taker.address)
        assert account is not None
        endpoint = f"127.0.0.1:{exchange.ports.grpc}"
        async with Node(endpoint, insecure=True, query_deadline_ms=3_000) as node:
            yield World(exchange, node, Trader(7, account.number), folder)


def fills(folder: Path) -> list[FillReceived]:
    steps = JournalReader(folder).steps()
    return [step.event for step in steps if isinstance(step.event, FillReceived)]


def test_engine__on_the_exchange__quotes_fills_stops_restarts_and_its_books_agree(
    tmp_path: Path,
) -> None:
    asyncio.run(_story(tmp_path / "journal"))


async def _story(folder: Path) -> None:
    async with world(folder) as here:
        await here.trader_order(BUY, 29_000, 10)
        await here.trader_order(SELL, 31_000, 10)
        async with here.trading() as engine:
            await here.blocks_until(lambda: len(here.ours()) >= 4, "quotes on both sides")
            await here.trader_order(SELL, 29_500, 5)
            await here.blocks_until(
                lambda: engine.state.account.positions.get("ETH-USD") is not None, "a fill"
            )
        assert here.ours() == []
        first = fills(folder)
        assert first

        async with here.trading():
            await here.trader_order(BUY, 29_000, 10)
            await here.trader_order(SELL, 31_000, 10)
            await here.blocks_until(lambda: len(here.ours()) >= 2, "quotes after the restart")
        assert here.ours() == []

        result = replay(folder)
        assert_books_agree(result.ledger.books().balances, here.truth())
        heights = result.ledger.observed_heights()
        profit = attribute(result.ledger, heights[0], heights[-1])
        assert isinstance(profit, VenueProfit)
        assert profit.unexplained_entries == 0
        assert profit.causes.total == profit.closing_equity - profit.opening_equity
        assert profit.causes.fees_and_rebates == -sum(f.fee_quote_quantums for f in fills(folder))
        runs = [s.event.run for s in JournalReader(folder).steps() if type(s.event) is RunStarted]
        assert runs == [1, 2]


def assert_books_agree(balances: dict[str, dict[str, int]], truth: dict[str, Any]) -> None:
    """The ledger's cash and position are the exchange's, to the unit."""
    held = truth["positions"]["1"]
    assert balances["venue:position"] == {"ETH-USD": held["quantums"]}
    assert balances["venue:cash"] == {"quote": truth["usdc"] + held["quote_balance"]}
    assert "unexplained" not in balances
