"""An order's life: answers, replacements, lost messages, the venue's words and heights."""

import pytest
from msgspec.structs import replace

from keeper.accounting.order_history import OrderHistory, OrderLife
from keeper.domain.commands import CancelOrders, CommandId, PlaceOrder
from keeper.domain.events import CommandResult, OpenOrder, OrderUpdated
from keeper.domain.orders import Side, TimeInForce
from tests.keeper.builders import result

FIRST, SECOND = CommandId(1, 5, 0), CommandId(1, 9, 0)
ORDER = PlaceOrder(
    market="ETH-USD",
    client_id=7,
    side=Side.BUY,
    quantums=100,
    subticks=3_000,
    good_til_block=20,
    time_in_force=TimeInForce.POST_ONLY,
    reduce_only=False,
)
BIGGER = replace(ORDER, quantums=150, good_til_block=25)


def update(status: str, good_til_block: int | None = 20, reason: str = "") -> OrderUpdated:
    return OrderUpdated(
        market="ETH-USD",
        client_id=7,
        status=status,
        total_filled_quantums=40,
        good_til_block=good_til_block,
        removal_reason=reason,
    )


@pytest.fixture
def placed() -> tuple[OrderHistory, OrderLife]:
    history = OrderHistory()
    history.advance(10, 1)
    return history, history.place(FIRST, ORDER, 2)


Placed = tuple[OrderHistory, OrderLife]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (result(FIRST, "ACK"), "OPEN"),
        (result(FIRST, "UNKNOWN"), "UNKNOWN"),
        (result(FIRST, "REJECTED", 19), "OPEN"),
        (result(FIRST, "REJECTED", 2003), "REJECTED"),
        (result(FIRST, "DROPPED"), "DROPPED"),
        (result(SECOND, "ACK"), "SENT"),
    ],
)
def test_answer__to_the_first_message__decides_its_state(
    placed: Placed, answer: CommandResult, state: str
) -> None:
    history, life = placed

    history.answer(answer, 3)

    assert life.state == state


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (update("OPEN"), "OPEN"),
        (update("BEST_EFFORT_OPENED"), "OPEN"),
        (update("FILLED"), "FILLED"),
        (update("CANCELED", reason="USER"), "CANCELED"),
        (update("BEST_EFFORT_CANCELED", reason="USER"), "ENDING"),
        (update("BEST_EFFORT_CANCELED", reason="REPLACED"), "SENT"),
    ],
)
def test_update__venues_word__decides_its_state(
    placed: Placed, word: OrderUpdated, state: str
) -> None:
    history, life = placed

    history.update(word, 3)

    assert life.state == state
    assert life.venue_filled == 40


def test_answer__replacement_refused__leaves_the_first_version(placed: Placed) -> None:
    history, life = placed
    history.answer(result(FIRST, "ACK"), 3)
    history.place(SECOND, BIGGER, 4)
    assert (life.quantums, life.messages) == (150, 2)

    history.answer(result(SECOND, "REJECTED", 2003), 5)

    assert (life.state, life.quantums, life.good_til_block) == ("OPEN", 100, 20)


def test_answer__replacement_lost__is_unknown_until_the_venue_speaks(placed: Placed) -> None:
    history, life = placed
    history.answer(result(FIRST, "ACK"), 3)
    history.place(SECOND, BIGGER, 4)
    history.answer(result(SECOND, "UNKNOWN"), 5)
    assert life.state == "UNKNOWN"

    history.update(update("OPEN", 25), 6)

    assert life.state == "OPEN"


def test_advance__past_the_last_block__expires(placed: Placed) -> None:
    history, life = placed

    history.advance(20, 3)
    before = life.state
    history.advance(21, 4)

    assert (before, life.state) == ("SENT", "EXPIRED")
    assert history.open == {}
    assert life.updated_ns == 4


def test_cancel__sent__shows_until_the_end(placed: Placed) -> None:
    history, life = placed

    history.cancel(CancelOrders(market="ETH-USD", client_ids=(7, 8), good_til_block=20), 3)

    assert life.state == "CANCELLING"


def test_place__id_that_comes_again__is_another_life(placed: Placed) -> None:
    history, life = placed
    history.advance(21, 3)

    again = history.place(CommandId(1, 30, 0), replace(ORDER, good_til_block=40), 4)

    assert (life.state, again.state) == ("EXPIRED", "SENT")
    assert [entry.first_seq for entry in history.changed()] == [5, 30]
    assert history.changed() == []


def test_adopt__order_nobody_here_sent__is_open(placed: Placed) -> None:
    history, life = placed
    found = OpenOrder(
        market="ETH-USD",
        client_id=99,
        side=Side.SELL,
        quantums=5,
        filled_quantums=1,
        subticks=3_100,
        good_til_block=30,
    )

    history.adopt(found, 12, 1, 3)
    history.adopt(replace(found, client_id=7), 12, 1, 3)

    assert history.open[99].state == "OPEN"
    assert history.open[99].messages == 0
    assert history.open[7] is life


def test_known__handed_to_another__goes_on_where_it_was(placed: Placed) -> None:
    history, _ = placed

    other = OrderHistory(history.known())
    other.answer(result(FIRST, "ACK"), 3)
    other.advance(9, 4)

    assert other.open[7].state == "OPEN"
    assert other.height == 10


def test_answer__of_a_shadow_run__says_that_nothing_was_sent(placed: Placed) -> None:
    history, life = placed

    history.answer(result(FIRST, "SHADOW"), 3)

    assert life.state == "SHADOW"
