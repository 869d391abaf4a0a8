"""What holds changes back: resting time, the order-to-trade cap, margin; and what never waits."""

from typing import Any

from msgspec.structs import replace

from keeper.core.views import account_equity, exposure
from keeper.domain.commands import NoteRefusal, PlaceOrder
from keeper.domain.orders import Side, TimeInForce
from keeper.domain.settings import OrderToTrade, Resting
from keeper.execution.orders import exposure_of
from tests.keeper.builders import (
    ETH_PRICE,
    FIXED,
    LIMITS,
    ONE_ETH,
    START_HEIGHT,
    USDC,
    Keeper,
    fill,
    market_settings,
    of,
    settings,
    sides,
    subaccount,
)
from tests.keeper.markets import ETH


def _kept(**changes: Any) -> Keeper:
    """Quoting under other rules about orders, every message answered."""
    keeper = Keeper(settings(markets=(market_settings(**changes),)))
    keeper.start()
    keeper.answer()
    return keeper


CAP = OrderToTrade(window_seconds=600, free_messages=8, max_ratio=1, max_volume_ratio=100)


def test_step__cap_spent__said_with_both_numbers_and_nothing_steps_forward() -> None:
    keeper = _kept(order_to_trade=CAP)

    up = keeper.block(price=3_010 * 10**6)
    keeper.answer()

    # Six placed the ladder; with two more the cap is spent. Asks step back all the same, and bids,
    # which would step forward, stay.
    (note,) = of(up, NoteRefusal)
    moved = sides(of(up, PlaceOrder))
    assert (note.code, note.subject, note.limit) == ("ORDER_TO_TRADE", "ETH-USD", 8)
    assert note.value > note.limit
    assert len(moved[Side.SELL]) == 3
    assert len(moved[Side.BUY]) <= 2


def test_step__cap_spent__quotes_are_renewed_where_they_stand() -> None:
    keeper = _kept(order_to_trade=replace(CAP, free_messages=6))
    standing = {o.client_id: o.versions[-1].subticks for o in keeper.state.orders.working.values()}
    bids = {c for c, o in keeper.state.orders.working.items() if o.side is Side.BUY}
    for _ in range(9):
        keeper.block(price=3_100 * 10**6)
        keeper.answer()

    working = keeper.state.orders.working
    assert {c: working[c].versions[-1].subticks for c in bids} == {c: standing[c] for c in bids}
    assert all(working[c].highest_gtb > START_HEIGHT + 10 for c in bids)
    assert keeper.state.markets["ETH-USD"].traffic.renewals >= len(bids)


def test_step__fill_while_the_cap_is_spent__allows_more_again() -> None:
    keeper = _kept(order_to_trade=replace(CAP, free_messages=6))
    ask = next(o for o in keeper.state.orders.working.values() if o.side is Side.SELL)
    place = PlaceOrder(
        market="ETH-USD",
        client_id=ask.client_id,
        side=ask.side,
        quantums=ask.remaining,
        subticks=ask.versions[-1].subticks,
        good_til_block=ask.highest_gtb,
        time_in_force=ask.time_in_force,
        reduce_only=False,
    )
    before = of(keeper.block(price=3_001 * 10**6), PlaceOrder)
    keeper.answer()

    keeper.feed(fill(1, place, ask.remaining, keeper.height))
    after = of(keeper.block(price=3_001 * 10**6), PlaceOrder)

    assert all(order.side is Side.SELL for order in before)
    assert len(after) == 2


def test_step__cap_spent__hedge_leaves() -> None:
    keeper = Keeper(
        settings(markets=(market_settings(order_to_trade=replace(CAP, free_messages=6)),))
    )

    started = keeper.start(ETH=9 * ONE_ETH) + keeper.block()

    immediate = [o for o in of(started, PlaceOrder) if o.time_in_force is TimeInForce.IOC]
    assert [order.side for order in immediate] == [Side.SELL]


def test_step__orders_rest__forward_waits_and_back_does_not() -> None:
    keeper = _kept(resting=Resting(min_resting_ms=3_000, urgent_ppm=500))

    up = sides(of(keeper.block(price=3_010 * 10**6), PlaceOrder))
    keeper.answer()
    still = of(keeper.block(price=3_010 * 10**6), PlaceOrder)
    keeper.answer()
    rested = sides(of(keeper.block(price=3_010 * 10**6), PlaceOrder))

    assert (len(up[Side.SELL]), len(up[Side.BUY])) == (3, 0)
    assert still == []
    assert len(rested[Side.BUY]) == 3


def test_step__equity_falls__sizes_shrink_by_replacement_until_margin_suffices() -> None:
    """What one message a block can do: no id is given up, no size is refused for ever."""
    market = market_settings(strategy=FIXED, size_tolerance_ppm=0)
    limits = replace(LIMITS, daily_loss_quote_quantums=10**15, drawdown_ppm=999_999)
    keeper = Keeper(settings(markets=(market,), limits=limits))
    keeper.start()
    keeper.answer()
    ids = set(keeper.state.orders.working)
    before = exposure_of(keeper.state.orders, "ETH-USD")

    keeper.height += 1
    short = keeper.feed(subaccount(height=keeper.height, usdc=200 * USDC))
    short += keeper.block()
    keeper.answer()
    for _ in range(12):
        short += keeper.block()
        keeper.answer()

    equity = account_equity(keeper.state)
    worst = exposure(keeper.state, ETH, ETH_PRICE)
    assert "MARGIN" in {note.code for note in of(short, NoteRefusal)}
    assert worst.margin <= equity == 200 * USDC
    assert 0 < worst.buys < before.buys
    assert set(keeper.state.orders.working) <= ids
