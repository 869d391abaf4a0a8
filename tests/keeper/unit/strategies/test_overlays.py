"""Each overlay's change of what a rule sees, their composition, and moving quotes out and in."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.domain.approval import Refused
from keeper.domain.orders import Side
from keeper.domain.strategies import (
    FeeOverlay,
    FundingOverlay,
    ImbalanceOverlay,
    InventoryTarget,
    Overlays,
    ReduceOnlyLadder,
    SessionGate,
    Strategy,
    ToxicityOverlay,
    TrendOverlay,
    VolatilityOverlay,
)
from keeper.strategies import overlays, rules
from keeper.strategies.overlays import Signals, bent, greatest_shift_ppm, minute_of_week
from keeper.strategies.snapshot import MarketSnapshot, moved_out
from tests.keeper.unit.strategies.examples import EXAMPLES
from tests.keeper.unit.strategies.scenes import ETHER, USDC, prices, quotes_of, snapshot

TREND = TrendOverlay(fast_seconds=5, slow_seconds=60, gain_ppm=500_000, max_shift_ppm=100)
IMBALANCE = ImbalanceOverlay(seconds=5, shift_ppm=40)
VOLATILITY = VolatilityOverlay(seconds=600, floor_ppm=30_000, gain_ppm=10_000, max_widen_ppm=400)
FUNDING = FundingOverlay(holding_seconds=21_600, max_shift_ppm=60)
TOXICITY = ToxicityOverlay(horizon_seconds=5, fills=50, gain_ppm=500_000, max_widen_ppm=90)
MONDAY = 1_700_438_400  # 2023-11-20 00:00 UTC
OFFICE = SessionGate(windows=((9 * 60, 17 * 60), (1_440, 2_000)), outside="pull")


def seen(found: Overlays, signals: Signals, **changes: Any) -> MarketSnapshot:
    answer = bent(found, signals, snapshot(**changes))
    assert isinstance(answer, MarketSnapshot), answer
    return answer


@pytest.mark.parametrize(
    ("trend_ppm", "reference"),
    [(0, 3_000_000_000), (40, 3_000_060_000), (-41, 2_999_940_000), (900, 3_000_300_000)],
)
def test_bent__trend__moves_by_its_share_within_the_bound(trend_ppm: int, reference: int) -> None:
    found = seen(Overlays(trend=TREND), Signals(trend_ppm=trend_ppm))

    assert found.reference_price == reference


@pytest.mark.parametrize(
    ("imbalance_ppm", "reference"),
    [(1_000_000, 3_000_120_000), (-500_000, 2_999_940_000), (10_000, 3_000_000_000)],
)
def test_bent__imbalance__moves_towards_the_flow(imbalance_ppm: int, reference: int) -> None:
    found = seen(Overlays(imbalance=IMBALANCE), Signals(imbalance_ppm=imbalance_ppm))

    assert found.reference_price == reference


@pytest.mark.parametrize(
    ("funding_ppm", "reference"),
    [(160, 2_999_880_000), (-160, 3_000_120_000), (10_000, 2_999_820_000)],
)
def test_bent__funding__longs_that_pay_are_worth_less(funding_ppm: int, reference: int) -> None:
    """A quarter of a day's 160 ppm is 40 ppm; 60 at most."""
    found = seen(Overlays(funding=FUNDING), Signals(funding_ppm=funding_ppm))

    assert found.reference_price == reference


@pytest.mark.parametrize(
    ("volatility_ppm", "widen_ppm"), [(30_000, 0), (45_050, 150), (1_000_000, 400)]
)
def test_bent__volatility__widens_above_the_floor(volatility_ppm: int, widen_ppm: int) -> None:
    found = seen(Overlays(volatility=VOLATILITY), Signals(volatility_ppm=volatility_ppm))

    assert found.widen_ppm == widen_ppm


def test_bent__toxicity__widens_the_side_that_lost() -> None:
    signals = Signals(bid_markout_ppm=-101, ask_markout_ppm=70)

    found = seen(Overlays(toxicity=TOXICITY), signals)

    assert (found.bid_widen_ppm, found.ask_widen_ppm, found.widen_ppm) == (50, 0, 0)
    worse = seen(Overlays(toxicity=TOXICITY), Signals(ask_markout_ppm=-5_000))
    assert (worse.bid_widen_ppm, worse.ask_widen_ppm) == (0, 90)


@pytest.mark.parametrize("fee_ppm", [110, -110])
def test_bent__fee__both_sides_by_it(fee_ppm: int) -> None:
    found = seen(Overlays(fee=FeeOverlay(maker_fee_ppm=fee_ppm)), Signals(), widen_ppm=30)

    assert found.widen_ppm == 30 + fee_ppm


@pytest.mark.parametrize(("target", "left"), [(4_500, -500), (-1_500, 1_500), (0, 1_000)])
def test_bent__target__inventory_counts_from_it(target: int, left: int) -> None:
    """At 3,000 USDC, of one ether held."""
    wanted = Overlays(target=InventoryTarget(quote_quantums=target * USDC))

    found = seen(wanted, Signals(), inventory=ETHER)

    assert found.inventory == left * ETHER // 1_000


def test_bent__target_while_closing__does_not_count() -> None:
    wanted = Overlays(target=InventoryTarget(quote_quantums=9_000 * USDC))

    assert seen(wanted, Signals(), inventory=ETHER, close_only=True).inventory == ETHER


@pytest.mark.parametrize(("inventory", "closing"), [(ETHER, False), (-2 * ETHER, True)])
def test_bent__reduce_only__from_its_worth_on(inventory: int, closing: bool) -> None:
    found = seen(
        Overlays(reduce_only=ReduceOnlyLadder(from_quote_quantums=6_000 * USDC)),
        Signals(),
        inventory=inventory,
    )

    assert found.close_only is closing


@pytest.mark.parametrize(
    ("minute", "opens"), [(0, 540), (539, 540), (540, None), (1_019, None), (1_020, 1_440)]
)
def test_bent__session__closed_outside_its_windows(minute: int, opens: int | None) -> None:
    now_s = MONDAY + 60 * minute + 59

    answer = bent(Overlays(session=OFFICE), Signals(now_s=now_s), snapshot())

    if opens is None:
        assert isinstance(answer, MarketSnapshot)
    else:
        assert answer == Refused(
            code="SESSION_CLOSED", subject="ETH-USD", limit=opens, value=minute
        )


def test_bent__session_after_its_last_window__opens_next_week() -> None:
    answer = bent(Overlays(session=OFFICE), Signals(now_s=MONDAY + 60 * 9_000), snapshot())

    assert answer == Refused(code="SESSION_CLOSED", subject="ETH-USD", limit=540, value=9_000)


def test_bent__session_that_reduces__asks_for_the_reducing_side() -> None:
    gate = SessionGate(windows=((540, 1_020),), outside="reduce")

    assert seen(Overlays(session=gate), Signals(now_s=MONDAY)).close_only
    assert not seen(Overlays(session=gate), Signals(now_s=MONDAY + 540 * 60)).close_only


def test_minute_of_week__known_days__counted_from_monday() -> None:
    assert minute_of_week(0) == 3 * 1_440  # Thursday, 1 January 1970
    assert minute_of_week(MONDAY) == 0
    assert minute_of_week(MONDAY - 1) == 10_079


ALL = Overlays(
    trend=TREND,
    imbalance=IMBALANCE,
    volatility=VOLATILITY,
    funding=FUNDING,
    toxicity=TOXICITY,
    fee=FeeOverlay(maker_fee_ppm=-200),
    target=InventoryTarget(quote_quantums=1_000 * USDC),
)


def test_bent__all_together__sums() -> None:
    signals = Signals(trend_ppm=60, imbalance_ppm=500_000, funding_ppm=-40, volatility_ppm=50_000)

    found = seen(ALL, signals, widen_ppm=7)

    assert found.reference_price == 3_000_000_000 + (30 + 20 + 10) * 3_000
    assert found.widen_ppm == 7 + 200 - 200
    assert greatest_shift_ppm(ALL) == 100 + 40 + 60


def test_bent__no_overlay__what_it_was() -> None:
    found = seen(Overlays(), Signals(trend_ppm=900), inventory=5, widen_ppm=3)

    assert found == snapshot(inventory=5, widen_ppm=3, reference_price=3_000 * USDC)


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: type(rule).__name__)
@settings(deadline=None)
@given(
    trend=st.integers(-10_000, 10_000),
    imbalance=st.integers(-1_000_000, 1_000_000),
    volatility=st.integers(0, 500_000),
    markout=st.integers(-1_000, 1_000),
    inventory=st.integers(-2 * ETHER, 2 * ETHER),
)
def test_moved_out__any_signals__never_crossed(
    rule: Strategy, trend: int, imbalance: int, volatility: int, markout: int, inventory: int
) -> None:
    signals = Signals(
        trend_ppm=trend,
        imbalance_ppm=imbalance,
        volatility_ppm=volatility,
        bid_markout_ppm=markout,
    )
    view = seen(ALL, signals, inventory=inventory)
    answer = rules.quote(rule, view)
    if not isinstance(answer, tuple):
        return

    moved = moved_out(answer, view)

    asks, bids = prices(moved, Side.SELL), prices(moved, Side.BUY)
    if asks and bids:
        assert min(asks) - max(bids) >= 1_000


def test_moved_out__rebate_beyond_the_spread__not_passed_on() -> None:
    """A half spread of 1,000 ppm and a rebate of as much would make both sides meet."""
    rule = EXAMPLES[1]
    view = seen(Overlays(fee=FeeOverlay(maker_fee_ppm=-1_000)), Signals())
    quotes = quotes_of(rules.quote(rule, view))

    assert moved_out(quotes, view) == quotes
    part = seen(Overlays(fee=FeeOverlay(maker_fee_ppm=-900)), Signals())
    assert prices(moved_out(quotes, part), Side.SELL)[0] == 3_000_298_000


def test_problems__each_broken_field__named() -> None:
    broken = Overlays(
        trend=TrendOverlay(fast_seconds=5, slow_seconds=5, gain_ppm=0, max_shift_ppm=0),
        imbalance=ImbalanceOverlay(seconds=0, shift_ppm=0),
        volatility=VolatilityOverlay(seconds=0, floor_ppm=0, gain_ppm=0, max_widen_ppm=0),
        funding=FundingOverlay(holding_seconds=0, max_shift_ppm=0),
        toxicity=ToxicityOverlay(horizon_seconds=0, fills=0, gain_ppm=0, max_widen_ppm=0),
        session=SessionGate(windows=((7, 7),), outside="pull"),
    )

    assert len(overlays.problems(broken)) == 11
    assert overlays.problems(Overlays(session=SessionGate(windows=(), outside="pull")))
    assert overlays.problems(ALL) == ()
