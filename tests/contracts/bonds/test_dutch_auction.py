"""The Dutch auction to the unit: the vectors of the specification and the independent model."""

import os
from collections import Counter
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from tests.contracts.bonds.halls import Hall
from tests.contracts.bonds.houses import DAY, HOUR, PRICE, TOKEN
from tests.contracts.bonds.model import DutchMarket
from tests.contracts.invariants.machine import selector
from tests.contracts.rpc import Rpc

SEEDS = int(os.environ.get("FUZZ_SEEDS", "3"))
STEPS = 40
CAPACITY = 100_000 * TOKEN
NOTHING_SOLD = selector("NothingSold(uint256)")
TUNE_NOT_DUE = selector("TuneNotDue(uint256)")


def example(start: int, **changes: Any) -> DutchMarket:
    """The specification's example: 100,000 tokens, price 5, floor 2, 50 %, 7 days, 4 hours."""
    given: dict[str, Any] = {
        "capacity": CAPACITY,
        "duration": 7 * DAY,
        "interval": 4 * HOUR,
        "price": 5 * PRICE,
        "floor": 2 * PRICE,
        "buffer": Fraction(1, 2),
        "start": start,
    }
    return DutchMarket(**(given | changes))


@pytest.fixture
def open_hall(hall: Any, accounts: Any, rpc: Rpc) -> Any:
    def make(market: int = 1, **changes: Any) -> Hall:
        model = example(rpc.now() + 60, **changes)
        return Hall.opened(hall, accounts[0], rpc, model, market)

    return make


def test_open__specifications_example__has_its_target_and_largest_payout(open_hall: Any) -> None:
    state = open_hall().auction()

    assert state[1] == 42857142857142857142857
    assert state[4] == 2380952380952380952380
    assert state[2] == state[3] == 42857142857142857142857 * 3 // 2


@pytest.mark.parametrize(
    ("seconds", "price"),
    [
        (0, 5 * PRICE),
        (3_600, 4930555555555555555555555555555555556),
        (86_400, 3333333333333333333333333333333333334),
        (155_519, 2000019290123456790123456790123456791),
        (155_520, 2 * PRICE),
        (155_521, 2 * PRICE),
        (7 * DAY - 1, 2 * PRICE),
    ],
)
def test_price__without_purchases__falls_along_the_line_to_the_floor(
    open_hall: Any, seconds: int, price: int
) -> None:
    hall = open_hall()

    hall.go_to(hall.model.start + max(seconds, 1))
    seen = hall.view("priceAt", hall.model.start + seconds)

    assert abs(seen - price) <= 10**14  # the debt is counted in whole token units
    assert seen == hall.model.price_at(hall.model.start + seconds)


def test_sell__five_thousand_after_an_hour__pays_the_specifications_payout(open_hall: Any) -> None:
    hall = open_hall()

    hall.go_to(hall.model.start + 3_600)

    payout, cost = hall.would_sell(5_000 * TOKEN)
    assert payout == 1014084507042253521126
    assert cost == 4_999_999999999999999997  # ceil(payout * price / scale), and no more


def test_sell__exactly_the_advertised_maximum__succeeds(open_hall: Any) -> None:
    hall = open_hall(asset_decimals=6)
    hall.go_to(hall.model.start + 1_000)

    most = hall.view("available")
    cost = hall.view("costOf", most)

    assert hall.would_sell(cost) == (most, cost)
    assert hall.would_sell(2**256 - 1) == (most, cost)
    assert hall.would_sell(cost - 1)[0] < most


def test_sell__minimum_one_above_the_payout__reverts(open_hall: Any) -> None:
    hall = open_hall()
    payout, _ = hall.would_sell(100 * TOKEN)

    refused = hall.refused(100 * TOKEN, payout + 1)

    assert refused == selector("AmountOutTooLow(uint256,uint256)")


def test_sell__amount_below_one_unit_of_payout__reverts(open_hall: Any) -> None:
    hall = open_hall(token_decimals=6, capacity=10**11)

    assert hall.refused(1) == NOTHING_SOLD


def test_sell__debt_at_its_maximum__reverts_until_some_of_it_leaked(open_hall: Any) -> None:
    hall = open_hall(interval=DAY, buffer=Fraction(1, 5))
    hall.sell(2**255, hall.model.start + 1)
    while hall.view("available") > TOKEN:
        hall.sell(2**255, hall.rpc.now() + 1)
    state = hall.auction()

    hall.go_to(hall.rpc.now() + HOUR)

    assert state[5] <= state[2]
    leaked = state[1] * HOUR // (5 * DAY)
    assert abs(hall.view("available") - leaked) <= TOKEN


def test_tune__undersold_for_a_day__falls_over_six_hours(open_hall: Any) -> None:
    hall = open_hall()
    model = hall.model
    sold_at = model.start + DAY
    before = model.control_at(sold_at)

    model.buy(TOKEN, sold_at)
    hall.sell(TOKEN, sold_at)

    assert model.last_tune == sold_at
    for after in (1, 3 * HOUR, 6 * HOUR, 9 * HOUR):
        hall.go_to(sold_at + after)
        assert hall.view("price") == model.price_at(sold_at + after)
    assert model.control_at(sold_at) == before > model.control_at(sold_at + 6 * HOUR)


def test_tune__oversold__rises_at_once_and_by_a_quarter_at_most(open_hall: Any) -> None:
    hall = open_hall(interval=DAY, buffer=Fraction(1))
    model, start = hall.model, hall.model.start
    before = model.control[1]
    for time in (*range(start + 1, start + 5), start + DAY):
        model.buy(2**255, time)
        hall.sell(2**255, time)

    assert model.last_tune == start + DAY
    assert model.control == (before * 5 // 4, before * 5 // 4)
    assert hall.auction() == hall.expected_auction()


def test_tune__by_anybody__is_refused_until_it_is_due(
    open_hall: Any, accounts: Any, rpc: Rpc
) -> None:
    hall = open_hall()
    hall.go_to(hall.model.start + DAY - 1)
    early = rpc.refused(hall.contract.tune, 1, sender=accounts[9])

    hall.at(hall.model.start + DAY)
    rpc.send(hall.contract.tune, 1, sender=accounts[9])
    hall.model.tune(hall.model.price_at(hall.model.start + DAY), hall.model.start + DAY)

    assert early == TUNE_NOT_DUE
    assert hall.auction() == hall.expected_auction()
    assert rpc.refused(hall.contract.tune, 1, sender=accounts[9]) == TUNE_NOT_DUE


def test_price__bought_exactly_on_schedule__is_the_same_from_day_to_day(open_hall: Any) -> None:
    hall = open_hall()
    start, prices = hall.model.start, []

    for time in range(start + 4 * HOUR, start + 6 * DAY + 1, 4 * HOUR):
        hall.go_to(time - 1)
        prices.append(hall.view("priceAt", time))
        hall.model.buy(2**255, time)
        hall.sell(2**255, time)

    assert max(prices) - min(prices) <= 10**20  # a few token units of debt
    assert hall.view("tuneDue") == 0
    assert hall.model.last_tune == start
    assert hall.auction() == hall.expected_auction()


@pytest.mark.parametrize(
    ("capacity", "duration"),
    [(CAPACITY + 1, 7 * DAY + 13), (CAPACITY, 2 * DAY), (999_999_999_999_999_989, 30 * DAY + 1)],
)
def test_tune_due__nothing_sold_for_a_day_of_one_purchase__is_due_at_its_last_second(
    open_hall: Any, capacity: int, duration: int
) -> None:
    """The longest interval that an undersold day may have: what is missing is rounded likewise."""
    hall = open_hall(capacity=capacity, duration=duration, interval=DAY)

    hall.go_to(hall.model.start + DAY - 1)
    early = hall.view("tuneDue")
    hall.go_to(hall.model.start + DAY)

    assert hall.model.neutral(hall.rpc.now()) == capacity + hall.model.max_payout
    assert (early, hall.view("tuneDue")) == (0, 1)


def test_tune_due__two_units_short_of_a_purchase__is_not(open_hall: Any) -> None:
    hall = open_hall(interval=DAY)
    hall.model.buy(10, hall.model.start + 1)
    hall.sell(10, hall.model.start + 1)

    hall.go_to(hall.model.start + DAY)
    early = hall.view("tuneDue")
    hall.go_to(hall.model.start + DAY + 1)

    assert (early, hall.view("tuneDue")) == (0, 1)


def test_apply_change__half_of_the_rest_on_schedule__is_no_sale(open_hall: Any) -> None:
    hall = open_hall()
    model, start = hall.model, hall.model.start
    hall.announce(CAPACITY * 2 // 7, start + 1)
    for time in range(start + 4 * HOUR, start + 3 * DAY + 1, 4 * HOUR):
        model.buy(2**255, time)
        hall.sell(2**255, time)
    cut_at = start + 3 * DAY + 2
    before = model.neutral(cut_at) - model.initial

    model.cut(CAPACITY * 2 // 7, cut_at)
    hall.apply(cut_at)

    assert 0 <= model.neutral(cut_at) - model.initial - before <= 1
    assert abs(model.initial - CAPACITY // 2) < 10 * TOKEN  # a schedule of half the tokens
    assert hall.auction() == hall.expected_auction()
    assert hall.view("tuneDue") == 0
    model.buy(TOKEN, cut_at + 7 * HOUR)
    hall.sell(TOKEN, cut_at + 7 * HOUR)
    assert model.last_tune == start
    assert hall.auction() == hall.expected_auction()


def test_apply_change__more_freed_than_the_schedule_has_left__leaves_none_of_it(
    open_hall: Any,
) -> None:
    """Nothing was sold, so that what is left belongs wholly to the past: it is overdue."""
    hall = open_hall()
    model, cut_at = hall.model, hall.model.start + 3 * DAY + 2
    hall.announce(3 * model.max_payout, model.start + 1)

    model.cut(3 * model.max_payout, cut_at)
    hall.apply(cut_at)

    assert model.initial == 0
    assert hall.auction() == hall.expected_auction()
    assert hall.view("tuneDue") == 1


@pytest.mark.parametrize("decimals", [(18, 6), (6, 18), (8, 8)], ids=str)
def test_auction__any_sequence__equals_the_model_to_the_unit(
    open_hall: Any, decimals: tuple[int, int]
) -> None:
    counts = Counter[str]()
    for seed in range(SEEDS):
        run_sequence(open_hall, Random(seed), decimals, seed + 1, counts)

    wanted = {"sold", "nothing", "tuned_up", "tuned_down", "cut_to_available", "changed"}
    assert wanted <= set(counts), counts


def run_sequence(
    open_hall: Any, random: Random, decimals: tuple[int, int], market: int, counts: Counter[str]
) -> None:
    token, asset, hungry = 10 ** decimals[0], 10 ** decimals[1], market % 2 == 0
    hall = open_hall(
        market,
        capacity=random.randrange(1_000 * token, 10**7 * token),
        duration=random.randrange(2 * DAY, 30 * DAY),
        interval=DAY if hungry else random.choice([HOUR, 4 * HOUR]),
        price=random.randrange(PRICE, 50 * PRICE),
        floor=random.randrange(PRICE // 10, PRICE),
        buffer=Fraction(1) if hungry else Fraction(random.choice([0, 1_000, 5_000]), 10_000),
        token_decimals=decimals[0],
        asset_decimals=decimals[1],
    )
    model, time = hall.model, hall.model.start
    left = model.capacity * random.randrange(100) // 100
    hall.announce(left, time + 1)
    change_at = time + 1 + 3 * DAY
    for _ in range(STEPS):
        time += random.choice([60, 7 * HOUR] if hungry else [1, 1, 60, 5 * HOUR, 26 * HOUR])
        if time + 1 >= model.end:
            break
        if 0 < change_at <= time:
            change(hall, left, time, counts)
            change_at, time = 0, time + 1
        amount = random.choice([0, 1, asset // 1_000, 500 * asset, 10**9 * asset])
        amount = amount * 10**20 if hungry else amount
        hall.go_to(time)
        step(hall, amount, time, counts)


def change(hall: Hall, capacity: int, time: int, counts: Counter[str]) -> None:
    """Cut the capacity; what counts as sold too much or too little stays as it was."""
    model = hall.model
    before = model.neutral(time) - model.initial
    counts["changed"] += model.capacity > capacity
    model.cut(capacity, time)
    hall.apply(time)
    assert hall.auction() == hall.expected_auction()
    if model.initial:
        assert 0 <= model.neutral(time) - model.initial - before <= 1


def step(hall: Hall, amount: int, time: int, counts: Counter[str]) -> None:
    """Compare everything at `time`, and sell a second later."""
    model = hall.model
    assert hall.view("price") == model.price_at(time)
    assert hall.view("debt") == model.debt_at(time)
    assert hall.view("available") == model.available_at(time)
    assert hall.view("maxDebt") == model.max_debt_at(time)
    expected = model.quote(amount, time)
    assert hall.quote(amount) == (expected.payout, expected.cost)
    assert expected.cost <= amount
    if not model.quote(amount, time + 1).payout:
        if not expected.payout:
            assert hall.refused(amount) == NOTHING_SOLD
            counts["nothing"] += 1
        return
    tuned, control = model.last_tune, model.control_at(time + 1)
    sale = model.buy(amount, time + 1)
    hall.sell(amount, time + 1)
    assert hall.auction() == hall.expected_auction()
    counts["sold"] += 1
    counts["cut_to_available"] += sale.cost < amount
    counts["tuned_up"] += model.last_tune > tuned and model.control[1] > control
    counts["tuned_down"] += model.last_tune > tuned and model.control[1] < control


def test_tune_due__concluded__is_not(open_hall: Any) -> None:
    hall = open_hall()
    hall.go_to(hall.model.end)

    assert hall.view("tuneDue") == 0
