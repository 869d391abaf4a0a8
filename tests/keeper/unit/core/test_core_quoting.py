"""From events to quotes: start, refresh, replacement, fills, pulls, restarts, phases."""

from typing import Any

import pytest
from msgspec.structs import replace

from keeper.core.state import state_bytes
from keeper.core.views import account_equity, position_of
from keeper.domain.commands import CancelOrders, NoteRefusal, PlaceOrder, RaiseAlert
from keeper.domain.events import (
    BookLevel,
    Event,
    MarketListed,
    OpenOrder,
    OperatorCommand,
    OraclePriced,
    OrderUpdated,
    ParamsChanged,
    Reconciled,
    SourceDown,
    SourceGap,
    SourceUp,
    Takeover,
    TimerFired,
    VenueBlock,
)
from keeper.domain.orders import Side, TimeInForce
from keeper.domain.strategies import ImbalanceOverlay, Overlays, Strategy
from keeper.risk.phase import Phase
from tests.keeper.builders import (
    ETH_PRICE,
    FIXED,
    LIMITS,
    MEGAVAULT,
    MS,
    ONE_ETH,
    SECOND,
    START_HEIGHT,
    USDC,
    Keeper,
    book,
    fill,
    market_settings,
    of,
    oracle,
    run_started,
    settings,
    sides,
    subaccount,
)
from tests.keeper.markets import ETH
from tests.keeper.unit.strategies.examples import EXAMPLES


def _quoting(**positions: int) -> Keeper:
    keeper = Keeper()
    keeper.start(**positions)
    return keeper


def _settled(**positions: int) -> Keeper:
    """Quoting for long enough that whatever was noted at the start may be noted again."""
    keeper = _quoting(**positions)
    keeper.answer()
    for _ in range(12):
        keeper.block()
        keeper.answer()
    return keeper


def _codes(commands: list[Any]) -> set[str]:
    return {note.code for note in of(commands, NoteRefusal)}


def test_step__before_run_started__nothing() -> None:
    keeper = Keeper()
    keeper.state.settings = None

    assert keeper.feed(oracle(START_HEIGHT)) == []


def test_step__all_sources_fresh__ladder_on_both_sides() -> None:
    keeper = _quoting()

    ladder = sides(keeper.places())

    assert [order.subticks for order in ladder[Side.SELL]] == [
        3_009_000_000,
        3_009_300_000,
        3_009_500_000,
    ]
    assert [order.subticks for order in ladder[Side.BUY]] == [
        2_991_000_000,
        2_990_500_000,
        2_990_000_000,
    ]
    assert {order.quantums for order in keeper.places()} == {1_666_000_000}
    assert {order.good_til_block for order in keeper.places()} == {START_HEIGHT + 10}
    assert {order.time_in_force for order in keeper.places()} == {TimeInForce.POST_ONLY}
    assert len({order.client_id for order in keeper.places()}) == 6


def test_step__source_not_up_yet__waits() -> None:
    keeper = Keeper()
    keeper.feed(MarketListed(market=ETH))
    keeper.feed(subaccount())
    keeper.block(0)

    assert keeper.feed(SourceUp(source="book")) == []
    assert len(of(keeper.feed(SourceUp(source="oracle")), PlaceOrder)) == 6


def test_step__nothing_moved__no_message_until_refresh() -> None:
    keeper = _quoting()
    keeper.answer()

    sent = [len(of(keeper.block(), PlaceOrder)) for _ in range(9)]

    # Ten blocks of life, renewed when two are left; the last block finds them renewed.
    assert sent == [0, 0, 0, 0, 0, 0, 0, 6, 0]


def test_step__price_moves__same_ids_replaced_once_a_block() -> None:
    keeper = _quoting()
    before = {order.client_id for order in keeper.places()}
    keeper.answer()

    first = of(keeper.block(price=3_010 * 10**6), PlaceOrder)
    again = keeper.feed(oracle(keeper.height + 1, 3_020 * 10**6))

    assert {order.client_id for order in first} == before
    assert {order.good_til_block for order in first} == {START_HEIGHT + 11}
    assert of(again, PlaceOrder) == []


def test_step__partial_fill__replacement_counts_it_in() -> None:
    keeper = _quoting()
    ask = sides(keeper.places())[Side.SELL][0]
    keeper.answer()

    keeper.feed(fill(1, ask, 500_000_000, keeper.height + 1))
    replaced = {order.client_id: order for order in of(keeper.block(), PlaceOrder)}

    wanted = keeper.state.orders.working[ask.client_id]
    assert replaced[ask.client_id].quantums == wanted.remaining + 500_000_000
    assert wanted.exposure <= replaced[ask.client_id].quantums - 500_000_000
    assert position_of(keeper.state, "ETH-USD") == -500_000_000


def test_step__order_filled__slot_gets_a_new_id() -> None:
    keeper = _quoting()
    ask = sides(keeper.places())[Side.SELL][0]
    old_ids = {order.client_id for order in keeper.places()}
    keeper.answer()

    keeper.feed(fill(1, ask, ask.quantums, keeper.height + 1))
    new = [o for o in of(keeper.block(), PlaceOrder) if o.client_id not in old_ids]

    assert [order.side for order in new] == [Side.SELL]


def test_step__crossing_reducing_quote__sent_as_a_plain_limit() -> None:
    """Very long and skewed below the bid, the rule's reducing ask may take; it is not post-only."""
    keeper = Keeper(
        settings(
            markets=(market_settings(max_position_quote_quantums=10**15),),
            limits=replace(
                LIMITS, max_gross_quote_quantums=10**15, max_order_quote_quantums=10**15
            ),
        )
    )
    keeper.start(ETH=200 * ONE_ETH)

    asks = sides(keeper.places())[Side.SELL]

    assert asks
    assert {order.time_in_force for order in asks} == {TimeInForce.POST_ONLY}
    keeper.answer()
    moved = keeper.feed(
        book(keeper.book_seq + 1, bid=asks[0].subticks, ask=asks[0].subticks + 100_000)
    )
    assert of(moved, PlaceOrder) == []
    keeper.now += SECOND
    keeper.height += 1
    moved = keeper.feed(VenueBlock(height=keeper.height, time_ns=keeper.now))
    crossing = [o for o in of(moved, PlaceOrder) if o.time_in_force is TimeInForce.GTT]
    assert [order.subticks for order in crossing] == [asks[0].subticks]
    (cancel,) = of(moved, CancelOrders)
    assert cancel.client_ids == (asks[0].client_id,), "one intent, one order"


PULLS: dict[str, tuple[Event, int]] = {
    "STALE_ORACLE": (TimerFired(name="t"), 11),
    "STALE_HEIGHT": (TimerFired(name="t"), 11),
    "STALE_BOOK": (SourceGap(source="book", expected=3, received=5), 0),
    "SOURCE_DOWN": (SourceDown(source="account", detail="lost"), 0),
    "BOOK_CROSSED": (book(99, bid=3_000_200_000, ask=3_000_100_000), 0),
    "BOOK_ONE_SIDED": (replace(book(99), asks=()), 0),
    "MARKET_STATUS": (MarketListed(market=replace(ETH, status="CANCEL_ONLY")), 0),
    "PAUSED": (OperatorCommand(verb="pause", argument="ETH-USD", operator="me"), 0),
    "TAKEOVER": (Takeover(former="other", height=START_HEIGHT + 99), 0),
    "ZERO_ORACLE": (oracle(START_HEIGHT + 99, 0), 0),
    "NO_EQUITY": (subaccount(height=START_HEIGHT + 99, usdc=0), 0),
    "CLOCK_SKEW": (VenueBlock(height=START_HEIGHT + 13, time_ns=0), 0),
}


UNFIT_PRICES: list[tuple[str, Event]] = [
    ("BOOK_CROSSED", book(99, bid=3_000_100_000, ask=3_000_100_000)),
    ("BOOK_ONE_SIDED", replace(book(99), bids=(), asks=())),
    ("BOOK_ONE_SIDED", replace(book(99), bids=())),
    ("PRICE_ABSURD", book(99, bid=1_499_800_000, ask=1_499_900_000)),
    ("PRICE_ABSURD", book(99, bid=6_000_100_000, ask=6_000_200_000)),
    ("PRICE_ABSURD", oracle(START_HEIGHT + 99, 30_000_000_000)),
    ("PRICE_ABSURD", oracle(START_HEIGHT + 99, 1)),
    ("PRICE_ABSURD", oracle(START_HEIGHT + 99, 10**30)),
]


@pytest.mark.parametrize(("code", "event"), UNFIT_PRICES)
def test_step__locked_empty_or_absurd__all_quotes_cancelled_and_none_placed(
    code: str, event: Event
) -> None:
    keeper = _settled()
    placed = dict(keeper.state.orders.working)

    commands = keeper.feed(event)

    (cancels,) = of(commands, CancelOrders)
    assert set(cancels.client_ids) == set(placed)
    assert of(commands, PlaceOrder) == []
    assert code in [note.code for note in of(commands, NoteRefusal)]


@pytest.mark.parametrize("price", [1_500_050_000, 5_999_900_000])
def test_step__oracle_within_twice_the_book__is_no_reason(price: int) -> None:
    keeper = _settled()

    commands = keeper.feed(oracle(START_HEIGHT + 99, price))

    assert "PRICE_ABSURD" not in [note.code for note in of(commands, NoteRefusal)]


@pytest.mark.parametrize("code", PULLS)
def test_step__data_unfit__all_quotes_cancelled_and_said_once(code: str) -> None:
    keeper = _settled()
    placed = dict(keeper.state.orders.working)
    event, seconds = PULLS[code]
    keeper.now += seconds * SECOND

    commands = keeper.feed(event)
    cancels = of(commands, CancelOrders)

    assert len(cancels) == 1
    assert set(cancels[0].client_ids) == set(placed)
    assert cancels[0].good_til_block >= max(o.highest_gtb for o in placed.values())
    assert of(commands, PlaceOrder) == []
    assert code in _codes(commands)
    assert _codes(keeper.feed(TimerFired(name="t"))) == set()


def test_step__cancel_unconfirmed__sent_again_next_block_until_confirmed() -> None:
    keeper = _quoting()
    ids = {order.client_id for order in keeper.places()}
    keeper.answer()
    keeper.feed(OperatorCommand(verb="pause", argument="", operator="me"))

    again = of(keeper.block(), CancelOrders)
    for client_id in ids:
        keeper.feed(
            OrderUpdated(
                market="ETH-USD",
                client_id=client_id,
                status="BEST_EFFORT_CANCELED",
                total_filled_quantums=0,
                good_til_block=None,
                removal_reason="ORDER_REMOVAL_REASON_USER_CANCELED",
            )
        )

    assert len(again) == 1
    assert set(again[0].client_ids) == ids
    assert of(keeper.block(), CancelOrders) == []
    # Best effort: the ids count until the height passes their last block.
    assert set(keeper.state.orders.working) == ids
    keeper.block(20)
    assert keeper.state.orders.working == {}


def test_step__fresh_data_again__quotes_return_under_new_ids() -> None:
    keeper = _quoting()
    old = {order.client_id for order in keeper.places()}
    keeper.answer()
    keeper.feed(SourceDown(source="book", detail="lost"))

    keeper.block()
    back = keeper.feed(SourceUp(source="book"))

    placed = of(back, PlaceOrder)
    assert len(placed) == 6
    assert old.isdisjoint(order.client_id for order in placed)


def test_step__clock_jumps_a_day__pulled_then_quoting_again() -> None:
    keeper = _quoting()
    keeper.answer()

    keeper.now += 86_400 * SECOND
    jumped = keeper.feed(TimerFired(name="t"))
    keeper.answer()
    back = keeper.block()

    assert len(of(jumped, CancelOrders)) == 1
    assert "STALE_HEIGHT" in _codes(jumped)
    assert len(of(back, PlaceOrder)) == 6
    assert keeper.state.guard.phase is Phase.ACTIVE


def test_step__height_jumps_far__old_orders_forgotten_and_replaced() -> None:
    keeper = _quoting()
    keeper.answer()

    back = keeper.block(500)

    assert len(of(back, PlaceOrder)) == 6
    assert len(keeper.state.orders.working) == 6


def test_step__answer_lost__order_counts_until_height_passes() -> None:
    keeper = _quoting()
    keeper.answer("UNKNOWN")

    same_block = keeper.feed(TimerFired(name="t"))

    assert of(same_block, PlaceOrder) == []
    assert len(keeper.state.orders.working) == 6


def test_step__dropped_before_sending__placed_again_under_fresh_ids() -> None:
    keeper = _quoting()
    keeper.answer("DROPPED")

    assert keeper.state.orders.working == {}
    assert len(of(keeper.block(), PlaceOrder)) == 6


def test_step__post_only_would_cross__tried_again_next_block() -> None:
    keeper = _quoting()
    keeper.answer("REJECTED", 2003)

    assert of(keeper.feed(TimerFired(name="t")), PlaceOrder) == []
    assert len(of(keeper.block(), PlaceOrder)) == 6


def test_step__message_budget_spent__places_refused_cancels_not() -> None:
    keeper = Keeper(settings(limits=replace(LIMITS, max_messages_per_block=2)))
    started = keeper.start()

    assert len(of(started, PlaceOrder)) == 2
    assert "MESSAGE_RATE" in _codes(started)
    assert (
        len(of(keeper.feed(OperatorCommand(verb="halt", argument="", operator="me")), CancelOrders))
        == 1
    )


def test_step__position_limit__increasing_side_shrinks_to_nothing() -> None:
    keeper = _quoting(ETH=20 * ONE_ETH)

    ladder = sides(keeper.places())

    assert ladder[Side.BUY] == []
    assert len(ladder[Side.SELL]) == 3


def test_step__reducing__only_the_side_that_reduces() -> None:
    keeper = _quoting(ETH=2 * ONE_ETH)
    keeper.answer()

    keeper.feed(OperatorCommand(verb="set", argument="reducing", operator="me"))
    keeper.block(11)

    open_orders = keeper.state.orders.working.values()
    assert {order.side for order in open_orders} == {Side.SELL}
    assert sum(order.exposure for order in open_orders) <= 2 * ONE_ETH


def test_step__halt__everything_cancelled_and_nothing_sent_until_resumed() -> None:
    keeper = _quoting(ETH=2 * ONE_ETH)
    keeper.answer()

    halted = keeper.feed(OperatorCommand(verb="halt", argument="", operator="me"))
    later = keeper.block() + keeper.block()
    resumed = keeper.feed(OperatorCommand(verb="resume", argument="", operator="me"))

    assert len(of(halted, CancelOrders)) == 1
    assert of(later, PlaceOrder) == []
    assert len(of(resumed, PlaceOrder)) == 6


def test_step__restart__keeps_phase_orders_and_exposure() -> None:
    keeper = _quoting()
    keeper.answer()
    keeper.feed(OperatorCommand(verb="exit", argument="", operator="me"))
    working = set(keeper.state.orders.working)

    keeper.feed(run_started(settings(), run=2))

    assert keeper.state.guard.phase is Phase.EXITING
    assert set(keeper.state.orders.working) == working
    assert keeper.state.run == 2


def test_step__restart_while_quoting__pulls_until_everything_is_fresh() -> None:
    keeper = _quoting()
    keeper.answer()

    pulled = keeper.feed(run_started(settings(), run=2))
    keeper.now += SECOND
    keeper.height += 1
    reconciled = Reconciled(
        height=keeper.height, subaccount=subaccount(height=keeper.height), open_orders=()
    )
    keeper.feed(reconciled)
    back = (
        keeper.block()
        + keeper.feed(SourceUp(source="book"))
        + keeper.feed(SourceUp(source="oracle"))
    )

    assert len(of(pulled, CancelOrders)) == 1
    assert len(of(back, PlaceOrder)) == 6


def test_step__same_run_started_again__ignored() -> None:
    keeper = _quoting()
    before = state_bytes(keeper.state)

    keeper.feed(run_started(settings()))
    keeper.state.seq -= 1

    assert state_bytes(keeper.state) == before


def test_step__unknown_open_order_found__adopted_and_cancelled() -> None:
    keeper = Keeper()
    keeper.feed(MarketListed(market=ETH))
    stray = OpenOrder(
        market="ETH-USD",
        client_id=99,
        side=Side.BUY,
        quantums=3 * ONE_ETH,
        filled_quantums=ONE_ETH,
        subticks=2_900_000_000,
        good_til_block=START_HEIGHT + 30,
    )

    found = keeper.feed(
        Reconciled(height=START_HEIGHT, subaccount=subaccount(), open_orders=(stray,))
    )

    assert of(found, CancelOrders) == [
        CancelOrders(market="ETH-USD", client_ids=(99,), good_til_block=START_HEIGHT + 30)
    ]
    assert keeper.state.orders.working[99].exposure == 2 * ONE_ETH


def test_step__stress_limit_tightened__what_rests_beyond_it_is_withdrawn_at_once() -> None:
    keeper = Keeper()
    keeper.start()
    resting = {order.client_id for order in keeper.places()}
    keeper.answer()
    tight = settings(limits=replace(LIMITS, daily_loss_quote_quantums=1))

    commands = keeper.feed(ParamsChanged(settings=tight, params_hash="p"))

    (cancel,) = of(commands, CancelOrders)
    assert set(cancel.client_ids) == resting
    assert of(commands, PlaceOrder) == []
    assert {note.code for note in of(commands, NoteRefusal)} == {"STRESS"}


def test_step__parameters_change__ladder_follows() -> None:
    keeper = _quoting()
    keeper.answer()
    narrower = market_settings(
        strategy=replace(market_settings().strategy, layers=1),
    )

    keeper.feed(ParamsChanged(settings=settings(markets=(narrower,)), params_hash="p"))
    keeper.block(11)

    assert len(keeper.state.orders.working) == 2


def test_step__market_removed_from_settings__its_orders_are_cancelled() -> None:
    keeper = _quoting()
    keeper.answer()

    commands = keeper.feed(ParamsChanged(settings=settings(markets=()), params_hash="p"))

    assert len(of(commands, CancelOrders)) == 1


def test_step__daily_loss_for_three_blocks__trips_to_exiting_with_a_page() -> None:
    keeper = _quoting(ETH=10 * ONE_ETH)
    keeper.answer()
    keeper.block()
    keeper.block()

    first = keeper.block(price=2_400 * 10**6)
    paused_only = keeper.state.guard.phase
    assert "DAILY_LOSS" in _codes(first)
    assert of(first, PlaceOrder) == []
    keeper.block(price=2_400 * 10**6)
    tripped = keeper.block(price=2_400 * 10**6)

    alerts = of(tripped, RaiseAlert)
    assert paused_only is Phase.ACTIVE
    assert keeper.state.guard.phase is Phase.EXITING
    assert {alert.code for alert in alerts} == {"DAILY_LOSS"}
    assert {alert.severity for alert in alerts} == {"page"}


def test_step__loss_of_one_block__pauses_and_resumes() -> None:
    keeper = _quoting(ETH=10 * ONE_ETH)
    keeper.answer()
    keeper.block()
    keeper.block()

    keeper.block(price=2_400 * 10**6)
    keeper.answer()
    back = keeper.block()

    assert keeper.state.guard.phase is Phase.ACTIVE
    assert of(back, PlaceOrder)


def test_step__exit__flattens_with_reduce_only_and_reports_the_end() -> None:
    keeper = _quoting(ETH=-3 * ONE_ETH)
    keeper.answer()

    exit_commands = keeper.feed(OperatorCommand(verb="exit", argument="", operator="me"))
    out = keeper.block()
    hedge = next(o for o in of(out, PlaceOrder) if o.reduce_only)
    own = [o for o in keeper.state.orders.working.values() if o.side is Side.SELL and o.slot]
    own_ask = min(order.versions[-1].subticks for order in own)
    keeper.feed(fill(1, hedge, hedge.quantums, keeper.height + 1))
    end = keeper.block(20)

    assert len(of(exit_commands, CancelOrders)) == 1
    assert hedge.time_in_force is TimeInForce.IOC
    assert (hedge.side, hedge.quantums) == (Side.BUY, 3 * ONE_ETH)
    assert hedge.subticks < own_ask
    assert position_of(keeper.state, "ETH-USD") == 0
    assert {alert.code for alert in of(end, RaiseAlert)} == {"EXIT_DONE"}
    assert of(keeper.block(), RaiseAlert) == []


def test_step__delta_beyond_band__one_immediate_order_at_a_time() -> None:
    keeper = Keeper(
        settings(markets=(market_settings(inventory_band_quote_quantums=5_000 * USDC),))
    )
    keeper.start(ETH=12 * ONE_ETH)
    keeper.answer()

    first = [o for o in of(keeper.block(), PlaceOrder) if o.time_in_force is TimeInForce.IOC]
    second = [o for o in of(keeper.block(), PlaceOrder) if o.time_in_force is TimeInForce.IOC]
    third = [o for o in keeper.state.orders.working.values() if o.slot == ""]

    # 36,000 is beyond 5,000: sell down to half the band, 2,500 or 0.833 ETH, at most 20,000 worth.
    hedges = first + second
    assert len(hedges) + len(third) >= 1
    hedge = third[0]
    assert hedge.side is Side.SELL
    assert hedge.time_in_force is TimeInForce.IOC
    assert hedge.versions[0].quantums == 6_633_000_000
    assert len(third) == 1


def test_step__equity_with_unknown_market__not_quoted() -> None:
    keeper = _quoting()
    keeper.answer()

    keeper.feed(subaccount(height=START_HEIGHT + 1, BTC=5))

    assert account_equity(keeper.state) is None
    assert {order.cancel_gtb >= 0 for order in keeper.state.orders.working.values()} == {True}


def test_step__oracle_older_than_known__ignored() -> None:
    keeper = _quoting()

    keeper.feed(OraclePriced(market="ETH-USD", source="oracle", price=1, height=START_HEIGHT - 1))

    assert keeper.state.markets["ETH-USD"].oracle_price == 3_000 * 10**6


def test_step__old_level_crossed_by_a_newer__dropped_and_quoting_goes_on() -> None:
    keeper = _quoting()
    keeper.answer()

    commands = keeper.feed(
        replace(
            book(keeper.book_seq + 1),
            snapshot=False,
            bids=(BookLevel(3_000_200_000, ONE_ETH),),
            asks=(BookLevel(3_000_300_000, ONE_ETH),),
        )
    )

    assert of(commands, CancelOrders) == []
    assert keeper.state.markets["ETH-USD"].book.best_ask == 3_000_300_000


def test_step__refusal_flaps__noted_once_in_ten_seconds() -> None:
    keeper = _settled()
    notes = 0

    for _ in range(50):
        keeper.now += 100 * MS
        notes += len(of(keeper.feed(SourceDown(source="account", detail="")), NoteRefusal))
        notes += len(of(keeper.feed(SourceUp(source="account")), NoteRefusal))

    assert notes == 1


def test_step__shadow_results__orders_count_as_resting_and_are_renewed() -> None:
    keeper = Keeper()
    keeper.start()
    placed = keeper.places()
    keeper.answer("SHADOW")

    assert keeper.block() == []
    assert len(keeper.state.orders.working) == len(placed)
    while not (renewed := of(keeper.block(), PlaceOrder)):
        pass
    assert [order.client_id for order in renewed] == [order.client_id for order in placed]
    assert keeper.height == placed[0].good_til_block - 2


SHRUNK = ("PRICE_BAND", "MAX_ORDER", "MAX_POSITION", "PRICE_TICK", "SIZE_STEP", "MARGIN")


@pytest.mark.parametrize("rule", EXAMPLES, ids=lambda rule: type(rule).__name__)
def test_step__every_rule__both_sides_rest_inside_the_limits(rule: Strategy) -> None:
    keeper = Keeper(settings(markets=(market_settings(strategy=rule),)))

    commands = keeper.start()

    wanted = sides(of(commands, PlaceOrder))
    assert len(wanted[Side.BUY]) == len(wanted[Side.SELL]) == rule.layers
    assert [note.code for note in of(commands, NoteRefusal) if note.code in SHRUNK] == []
    keeper.answer()
    later = keeper.block(600)
    assert of(later, PlaceOrder)


_UNUSABLE: dict[str, dict[str, Any]] = {
    "SPREAD_BELOW_TICK": {"strategy": replace(FIXED, half_spread_ppm=33)},
    "SHIFT_BEYOND_SPREAD": {
        "strategy": FIXED,
        "overlays": Overlays(imbalance=ImbalanceOverlay(seconds=60, shift_ppm=2_000)),
    },
    "ORDER_BELOW_STEP": {"strategy": replace(FIXED, order_size_quote_quantums=2_999_999)},
}


@pytest.mark.parametrize("code", _UNUSABLE)
def test_step__parameters_that_make_no_sense_here__refused_and_never_quoted(code: str) -> None:
    keeper = Keeper(settings(markets=(market_settings(**_UNUSABLE[code]),)))
    commands = keeper.start()
    for _ in range(3):
        commands += keeper.block()

    assert of(commands, PlaceOrder) == []
    assert code in _codes(commands)


def test_step__skew_across_the_price__only_quotes_that_give_away_too_much_are_left_out() -> None:
    """Forty times the usual skew carries the asks of a long vault below the oracle."""
    steep = replace(MEGAVAULT, skew_factor_ppm=40 * MEGAVAULT.skew_factor_ppm)
    keeper = Keeper(settings(markets=(market_settings(strategy=steep),)))

    commands = keeper.start(ETH=6 * ONE_ETH)

    sent = sides(of(commands, PlaceOrder))
    least = ETH.subticks_down(ETH_PRICE) * (1_000_000 - 5_000) // 1_000_000
    assert "QUOTES_GIVE_AWAY" in _codes(commands)
    assert all(order.subticks >= least for order in sent[Side.SELL])
    assert sent[Side.BUY]
