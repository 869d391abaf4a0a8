"""A seeded market that answers the keeper's orders: blocks, prices, books, acknowledgements, fills.

Closed loop and deterministic: the same seed and the same core give the same events. The book is a
ladder around the oracle, which walks by whole ticks; an order fills when the walk reaches it.
With a leader its quotes come ten times a block, a little ahead of the oracle.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keeper.core.state import State
from keeper.domain.commands import CancelOrders, CommandId, PlaceOrder
from keeper.domain.events import (
    SCHEMA_VERSION,
    BookLevel,
    BookUpdated,
    CommandResult,
    Event,
    FillReceived,
    LeaderQuoted,
    MarketListed,
    OraclePriced,
    OrderUpdated,
    PerpetualPosition,
    Reconciled,
    RunStarted,
    SourceUp,
    SubaccountObserved,
    VenueBlock,
)
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Liquidity, Side
from keeper.domain.settings import (
    LeaderSettings,
    MarketSettings,
    MegaVaultParams,
    RiskLimits,
    StepSettings,
)
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from keeper.engine.sequencer import Issued, Sequencer
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import CORE, Core
from keeper.release import running_release

__all__ = ["ETH", "LEADER", "Market", "TapeClock", "play", "record", "run_started", "settings"]

START_NS = 1_700_000_000 * NS_PER_SECOND
FIRST_HEIGHT = 100
BOOKS_PER_BLOCK = 8
STRIDE = 80
"""Ticks the price moves in a block, at most."""
BOOK_LEVELS = 20
LEADER_QUOTES_PER_BLOCK = 10
LEADER = LeaderSettings(
    symbol="ETHUSDT",
    base_units=1,
    weight_ppm=600_000,
    venue_weight_ppm=0,
    max_age_ms=60_000,
    band_ppm=50_000,
    pull_band_ppm=100_000,
    basis_seconds=300,
    max_basis_ppm=50_000,
    on_missing="pull",
    missing_widen_ppm=0,
)
MAKER_FEE_PPM = 100
OPENING = 1_000_000 * 10**6

ETH = PerpetualMarket(
    ticker="ETH-USD",
    clob_pair_id=1,
    atomic_resolution=-9,
    quantum_conversion_exponent=-9,
    step_base_quantums=1_000_000,
    subticks_per_tick=100_000,
    oracle_exponent=-6,
    min_price_change_ppm=1_000,
    initial_margin_ppm=20_000,
    maintenance_margin_ppm=12_000,
    status="ACTIVE",
)

OPENING_ACCOUNT = SubaccountObserved(height=FIRST_HEIGHT, usdc_quote_quantums=OPENING, positions=())


class TapeClock:
    """Time as the tape tells it."""

    def __init__(self, now: int = START_NS) -> None:
        self.now = now

    def now_ns(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += int(seconds * NS_PER_SECOND)


def settings(layers: int, leader: LeaderSettings | None = None) -> StepSettings:
    """Production-like settings with `layers` MegaVault quotes a side."""
    market = MarketSettings(
        ticker=ETH.ticker,
        strategy=MegaVaultParams(
            layers=layers,
            spread_min_ppm=2_000,
            spread_buffer_ppm=500,
            skew_factor_ppm=500_000,
            order_size_pct_ppm=5_000,
            activation_threshold_quote_quantums=1_000 * 10**6,
        ),
        good_til_block_offset=10,
        refresh_blocks=2,
        price_tolerance_ppm=100,
        size_tolerance_ppm=50_000,
        oracle_max_age_ms=60_000,
        book_max_age_ms=60_000,
        max_position_quote_quantums=500_000 * 10**6,
        inventory_band_quote_quantums=400_000 * 10**6,
        hedge_max_slippage_ppm=5_000,
        leader=leader,
    )
    limits = RiskLimits(
        max_order_quote_quantums=100_000 * 10**6,
        max_gross_quote_quantums=2_000_000 * 10**6,
        price_band_ppm=100_000,
        daily_loss_quote_quantums=500_000 * 10**6,
        drawdown_ppm=900_000,
        max_messages_per_block=100,
        max_intent_age_ms=500,
        max_height_age_ms=60_000,
        max_clock_skew_ms=60_000,
    )
    return StepSettings(markets=(market,), pools=(), allocation=None, limits=limits)


def run_started(layers: int, run: int = 1, leader: LeaderSettings | None = None) -> RunStarted:
    """First record of a tape's run."""
    release = running_release()
    return RunStarted(
        run=run,
        schema=SCHEMA_VERSION,
        package_version=release.version,
        wheel_hash=release.wheel_hash,
        config_hash="tape",
        params_hash="tape",
        settings=settings(layers, leader),
        vault="0xvault",
        evm_chain_id=31337,
        venue_chain_id="localdydxprotocol",
        subaccount="dydx1tape/0",
        client_id_base=1_000,
        seed=7,
    )


@dataclass(slots=True)
class _Resting:
    order: PlaceOrder
    filled: int = 0


@dataclass(slots=True)
class Market:
    """The tape's venue: what rests of ours, where the price is, what comes next."""

    seed: int
    run: int = 1
    price: int = 3_000_000_000
    height: int = FIRST_HEIGHT
    book_seq: int = 0
    fills: int = 0
    books: int = BOOKS_PER_BLOCK
    stride: int = STRIDE
    account: SubaccountObserved = OPENING_ACCOUNT
    resting: dict[int, _Resting] = field(default_factory=dict)
    leader: LeaderSettings | None = None
    leader_seq: int = 0
    listing: PerpetualMarket = ETH

    @classmethod
    def after(cls, state: State, seed: int) -> "Market":
        """Go on with the market a keeper's state knows; nothing of ours rests any more."""
        if state.run < 0:
            return cls(seed)
        held, known = state.account, state.markets[ETH.ticker]
        account = SubaccountObserved(
            height=state.height,
            usdc_quote_quantums=held.usdc,
            positions=tuple(
                PerpetualPosition(
                    market=market,
                    quantums=position.quantums,
                    funding_index=0,
                    quote_balance=position.quote_balance,
                )
                for market, position in sorted(held.positions.items())
            ),
        )
        return cls(
            seed,
            run=state.run + 1,
            price=known.oracle_price,
            height=state.height,
            book_seq=known.book.seq,
            account=account,
        )

    def opening(self, layers: int) -> list[Event]:
        """Everything up to the first quote but the price."""
        return [
            run_started(layers, self.run, self.leader),
            MarketListed(market=self.listing),
            SourceUp(source="tape"),
            Reconciled(height=self.height, subaccount=self.account, open_orders=()),
            self.book(snapshot=True),
        ]

    def block(self, rng: random.Random) -> list[Event]:
        """One block: price, fills of what the price reached, book changes."""
        self.height += 1
        self.price += rng.randint(-self.stride, self.stride) * self.listing.subticks_per_tick
        time_ns = START_NS + (self.height - FIRST_HEIGHT) * NS_PER_SECOND
        events: list[Event] = [
            VenueBlock(height=self.height, time_ns=time_ns),
            OraclePriced(
                market=self.listing.ticker, source="tape", price=self.price, height=self.height
            ),
        ]
        events += list(self._reached())
        events += [self.book(snapshot=False) for _ in range(self.books)]
        if self.leader is not None:
            events += [self.led(rng) for _ in range(LEADER_QUOTES_PER_BLOCK)]
        return events

    def led(self, rng: random.Random) -> LeaderQuoted:
        """The leader's best prices, up to two ticks around the price; oracle units are 1e-6."""
        self.leader_seq += 1
        middle = 100 * (self.price + rng.randint(-2, 2) * self.listing.subticks_per_tick)
        return LeaderQuoted(
            market=self.listing.ticker,
            source="leader:tape",
            source_seq=self.leader_seq,
            bid_e8=middle - 500_000,
            bid_size_e8=rng.randint(1, 9) * 10**8,
            ask_e8=middle + 500_000,
            ask_size_e8=rng.randint(1, 9) * 10**8,
        )

    def book(self, *, snapshot: bool) -> BookUpdated:
        """A ladder around the price: whole, or its two front levels with new sizes."""
        self.book_seq += 1
        levels = BOOK_LEVELS if snapshot else 2
        size = 1_000_000 * (1_000 + self.book_seq % 97)
        step = 10 * self.listing.subticks_per_tick
        base = 3_000_000_000 // step * step
        return BookUpdated(
            market=self.listing.ticker,
            source="tape",
            source_seq=self.book_seq,
            snapshot=snapshot,
            bids=tuple(BookLevel(base - (n + 1) * step, size) for n in range(levels)),
            asks=tuple(BookLevel(base + (n + 1) * step, size) for n in range(levels)),
        )

    def answer(self, issued: Sequence[Issued]) -> list[Event]:
        """What the venue says to commands: an acknowledgement, and the order's state."""
        events: list[Event] = []
        for item in issued:
            command = item.approved.value
            if isinstance(command, PlaceOrder):
                known = self.resting.get(command.client_id)
                filled = known.filled if known is not None else 0
                self.resting[command.client_id] = _Resting(command, filled)
                events += [_acknowledged(item.command_id), _opened(command, filled)]
            elif isinstance(command, CancelOrders):
                for client_id in command.client_ids:
                    self.resting.pop(client_id, None)
                events.append(_acknowledged(item.command_id))
        return events

    def _reached(self) -> Iterator[Event]:
        for client_id, resting in list(self.resting.items()):
            order = resting.order
            if order.good_til_block < self.height:
                del self.resting[client_id]
            elif order.side.sign * (self.price - order.subticks) < 0:
                del self.resting[client_id]
                yield self._fill(order, order.quantums - resting.filled)

    def _fill(self, order: PlaceOrder, quantums: int) -> FillReceived:
        self.fills += 1
        quote = self.listing.quote_quantums_down(quantums, order.subticks)
        return FillReceived(
            fill_id=self._fill_id(),
            market=self.listing.ticker,
            client_id=order.client_id,
            side=Side(order.side),
            quantums=quantums,
            subticks=order.subticks,
            quote_quantums=quote,
            fee_quote_quantums=quote * MAKER_FEE_PPM // 1_000_000,
            liquidity=Liquidity.MAKER,
            kind="LIMIT",
            height=self.height,
        )

    def _fill_id(self) -> str:
        own = "" if self.listing is ETH else f"{self.listing.ticker}-"
        return f"fill-{own}{self.run}-{self.fills}"


Process = Callable[[Event], Sequence[Issued]]


def play(
    process: Process, clock: TapeClock, *, layers: int, blocks: int, market: Market | None = None
) -> Market:
    """Feed the tape to `process` and its answers back, each event a millisecond apart."""
    market = Market(seed=1) if market is None else market
    rng = random.Random(market.seed)
    waiting = market.opening(layers)
    for _ in range(blocks):
        waiting += market.block(rng)
        clock.now = START_NS + (market.height - FIRST_HEIGHT) * NS_PER_SECOND
        while waiting:
            event = waiting.pop(0)
            clock.now += NS_PER_MS
            waiting[:0] = market.answer(process(event))
    return market


def record(
    folder: Path, options: JournalOptions, *, core: Core = CORE, blocks: int, seed: int = 1
) -> Market:
    """Play the tape with three levels a side into a journal, new or not, and end it cleanly."""
    clock, journal = TapeClock(), JournalWriter.open(folder, options)
    sequencer = Sequencer(core, journal, clock)
    sequencer.recover()

    def process(event: Event) -> Sequence[Issued]:
        issued = sequencer.process(event)
        if journal.is_pending:
            journal.settle()  # hours pass in a second here: do not run ahead of the disk
        return issued

    clock.now = max(clock.now, sequencer.state.t_ns)
    market = Market.after(sequencer.state, seed)
    play(process, clock, layers=3, blocks=blocks, market=market)
    sequencer.close()
    return market


def _acknowledged(command_id: CommandId) -> CommandResult:
    return CommandResult(
        command=command_id, outcome="ACK", code=0, codespace="", detail="", tx_hash=""
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
