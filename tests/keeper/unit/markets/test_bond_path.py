"""The past price path: replayed from the chain's events it is the one that buyers met."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest

from keeper.markets.bond_path import Change, FloorRaised, Opened, Sold, TunedTo, past_path
from keeper.markets.bonds import PRICE_ONE, DutchAuction, DutchTerms, Lot, begin, buy

HOUR, DAY = 3_600, 86_400
START = 1_700_000_000
TOKEN = 10**18
TERMS = DutchTerms(
    price=5 * PRICE_ONE, floor=2 * PRICE_ONE, deposit_interval=4 * HOUR, debt_buffer_bps=5_000
)
LOT = Lot(
    capacity=100_000 * TOKEN,
    freed=0,
    opened_at=START,
    conclusion=START + 7 * DAY,
    floor=TERMS.floor,
    scale=PRICE_ONE,
)
OPENED = Opened(LOT.capacity, TERMS.price, TERMS.floor)


def sold_to_chance(seed: int) -> tuple[DutchAuction, Lot, list[Change], dict[int, int]]:
    """Let chance buy for five days; return the end, the events, and the price met at each time."""
    dice, auction, lot = Random(seed), begin(TERMS, LOT), LOT
    changes: list[Change] = []
    met: dict[int, int] = {}
    time = START
    while (time := time + dice.randint(600, 12 * HOUR)) < START + 5 * DAY:
        met[time] = auction.price_up(time, lot)
        before = auction
        auction, lot, sale = buy(auction, lot, dice.randint(1, 12_000 * TOKEN), time)
        if sale.payout:
            changes.append(Sold(time, sale.payout))
        if auction.last_tune != before.last_tune:
            changes.append(TunedTo(time, auction.control_to, auction.target))
    return auction, lot, changes, met


@pytest.mark.parametrize("seed", range(12))
def test_past_path__sales_and_tunes__is_the_price_that_buyers_met(seed: int) -> None:
    auction, lot, changes, met = sold_to_chance(seed)
    until = START + 5 * DAY

    path = past_path(auction, lot, OPENED, changes, until, 4 * HOUR)

    first = {}
    for point in path:
        first.setdefault(point.time, point.price)
    assert any(isinstance(change, TunedTo) for change in changes)
    for change in changes:
        assert abs(first[change.time] - met[change.time]) <= PRICE_ONE // 10**18
    assert path[0].price == TERMS.price
    assert abs(path[-1].price - auction.price_up(until, lot)) <= PRICE_ONE // 10**18
    assert path[-1].sold == LOT.capacity - lot.capacity


def test_past_path__nobody_buys__falls_at_least_every_step() -> None:
    path = past_path(begin(TERMS, LOT), LOT, OPENED, (), START + DAY, HOUR)

    assert all(later.time - former.time <= HOUR for former, later in pairwise(path))
    assert all(later.price <= former.price for former, later in pairwise(path))
    assert path[-1].time == START + DAY


def test_past_path__capacity_freed_since__begins_as_it_was_opened() -> None:
    """A change that frees capacity shortens the schedule that the contract keeps."""
    cut = replace(begin(TERMS, LOT), initial=LOT.capacity // 3)

    path = past_path(cut, LOT, OPENED, (), START + DAY, HOUR)

    whole = past_path(begin(TERMS, LOT), LOT, OPENED, (), START + DAY, HOUR)
    assert [point.price for point in path] == [point.price for point in whole]


def test_past_path__floor_raised__holds_from_then_on() -> None:
    raised = FloorRaised(START + DAY, 4 * PRICE_ONE)
    now = replace(LOT, floor=raised.floor)

    path = past_path(begin(TERMS, LOT), now, OPENED, (raised,), START + 2 * DAY, HOUR)

    before = [point.price for point in path if point.time < raised.time]
    assert min(before) < 4 * PRICE_ONE
    assert path[-1].price == 4 * PRICE_ONE
