"""Limits at work: liquidity capped, held while under way, shed when its hedge is weak."""

from typing import Any

from msgspec.structs import replace

from keeper.core.exposures import everything
from keeper.core.state import Position
from keeper.core.views import pool_span
from keeper.domain.commands import BurnRange, MintRange, NoteRefusal, SwapExactIn
from keeper.domain.events import RangeState
from keeper.domain.units import PPM
from keeper.markets.ranges import asset_of, base_of, holdings
from tests.keeper.builders import (
    ALLOCATION,
    LIMITS,
    ONE_ETH,
    POOL,
    USDC,
    Keeper,
    market_settings,
    of,
    pool_seen,
    pool_settings,
    settings,
)
from tests.keeper.markets import ETH

ONE_WETH = 10**18
CENTRE = pool_seen(1).tick // 10 * 10
HELD = RangeState(tick_lower=CENTRE - 1_200, tick_upper=CENTRE + 1_200, liquidity=10**17)


def _keeper(**limits: Any) -> Keeper:
    """Room for what the tests put into the pool, but for the limits they name."""
    chosen = settings(
        markets=(market_settings(max_position_quote_quantums=900_000 * USDC),),
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
    assert note.value > 179_000 * USDC
    assert of(commands, MintRange) == []


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
