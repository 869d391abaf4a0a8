"""Random days: nothing approved breaks a limit or meets an own order; exposure equals the truth."""

import random
from fractions import Fraction

from msgspec.structs import replace

from keeper.core.state import initial_state, state_bytes, state_from_bytes
from keeper.core.step import step
from keeper.core.views import position_of
from keeper.domain.events import (
    BookLevel,
    Event,
    MarketListed,
    OperatorCommand,
    OraclePriced,
    SourceUp,
    TimerFired,
    VenueBlock,
)
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side
from keeper.domain.settings import MegaVaultParams, OrderToTrade, Resting, StepSettings
from keeper.execution.orders import exposure_of
from tests.keeper.builders import (
    FIXED,
    LIMITS,
    MEGAVAULT,
    SECOND,
    START_NS,
    USDC,
    Keeper,
    book,
    market_settings,
    run_started,
    settings,
    subaccount,
)
from tests.keeper.markets import BTC, ETH
from tests.keeper.shadow import ShadowVenue

LISTINGS = {"ETH-USD": ETH, "BTC-USD": BTC}
START_PRICE = {"ETH-USD": 3_000 * 10**6, "BTC-USD": 60_000 * 10**5}


def _random_settings(rng: random.Random) -> StepSettings:
    """Limits tight enough that they bind, and both rules."""
    aggressive = MegaVaultParams(
        layers=rng.randint(1, 4),
        spread_min_ppm=rng.choice((200, 1_000, 3_000)),
        spread_buffer_ppm=0,
        skew_factor_ppm=rng.choice((0, 500_000, 3_000_000)),
        order_size_pct_ppm=rng.choice((20_000, 100_000, 300_000)),
        activation_threshold_quote_quantums=0,
    )
    markets = tuple(
        market_settings(
            ticker=ticker,
            strategy=rng.choice((MEGAVAULT, FIXED, aggressive)),
            max_position_quote_quantums=rng.choice((5_000, 30_000, 80_000)) * USDC,
            inventory_band_quote_quantums=rng.choice((2_000, 10_000, 50_000)) * USDC,
            good_til_block_offset=rng.choice((4, 10)),
            price_tolerance_ppm=rng.choice((0, 200)),
            resting=rng.choice((None, Resting(min_resting_ms=2_500, urgent_ppm=2_000))),
            order_to_trade=rng.choice(
                (
                    None,
                    OrderToTrade(
                        window_seconds=60, free_messages=12, max_ratio=3, max_volume_ratio=4
                    ),
                )
            ),
        )
        for ticker in LISTINGS
    )
    limits = replace(
        LIMITS,
        max_order_quote_quantums=rng.choice((2_000, 8_000, 40_000)) * USDC,
        max_gross_quote_quantums=rng.choice((10_000, 50_000, 200_000)) * USDC,
        price_band_ppm=rng.choice((4_000, 50_000)),
        max_messages_per_block=rng.choice((3, 10, 40)),
        daily_loss_quote_quantums=10**15,
        drawdown_ppm=999_999,
    )
    return settings(markets=markets, limits=limits)


class Day:
    """One random run: keeper and shadow venue side by side."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.keeper = Keeper(_random_settings(self.rng))
        self.price = dict(START_PRICE)
        usdc = self.rng.choice((300, 20_000, 100_000)) * USDC
        chosen = self.keeper.state.settings
        assert chosen is not None
        self.venue = ShadowVenue(
            chosen=chosen,
            listings=LISTINGS,
            rng=self.rng,
            height=self.keeper.height,
            oracle=dict(self.price),
            cash=Fraction(usdc),
        )
        self.states = 0
        self.log: list[tuple[int, Event]] = []
        self.book_seq = 0
        for listing in LISTINGS.values():
            self.feed(MarketListed(market=listing))
        self.feed(subaccount(usdc=usdc))
        self.market_data()
        self.feed(VenueBlock(height=self.keeper.height, time_ns=self.keeper.now))
        self.feed(SourceUp(source="book"))
        self.feed(SourceUp(source="oracle"))

    def feed(self, event: Event) -> None:
        """Step an event, judge what came of it, and let the venue answer (which may go deeper)."""
        if isinstance(event, VenueBlock):
            self.venue.advance(event.height)
        if isinstance(event, OraclePriced):
            self.venue.oracle[event.market] = event.price
        self.venue.now = self.keeper.now
        self.keeper.feed(event)
        self.log.append((self.keeper.now, event))
        sent, self.keeper.sent = self.keeper.sent, []
        for _, command in sent:
            self.venue.judge(command)
        self.states += 1
        for command_id, command in sent:
            for answer in self.venue.answer(command_id, command):
                self.feed(answer)

    def compare(self) -> None:
        """Once every word has arrived, the keeper's worst case is the venue's to the unit."""
        state = self.keeper.state
        for market in LISTINGS:
            exposure = exposure_of(state.orders, market)
            truth = (
                self.venue.open_quantums(market, Side.BUY),
                self.venue.open_quantums(market, Side.SELL),
            )
            assert (exposure.buys, exposure.sells) == truth

    def market_data(self) -> None:
        for ticker, listing in LISTINGS.items():
            self.feed(
                OraclePriced(
                    market=ticker,
                    source="oracle",
                    price=self.price[ticker],
                    height=self.keeper.height,
                )
            )
            self.feed(self._book(ticker, listing))

    def _book(self, ticker: str, listing: PerpetualMarket) -> Event:
        self.book_seq += 1
        tick = listing.subticks_per_tick
        middle = listing.subticks_down(self.price[ticker])
        middle -= middle % tick
        wide = tick * self.rng.choice((1, 1, 5, 50))
        return book(
            self.book_seq,
            market=ticker,
            bids=(BookLevel(middle - wide, 10**10),),
            asks=(BookLevel(middle + wide, 10**10),),
        )

    def block(self) -> None:
        """A block passes: prices move, fills happen before and after the keeper hears of it."""
        self.keeper.height += 1
        self.keeper.now += self.rng.choice((SECOND, SECOND, 3 * SECOND, 15 * SECOND))
        for ticker in LISTINGS:
            jump = self.rng.choice((0, 100, 1_000, 10_000))
            self.price[ticker] += self.price[ticker] * self.rng.randint(-jump, jump) // 1_000_000
        self.feed(VenueBlock(height=self.keeper.height, time_ns=self.keeper.now))
        self.market_data()
        for _ in range(self.rng.randint(0, 2)):
            for event in self.venue.fill_something():
                self.feed(event)
            self.compare()
        if self.rng.random() < 0.05:
            verb, argument = self.rng.choice(
                (("pause", "ETH-USD"), ("resume", "ETH-USD"), ("set", "reducing"), ("resume", ""))
            )
            self.feed(OperatorCommand(verb=verb, argument=argument, operator="test"))
        self.feed(TimerFired(name="second"))
        self.compare()


def _run(seed: int) -> Day:
    day = Day(seed)
    for _ in range(50):
        day.block()
    return day


def test_step__random_days__limits_hold_and_exposure_is_exact() -> None:
    """Judged event by event inside the run; the totals show that the run was worth judging."""
    days = [_run(seed) for seed in range(16)]

    for day in days:
        state = day.keeper.state
        for market in LISTINGS:
            assert position_of(state, market) == day.venue.positions.get(market, 0)
        assert state.account.usdc == day.venue.cash
    assert sum(day.states for day in days) >= 5_000
    assert sum(day.venue.judged for day in days) >= 1_400
    assert sum(day.venue.fills for day in days) >= 200
    assert sum(day.venue.held for day in days) >= 20
    noted = {key.split(":")[0] for day in days for key in day.keeper.state.guard.noted}
    assert {"ORDER_TO_TRADE", "ORDER_TO_TRADE_VOLUME", "MARGIN"} <= noted


def test_step__state_saved_and_restored_anywhere__same_commands_and_bytes() -> None:
    """What a dictionary's order was before a restart must not show in anything that is sent."""
    commands = 0
    for seed in range(6):
        day = _run(seed)
        rng = random.Random(seed)
        chosen = day.keeper.state.settings
        assert chosen is not None
        straight, restored = initial_state(), initial_state()
        events = [(START_NS, run_started(chosen)), *day.log]
        for seq, (now, event) in enumerate(events, start=1):
            if rng.random() < 0.1:
                restored = state_from_bytes(state_bytes(restored))
            issued = step(straight, now, seq, event)
            commands += len(issued)

            assert issued == step(restored, now, seq, event)
        assert state_bytes(straight) == state_bytes(restored)
    assert commands > 1_000
