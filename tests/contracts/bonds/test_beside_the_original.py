"""Each failure of the deployed bond system, from a model of its formulas, beside this auction."""

from fractions import Fraction
from typing import Any

import pytest

from tests.contracts.bonds.halls import Hall
from tests.contracts.bonds.houses import DAY, HOUR, PRICE, TOKEN
from tests.contracts.bonds.model import DutchMarket
from tests.contracts.bonds.original import MaxPayoutExceeded, Original, exact_maximum
from tests.contracts.rpc import Rpc

CAPACITY = 100_000
BUFFER = Fraction(1, 5)
WEEK = 7 * DAY
TRICKLE = 100 * TOKEN  # what leaks, and what a tune loosens, in seconds


@pytest.fixture
def original() -> Original:
    """A week, a day's deposit interval, 20 % of buffer: what both systems are given here."""
    return Original(
        capacity=Fraction(CAPACITY),
        price=Fraction(5),
        floor=Fraction(2),
        duration=WEEK,
        interval=DAY,
        buffer=BUFFER,
    )


@pytest.fixture
def ours(hall: Any, accounts: Any, rpc: Rpc) -> Hall:
    """The same market here, with a low floor so that a rising price is seen."""
    model = DutchMarket(
        capacity=CAPACITY * TOKEN,
        duration=WEEK,
        interval=DAY,
        price=5 * PRICE,
        floor=PRICE // 100,
        buffer=BUFFER,
        start=rpc.now() + 60,
    )
    return Hall.opened(hall, accounts[0], rpc, model)


def largest_orders(hall: Hall, time: int, orders: int) -> list[tuple[int, int]]:
    """Buy the maximum once a second; return the price and debt of each order that sold."""
    done = []
    for second in range(orders):
        hall.go_to(time + 2 * second)
        if hall.view("available") < TRICKLE:
            break
        price = hall.view("price")
        hall.sell(2**255, time + 2 * second + 1)
        done.append((price, hall.auction()[5]))
    return done


def test_burst__twelve_orders_in_twelve_seconds__original_sells_88_percent(
    original: Original,
) -> None:
    for second in range(12):
        original.buy(second)
        assert not original.closed

    assert round(100 * (1 - original.capacity / CAPACITY), 1) == Fraction(881, 10)


def test_burst__same_orders_here__sell_what_the_buffer_holds(ours: Hall) -> None:
    done = largest_orders(ours, ours.model.start + 1, 12)

    sold = CAPACITY * TOKEN - ours.rpc.call(ours.contract.lot, 1, types=["uint256"])[0]
    assert len(done) <= 2
    assert sold * 10_000 // (CAPACITY * TOKEN) <= 1_429


def test_burst__without_tunes__original_trips_at_b_plus_root_of_b2_plus_2b() -> None:
    """The stored debt T/2*((1+u)+1/(1+u)) exceeds T*(1+b) at that u, and not at b."""
    market = Original(
        capacity=Fraction(10**9),
        price=Fraction(5),
        floor=Fraction(2),
        duration=30 * DAY,
        interval=HOUR,
        buffer=BUFFER,
    )
    market.tune_below = Fraction(0)
    market.max_payout = market.target / 1_000
    first = market.capacity
    while not market.closed:
        market.buy(0)

    sold = (first - market.capacity) / market.target
    assert abs(float(sold) - (0.2 + (0.2**2 + 2 * 0.2) ** 0.5)) < 0.002


def test_burst__without_tunes__ours_trips_at_b(ours: Hall) -> None:
    done = largest_orders(ours, ours.model.start + 1, 12)

    target, most = ours.auction()[1:3]
    assert abs(most - target * 6 // 5) <= 1
    assert all(debt <= most for _, debt in done)


def test_burst__price__original_runs_from_5_to_8191(original: Original) -> None:
    prices = [float(original.buy(0)) for _ in range(14)]

    told = {0: 5, 2: 13, 4: 59, 6: 437, 12: 8_191}
    assert all(abs(prices[order] / price - 1) < 0.02 for order, price in told.items())


def test_burst__price_here__rises_by_no_more_than_debt_and_one_tune(ours: Hall) -> None:
    start = ours.model.start + 1
    done = largest_orders(ours, start, 14)
    ours.go_to(start + 60)

    first, last = done[0][0], ours.view("price")
    assert last * 100 <= first * 125 * 120 // 100


@pytest.mark.parametrize("days", [5, 6])
def test_quiet_days__original__has_no_debt_left_and_none_comes_back(
    original: Original, days: int
) -> None:
    time = days * DAY
    first = original.buy(time)
    second = original.buy(time + 1)

    assert first == second == original.floor
    left = original.capacity / CAPACITY
    assert left == (0 if days == 6 else Fraction(3, 7))


@pytest.mark.parametrize("days", [0, 1, 2, 3, 4, 5, 6])
def test_quiet_days__here__debt_stays_within_the_buffer_and_the_price_rises(
    ours: Hall, days: int
) -> None:
    time = ours.model.start + days * DAY + 1
    target, most = ours.auction()[1:3]
    done = largest_orders(ours, time, 12)

    assert all(debt * 10 <= target * 12 + TRICKLE for _, debt in done)
    prices = [price for price, _ in done]
    assert prices == sorted(prices)
    assert most * 10 <= target * 12 + 10
    if days >= 5:
        sold = CAPACITY * TOKEN - ours.rpc.call(ours.contract.lot, 1, types=["uint256"])[0]
        assert len(done) == 6
        assert sold * 1_000 // (CAPACITY * TOKEN) == 857
        assert prices[-1] > 4 * prices[1]


def test_exact_maximum__original__is_refused_what_it_advertises() -> None:
    max_payout, price = 2380952380952380952380, 4930555555555555555555555555555555555
    scale = 10 ** (36 + 12)  # 18 decimals for 6

    with pytest.raises(MaxPayoutExceeded):
        exact_maximum(max_payout, price, scale)


def test_intervals__original__owner_moves_the_price_by_half_in_a_block(original: Original) -> None:
    time = original.decay_interval // 2
    before = original.price_at(time)

    original.set_decay_interval(2 * original.decay_interval)

    assert (before, original.price_at(time)) == (Fraction(5, 2), Fraction(15, 4))


def test_intervals__here__nothing_sets_them(ours: Hall) -> None:
    writers = {entry.name for entry in ours.contract.contract_type.mutable_methods}

    assert writers == {
        *("open", "sell", "announceChange", "withdrawChange", "applyChange", "release", "tune"),
    }
