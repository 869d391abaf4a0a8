"""Working orders: exposure over versions, words of the venue, replacement rules, cancels."""

import pytest
from msgspec.structs import replace

from keeper.domain.commands import CancelOrders, CommandId, PlaceOrder
from keeper.domain.events import CommandResult, OpenOrder, OrderUpdated
from keeper.domain.orders import Quote, Side, TimeInForce
from keeper.execution.orders import (
    Orders,
    exposure_of,
    next_client_id,
    slot_key,
    spend_client_id,
)
from keeper.execution.reconcile import (
    Moment,
    Purpose,
    Rules,
    commit_cancel,
    commit_place,
    has_live_hedge,
    may_send,
    own_bounds,
    propose,
    uncrossed,
    widened,
    withdrawals,
)
from keeper.execution.updates import (
    adopt,
    advance_height,
    apply_fill,
    apply_result,
    apply_update,
)
from tests.keeper.builders import result

HEIGHT = 100
RULES = Rules(
    good_til_block_offset=10, refresh_blocks=2, price_tolerance_ppm=200, size_tolerance_ppm=50_000
)
KEY = slot_key("ETH-USD", Side.BUY, 0)
BLOCK_NS = 1_000_000_000


def _quote(quantums: int = 1_000, subticks: int = 50_000, **changes: object) -> Quote:
    fields = {
        "market": "ETH-USD",
        "side": Side.BUY,
        "layer": 0,
        "quantums": quantums,
        "subticks": subticks,
        "time_in_force": TimeInForce.POST_ONLY,
    }
    return Quote(**{**fields, **changes})  # type: ignore[arg-type]


def _at(height: int) -> Moment:
    """A block a second."""
    return Moment(height, height * BLOCK_NS)


def _due(orders: Orders, quote: Quote, height: int, rules: Rules = RULES) -> PlaceOrder | None:
    """What is proposed for the slot, whatever it is for."""
    proposal = propose(orders, KEY, quote, _at(height), rules)
    return None if proposal is None else proposal.place


def _send(orders: Orders, quote: Quote, height: int, key: int = 1) -> PlaceOrder:
    """Propose, which must give something, and book it."""
    place = _due(orders, quote, height)
    assert place is not None
    commit_place(orders, place, KEY, _at(height), key)
    return place


def _word(client_id: int, status: str, **changes: object) -> OrderUpdated:
    fields = {
        "market": "ETH-USD",
        "client_id": client_id,
        "status": status,
        "total_filled_quantums": 0,
        "good_til_block": None,
        "removal_reason": "",
    }
    return OrderUpdated(**{**fields, **changes})  # type: ignore[arg-type]


def _answer(outcome: str, code: int = 0) -> CommandResult:
    return result(CommandId(run=1, seq=0, ordinal=0), outcome, code)


def test_propose__empty_slot__new_id_with_the_usual_life() -> None:
    orders = Orders(client_id_base=500)

    place = _due(orders, _quote(), HEIGHT)

    assert place is not None
    assert (place.client_id, place.quantums, place.good_til_block) == (500, 1_000, 110)


def test_propose__within_tolerance__nothing() -> None:
    orders = Orders()
    _send(orders, _quote(), HEIGHT)

    nearby = _quote(quantums=1_050, subticks=50_010)

    assert _due(orders, nearby, HEIGHT + 1) is None


@pytest.mark.parametrize(
    ("quantums", "subticks"), [(1_060, 50_000), (940, 50_000), (1_000, 50_011)]
)
def test_propose__beyond_tolerance__replaces_under_the_same_id(
    quantums: int, subticks: int
) -> None:
    orders = Orders()
    first = _send(orders, _quote(), HEIGHT)

    place = _due(orders, _quote(quantums, subticks), HEIGHT + 1)

    assert place is not None
    assert place.client_id == first.client_id
    assert place.good_til_block == 111


def test_propose__second_wish_in_a_block__waits() -> None:
    orders = Orders()
    _send(orders, _quote(), HEIGHT)

    assert _due(orders, _quote(subticks=60_000), HEIGHT) is None


def test_propose__window_used_up__waits_for_height() -> None:
    orders = Orders()
    first = _send(orders, _quote(), HEIGHT)
    orders.working[first.client_id].highest_gtb = HEIGHT + 13

    assert _due(orders, _quote(subticks=60_000), HEIGHT + 1) is None
    later = _due(orders, _quote(subticks=60_000), HEIGHT + 2)
    assert later is not None
    assert later.good_til_block == HEIGHT + 14


@pytest.mark.parametrize(("height", "renewed"), [(107, False), (108, True)])
def test_propose__two_blocks_left__renewed_unchanged(height: int, renewed: bool) -> None:
    orders = Orders()
    _send(orders, _quote(), HEIGHT)

    place = _due(orders, _quote(), height)

    assert (place is not None) is renewed


def test_propose__partly_filled__size_is_wanted_plus_filled() -> None:
    orders = Orders()
    first = _send(orders, _quote(), HEIGHT)
    apply_fill(orders, first.client_id, 300, HEIGHT)

    place = _due(orders, _quote(), HEIGHT + 1)

    assert place is not None
    assert (place.client_id, place.quantums) == (first.client_id, 1_300)


@pytest.mark.parametrize("way", ["filled", "ended", "cancelled", "time in force"])
def test_propose__id_spent__new_id(way: str) -> None:
    orders = Orders()
    first = _send(orders, _quote(), HEIGHT)
    quote = _quote(subticks=60_000)
    if way == "filled":
        apply_fill(orders, first.client_id, 1_000, HEIGHT)
    elif way == "ended":
        apply_update(orders, _word(first.client_id, "BEST_EFFORT_CANCELED"), HEIGHT)
    elif way == "cancelled":
        cancel = CancelOrders(
            market="ETH-USD", client_ids=(first.client_id,), good_til_block=HEIGHT + 10
        )
        commit_cancel(orders, cancel, HEIGHT)
    else:
        quote = _quote(subticks=60_000, time_in_force=TimeInForce.GTT)

    place = _due(orders, quote, HEIGHT + 1)

    assert place is not None
    assert place.client_id != first.client_id


def test_exposure__several_versions__largest_size_at_worst_price_until_height_passes() -> None:
    orders = Orders()
    first = _send(orders, _quote(1_000, 50_000), HEIGHT)
    _send(orders, _quote(400, 49_000), HEIGHT + 1, key=2)
    apply_fill(orders, first.client_id, 100, HEIGHT)
    order = orders.working[first.client_id]

    before = (order.exposure, order.worst_subticks)
    advance_height(orders, HEIGHT + 10)
    at_last_block = (order.exposure, order.worst_subticks)
    advance_height(orders, HEIGHT + 11)

    assert before == (900, 50_000)
    assert at_last_block == (900, 50_000)
    assert (order.exposure, order.worst_subticks) == (300, 49_000)


def test_exposure__announced_fill_not_arrived__still_counts() -> None:
    orders = Orders()
    first = _send(orders, _quote(), HEIGHT)

    apply_update(orders, _word(first.client_id, "FILLED", total_filled_quantums=1_000), HEIGHT + 1)
    announced = exposure_of(orders, "ETH-USD").buys
    apply_fill(orders, first.client_id, 1_000, HEIGHT)

    assert announced == 1_000
    assert orders.working == {}


def test_apply_update__cancelled_for_good__only_announced_fills_remain() -> None:
    orders = Orders()
    first = _send(orders, _quote(), HEIGHT)

    apply_update(orders, _word(first.client_id, "CANCELED", total_filled_quantums=250), HEIGHT + 1)
    left = exposure_of(orders, "ETH-USD").buys
    apply_fill(orders, first.client_id, 250, HEIGHT)

    assert left == 250
    assert orders.working == {}
    assert orders.slots[KEY].client_id == -1


def test_apply_update__removed_as_replaced__id_lives_on() -> None:
    orders = Orders()
    first = _send(orders, _quote(), HEIGHT)

    word = _word(
        first.client_id,
        "BEST_EFFORT_CANCELED",
        removal_reason="ORDER_REMOVAL_REASON_REPLACED",
    )
    apply_update(orders, word, HEIGHT)

    assert not orders.working[first.client_id].ended


def test_apply_update__cancel_of_an_older_version__id_lives_on() -> None:
    orders = Orders()
    first = _send(orders, _quote(), HEIGHT)
    _send(orders, _quote(subticks=60_000), HEIGHT + 1, key=2)

    apply_update(
        orders, _word(first.client_id, "BEST_EFFORT_CANCELED", good_til_block=110), HEIGHT + 1
    )

    assert not orders.working[first.client_id].ended


@pytest.mark.parametrize("status", ["FILLED", "CANCELED"])
def test_apply_update__older_version_done_while_a_larger_one_was_on_its_way__still_counts(
    status: str,
) -> None:
    orders = Orders()
    first = _send(orders, _quote(1_000), HEIGHT, key=1)
    _send(orders, _quote(3_000), HEIGHT + 1, key=2)
    apply_fill(orders, first.client_id, 1_000, HEIGHT)

    word = _word(
        first.client_id, status, total_filled_quantums=1_000, good_til_block=first.good_til_block
    )
    apply_update(orders, word, HEIGHT + 1)
    before = exposure_of(orders, "ETH-USD").buys
    apply_result(orders, 2, _answer("REJECTED", 24), HEIGHT + 1)

    assert before == 2_000
    assert orders.working[first.client_id].ended
    assert exposure_of(orders, "ETH-USD").buys == 0


def test_apply_update__older_version_filled_and_the_newer_is_no_larger__is_over() -> None:
    orders = Orders()
    first = _send(orders, _quote(1_000), HEIGHT, key=1)
    _send(orders, _quote(1_000, 60_000), HEIGHT + 1, key=2)
    apply_fill(orders, first.client_id, 1_000, HEIGHT)

    word = _word(
        first.client_id, "FILLED", total_filled_quantums=1_000, good_til_block=first.good_til_block
    )
    apply_update(orders, word, HEIGHT + 1)

    assert orders.working == {}


def test_apply_update__unknown_id__ignored() -> None:
    orders = Orders()

    apply_update(orders, _word(5, "OPEN"), HEIGHT)
    apply_fill(orders, 5, 10, HEIGHT)

    assert orders.working == {}


def test_apply_result__unknown__nothing_ends() -> None:
    orders = Orders()
    _send(orders, _quote(), HEIGHT, key=7)

    apply_result(orders, 7, _answer("UNKNOWN"), HEIGHT)

    assert exposure_of(orders, "ETH-USD").buys == 1_000
    assert 7 in orders.pending


def test_apply_result__rejected__that_version_alone_is_gone() -> None:
    orders = Orders()
    first = _send(orders, _quote(), HEIGHT, key=1)
    _send(orders, _quote(5_000, 60_000), HEIGHT + 1, key=2)

    apply_result(orders, 2, _answer("REJECTED", 2003), HEIGHT + 1)

    assert exposure_of(orders, "ETH-USD").buys == 1_000
    assert not orders.working[first.client_id].ended


@pytest.mark.parametrize("code", [7, 9, 24, 2004])
def test_apply_result__id_spent_on_the_venue__takes_no_more(code: int) -> None:
    orders = Orders()
    first = _send(orders, _quote(), HEIGHT, key=1)
    _send(orders, _quote(subticks=60_000), HEIGHT + 1, key=2)

    apply_result(orders, 2, _answer("REJECTED", code), HEIGHT + 1)

    assert orders.working[first.client_id].ended


def test_apply_result__same_number_of_another_codespace__version_gone_id_lives() -> None:
    orders = Orders()
    first = _send(orders, _quote(), HEIGHT, key=1)
    _send(orders, _quote(subticks=60_000), HEIGHT + 1, key=2)

    apply_result(orders, 2, replace(_answer("REJECTED", 9), codespace="sdk"), HEIGHT + 1)

    assert not orders.working[first.client_id].ended
    assert len(orders.working[first.client_id].versions) == 1


def test_apply_result__same_bytes_in_the_cache__is_an_ack() -> None:
    orders = Orders()
    first = _send(orders, _quote(), HEIGHT, key=1)

    apply_result(orders, 1, _answer("REJECTED", 19), HEIGHT)
    apply_result(orders, 1, _answer("REJECTED", 2003), HEIGHT)

    assert orders.working[first.client_id].versions[0].acknowledged


def test_apply_result__refused_but_opened_on_the_book__stays() -> None:
    """The stream may be faster than the answer; what the book shows is not thrown away."""
    orders = Orders()
    first = _send(orders, _quote(), HEIGHT, key=1)
    apply_update(orders, _word(first.client_id, "OPEN", good_til_block=110), HEIGHT)

    apply_result(orders, 1, _answer("REJECTED", 2003), HEIGHT)

    assert exposure_of(orders, "ETH-USD").buys == 1_000


def test_advance_height__result_never_came__pending_forgotten() -> None:
    orders = Orders()
    _send(orders, _quote(), HEIGHT, key=7)

    advance_height(orders, HEIGHT + 11)

    assert orders.pending == {}
    assert orders.working == {}


def test_withdrawals__unwanted__highest_block_and_again_each_block() -> None:
    orders = Orders()
    first = _send(orders, _quote(), HEIGHT)
    _send(orders, _quote(subticks=60_000), HEIGHT + 1, key=2)

    (cancel,) = withdrawals(orders, "ETH-USD", frozenset(), HEIGHT + 1)
    commit_cancel(orders, cancel, HEIGHT + 1)
    same_block = withdrawals(orders, "ETH-USD", frozenset(), HEIGHT + 1)
    (again,) = withdrawals(orders, "ETH-USD", frozenset(), HEIGHT + 2)

    assert cancel.client_ids == (first.client_id,)
    assert cancel.good_til_block == 111
    assert same_block == ()
    assert again.good_til_block == 112


def test_withdrawals__more_than_a_batch__split() -> None:
    orders = Orders()
    for number in range(150):
        adopt(
            orders,
            OpenOrder(
                market="ETH-USD",
                client_id=number,
                side=Side.BUY,
                quantums=10,
                filled_quantums=0,
                subticks=5,
                good_til_block=HEIGHT + number % 7,
            ),
            HEIGHT,
        )

    batches = withdrawals(orders, "ETH-USD", frozenset(), HEIGHT)

    assert [len(batch.client_ids) for batch in batches] == [100, 50]


def test_withdrawals__immediate_order_or_other_market__left_alone() -> None:
    orders = Orders()
    hedge = PlaceOrder(
        market="ETH-USD",
        client_id=1,
        side=Side.SELL,
        quantums=10,
        subticks=5,
        good_til_block=HEIGHT + 3,
        time_in_force=TimeInForce.IOC,
        reduce_only=False,
    )
    commit_place(orders, hedge, "", _at(HEIGHT), 1)
    _send(orders, _quote(), HEIGHT, key=2)

    assert withdrawals(orders, "BTC-USD", frozenset(), HEIGHT + 1) == ()
    assert withdrawals(orders, "ETH-USD", frozenset({KEY}), HEIGHT + 1) == ()
    assert has_live_hedge(orders, "ETH-USD")
    assert own_bounds(orders, "ETH-USD", HEIGHT) == (0, 50_000)


def test_own_bounds__replaced_version__counts_until_a_block_after_its_successors_ack() -> None:
    orders = Orders()
    _send(orders, _quote(subticks=60_000), HEIGHT, key=1)
    _send(orders, _quote(subticks=50_000), HEIGHT + 1, key=2)

    unconfirmed = own_bounds(orders, "ETH-USD", HEIGHT + 2)
    apply_result(orders, 2, _answer("ACK"), HEIGHT + 2)
    confirmed_now = own_bounds(orders, "ETH-USD", HEIGHT + 2)
    a_block_later = own_bounds(orders, "ETH-USD", HEIGHT + 3)

    assert unconfirmed == (0, 60_000)
    assert confirmed_now == (0, 60_000)
    assert a_block_later == (0, 50_000)


def test_widened__placed_order__bounds_as_if_read_again() -> None:
    orders = Orders()
    bounds = own_bounds(orders, "ETH-USD", HEIGHT)
    quotes = (
        _quote(subticks=50_000),
        _quote(subticks=49_000),
        _quote(subticks=60_000, side=Side.SELL),
        _quote(subticks=59_000, side=Side.SELL),
        _quote(subticks=61_000, side=Side.SELL),
    )
    for layer, quote in enumerate(quotes):
        key = slot_key("ETH-USD", quote.side, layer)
        proposal = propose(orders, key, quote, _at(HEIGHT), RULES)
        assert proposal is not None
        commit_place(orders, proposal.place, key, _at(HEIGHT), layer)
        bounds = widened(bounds, proposal.place)

        assert bounds == own_bounds(orders, "ETH-USD", HEIGHT)
    assert bounds == (59_000, 50_000)


def test_may_send__after_a_message__only_in_another_block() -> None:
    orders = Orders()
    assert may_send(orders, KEY, HEIGHT)

    _send(orders, _quote(), HEIGHT, key=1)

    assert not may_send(orders, KEY, HEIGHT)
    assert may_send(orders, KEY, HEIGHT + 1)


def test_uncrossed__own_order_in_the_way__one_tick_outside() -> None:
    assert uncrossed(Side.BUY, 105, (100, 0), 5) == 95
    assert uncrossed(Side.BUY, 80, (100, 0), 5) == 80
    assert uncrossed(Side.SELL, 95, (0, 100), 5) == 105
    assert uncrossed(Side.SELL, 95, (0, 0), 5) == 95


def test_next_client_id__ids_in_use__skipped_and_never_issued_again() -> None:
    orders = Orders(client_id_base=2**32 - 1)
    adopt(
        orders,
        OpenOrder(
            market="ETH-USD",
            client_id=2**32 - 1,
            side=Side.BUY,
            quantums=10,
            filled_quantums=4,
            subticks=5,
            good_til_block=HEIGHT,
        ),
        HEIGHT,
    )

    first = next_client_id(orders)
    spend_client_id(orders, first)

    assert first == 0
    assert next_client_id(orders) == 1
    assert orders.working[2**32 - 1].exposure == 6


def test_adopt__known_order__fills_of_the_list_are_taken() -> None:
    orders = Orders()
    first = _send(orders, _quote(), HEIGHT)
    found = OpenOrder(
        market="ETH-USD",
        client_id=first.client_id,
        side=Side.BUY,
        quantums=1_000,
        filled_quantums=400,
        subticks=50_000,
        good_til_block=110,
    )

    adopt(orders, found, HEIGHT)

    order = orders.working[first.client_id]
    assert (order.filled, order.remaining, order.exposure) == (400, 600, 1_000)


@pytest.mark.parametrize(
    ("blocks_later", "same_id"), [(1, True), (8, True), (9, False), (60, False)]
)
def test_propose__fills_the_venue_would_forget__new_id_of_the_wanted_size(
    blocks_later: int, same_id: bool
) -> None:
    """The venue forgets an id's fills 20 blocks after the last: its whole size is open again."""
    orders = Orders()
    first = _send(orders, _quote(1_000, 50_000), HEIGHT)
    apply_fill(orders, first.client_id, 300, HEIGHT)

    place = _due(orders, _quote(1_000, 49_000), HEIGHT + blocks_later)

    assert place is not None
    assert (place.client_id == first.client_id) is same_id
    assert place.quantums == (1_300 if same_id else 1_000)


def test_propose__id_never_filled__is_replaced_for_ever() -> None:
    orders = Orders()
    first = _send(orders, _quote(1_000, 50_000), HEIGHT)

    place = _due(orders, _quote(1_000, 49_000), HEIGHT + 500)

    assert place is not None
    assert place.client_id == first.client_id


RESTING = replace(RULES, min_resting_ns=5 * BLOCK_NS, urgent_ppm=1_000)


@pytest.mark.parametrize(
    ("quantums", "subticks", "sent"),
    [
        (1_000, 50_100, None),  # nearer to the market
        (1_000, 49_960, None),  # farther, but not by more than stands in the way of waiting
        (2_000, 50_000, None),  # larger
        (1_000, 49_900, (1_000, 49_900)),  # far too near: moved back at once
        (500, 50_000, (500, 50_000)),  # has to be smaller: at once
        (500, 50_100, (500, 50_000)),  # smaller at once, nearer later
        (2_000, 49_900, (1_000, 49_900)),  # back at once, larger later
    ],
)
def test_propose__has_not_rested__only_what_makes_it_safer(
    quantums: int, subticks: int, sent: tuple[int, int] | None
) -> None:
    orders = Orders()
    _send(orders, _quote(), HEIGHT)

    proposal = propose(orders, KEY, _quote(quantums, subticks), _at(HEIGHT + 1), RESTING)
    rested = _due(orders, _quote(quantums, subticks), HEIGHT + 5, RESTING)

    found = None if proposal is None else (proposal.place.quantums, proposal.place.subticks)
    assert found == sent
    assert proposal is None or proposal.purpose is Purpose.RETREAT
    assert rested is not None
    assert (rested.quantums, rested.subticks) == (quantums, subticks)


def test_propose__renewal_due_before_it_has_rested__exactly_the_same_order() -> None:
    orders = Orders()
    _send(orders, _quote(), HEIGHT)
    long = replace(RESTING, min_resting_ns=100 * BLOCK_NS)

    proposal = propose(orders, KEY, _quote(1_020, 50_100), _at(HEIGHT + 8), long)

    assert proposal is not None
    assert proposal.purpose is Purpose.RENEWAL
    assert (proposal.place.quantums, proposal.place.subticks) == (1_000, 50_000)


def test_propose__other_time_in_force_before_it_has_rested__id_stays() -> None:
    orders = Orders()
    _send(orders, _quote(), HEIGHT)
    taking = _quote(1_000, 50_100, time_in_force=TimeInForce.GTT)

    assert _due(orders, taking, HEIGHT + 1, RESTING) is None
    later = _due(orders, taking, HEIGHT + 5, RESTING)

    assert later is not None
    assert later.client_id not in orders.working


def test_commit_place__renewal_and_change__only_the_change_begins_a_rest() -> None:
    orders = Orders()
    placed = _send(orders, _quote(), HEIGHT)
    _send(orders, _quote(), HEIGHT + 8)
    renewed = orders.working[placed.client_id].changed_ns
    _send(orders, _quote(subticks=51_000), HEIGHT + 9)

    assert renewed == HEIGHT * BLOCK_NS
    assert orders.working[placed.client_id].changed_ns == (HEIGHT + 9) * BLOCK_NS


@pytest.mark.parametrize(
    ("quantums", "subticks", "purpose"),
    [
        (1_000, 50_100, Purpose.ADVANCE),
        (2_000, 50_000, Purpose.ADVANCE),
        (2_000, 49_000, Purpose.ADVANCE),
        (1_000, 49_000, Purpose.RETREAT),
        (500, 50_000, Purpose.RETREAT),
    ],
)
def test_propose__change__says_whether_it_is_a_step_back(
    quantums: int, subticks: int, purpose: Purpose
) -> None:
    orders = Orders()
    _send(orders, _quote(), HEIGHT)

    proposal = propose(orders, KEY, _quote(quantums, subticks), _at(HEIGHT + 1), RULES)

    assert proposal is not None
    assert proposal.purpose is purpose


@pytest.mark.parametrize(
    ("quantums", "subticks", "sent"),
    [
        (1_000, 50_100, None),
        (2_000, 50_000, None),
        (2_000, 49_900, (1_000, 49_900)),
        (500, 50_100, (500, 50_000)),
    ],
)
def test_propose__cap_spent__steps_back_only(
    quantums: int, subticks: int, sent: tuple[int, int] | None
) -> None:
    orders = Orders()
    _send(orders, _quote(), HEIGHT)
    now = replace(_at(HEIGHT + 1), is_spent=True)

    proposal = propose(orders, KEY, _quote(quantums, subticks), now, RULES)

    found = None if proposal is None else (proposal.place.quantums, proposal.place.subticks)
    assert found == sent


def test_propose__cap_spent__renewed_where_it_stands_and_no_new_id() -> None:
    orders = Orders()
    _send(orders, _quote(), HEIGHT)
    spent = replace(_at(HEIGHT + 8), is_spent=True)

    proposal = propose(orders, KEY, _quote(1_000, 60_000), spent, RULES)
    elsewhere = propose(orders, slot_key("ETH-USD", Side.BUY, 1), _quote(layer=1), spent, RULES)

    assert proposal is not None
    assert (proposal.purpose, proposal.place.subticks) == (Purpose.RENEWAL, 50_000)
    assert elsewhere is None


def test_propose__sell_has_not_rested__back_is_up() -> None:
    orders = Orders()
    key = slot_key("ETH-USD", Side.SELL, 0)
    ask = _quote(subticks=60_000, side=Side.SELL)
    first = propose(orders, key, ask, _at(HEIGHT), RESTING)
    assert first is not None
    commit_place(orders, first.place, key, _at(HEIGHT), 1)

    nearer = propose(orders, key, replace(ask, subticks=59_000), _at(HEIGHT + 1), RESTING)
    farther = propose(orders, key, replace(ask, subticks=61_000), _at(HEIGHT + 1), RESTING)

    assert nearer is None
    assert farther is not None
    assert farther.purpose is Purpose.RETREAT
