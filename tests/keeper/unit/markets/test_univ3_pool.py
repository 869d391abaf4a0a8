"""The simulated pool: a recorded day replayed to the unit, no free round trips, and errors."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.markets.univ3 import Q96, PriceOutOfRange, sqrt_price_at_tick
from keeper.markets.univ3_pool import (
    LiquidityNotHeld,
    Pool,
    Position,
    PositionKey,
    TickInfo,
    TicksInvalid,
)

KEY = PositionKey("maker", -600, 600)
SWAP_FIELDS = ("amount0", "amount1", "sqrtPriceX96", "tick", "liquidity")
ONLY_IN_THE_STATE_AFTER = {239_760}  # initialised in 2021; the recording's state before lacks it


def make_pool(**changes: int) -> Pool:
    pool = Pool(**({"fee_ppm": 3_000, "tick_spacing": 60, "sqrt_price": Q96, "tick": 0} | changes))
    pool.mint(KEY, 10**18)
    return pool


def load(folder: Path, name: str) -> Any:
    path = folder / "univ3_wbtc_weth_replay" / f"2023-03-31_{name}.json.gz"
    if not path.exists():
        pytest.skip(f"no recording at {path}")
    return json.loads(gzip.decompress(path.read_bytes()))["data"]


def recorded_pool(raw: Any) -> Pool:
    return Pool(
        fee_ppm=raw["fee"],
        tick_spacing=raw["tickSpacing"],
        sqrt_price=raw["slot0"]["sqrtPriceX96"],
        tick=raw["slot0"]["tick"],
        liquidity=raw["liquidity"],
        growth0=raw["feeGrowthGlobal0X128"],
        growth1=raw["feeGrowthGlobal1X128"],
        ticks={
            int(tick): TickInfo(
                info["liquidityGross"],
                info["liquidityNet"],
                info["feeGrowthOutside0X128"],
                info["feeGrowthOutside1X128"],
            )
            for tick, info in raw["ticks"].items()
            if info["initialized"]
        },
    )


def replay_swap(pool: Pool, record: Any) -> Pool:
    """Return the pool after a recorded swap.

    The log does not tell whether the input or the output was specified; one of both must reproduce
    amounts, price, tick and liquidity.
    """
    zero_for_one = record["amount0"] > 0
    for specified in (record["amount0"], record["amount1"]):
        attempt = pool.copy()
        moved = attempt.swap(zero_for_one, specified)
        ended = (attempt.sqrt_price, attempt.tick, attempt.liquidity)
        if (*moved, *ended) == tuple(record[name] for name in SWAP_FIELDS):
            return attempt
    raise AssertionError(record)


def replay_liquidity(pool: Pool, record: Any) -> None:
    key = PositionKey(record["owner"], record["tickLower"], record["tickUpper"])
    if record["method"] == "MINT":
        assert pool.mint(key, record["amount"]) == (record["amount0"], record["amount1"])
        return
    # Positions older than the recording are not in it: let each hold what it burns.
    pool.positions.setdefault(key, Position()).liquidity += record["amount"] + 1
    amount0, amount1 = pool.burn(key, record["amount"])
    assert amount1 == record["amount1"]
    # The recording repeats the liquidity as amount0 of burns.
    assert record["amount"] == record["amount0"] or amount0 == record["amount0"]


def test_replay__recorded_day__gives_every_swap_and_the_state_after(market_data_dir: Path) -> None:
    """WBTC/WETH 0.3 %, 2023-03-31: 329 swaps, 19 mints, 31 burns, both fee growths exact."""
    pool = recorded_pool(load(market_data_dir, "pool"))
    records = load(market_data_dir, "transactions")

    for record in records:
        if record["method"] == "SWAP":
            pool = replay_swap(pool, record)
        else:
            replay_liquidity(pool, record)

    after = recorded_pool(load(market_data_dir, "poolAfter"))
    assert sum(record["method"] == "SWAP" for record in records) == 329
    assert (pool.growth0, pool.growth1) == (after.growth0, after.growth1)
    assert (pool.sqrt_price, pool.tick) == (after.sqrt_price, after.tick)
    assert pool.liquidity == after.liquidity
    assert pool.ticks.keys() ^ after.ticks.keys() == ONLY_IN_THE_STATE_AFTER
    for tick in pool.ticks.keys() & after.ticks.keys():
        assert pool.ticks[tick] == after.ticks[tick]


amounts = st.integers(1, 10**16)


@given(amount=amounts, zero_for_one=st.booleans())
def test_swap__there_and_back__never_profits(amount: int, zero_for_one: bool) -> None:
    pool = make_pool()
    out = pool.swap(zero_for_one, amount)
    received = -(out.amount1 if zero_for_one else out.amount0)

    back = pool.swap(not zero_for_one, received) if received else out

    returned = -(back.amount0 if zero_for_one else back.amount1)
    assert returned <= amount


@given(amount=amounts, zero_for_one=st.booleans())
def test_swap__exact_output_of_what_an_input_gave__costs_no_more(
    amount: int, zero_for_one: bool
) -> None:
    """Asking for the output costs at most the input that bought it."""
    given_in = make_pool().swap(zero_for_one, amount)
    output = given_in.amount1 if zero_for_one else given_in.amount0

    if output:
        asked_out = make_pool().swap(zero_for_one, output)
        assert (asked_out.amount0 if zero_for_one else asked_out.amount1) <= amount


@given(amounts=st.lists(st.tuples(st.booleans(), amounts), max_size=8))
def test_swap__any_sequence__pays_the_makers_all_fees_but_dust(
    amounts: list[tuple[bool, int]],
) -> None:
    """What came in, less what went out, is what the maker takes back, less rounding."""
    pool = make_pool()
    cost = make_pool().mint(KEY, 10**18)
    moved = [pool.swap(zero_for_one, amount) for zero_for_one, amount in amounts]

    pool.burn(KEY, 10**18)
    paid = pool.collect(KEY)

    for token in (0, 1):
        left = cost[token] + sum(swap[token] for swap in moved) - paid[token]
        assert 0 <= left <= 4 * (len(moved) + 1)


def test_swap__protocol_share__is_a_fraction_of_the_fee() -> None:
    pool = make_pool(fee_protocol0=4, fee_protocol1=10)

    pool.swap(True, 10**12)
    pool.swap(False, 10**12)

    assert pool.protocol_fees0 == 10**12 * 3_000 // 10**6 // 4
    assert pool.protocol_fees1 == 10**12 * 3_000 // 10**6 // 10


def test_swap__no_liquidity_left__stops_at_the_limit() -> None:
    pool = make_pool()
    limit = sqrt_price_at_tick(-1_000)

    moved = pool.swap(True, 10**30, limit)

    assert pool.sqrt_price == limit
    assert pool.liquidity == 0
    assert moved.amount0 < 10**30


@pytest.mark.parametrize(("zero_for_one", "limit_tick"), [(True, 0), (True, 1), (False, 0)])
def test_swap__limit_behind_the_price__raises(zero_for_one: bool, limit_tick: int) -> None:
    with pytest.raises(PriceOutOfRange):
        make_pool().swap(zero_for_one, 1, sqrt_price_at_tick(limit_tick))


@pytest.mark.parametrize(
    "ticks", [(60, 60), (60, 0), (-887_280, 0), (0, 887_280), (1, 60), (0, 61)]
)
def test_mint__ticks_impossible__raises(ticks: tuple[int, int]) -> None:
    with pytest.raises(TicksInvalid):
        make_pool().mint(PositionKey("maker", *ticks), 1)


@pytest.mark.parametrize(
    ("key", "liquidity"),
    [(KEY, 10**18 + 1), (PositionKey("other", -600, 600), 1), (PositionKey("other", 0, 60), 0)],
)
def test_burn__more_than_held__raises(key: PositionKey, liquidity: int) -> None:
    with pytest.raises(LiquidityNotHeld):
        make_pool().burn(key, liquidity)


def test_burn__whole_position__clears_its_ticks() -> None:
    pool = make_pool()

    pool.burn(KEY, 10**18)

    assert pool.ticks == {}
    assert pool.liquidity == 0


def test_copy__changed__leaves_the_original() -> None:
    pool = make_pool()
    before = pool.copy()

    pool.copy().swap(True, 10**17)
    pool.copy().burn(KEY, 10**18)

    assert pool == before
