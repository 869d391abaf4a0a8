"""What the leader's book is worth: one recorded market quoted with and without it, side by side.

`python -m benchmarks.following FOLDER` plays ETHUSDT of a folder of recordings twice through the
keeper's own step function and prints what maker fills were worth 1, 5 and 30 seconds later.

The venue follows the recorded market: a block a second, an oracle that tells the recorded mid of a
block ago, and the recorded takers. Fill model, the conservative one: an order is hit by a recorded
trade at a price strictly beyond it, 200 ms after it was sent at the earliest, by no more than the
trade's size; one that would cross the recorded book when sent is rejected. At weight 0 the leader
is recorded and decides nothing, so that both runs are measured against the same prices.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from benchmarks.tape import ETH, LEADER, OPENING, run_started, settings
from keeper.accounting.markouts import JournalMarkouts, ReferenceMarkout
from keeper.core.state import State, initial_state
from keeper.core.step import step
from keeper.domain.commands import CancelOrders, Command, CommandId, PlaceOrder
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
    RunStarted,
    SourceUp,
    SubaccountObserved,
    VenueBlock,
)
from keeper.domain.orders import Liquidity, Side
from keeper.domain.settings import FixedSpreadParams
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from keeper.recordings import BookAt, Recording, TradeAt, load_recordings

SYMBOL: Final = "ETHUSDT"
FIRST_HEIGHT: Final = 1_000
LATENCY_NS: Final = 200 * NS_PER_MS
PACE_NS: Final = 100 * NS_PER_MS
STRATEGY: Final = FixedSpreadParams(
    layers=1, half_spread_ppm=150, layer_step_ppm=100, order_size_quote_quantums=5_000 * 10**6
)
E8_PER_UNIT: Final = 100  # oracle prices and subticks are 1e-6 USDC
E8_PER_QUANTUM_DOWN: Final = 10  # base quantums are 1e-9 ETH
POST_ONLY_WOULD_CROSS: Final = 2_003
MAKER_FEE_PPM: Final = 100


@dataclass(slots=True)
class _Resting:
    order: PlaceOrder
    from_ns: int
    filled: int = 0


@dataclass(slots=True)
class Follower:
    """The venue that follows, and the keeper that quotes on it."""

    weight_ppm: int
    state: State = field(default_factory=initial_state)
    seq: int = 0
    height: int = FIRST_HEIGHT
    book: BookAt | None = None
    fills: int = 0
    resting: dict[int, _Resting] = field(default_factory=dict)
    markouts: JournalMarkouts = field(default_factory=JournalMarkouts)

    def run(self, recording: Recording) -> tuple[ReferenceMarkout, ...]:
        """Play a recording to its end; return what fills were worth."""
        for t_ns, events in self._played(recording):
            waiting = events
            while waiting:
                waiting = waiting[1:] + self._process(t_ns, waiting[0])
        self.markouts.finish(recording.end_ns)
        return self.markouts.rows()

    def _process(self, t_ns: int, event: Event) -> list[Event]:
        """Give one event to the keeper; return what the venue answers."""
        self.seq += 1
        self.markouts.take(t_ns, event)
        commands = [approved.value for approved in step(self.state, t_ns, self.seq, event)]
        return [
            answer
            for ordinal, command in enumerate(commands)
            for answer in self._answers(t_ns, CommandId(1, self.seq, ordinal), command)
        ]

    def _played(self, recording: Recording) -> Iterator[tuple[int, list[Event]]]:
        block_ns, told_ns, oracle_e8 = recording.start_ns + NS_PER_SECOND, 0, 0
        yield recording.start_ns, self._opening()
        for moment in recording.moments(levels=1):
            while self.book is not None and moment.t_ns >= block_ns:
                yield block_ns, self._block(block_ns, oracle_e8 or _mid(self.book))
                block_ns, oracle_e8 = block_ns + NS_PER_SECOND, _mid(self.book)
            if isinstance(moment, TradeAt):
                yield moment.t_ns, list(self._hits(moment))
                continue
            self.book = moment
            if moment.t_ns - told_ns >= PACE_NS:
                told_ns = moment.t_ns
                yield moment.t_ns, [_quoted(moment)]

    def _opening(self) -> list[Event]:
        account = SubaccountObserved(height=self.height, usdc_quote_quantums=OPENING, positions=())
        return [
            _started(self.weight_ppm),
            MarketListed(market=ETH),
            SourceUp(source="venue"),
            Reconciled(height=self.height, subaccount=account, open_orders=()),
        ]

    def _block(self, t_ns: int, oracle_e8: int) -> list[Event]:
        self.height += 1
        price = oracle_e8 // E8_PER_UNIT
        return [
            VenueBlock(height=self.height, time_ns=t_ns),
            OraclePriced(market=ETH.ticker, source="venue", price=price, height=self.height),
            self._shown(),
        ]

    def _shown(self) -> BookUpdated:
        """The venue's book: the recorded best prices, outwards to the tick."""
        bid, ask = self._best()
        return BookUpdated(
            market=ETH.ticker,
            source="venue",
            source_seq=self.height,
            snapshot=True,
            bids=(BookLevel(bid, 10**10),),
            asks=(BookLevel(ask, 10**10),),
        )

    def _best(self) -> tuple[int, int]:
        if self.book is None:
            raise ValueError("no book yet")
        tick = ETH.subticks_per_tick
        bid = self.book.bids[0][0] // E8_PER_UNIT
        ask = -(-self.book.asks[0][0] // E8_PER_UNIT)
        return bid - bid % tick, ask + -ask % tick

    def _answers(self, t_ns: int, command_id: CommandId, command: Command) -> list[Event]:
        if isinstance(command, CancelOrders):
            for client_id in command.client_ids:
                self.resting.pop(client_id, None)
            return [_result(command_id, "ACK", 0)]
        if not isinstance(command, PlaceOrder):
            return []
        bid, ask = self._best()
        crosses = command.subticks >= ask if command.side is Side.BUY else command.subticks <= bid
        if crosses:
            return [_result(command_id, "REJECTED", POST_ONLY_WOULD_CROSS)]
        known = self.resting.get(command.client_id)
        filled = 0 if known is None else known.filled
        self.resting[command.client_id] = _Resting(command, t_ns + LATENCY_NS, filled)
        return [_result(command_id, "ACK", 0), _opened(command, filled)]

    def _hits(self, trade: TradeAt) -> Iterator[FillReceived]:
        """Fill what a trade went through, best price first, as far as its size goes."""
        price, left = trade.price_e8 // E8_PER_UNIT, trade.size_e8 * E8_PER_QUANTUM_DOWN
        maker = trade.side.opposite
        reached = [
            (client_id, resting)
            for client_id, resting in self.resting.items()
            if resting.order.side is maker
            and resting.from_ns <= trade.t_ns
            and resting.order.good_til_block >= self.height
            and maker.sign * (resting.order.subticks - price) > 0
        ]
        reached.sort(key=lambda item: -maker.sign * item[1].order.subticks)
        for client_id, resting in reached:
            quantums = min(left, resting.order.quantums - resting.filled)
            quantums -= quantums % ETH.step_base_quantums
            if quantums <= 0:
                continue
            left -= quantums
            resting.filled += quantums
            if resting.filled >= resting.order.quantums:
                del self.resting[client_id]
            yield self._fill(resting.order, quantums)

    def _fill(self, order: PlaceOrder, quantums: int) -> FillReceived:
        self.fills += 1
        quote = ETH.quote_quantums_down(quantums, order.subticks)
        return FillReceived(
            fill_id=f"fill-{self.fills}",
            market=ETH.ticker,
            client_id=order.client_id,
            side=order.side,
            quantums=quantums,
            subticks=order.subticks,
            quote_quantums=quote,
            fee_quote_quantums=quote * MAKER_FEE_PPM // 1_000_000,
            liquidity=Liquidity.MAKER,
            kind="LIMIT",
            height=self.height,
        )


def _started(weight_ppm: int) -> RunStarted:
    chosen = settings(1, replace(LEADER, weight_ppm=weight_ppm))
    market = replace(chosen.markets[0], strategy=STRATEGY, price_tolerance_ppm=20)
    return replace(run_started(1), settings=replace(chosen, markets=(market,)))


def _mid(book: BookAt) -> int:
    return (book.bids[0][0] + book.asks[0][0]) // 2


def _quoted(book: BookAt) -> LeaderQuoted:
    (bid, bid_size), (ask, ask_size) = book.bids[0], book.asks[0]
    return LeaderQuoted(
        market=ETH.ticker,
        source="leader:recording",
        source_seq=book.t_ns,
        bid_e8=bid,
        bid_size_e8=bid_size,
        ask_e8=ask,
        ask_size_e8=ask_size,
    )


def _result(command_id: CommandId, outcome: str, code: int) -> CommandResult:
    return CommandResult(
        command=command_id, outcome=outcome, code=code, codespace="clob", detail="", tx_hash=""
    )


def _opened(order: PlaceOrder, filled: int) -> OrderUpdated:
    return OrderUpdated(
        market=order.market,
        client_id=order.client_id,
        status="OPEN",
        total_filled_quantums=filled,
        good_til_block=order.good_til_block,
        removal_reason="",
    )


def main() -> None:
    """Play both and print a row per horizon and side."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.following", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weight-ppm", type=int, default=800_000, help="of the leader, when used")
    options = parser.parse_args()
    (recording,) = load_recordings(options.folder, (SYMBOL,))
    seconds = (recording.end_ns - recording.start_ns) // NS_PER_SECOND
    print(f"{SYMBOL}, {seconds} s, half spread {STRATEGY.half_spread_ppm} ppm; ppm of volume\n")
    print(f"{'':24}{'fills':>8}{'1 s':>9}{'5 s':>9}{'30 s':>9}")
    for name, weight in (("without the leader", 0), ("with the leader", options.weight_ppm)):
        rows = [row for row in Follower(weight).run(recording) if row.reference == "leader"]
        for side in Side:
            found = [row.markout for row in rows if row.markout.side is side]
            shown = "".join(f"{markout.ppm or 0:>9}" for markout in found)
            print(f"{f'{name}, {side.lower()}':24}{found[0].fills if found else 0:>8}{shown}")


if __name__ == "__main__":
    main()
