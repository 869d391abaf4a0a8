"""The auction off the chain: the specification's vectors, and the model of the contracts' tests."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest

from keeper.markets.bonds import (
    PRICE_ONE,
    DutchAuction,
    DutchTerms,
    Lot,
    begin,
    buy,
    cost_up,
    demand_path,
    discount_bps,
    discounted_up,
    floor_reached_at,
    quiet_path,
    scale_of,
)
from keeper.markets.vesting import Vesting, expiry_up
from tests.contracts.bonds.model import DutchMarket

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


def example() -> DutchAuction:
    return begin(TERMS, LOT)


def test_begin__specifications_example__has_its_target_and_largest_payout() -> None:
    auction = example()

    assert auction.target == auction.debt == 42857142857142857142857
    assert auction.max_payout == 2380952380952380952380
    assert auction.max_debt_to == 42857142857142857142857 * 3 // 2


@pytest.mark.parametrize(
    ("seconds", "price"),
    [
        (0, 5 * PRICE_ONE),
        (3_600, 4930555555555555555555555555555555556),
        (86_400, 3333333333333333333333333333333333334),
        (155_519, 2000019290123456790123456790123456791),
        (155_520, 2 * PRICE_ONE),
        (7 * DAY - 1, 2 * PRICE_ONE),
    ],
)
def test_price_up__without_purchases__falls_along_the_line_to_the_floor(
    seconds: int, price: int
) -> None:
    # The debt is counted in whole token units.
    assert abs(example().price_up(START + seconds, LOT) - price) <= 10**14


def test_buy__five_thousand_after_an_hour__pays_the_specifications_payout() -> None:
    _, lot, sale = buy(example(), LOT, 5_000 * TOKEN, START + HOUR)

    assert sale.payout == 1014084507042253521126
    assert sale.cost == 5_000 * TOKEN - 3
    assert lot.capacity == LOT.capacity - sale.payout


def test_buy__after_the_end__gets_nothing_and_changes_nothing() -> None:
    auction = example()

    assert buy(auction, LOT, TOKEN, LOT.conclusion)[:2] == (auction, LOT)


@pytest.mark.parametrize("seed", range(6))
def test_buy__random_orders__agree_with_the_model_to_the_unit(seed: int) -> None:
    random = Random(seed)
    decimals = random.choice([(18, 6), (6, 18), (18, 18), (8, 6)])
    model = _model(random, decimals)
    lot = Lot(
        capacity=model.capacity,
        freed=0,
        opened_at=START,
        conclusion=model.end,
        floor=model.floor,
        scale=scale_of(*decimals),
    )
    auction = begin(_terms_of(model), lot)
    time, tunes = START, 0
    for _ in range(60):
        time += random.choice([0, 60, HOUR, 5 * HOUR, 30 * HOUR])
        if time >= model.end:
            break
        assert auction.price_up(time, lot) == model.price_at(time)
        assert auction.available(time, lot) == model.available_at(time)
        cost = cost_up(model.available_at(time), model.price_at(time), lot.scale)
        amount = cost * random.randrange(1, 130) // 100
        before = model.last_tune
        auction, lot, sale = buy(auction, lot, amount, time)
        sold = model.buy(amount, time)
        tunes += model.last_tune != before
        assert (sale.payout, sale.cost, lot.capacity) == (sold.payout, sold.cost, model.capacity)
        assert (auction.debt, auction.target) == (model.debt, model.target)

    assert tunes


def _model(random: Random, decimals: tuple[int, int]) -> DutchMarket:
    floor = random.randrange(PRICE_ONE // 100, 3 * PRICE_ONE)
    return DutchMarket(
        capacity=random.randrange(1_000, 10**6) * 10 ** decimals[0],
        duration=random.randrange(2, 40) * DAY,
        interval=random.choice([HOUR, 4 * HOUR, DAY]),
        price=floor * random.randrange(1, 5),
        floor=floor,
        buffer=Fraction(random.choice([0, 2_000, 10_000]), 10_000),
        start=START,
        token_decimals=decimals[0],
        asset_decimals=decimals[1],
    )


def _terms_of(model: DutchMarket) -> DutchTerms:
    return DutchTerms(
        price=model.price,
        floor=model.floor,
        deposit_interval=model.interval,
        debt_buffer_bps=int(model.buffer * 10_000),
    )


def test_quiet_path__whole_sale__begins_at_the_price_and_ends_at_the_floor() -> None:
    path = quiet_path(example(), LOT, START, 8)

    assert [path[0].time, path[-1].time] == [START, LOT.conclusion - 1]
    assert path[-1].price == TERMS.floor
    assert abs(path[0].price - TERMS.price) <= 10**14
    assert len(path) == 8


def test_quiet_path__sale_over__is_refused() -> None:
    with pytest.raises(ValueError, match="over"):
        quiet_path(example(), LOT, LOT.conclusion, 8)


def test_demand_path__on_schedule__sells_out_and_never_raises_the_price() -> None:
    path = demand_path(example(), LOT, TERMS.deposit_interval)

    # What leaked in an interval is what is bought: the debt is a largest purchase short each time.
    prices = [point.price for point in path]
    assert abs(prices[0] - TERMS.price * 17 // 18) < 10**15
    # The last purchase comes a second early, and that second's debt is dearer.
    assert all(later <= sooner + PRICE_ONE // 10**4 for sooner, later in pairwise(prices))
    assert prices[-1] > TERMS.floor
    assert path[-1].time == LOT.conclusion - 1
    assert LOT.capacity - path[-1].sold < TOKEN


def test_demand_path__twice_the_schedule__raises_the_price_and_sells_out_earlier() -> None:
    path = demand_path(example(), LOT, TERMS.deposit_interval // 2)

    assert path[-1].price > 2 * TERMS.price
    assert path[-1].sold == LOT.capacity
    assert path[-1].time < LOT.conclusion - TERMS.deposit_interval


def test_demand_path__with_a_limit__nobody_pays_more() -> None:
    path = demand_path(example(), LOT, TERMS.deposit_interval // 2, 3 * PRICE_ONE)

    assert max(point.price for point in path) <= 3 * PRICE_ONE
    assert path[0].time >= START + DAY
    assert path[-1].paid <= path[-1].sold * 3
    assert path[-1].sold > LOT.capacity // 2


def test_demand_path__limit_below_the_floor__is_empty() -> None:
    assert demand_path(example(), LOT, HOUR, PRICE_ONE) == []


def test_floor_reached_at__quiet_market__is_the_first_second_at_the_floor() -> None:
    auction = example()

    found = floor_reached_at(auction, LOT, START)

    assert found is not None
    assert abs(found - (START + 155_520)) <= 1
    assert auction.price_up(found, LOT) == LOT.floor < auction.price_up(found - 1, LOT)


def test_floor_reached_at__sale_ends_before__is_never() -> None:
    lot = replace(LOT, floor=1, conclusion=START + 2 * DAY)

    assert floor_reached_at(begin(TERMS, lot), lot, START) is None


@pytest.mark.parametrize(
    ("price", "discount"),
    [(9_000, 1_000), (10_001, -1), (10_000, 0), (9_999, 1), (20_000, -10_000)],
)
def test_discount_bps__price__is_the_distance_below_the_market(price: int, discount: int) -> None:
    assert discount_bps(price, 10_000) == discount


@pytest.mark.parametrize(
    ("oracle", "price"), [("2", "1.8"), ("3", "2.7"), ("1.6", "1.44"), ("1.5", "1.4")]
)
def test_discounted_up__specifications_oracle__has_its_prices(oracle: str, price: str) -> None:
    floor = discounted_up(2 * PRICE_ONE, 3_000, 0)

    assert floor == 14 * PRICE_ONE // 10
    found = discounted_up(int(Fraction(oracle) * PRICE_ONE), 1_000, floor)
    assert found == int(Fraction(price) * PRICE_ONE)


def test_expiry_up__any_second__is_the_midnight_at_or_after() -> None:
    midnight = 19_000 * DAY

    assert expiry_up(midnight - DAY, DAY) == midnight
    assert expiry_up(midnight - DAY + 1, DAY) == midnight + DAY


def test_vested_down__cliff_then_linear__rounds_down() -> None:
    note = Vesting(payout=100, start=0, cliff_at=30, expiry=90)

    assert [note.vested_down(time) for time in (0, 29, 30, 31, 89, 90, 91)] == [
        *(0, 0, 33, 34, 98, 100, 100)
    ]


def test_begin__lot_of_nothing__is_refused() -> None:
    with pytest.raises(ZeroDivisionError):
        begin(TERMS, replace(LOT, capacity=0))
