"""A reporter on the local exchange: our account trades there, the chain's word is scripted."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from keeper.chain.signing import account_from_key
from keeper.devnet.exchange import Exchange, ExchangeConfig
from keeper.devnet.exchange.addresses import BRIDGE
from keeper.devnet.exchange.dump import state_dump
from keeper.devnet.exchange.model import SubaccountId
from keeper.domain.reports import ZERO32, Leg, OpenCut, Report, SignedReport
from keeper.reporter.capture import CaptureStore, VenueAccount
from keeper.reporter.digest import Domain
from keeper.reporter.indexer import Indexer
from keeper.reporter.journal_check import no_journal
from keeper.reporter.model import Refusal
from keeper.reporter.service import ReporterService, ReporterSettings
from keeper.reporter.validator import Validator
from tests.keeper.exchange.wallets import BUY, IOC, SELL, Trader, deposit, order, place, send

ADAPTER = "0x00000000000000000000000000000000000000AA"
DOMAIN = Domain(
    31337,
    "0x00000000000000000000000000000000000000CC",
    "0x00000000000000000000000000000000000000DD",
)
KEYS = [account_from_key(bytes([number]) * 32) for number in (31, 32, 33)]
NS = 1_000_000_000
USDC = 1_000_000
FEE = 5_000  # what a wallet pays for a transaction in these tests


class ExchangeClock:
    """The exchange's block time plus a lag the test sets."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.lag_ns = 0

    def now_ns(self) -> int:
        return self._exchange.chain.block.time_ns + self.lag_ns

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


class ScriptedChain:
    """The vault's word: an open cut or none."""

    def __init__(self) -> None:
        self.cut: OpenCut | None = None

    async def open_cut(self) -> OpenCut | None:
        return self.cut


class Venue:
    """Our account, a taker, and a vault that may be cut."""

    def __init__(self, exchange: Exchange, ours: Trader, taker: Trader) -> None:
        self.exchange = exchange
        self.ours = ours
        self.taker = taker
        self.chain = ScriptedChain()
        self.clock = ExchangeClock(exchange)
        self.sent = 0
        self.sequence = 0
        self._memos = 0
        self._connections: list[Validator | Indexer] = []

    async def close(self) -> None:
        """Close the reporters' connections."""
        for connection in self._connections:
            await connection.close()

    @property
    def height(self) -> int:
        return self.exchange.chain.height

    def block(self, seconds: int = 1) -> int:
        """Make a block that much later."""
        return self.exchange.make_block(self.exchange.chain.block.time_ns + seconds * NS)

    def credit(self, amount: int) -> None:
        """Bridge collateral in, as the adapter sent it."""
        self._memos += 1
        self.sent += amount
        self.exchange.chain.credit(self.ours.address, amount, f"0x{self._memos:064x}:0")
        self.block()

    def pay(self, *messages: Any, memo: str = "") -> None:
        """Include a transaction of ours that costs a fee."""
        raw = self.ours.paid(*messages, sequence=self.sequence, memo=memo)
        self._include(raw)
        self.sequence += 1

    def fund(self, amount: int) -> None:
        """Collateral in subaccount 0 by way of bridge and wallet."""
        self.credit(amount + FEE)
        self.pay(deposit(self.ours, amount))

    def bridge_home(self, amount: int, recipient: str = ADAPTER) -> None:
        self.pay(send(self.ours.address, BRIDGE, amount), memo=recipient)

    def trade(self, side: int, price: int, steps: int) -> int:
        """Rest an order of ours (ticks of 0.1 USD, steps of 0.001 ETH) and have it taken."""
        gtb = self.height + 5
        ours = order(self.ours, side=side, price=price, size=steps, gtb=gtb)
        other = SELL if side == BUY else BUY
        taker = order(self.taker, side=other, price=price, size=steps, gtb=gtb, tif=IOC)
        self._accept(place(self.ours, ours))
        self._accept(place(self.taker, taker))
        return self.block()

    def oracle(self, usdc: int) -> None:
        """ETH's oracle price from the next block on."""
        self.exchange.chain.set_oracle(1, usdc * USDC)
        self.block()

    def cut(self, epoch: int, last: Report | None, digest: str = ZERO32) -> OpenCut:
        """Cut at the newest block's second; the venue's first block after it is still to come."""
        self.chain.cut = OpenCut(
            epoch=epoch,
            time=self.exchange.chain.block.time_ns // NS + 1,
            block_number=epoch,
            adapters=(ADAPTER,),
            sent=(self.sent,),
            returned=(0,),
            set_id=1,
            prev_hash=digest,
            last_legs=last.legs if last else (),
            reporters=tuple(key.address for key in KEYS),
            quorum=2,
        )
        return self.chain.cut

    def restate(self, **changes: Any) -> None:
        """Change what the chain says about the open cut."""
        assert self.chain.cut is not None
        self.chain.cut = msgspec.structs.replace(self.chain.cut, **changes)

    def reporter(self, folder: Path, number: int = 0, limit_seconds: int = 60) -> ReporterService:
        ports = self.exchange.ports
        account = VenueAccount(ADAPTER, self.ours.address, (0, 1), BRIDGE)
        validator = Validator(f"127.0.0.1:{ports.grpc}", insecure=True, deadline_seconds=3)
        indexer = Indexer(f"http://127.0.0.1:{ports.rest}", timeout_seconds=3)
        self._connections += (validator, indexer)
        return ReporterService(
            ReporterSettings(
                domain=DOMAIN, accounts=(account,), capture_limit_ns=limit_seconds * NS
            ),
            KEYS[number],
            self.chain,
            (validator, indexer),
            CaptureStore(folder / str(number)),
            clock=self.clock,
            root_at_cut=no_journal,
        )

    def truth(self) -> int:
        """Our equity from the exchange's own state dump: another code, the same integers."""
        state = state_dump(self.exchange.chain)
        total = int(state["bank"].get(self.ours.address, 0))
        for number in (0, 1):
            held = state["subaccounts"].get(f"{self.ours.address}/{number}")
            if held is None:
                continue
            total += held["usdc"] + held["unsettled_funding"]
            for market, position in held["positions"].items():
                value = position["quantums"] * state["perpetuals"][market]["oracle_price"]
                total += position["quote_balance"]
                total += value // 10**9 if value >= 0 else -(-value // 10**9)
        return total

    def _include(self, raw: bytes) -> None:
        self._accept(raw)
        self.block()

    def _accept(self, raw: bytes) -> None:
        outcome = self.exchange.chain.check_tx(raw)
        assert outcome.result.code == 0, outcome
        self.exchange.publish(outcome.events)


@asynccontextmanager
async def venue(**config: Any) -> AsyncIterator[Venue]:
    """Serve an exchange with a funded taker; our account is still empty."""
    async with Exchange(ExchangeConfig(**config)) as exchange:
        taker, ours = Trader(7), Trader(8)
        exchange.chain.credit(taker.address, 1_000 * USDC, "taker")
        exchange.chain.credit(ours.address, FEE, "first coin")
        exchange.chain.faucet(SubaccountId(taker.address, 0), 100_000 * USDC)
        exchange.make_block()
        known = exchange.chain.state.accounts
        numbers = [known.get(trader.address) for trader in (ours, taker)]
        assert numbers[0] is not None
        assert numbers[1] is not None
        here = Venue(
            exchange,
            dataclasses.replace(ours, number=numbers[0].number),
            dataclasses.replace(taker, number=numbers[1].number),
        )
        here.sent = FEE
        try:
            yield here
        finally:
            await here.close()


async def signed(reporter: ReporterService, proposed: Report | None = None) -> SignedReport:
    answer = await reporter.answer(proposed)
    assert isinstance(answer, SignedReport), answer
    return answer


async def refused(reporter: ReporterService, proposed: Report | None = None) -> Refusal:
    answer = await reporter.answer(proposed)
    assert isinstance(answer, Refusal), answer
    return answer


def with_leg(report: Report, **changes: int) -> Report:
    """The same report with another first leg."""
    leg: Leg = msgspec.structs.replace(report.legs[0], **changes)
    return msgspec.structs.replace(report, legs=(leg, *report.legs[1:]))
