"""What overlays are fed with, measured from events; and quotes that follow it."""

from typing import Any

import pytest
from msgspec.structs import replace

from keeper.core.quoting import desired_quotes
from keeper.core.signals import (
    Top,
    learn_fill,
    learn_funding,
    learn_markouts,
    learn_top,
    signals_of,
)
from keeper.core.state import MarketState, state_bytes, state_from_bytes
from keeper.domain.commands import NoteRefusal
from keeper.domain.events import BookLevel, FillReceived, FundingPaid, SourceDown
from keeper.domain.orders import Liquidity, Side
from keeper.domain.settings import MarketSettings
from keeper.domain.strategies import (
    FundingOverlay,
    ImbalanceOverlay,
    Overlays,
    SessionGate,
    ToxicityOverlay,
    TrendOverlay,
    VolatilityOverlay,
)
from keeper.markets.book import Book
from keeper.strategies.overlays import MINUTES_PER_WEEK, minute_of_week
from tests.keeper.builders import (
    ETH_PRICE,
    FIXED,
    LEADER,
    LIMITS,
    ONE_ETH,
    START_NS,
    Keeper,
    book,
    leader,
    market_settings,
    of,
    settings,
)
from tests.keeper.markets import ETH

SECOND = 10**9
OVERLAYS = Overlays(
    trend=TrendOverlay(fast_seconds=1, slow_seconds=9, gain_ppm=500_000, max_shift_ppm=1_000),
    imbalance=ImbalanceOverlay(seconds=1, shift_ppm=100),
    volatility=VolatilityOverlay(seconds=9, floor_ppm=0, gain_ppm=1_000, max_widen_ppm=100),
    funding=FundingOverlay(holding_seconds=3_600, max_shift_ppm=100),
    toxicity=ToxicityOverlay(horizon_seconds=5, fills=4, gain_ppm=500_000, max_widen_ppm=100),
)


def market(**changes: Any) -> MarketState:
    found: MarketSettings = market_settings(overlays=OVERLAYS)
    fields = {"settings": found, "listing": ETH, "oracle_price": ETH_PRICE, "book": Book()}
    return MarketState(**{**fields, **changes})


def fill(side: Side, subticks: int, liquidity: Liquidity = Liquidity.MAKER) -> FillReceived:
    return FillReceived(
        fill_id=f"{side}{subticks}",
        market="ETH-USD",
        client_id=1,
        side=side,
        quantums=1,
        subticks=subticks,
        quote_quantums=1,
        fee_quote_quantums=0,
        liquidity=liquidity,
        kind="LIMIT",
        height=1,
    )


def test_signals_of__price_that_rose__trend_of_fast_less_slow() -> None:
    """After a second at 1,010 the fast average moves by half of the 1 %, the slow by a tenth."""
    state = market()
    learn_top(state, Top(999, 5, 1_001, 5), 0)
    learn_top(state, Top(1_009, 5, 1_011, 5), SECOND)
    learn_top(state, Top(1_009, 5, 1_011, 5), 2 * SECOND)

    found = signals_of(state, 2 * SECOND)

    assert found.trend_ppm == (1_005 - 1_001) * 10**6 // 1_001
    assert found.now_s == 2


def test_signals_of__price_that_just_jumped__what_stood_before_counts() -> None:
    state = market()
    learn_top(state, Top(999, 5, 1_001, 5), 0)
    learn_top(state, Top(2_999, 5, 3_001, 5), 60 * SECOND)

    assert signals_of(state, 60 * SECOND).trend_ppm == 0


def test_signals_of__squared_returns__deviation_of_a_day_in_buckets() -> None:
    """A return of 1 % in one second, averaged over 9: sqrt(1e-4/10*86400) = 92.95 %."""
    state = market()
    learn_top(state, Top(999, 5, 1_001, 5), 0)
    learn_top(state, Top(1_009, 5, 1_011, 5), SECOND)

    assert signals_of(state, SECOND).volatility_ppm == 929_500


def test_signals_of__moves_within_a_second__sampled_once() -> None:
    state = market()
    learn_top(state, Top(999, 5, 1_001, 5), 0)
    for step in range(1, 10):
        learn_top(state, Top(999 + step % 2, 5, 1_001 + step % 2, 5), step * SECOND // 10)

    assert signals_of(state, SECOND).volatility_ppm == 0


@pytest.mark.parametrize(
    ("top", "flow"),
    [
        (Top(100, 8, 102, 5), 3),  # three joined the bid
        (Top(101, 7, 102, 5), 7),  # a better bid
        (Top(99, 9, 102, 5), -5),  # the bid went
        (Top(100, 5, 102, 4), 1),  # one left the ask
        (Top(100, 5, 101, 6), -6),  # a better ask
        (Top(100, 5, 103, 9), 5),  # the ask went
    ],
)
def test_signals_of__change_of_the_best_levels__flow_as_published(top: Top, flow: int) -> None:
    state = market()
    learn_top(state, Top(100, 5, 102, 5), 0)
    learn_top(state, top, 0)

    assert state.signals.flow_e6 == flow * 10**6
    # No time has passed, so the average depth is still the first one's, of 5.
    expected = max(-(10**6), min(10**6, flow * 10**5))
    assert signals_of(state, 0).imbalance_ppm == expected


def test_signals_of__time_passing__flow_fades() -> None:
    state = market()
    learn_top(state, Top(100, 5, 102, 5), 0)
    learn_top(state, Top(100, 9, 102, 5), 0)
    learn_top(state, Top(100, 9, 102, 5), SECOND)

    assert state.signals.flow_e6 == 2 * 10**6


def test_learn_top__price_unknown__no_trend_or_flow_until_it_is_back() -> None:
    state = market()
    learn_top(state, Top(100, 5, 102, 5), 0)
    learn_top(state, Top(100, 9, 102, 5), SECOND)
    learn_top(state, None, SECOND)

    found = signals_of(state, SECOND)
    assert (found.trend_ppm, found.imbalance_ppm) == (0, 0)
    learn_top(state, Top(200, 5, 202, 5), 50 * SECOND)
    assert state.signals.flow_e6 == 0
    assert signals_of(state, 50 * SECOND).volatility_ppm == 0


def test_learn_top__without_overlays__nothing_is_kept() -> None:
    state = market(settings=market_settings())

    learn_top(state, Top(100, 5, 102, 5), 0)

    assert state.signals.top_t_ns == -1


@pytest.mark.parametrize(("quantums", "paid"), [(10**9, -3_000), (-(10**9), 3_000)])
def test_signals_of__funding_paid__what_a_long_pays_a_day(quantums: int, paid: int) -> None:
    """0.003 USDC of a position of 3,000 in an hour is 1 ppm, 24 a day, whichever side we hold."""
    state = market()
    event = FundingPaid(market="ETH-USD", height=7, quote_quantums=paid)

    learn_funding(state, event, quantums, 0)

    assert signals_of(state, 3 * 3_600 * SECOND).funding_ppm == 24
    assert signals_of(state, 3 * 3_600 * SECOND + 1).funding_ppm == 0


def test_learn_funding__no_position__nothing_learnt() -> None:
    state = market()

    learn_funding(state, FundingPaid(market="ETH-USD", height=7, quote_quantums=5), 0, 0)

    assert signals_of(state, 0).funding_ppm == 0


def test_learn_markouts__after_the_horizon__average_over_fills_per_side() -> None:
    """Bought at 3,030 and sold at 2,970 with the oracle at 3,000: both lost about 1 %."""
    state = market()
    price = ETH.subticks_down(ETH_PRICE)
    learn_fill(state, fill(Side.BUY, price * 101 // 100), 0)
    learn_fill(state, fill(Side.SELL, price * 99 // 100), 2 * SECOND)

    learn_markouts(state, 5 * SECOND)

    found = signals_of(state, 5 * SECOND)
    assert found.bid_markout_ppm == -2_475  # a quarter of 9,900.99
    assert found.ask_markout_ppm == 0
    learn_markouts(state, 7 * SECOND)
    assert signals_of(state, 7 * SECOND).ask_markout_ppm == -2_525  # a quarter of 10,101.01
    assert state.signals.fills == []


def test_learn_fill__taken_by_us__not_judged() -> None:
    state = market()

    learn_fill(state, fill(Side.BUY, 5, Liquidity.TAKER), 0)

    assert state.signals.fills == []


def bent_keeper(overlays: Overlays) -> Keeper:
    found = market_settings(strategy=FIXED, overlays=overlays)
    return Keeper(settings(markets=(found,)))


def test_step__market_outside_its_session__nothing_sent_and_told() -> None:
    minute = minute_of_week(START_NS // SECOND)
    windows = ((0, minute), (minute + 1, MINUTES_PER_WEEK))
    keeper = bent_keeper(Overlays(session=SessionGate(windows=windows, outside="pull")))

    commands = keeper.start()

    assert keeper.places() == []
    notes = [note for note in of(commands, NoteRefusal) if note.code == "SESSION_CLOSED"]
    assert (notes[0].limit, notes[0].value) == (minute + 1, minute)


def test_step__flow_into_the_bid__quotes_move_up() -> None:
    plain, moved = bent_keeper(Overlays()), bent_keeper(Overlays(imbalance=OVERLAYS.imbalance))
    bids: list[list[int]] = []

    for keeper in (plain, moved):
        keeper.start()
        keeper.answer()
        grown = book(10**6, bid=2_999_900_000)
        keeper.feed(replace(grown, bids=(BookLevel(2_999_900_000, 30 * ONE_ETH),)))
        ladder, _ = desired_quotes(keeper.state, "ETH-USD", LIMITS)
        bids.append([quote.subticks for quote in ladder.values() if quote.side is Side.BUY])

    # 20 of ether against twice a depth of 10: all the shift there is, 100 ppm of 3,000. A bid
    # 2,000 ppm below 3,000.3 is 2,994.2994, down to the tick of 0.1.
    assert [after - before for before, after in zip(*bids, strict=True)] == [200_000, 200_000]


def test_step__leader_configured__flow_is_the_leaders() -> None:
    followed = market_settings(strategy=FIXED, overlays=OVERLAYS, leader=LEADER)
    keeper = Keeper(settings(markets=(followed,)))
    keeper.start()

    keeper.feed(leader(1))

    known = keeper.state.markets["ETH-USD"].signals
    assert (known.bid, known.ask) == (299_999_000_000, 300_001_000_000)
    keeper.feed(SourceDown(source="leader:test", detail=""))
    assert known.top_t_ns == -1


def test_state_bytes__with_signals__restored() -> None:
    keeper = bent_keeper(OVERLAYS)
    keeper.start()
    learn_fill(keeper.state.markets["ETH-USD"], fill(Side.BUY, 5), 0)

    restored = state_from_bytes(state_bytes(keeper.state))

    assert restored.markets["ETH-USD"].signals == keeper.state.markets["ETH-USD"].signals
    assert restored.markets["ETH-USD"].settings == keeper.state.markets["ETH-USD"].settings
