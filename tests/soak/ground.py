"""An exchange that misbehaves on request, strangers who trade on it, and the whole keeper."""

import asyncio
import random
import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from benchmarks.tape import run_started
from keeper.devnet.exchange import Exchange, ExchangeConfig
from keeper.devnet.exchange.model import SubaccountId
from keeper.domain.events import Event, OperatorCommand
from keeper.domain.settings import OrderToTrade, Resting
from keeper.engine import Engine
from keeper.engine.sequencer import Sequencer
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import CORE
from keeper.venues.dydx.keys import LocalSigner, SecretKey, address_of
from keeper.venues.dydx.settings import DydxSettings
from keeper.venues.dydx.venue import DydxVenue
from tests.keeper.exchange.wallets import BUY, IOC, SELL, Trader, order, place
from tests.keeper.fakes import FakeAlerts
from tests.soak.pace import Pace

__all__ = ["ADDRESS", "DEPOSIT", "MARKET", "RESTING", "Ground", "Keeping", "ground"]

KEY: Final = LocalSigner(SecretKey(b"\x0a" * 32))
ADDRESS: Final = address_of(KEY.public_key)
MARKET: Final = 1
DEPOSIT: Final = 1_000_000_000_000
TICK_PRICE: Final = 30_000
ORACLE_PER_TICK: Final = 100_000
BLOCK_SECONDS: Final = 0.05
_PATIENCE: Final = 3
"""Block intervals that answers may take: a busy machine makes slower blocks, not a backlog."""


RESTING: Final = Resting(min_resting_ms=500, urgent_ppm=300)
"""Ten blocks of a campaign."""
_ORDER_TO_TRADE: Final = OrderToTrade(
    window_seconds=60, free_messages=600, max_ratio=250, max_volume_ratio=100_000
)


class WallClock:
    """This machine's time; block times follow it."""

    def now_ns(self) -> int:
        return time.time_ns()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class WatchedVenue(DydxVenue):
    """The real adapter; counts the kinds of events it emits."""

    counts: dict[str, int]

    async def run(self, emit: Callable[[Event], None]) -> None:
        self.counts = {}

        def counted(event: Event) -> None:
            name = type(event).__name__
            self.counts[name] = self.counts.get(name, 0) + 1
            emit(event)

        await super().run(counted)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How a campaign's keeper is set: limits in place of such that no campaign reaches, ages in
    milliseconds at which what it knows is stale, how often it has books told anew, and what of
    its market differs."""

    limits: Mapping[str, int] = field(default_factory=dict)
    max_age_ms: int = 3_000
    book_refresh_ms: int = 1_200
    market: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Ground:
    """Everything of one campaign.

    `price`, and how far `away` strangers quote, in ticks of 0.1 USD; what they quote in steps;
    `takes` is the share of blocks in which one of them takes.
    `journal` is the running keeper's.
    """

    exchange: Exchange
    strangers: tuple[Trader, ...]
    engine: Engine
    venue: WatchedVenue
    random: random.Random
    alerts: FakeAlerts
    journal: Path
    keeping: Keeping
    task: "asyncio.Task[None]"
    pace: Pace
    price: int = TICK_PRICE
    strangers_quote: bool = True
    takes: float = 0.7
    away: int = 1_500
    depth: int = 20
    heights: list[int] = field(default_factory=list)

    async def block(self) -> int:
        """Let strangers trade, make a block, give the keeper a moment. Returns the height."""
        self._move_oracle()
        await self._trade()
        height = self.exchange.make_block(self._block_time())
        self.heights.append(height)
        await asyncio.sleep(BLOCK_SECONDS)
        for _ in range(_PATIENCE):
            if not self.engine.state.orders.pending:
                break
            await asyncio.sleep(BLOCK_SECONDS)
        return height

    def _block_time(self) -> int:
        """Now, or just after a last block that wrong clocks have dated ahead."""
        now, chain = time.time_ns(), self.exchange.chain
        if chain.faults.get("clock-skew") is not None:
            return now
        return max(now, chain.block.time_ns + 1)

    async def until(self, probe: Callable[[], bool], blocks: int) -> bool:
        """Make blocks until a condition holds; tell whether it came to hold."""
        for _ in range(blocks):
            if probe():
                return True
            await self.block()
        return probe()

    async def crash(self) -> None:
        """End the keeper as SIGKILL does, and start another on what it left.

        What the system has of its journal at this instant is copied before anything else runs;
        the old keeper is given no chance to say goodbye to anybody.
        """
        left = self.journal.with_name(f"{self.journal.name}-left")
        shutil.copytree(self.journal, left)
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.journal = left
        self.start()

    def start(self) -> None:
        """Start another keeper on the journal, with `keeping` as its file."""
        self.engine, self.venue = _engine(self.exchange, self.journal, self.alerts, self.keeping)
        self.task = asyncio.create_task(self.engine.run())

    def resting(self) -> list[Any]:
        """Our orders on the exchange's own book."""
        book = self.exchange.chain.clob.books[MARKET]
        return [o for o in book.orders.values() if o.id.subaccount.owner == ADDRESS]

    def remaining(self, found: Any) -> int:
        """What an order on the exchange's book has left, in base quantums."""
        left: int = self.exchange.chain.clob.books[MARKET].remaining(found)
        return left

    def position(self) -> int:
        """Our committed position, in base quantums."""
        held = self.exchange.chain.state.subaccounts.get(SubaccountId(ADDRESS, 0))
        found = None if held is None else held.positions.get(MARKET)
        return 0 if found is None else found.quantums

    def is_quoting(self) -> bool:
        """Whether the exchange has our orders on both sides."""
        return {int(found.side) for found in self.resting()} == {BUY, SELL}

    def operate(self, verb: str) -> None:
        """Say a word to the keeper."""
        self.engine.ingest(OperatorCommand(verb=verb, argument="", operator="soak"))

    def _move_oracle(self) -> None:
        self.price = max(20_000, min(40_000, self.price + self.random.randint(-12, 12)))
        self.exchange.chain.set_oracle(MARKET, self.price * ORACLE_PER_TICK)

    async def _trade(self) -> None:
        maker, *takers = self.strangers
        if self.strangers_quote:
            for side, away in ((BUY, -self.away), (SELL, self.away)):
                self._place(maker, side, self.price + away, self.depth, 0)
        if self.random.random() < self.takes:
            side = self.random.choice((BUY, SELL))
            slip = 200 if side == BUY else -200
            taker = self.random.choice(takers)
            self._place(taker, side, self.price + slip, self.random.randint(1, 400), IOC)
        await asyncio.sleep(0)

    def _place(self, trader: Trader, side: int, price: int, size: int, tif: int) -> None:
        until = self.exchange.chain.height + (3 if tif == IOC else 4)
        wire = order(trader, side=side, price=price, size=size, gtb=until, tif=tif)
        outcome = self.exchange.chain.check_tx(place(trader, wire))
        self.exchange.publish(tuple(outcome.events))


def _settings(exchange: Exchange, keeping: Keeping) -> DydxSettings:
    ports = exchange.ports
    return DydxSettings(
        chain_id="localdydxprotocol",
        grpc_endpoint=f"127.0.0.1:{ports.grpc}",
        grpc_insecure=True,
        rest_url=f"http://127.0.0.1:{ports.rest}",
        ws_url=f"ws://127.0.0.1:{ports.websocket}",
        address=ADDRESS,
        subaccount=0,
        markets=("ETH-USD",),
        place_deadline_ms=2_000,
        query_deadline_ms=5_000,
        observe_interval_ms=1_000,
        repair_interval_ms=400,
        book_refresh_ms=keeping.book_refresh_ms,
        silence_ms=2_000,
        chain_stale_ms=3_000,
        reconnect_first_ms=20,
        reconnect_max_ms=100,
    )


def _engine(
    exchange: Exchange, folder: Path, alerts: FakeAlerts, keeping: Keeping
) -> tuple[Engine, WatchedVenue]:
    clock = WallClock()
    sequencer = Sequencer(CORE, JournalWriter.open(folder, JournalOptions()), clock)
    venue = WatchedVenue(_settings(exchange, keeping), KEY, clock)
    started = run_started(2)
    (quoted,) = started.settings.markets
    limits = started.settings.limits
    assert limits is not None
    age = keeping.max_age_ms
    changes = {
        "oracle_max_age_ms": age,
        "book_max_age_ms": age,
        "resting": RESTING,
        "order_to_trade": _ORDER_TO_TRADE,
        **keeping.market,
    }
    settings = replace(
        started.settings,
        markets=(replace(quoted, **changes),),
        limits=replace(
            limits, **{"max_height_age_ms": age, "max_clock_skew_ms": age, **keeping.limits}
        ),
    )
    return Engine(sequencer, clock, venue, None, alerts, replace(started, settings=settings)), venue


def _pace() -> Pace:
    (quoted,) = run_started(2).settings.markets
    return Pace(ADDRESS, quoted.price_tolerance_ppm, quoted.size_tolerance_ppm)


@asynccontextmanager
async def ground(folder: Path, seed: int, keeping: Keeping | None = None) -> AsyncIterator[Ground]:
    """Serve the exchange, fund everybody, run the keeper; stop it gracefully at the end."""
    chosen = keeping or Keeping()
    async with Exchange(ExchangeConfig(seed=seed, genesis_time_ns=time.time_ns())) as exchange:
        strangers = [Trader(number) for number in (7, 8, 9)]
        for address in (ADDRESS, *(each.address for each in strangers)):
            exchange.chain.credit(address, 1_000_000_000, f"memo {address}")
            exchange.chain.faucet(SubaccountId(address, 0), DEPOSIT)
        exchange.make_block(time.time_ns())
        for each in strangers:
            account = exchange.chain.state.accounts.get(each.address)
            assert account is not None
            each.number = account.number
        alerts = FakeAlerts()
        engine, venue = _engine(exchange, folder, alerts, chosen)
        task = asyncio.create_task(engine.run())
        here = Ground(
            *(exchange, tuple(strangers), engine, venue, random.Random(seed), alerts),
            *(folder, chosen, task, _pace()),
        )
        here.pace.listen(exchange, lambda: here.engine.state.orders.working)
        try:
            yield here
        finally:
            here.engine.stop()
            while not here.task.done():
                await here.block()
            await here.task
