"""The keeper on the peers' tape: its own step function, limits, order objects, ledger and journal.

Run as a child process with a tape and the rule's four numbers (`__main__.py`); prints one JSON
object. Timed is the whole loop, the venue's answers included: every change of the
best levels is the leader's quote, and an order fills when the other side reaches its price. Blocks
come with the oracle's price and the venue's book; an order gets one message a block.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from benchmarks.peers.tape_file import Change, read_tape
from benchmarks.tape import ETH, LEADER, OPENING, TapeClock, run_started, settings
from keeper.domain.commands import CancelOrders, CommandId, PlaceOrder
from keeper.domain.events import (
    BookLevel,
    BookUpdated,
    CommandResult,
    Event,
    FillReceived,
    LeaderQuoted,
    MarketListed,
    OraclePriced,
    OrderUpdated,
    Reconciled,
    SourceUp,
    SubaccountObserved,
    VenueBlock,
)
from keeper.domain.orders import Liquidity, Side
from keeper.domain.settings import FixedSpreadParams
from keeper.domain.units import NS_PER_MS
from keeper.engine.sequencer import Issued, Sequencer
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import CORE

E8_PER_UNIT: Final = 100
MARKET: Final = replace(ETH, subticks_per_tick=10_000)
"""A tick of a cent, as the recorded market's and the peers'."""
MAKER_FEE_PPM: Final = 200
POST_ONLY_WOULD_CROSS: Final = 2_003


@dataclass(slots=True)
class Venue:
    """What follows the tape and answers; counts what it was sent."""

    block_ms: int
    height: int = 1_000
    block_ns: int = 0
    orders: int = 0
    fills: int = 0
    resting: dict[int, PlaceOrder] = field(default_factory=dict)
    best: Change | None = None

    def opening(self, order: int, half_spread_ppm: int, tolerance_ppm: int) -> list[Event]:
        chosen = settings(1, replace(LEADER, weight_ppm=1_000_000))
        rule = FixedSpreadParams(
            layers=1,
            half_spread_ppm=half_spread_ppm,
            layer_step_ppm=half_spread_ppm,
            order_size_quote_quantums=order,
        )
        market = replace(chosen.markets[0], strategy=rule, price_tolerance_ppm=tolerance_ppm)
        limits = replace(chosen.limits, max_messages_per_block=10_000)
        account = SubaccountObserved(height=self.height, usdc_quote_quantums=OPENING, positions=())
        return [
            replace(run_started(1), settings=replace(chosen, markets=(market,), limits=limits)),
            MarketListed(market=MARKET),
            SourceUp(source="venue"),
            Reconciled(height=self.height, subaccount=account, open_orders=()),
        ]

    def changed(self, change: Change) -> Iterator[Event]:
        """The events of one line of the tape."""
        self.best = change
        if change.t_ns >= self.block_ns:
            self.block_ns = change.t_ns + self.block_ms * NS_PER_MS
            yield from self._block(change)
        yield LeaderQuoted(
            market=MARKET.ticker,
            source="leader:tape",
            source_seq=change.t_ns,
            bid_e8=change.bid,
            bid_size_e8=change.bid_size,
            ask_e8=change.ask,
            ask_size_e8=change.ask_size,
        )
        yield from self._reached(change)

    def answers(self, issued: Sequence[Issued]) -> Iterator[Event]:
        """What the venue says to commands."""
        for item in issued:
            command = item.approved.value
            if isinstance(command, PlaceOrder):
                self.orders += 1
                yield from self._placed(item.command_id, command)
            elif isinstance(command, CancelOrders):
                for client_id in command.client_ids:
                    self.resting.pop(client_id, None)
                yield _result(item.command_id, "ACK", 0)

    def _placed(self, command_id: CommandId, order: PlaceOrder) -> Iterator[Event]:
        if self.best is None or _reaches(self.best, order):
            yield _result(command_id, "REJECTED", POST_ONLY_WOULD_CROSS)
            return
        self.resting[order.client_id] = order
        yield _result(command_id, "ACK", 0)
        yield OrderUpdated(
            market=order.market,
            client_id=order.client_id,
            status="OPEN",
            total_filled_quantums=0,
            good_til_block=order.good_til_block,
            removal_reason="",
        )

    def _block(self, change: Change) -> Iterator[Event]:
        self.height += 1
        bid, ask = change.bid // E8_PER_UNIT, change.ask // E8_PER_UNIT
        price = (bid + ask) // 2
        yield VenueBlock(height=self.height, time_ns=change.t_ns)
        yield OraclePriced(market=MARKET.ticker, source="venue", price=price, height=self.height)
        yield BookUpdated(
            market=MARKET.ticker,
            source="venue",
            source_seq=self.height,
            snapshot=True,
            bids=(BookLevel(bid, 10**10),),
            asks=(BookLevel(ask, 10**10),),
        )

    def _reached(self, change: Change) -> Iterator[Event]:
        for order in [each for each in self.resting.values() if _reaches(change, each)]:
            del self.resting[order.client_id]
            if order.good_til_block >= self.height:
                yield self._fill(order)

    def _fill(self, order: PlaceOrder) -> FillReceived:
        self.fills += 1
        quote = MARKET.quote_quantums_down(order.quantums, order.subticks)
        return FillReceived(
            fill_id=f"fill-{self.fills}",
            market=MARKET.ticker,
            client_id=order.client_id,
            side=order.side,
            quantums=order.quantums,
            subticks=order.subticks,
            quote_quantums=quote,
            fee_quote_quantums=quote * MAKER_FEE_PPM // 1_000_000,
            liquidity=Liquidity.MAKER,
            kind="LIMIT",
            height=self.height,
        )


def _reaches(best: Change, order: PlaceOrder) -> bool:
    if order.side is Side.BUY:
        return best.ask <= order.subticks * E8_PER_UNIT
    return best.bid >= order.subticks * E8_PER_UNIT


def _result(command_id: CommandId, outcome: str, code: int) -> CommandResult:
    return CommandResult(
        command=command_id, outcome=outcome, code=code, codespace="clob", detail="", tx_hash=""
    )


def run(file: Path, rule: tuple[int, int, int], block_ms: int) -> dict[str, object]:
    """Play the tape once; return what it took."""
    tape = list(read_tape(file))
    venue, clock = Venue(block_ms), TapeClock(tape[0].t_ns)
    with tempfile.TemporaryDirectory(prefix="athanor-peers-") as folder:
        journal = JournalWriter.open(Path(folder), JournalOptions())
        sequencer = Sequencer(CORE, journal, clock)
        sequencer.recover()
        steps = 0
        started, cpu_started = time.perf_counter_ns(), time.thread_time_ns()
        lines: Iterator[Sequence[Event]] = (list(venue.changed(change)) for change in tape)
        waiting = venue.opening(*rule)
        for change, events in zip(tape, lines, strict=True):
            clock.now = change.t_ns
            waiting += events
            while waiting:
                event = waiting.pop(0)
                steps += 1
                waiting[:0] = venue.answers(sequencer.process(event))
            if journal.is_pending:
                journal.settle()
        wall, cpu = time.perf_counter_ns() - started, time.thread_time_ns() - cpu_started
        journal.close()
    return {
        "maker": "keeper",
        "lines": len(tape),
        "steps": steps,
        "orders": venue.orders,
        "fills": venue.fills,
        "wall_ns": wall,
        "cpu_ns": cpu,
    }


if __name__ == "__main__":
    size, distance, off, pace_ms = map(int, sys.argv[2:6])
    print(json.dumps(run(Path(sys.argv[1]), (size, distance, off), pace_ms)))
