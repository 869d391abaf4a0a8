"""Limits at work: liquidity capped, held while under way, shed when its hedge is weak."""

from typing import Any

import pytest
from msgspec.structs import replace

from keeper.core.bounds import bounds_of
from keeper.core.exposures import everything
from keeper.core.state import Position
from keeper.core.views import allowance, pool_span
from keeper.domain.approval import Refused
from keeper.domain.commands import (
    Allocate,
    BurnRange,
    CancelOrders,
    MintRange,
    NoteRefusal,
    PlaceOrder,
    SwapExactIn,
)
from keeper.domain.events import (
    BlockSeen,
    BookLevel,
    MarketFacts,
    OperatorCommand,
    RangeState,
    TimerFired,
)
from keeper.domain.orders import Side
from keeper.domain.units import PPM
from keeper.execution.orders import exposure_of
from keeper.inventory.costs import swap_output
from keeper.markets.ranges import asset_of, base_of, holdings, most_base_up
from keeper.risk.bounds import Bounds, Cap, Stop
from keeper.risk.phase import Phase
from tests.keeper.builders import (
    ALLOCATION,
    LEADER,
    LIMITS,
    ONE_ETH,
    POOL,
    SECOND,
    USDC,
    Keeper,
    book,
    leader,
    market_settings,
    of,
    oracle,
    pool_seen,
    pool_settings,
    settings,
    subaccount,
    vault,
)
from tests.keeper.markets import ETH

ONE_WETH = 10**18
CENTRE = pool_seen(1).tick // 10 * 10
HELD = RangeState(tick_lower=CENTRE - 1_200, tick_upper=CENTRE + 1_200, liquidity=10**17)


def _keeper(position: int = 900_000, **limits: Any) -> Keeper:
    """Room for what the tests put into the pool, but for the limits they name; USDC."""
    chosen = settings(
        markets=(market_settings(max_position_quote_quantums=position * USDC),),
        pools=(pool_settings(),),
        allocation=ALLOCATION,
        limits=replace(LIMITS, **{"daily_loss_quote_quantums": 100_000 * USDC, **limits}),
    )
    keeper = Keeper(chosen)
    keeper.start()
    keeper.answer()
    return keeper


def _hedge(keeper: Keeper, ether: int) -> None:
    """Short so much at 3,000, so that equity stays what it was."""
    sold = Position(quantums=-ether * ONE_ETH, quote_balance=ether * 3_000 * USDC)
    keeper.state.account.positions["ETH-USD"] = sold


def test_pool_span__range_held__from_idle_base_to_all_of_it_in_base() -> None:
    keeper = _keeper()
    keeper.feed(replace(pool_seen(1), ranges=(HELD,), amount1=2 * ONE_WETH))

    now, low, high = pool_span(keeper.state, ETH)

    assert low == 2 * ONE_ETH
    assert low < now < high
    assert (high - low) * 9 // 20 < now - low < (high - low) * 11 // 20


def test_pool_observed__mint_under_way__counts_as_held_until_its_receipt_is_seen() -> None:
    keeper = _keeper()
    seen = replace(pool_seen(1), amount0=90_000 * USDC, amount1=30 * ONE_WETH)
    (mint,) = of(keeper.feed(seen), MintRange)
    minted = RangeState(
        tick_lower=mint.tick_lower, tick_upper=mint.tick_upper, liquidity=mint.liquidity
    )

    _, low, high = pool_span(keeper.state, ETH)
    keeper.feed(replace(seen, block_number=2, block_hash="0xp2"))
    still = pool_span(keeper.state, ETH)
    keeper.state.chain.outstanding.clear()
    after = replace(seen, block_number=3, block_hash="0xp3", ranges=(minted,), amount0=0)
    keeper.feed(replace(after, amount1=low * 10**9))

    assert still[1:] == (low, high)
    _, after_low, after_high = pool_span(keeper.state, ETH)
    assert after_low == low
    assert 0 <= high - after_high <= 1
    assert high > 55 * ONE_ETH


def test_pool_observed__liquidity_cap__range_is_as_large_as_fits() -> None:
    keeper = _keeper(max_lp_quote_quantums=60_000 * USDC)
    seen = replace(pool_seen(1), amount0=90_000 * USDC, amount1=30 * ONE_WETH)

    (mint,) = of(keeper.feed(seen), MintRange)

    entry = RangeState(
        tick_lower=mint.tick_lower, tick_upper=mint.tick_upper, liquidity=mint.liquidity
    )
    amounts = holdings((entry,), seen.sqrt_price_x96)
    value = asset_of(pool_settings(), amounts) + base_of(pool_settings(), amounts) * 3_000 // 10**12
    assert 55_000 * USDC < value < 60_000 * USDC


def test_pool_observed__liquidity_cap_full__refused_with_both_numbers() -> None:
    keeper = _keeper(max_lp_quote_quantums=10 * USDC)
    seen = replace(pool_seen(1), amount0=90_000 * USDC, amount1=30 * ONE_WETH)

    commands = keeper.feed(seen)

    (note,) = [note for note in of(commands, NoteRefusal) if note.code == "MAX_LP"]
    assert (note.subject, note.limit) == (POOL, 10 * USDC)
    assert note.value > 170_000 * USDC
    assert of(commands, MintRange) == []


ASSET_ALONE = 180_000 * USDC


def _filled(keeper: Keeper) -> tuple[SwapExactIn, MintRange, list[NoteRefusal]]:
    """What it swaps and then mints of idle asset, and every refusal it tells of."""
    seen = replace(pool_seen(1), amount0=ASSET_ALONE)
    first = keeper.feed(seen)
    (swap,) = of(first, SwapExactIn)
    keeper.state.chain.outstanding.clear()
    after = replace(
        seen,
        block_number=2,
        block_hash="0xp2",
        amount0=ASSET_ALONE - swap.amount_in,
        amount1=swap_output(seen, True, swap.amount_in),
    )
    second = keeper.feed(after)
    (mint,) = of(second, MintRange)
    return swap, mint, [*of(first, NoteRefusal), *of(second, NoteRefusal)]


def _most_value(mint: MintRange) -> int:
    """Quote quantums of base in the range where it holds most."""
    entry = RangeState(
        tick_lower=mint.tick_lower, tick_upper=mint.tick_upper, liquidity=mint.liquidity
    )
    return most_base_up(pool_settings(), entry) * 3_000 * USDC // ONE_WETH


@pytest.mark.parametrize(
    ("code", "position", "limits", "most"),
    [
        ("MAX_POSITION", 60_000, {}, 54_000 * USDC),
        ("STRESS", 900_000, {"daily_loss_quote_quantums": 7_000 * USDC}, 94_500 * USDC),
        ("HEDGE_MARGIN", 900_000, {"hedge_shock_ppm": 2_000_000}, 90_000 * USDC),
    ],
)
def test_pool_observed__limit_leaves_room_for_a_part__range_takes_up_to_nine_tenths(
    code: str, position: int, limits: dict[str, Any], most: int
) -> None:
    """All of it would hold 174,000 in the end, half of that at once.

    A fifth of it would be lost in the stress move, of which 21,000 are allowed; 100,000 of equity
    carry a short of 46,000 through a rise to three times the price. Quotes count as well.
    """
    swap, mint, notes = _filled(_keeper(position=position, **limits))

    note = next(note for note in notes if note.code == code)
    assert note.value > note.limit
    assert swap.amount_in < ASSET_ALONE // 3
    assert most * 2 // 3 < _most_value(mint) <= most


def test_pool_observed__limits_leave_room_for_all__all_of_it_is_used() -> None:
    _, mint, notes = _filled(_keeper())

    assert _most_value(mint) > 165_000 * USDC
    assert notes == []


def test_pool_observed__base_alone_after_a_range_was_left__moves_to_the_new_range_whole() -> None:
    """The new range holds no more base than there is: what is sold for its asset makes room."""
    keeper = _keeper(position=220_000)
    seen = replace(pool_seen(1), amount1=60 * ONE_WETH)

    commands = keeper.feed(seen)

    (swap,) = of(commands, SwapExactIn)
    assert not swap.zero_for_one
    assert 29 * ONE_WETH < swap.amount_in < 31 * ONE_WETH
    assert of(commands, NoteRefusal) == []


@pytest.mark.parametrize(
    ("code", "limits"),
    [
        ("STRESS", {"daily_loss_quote_quantums": 10 * USDC}),
        ("HEDGE_MARGIN", {"hedge_shock_ppm": 2_000_000_000}),
    ],
)
def test_pool_observed__room_below_the_least_move__nothing_is_done(
    code: str, limits: dict[str, Any]
) -> None:
    keeper = _keeper(**limits)

    commands = keeper.feed(replace(pool_seen(1), amount0=ASSET_ALONE))

    assert of(commands, SwapExactIn) == []
    assert of(commands, MintRange) == []
    assert code in {note.code for note in of(commands, NoteRefusal)}


def test_pool_observed__hedge_too_weak__range_shrinks_and_the_hedge_stays() -> None:
    """Equity of 100,000 carries a short of 106 ether through a rise by a quarter, not by all."""
    keeper = _keeper()
    held = holdings((HELD,), pool_seen(1).sqrt_price_x96)
    ether = base_of(pool_settings(), held) // ONE_WETH
    _hedge(keeper, ether)
    strong = keeper.feed(replace(pool_seen(1), ranges=(HELD,)))
    weak = _keeper(hedge_shock_ppm=PPM)
    _hedge(weak, ether)

    commands = weak.feed(replace(pool_seen(1), ranges=(HELD,)))

    assert of(strong, BurnRange) == []
    (burn,) = of(commands, BurnRange)
    assert 0 < burn.liquidity < HELD.liquidity
    assert weak.state.account.positions["ETH-USD"].quantums == -ether * ONE_ETH


def test_pool_observed__hedge_too_weak_and_base_idle__sold_first() -> None:
    keeper = _keeper(hedge_shock_ppm=PPM)
    _hedge(keeper, 50)

    (swap,) = of(keeper.feed(replace(pool_seen(1), amount1=50 * ONE_WETH)), SwapExactIn)

    assert not swap.zero_for_one
    assert 0 < swap.amount_in < 50 * ONE_WETH


def test_pool_observed__equity_unknown__range_and_base_stay_and_none_is_added() -> None:
    """A journal that begins beside a range that is there: nothing is sold on a guess."""
    keeper = _keeper()
    keeper.state.account.known = False
    idle = {"amount0": 90_000 * USDC, "amount1": 30 * ONE_WETH}

    commands = keeper.feed(replace(pool_seen(1), ranges=(HELD,), **idle))

    assert of(commands, BurnRange) == []
    assert of(commands, SwapExactIn) == []
    assert of(commands, MintRange) == []


def test_everything__pool_without_a_hedge__falls_with_its_token() -> None:
    chosen = settings(
        pools=(pool_settings(hedge_market="none"),), allocation=ALLOCATION, limits=LIMITS
    )
    keeper = Keeper(chosen)
    keeper.start()
    before = everything(keeper.state, LIMITS)

    keeper.feed(replace(pool_seen(1), amount1=10 * ONE_WETH))

    after = everything(keeper.state, LIMITS)
    assert after.rise == before.rise
    assert after.fall - before.fall == 6_000 * USDC + 1


FACTS = MarketFacts(
    market="ETH-USD",
    source="dydx",
    open_interest=100 * ONE_ETH,
    volume_quote_quantums=3_000_000 * USDC,
    funding_ppb_per_hour=5_000,
)


def _bounds(keeper: Keeper) -> Bounds:
    assert keeper.state.settings is not None
    market = keeper.state.markets["ETH-USD"]
    return bounds_of(keeper.state, market, ETH, keeper.state.settings.limits)


def _quoted(keeper: Keeper, side: Side) -> int:
    return sum(o.exposure for o in keeper.state.orders.working.values() if o.side is side)


def test_step__open_interest_small__quotes_fit_its_part() -> None:
    """2 % of 100 ether, and 5 % of a volume of 1,000 ether: the first binds."""
    keeper = _keeper(max_open_interest_ppm=20_000, max_volume_ppm=50_000)
    assert keeper.state.orders.working == {}

    keeper.feed(FACTS)

    assert _bounds(keeper).buy_cap == Cap("OPEN_INTEREST", 2 * ONE_ETH)
    assert 0 < _quoted(keeper, Side.BUY) <= 2 * ONE_ETH
    assert 0 < _quoted(keeper, Side.SELL) <= 2 * ONE_ETH


def test_step__facts_never_told_or_old__nothing_is_raised_and_said_why() -> None:
    keeper = _keeper(max_volume_ppm=50_000, max_market_facts_age_ms=1)
    untold = _bounds(keeper)
    keeper.feed(FACTS)
    told = _bounds(keeper)
    keeper.now += SECOND
    keeper.feed(TimerFired(name="second"))

    assert untold.buy_stop == Stop("MARKET_FACTS", 1, -1)
    assert told.buy_stop is None
    assert _bounds(keeper).sell_stop == Stop("MARKET_FACTS", 1, 1_000)
    assert keeper.state.guard.active["ETH-USD"]


def test_step__funding_beyond_its_ceiling__only_the_side_that_is_paid_quotes() -> None:
    """5,000 e-9 an hour are 120 ppm a day, which longs pay."""
    keeper = _keeper(max_funding_ppm_per_day=119)

    keeper.feed(FACTS)

    assert _bounds(keeper).buy_stop == Stop("FUNDING", 119, 120)
    assert _quoted(keeper, Side.BUY) == 0
    assert _quoted(keeper, Side.SELL) > 0


def test_step__depth_sampled_at_a_block__near_the_best_price_and_not_ours() -> None:
    keeper = _keeper(depth_refills=3, depth_band_ppm=20_000)
    keeper.feed(
        book(
            2,
            bids=(BookLevel(2_999_000_000, 4 * ONE_ETH), BookLevel(2_900_000_000, 9 * ONE_ETH)),
            asks=(BookLevel(3_001_000_000, 5 * ONE_ETH),),
        )
    )
    ours = exposure_of(keeper.state.orders, "ETH-USD")

    keeper.block()

    market = keeper.state.markets["ETH-USD"]
    assert (market.bid_depth, market.ask_depth) == (
        max(0, 4 * ONE_ETH - ours.buys),
        max(0, 5 * ONE_ETH - ours.sells),
    )
    assert _bounds(keeper).buy_cap == Cap("DEPTH", 3 * market.bid_depth)
    assert _bounds(keeper).sell_cap == Cap("DEPTH", 3 * market.ask_depth)


def test_step__leader_and_pool_known__their_prices_bound_orders() -> None:
    chosen = settings(
        markets=(market_settings(leader=LEADER),),
        pools=(pool_settings(),),
        allocation=ALLOCATION,
        limits=replace(LIMITS, other_venue_band_ppm=10_000),
    )
    keeper = Keeper(chosen)
    keeper.start()
    keeper.feed(leader(1, bid=300_999_000_000, ask=301_001_000_000))
    keeper.feed(pool_seen(1))

    prices = _bounds(keeper).elsewhere
    keeper.now += 40 * SECOND
    keeper.feed(TimerFired(name="second"))

    assert prices[0] == 3_010_000_000
    assert abs(prices[1] - 3_000_000_000) < 10_000
    assert _bounds(keeper).elsewhere == ()


def test_step__report_old__only_what_reduces_and_no_capital_moves() -> None:
    keeper = _keeper(max_report_age_seconds=60)
    settled = keeper.now // SECOND - 61

    commands = keeper.feed(vault(1, last_settled_at=settled))

    assert _bounds(keeper).buy_stop == Stop("REPORT_AGE", 60, 61)
    assert len(of(commands, CancelOrders)) == 1
    assert of(commands, Allocate) == []
    codes = {(note.code, note.limit, note.value) for note in of(commands, NoteRefusal)}
    assert ("REPORT_AGE", 60, 61) in codes


def test_step__asset_off_its_peg__nothing_raised_and_no_capital_moves() -> None:
    keeper = _keeper(max_depeg_ppm=10_000)
    told = {"asset_price_decimals": 8, "asset_priced_at": keeper.now // SECOND - 100}

    untold = keeper.feed(vault(1))
    first = _bounds(keeper).buy_stop
    keeper.feed(vault(2, **told, asset_price=99_000_000))
    second = _bounds(keeper).buy_stop
    commands = keeper.feed(vault(3, **told, asset_price=98_990_000))

    assert first == Stop("ASSET_PRICE", 90_000, -1)
    assert of(untold, Allocate) == []
    assert second is None
    assert _bounds(keeper).sell_stop == Stop("DEPEG", 10_000, 10_100)
    noted = [(n.code, n.limit, n.value) for n in of(commands, NoteRefusal)]
    assert ("DEPEG", 10_000, 10_100) in noted
    assert allowance(keeper.state).wait("vault") == Refused(
        code="DEPEG", subject="vault", limit=10_000, value=10_100
    )


def test_step__base_fee_above_its_ceiling__range_is_not_moved_and_exits_go() -> None:
    keeper = _keeper(max_base_fee_wei=100)
    keeper.feed(BlockSeen(number=1, hash="0xb1", timestamp=1, base_fee_wei=101))
    idle = replace(pool_seen(1), amount0=90_000 * USDC, amount1=30 * ONE_WETH)

    waits = keeper.feed(idle)
    keeper.feed(BlockSeen(number=2, hash="0xb2", timestamp=2, base_fee_wei=100))
    goes = keeper.feed(replace(idle, block_number=2, block_hash="0xp2"))

    codes = {(note.code, note.limit, note.value) for note in of(waits, NoteRefusal)}
    assert ("GAS_CEILING", 100, 101) in codes
    assert of(waits, MintRange) == []
    assert len(of(goes, MintRange)) == 1


def test_step__loss_within_the_window__trips_and_one_spread_over_longer_does_not() -> None:
    for minutes, trips in ((1, True), (30, False)):
        bounded = replace(LIMITS, loss_window_minutes=10, loss_window_quote_quantums=1_000 * USDC)
        keeper = Keeper(settings(limits=bounded))
        keeper.start()
        for usdc in (100_000, 100_000, 99_400, 98_800, 98_800, 98_800, 98_800):
            keeper.feed(subaccount(keeper.height, usdc=usdc * USDC))
            for _ in range(3):
                keeper.now += minutes * 60 * SECOND // 3
                keeper.block()

        assert (keeper.state.guard.phase is Phase.EXITING) is trips
        assert len(keeper.state.guard.loss.window) <= 11


def _banded(**market: Any) -> Keeper:
    """Quotes rest beside a pool at the same price, which they may be a hundredth away from."""
    chosen = settings(
        markets=(market_settings(**market),),
        pools=(pool_settings(),),
        allocation=ALLOCATION,
        limits=replace(LIMITS, other_venue_band_ppm=10_000),
    )
    keeper = Keeper(chosen)
    keeper.start()
    keeper.feed(pool_seen(1))
    keeper.answer()
    return keeper


def test_step__pool_moves_beyond_the_band__what_rests_is_cancelled_in_that_step() -> None:
    keeper = _banded()
    resting = set(keeper.state.orders.working)
    away = pool_seen(2).sqrt_price_x96 * 102 // 100

    commands = keeper.feed(replace(pool_seen(2), block_hash="0xp2", sqrt_price_x96=away))

    assert resting
    assert {i for cancel in of(commands, CancelOrders) for i in cancel.client_ids} == resting
    assert of(commands, PlaceOrder) == []
    notes = [note for note in of(commands, NoteRefusal) if note.code == "VENUE_BAND"]
    assert {note.limit for note in notes} == {10_000}
    assert all(note.value > 10_000 for note in notes)


def test_step__resting_beyond_the_band_but_wanted_within__cancelled_despite_the_tolerance() -> None:
    """Bids rest near 2,990 and are wanted near 3,005; the band's lower end is at 3,000."""
    keeper = _banded(price_tolerance_ppm=20_000)
    orders = keeper.state.orders.working.values()
    bids = {order.client_id for order in orders if order.side is Side.BUY}
    kept = keeper.feed(oracle(keeper.state.height + 1, 3_015 * 10**6))
    away = pool_seen(2).sqrt_price_x96 * 99_500 // 100_000

    commands = keeper.feed(replace(pool_seen(2), block_hash="0xp2", sqrt_price_x96=away))

    assert bids
    assert keeper.state.markets["ETH-USD"].oracle_price == 3_015 * 10**6
    assert of(kept, CancelOrders) == []
    assert {i for cancel in of(commands, CancelOrders) for i in cancel.client_ids} == bids
    assert of(commands, PlaceOrder) == []
    (note,) = [note for note in of(commands, NoteRefusal) if note.code == "VENUE_BAND"]
    assert note.subject == "ETH-USD/BUY"


def test_step__pool_not_seen_for_too_long__its_market_is_pulled_and_quoted_again() -> None:
    keeper = _keeper()
    keeper.feed(replace(pool_seen(1), ranges=(HELD,)))
    keeper.block()
    assert keeper.state.orders.working
    most = pool_settings().snapshot_max_age_ms

    pulled = keeper.block(most // 1_000 + 2)
    silent = keeper.block()
    seen = replace(pool_seen(2), ranges=(HELD,), block_timestamp=keeper.now // SECOND)
    back = [*keeper.feed(seen), *keeper.block()]

    codes = {(note.code, note.subject, note.limit) for note in of(pulled, NoteRefusal)}
    assert ("SNAPSHOT_AGE", "ETH-USD", most) in codes
    assert of(pulled, CancelOrders)
    assert of(silent, PlaceOrder) == []
    assert of(back, PlaceOrder)


def test_step__exits_while_the_pool_is_not_seen__flattens_all_the_same() -> None:
    keeper = _keeper()
    keeper.feed(replace(pool_seen(1), ranges=(HELD,)))
    keeper.feed(subaccount(keeper.height + 1, ETH=5 * ONE_ETH))
    keeper.feed(OperatorCommand(verb="exit", argument="", operator="me"))

    (flattens,) = of(keeper.block(pool_settings().snapshot_max_age_ms // 1_000 + 2), PlaceOrder)

    assert (flattens.side, flattens.reduce_only) == (Side.SELL, True)
