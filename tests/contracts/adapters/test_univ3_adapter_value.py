"""V-04 and the two-sided mark: what raises the worth of a pool leg, and what never does."""

import itertools
from dataclasses import dataclass
from typing import Any

import ape
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keeper.markets import univ3

USDC = 10**6
ETHER = 10**18
PRICE_E8 = 3_000 * 10**8
HOUR = 3_600


@dataclass(frozen=True)
class Books:
    """What the adapter holds, valued by the keeper's own arithmetic."""

    idle: tuple[int, int]
    ranges: list[tuple[int, int, int]]
    weth_is_0: bool

    def amounts(self, sqrt_price: int) -> tuple[int, int]:
        total0, total1 = self.idle
        for lower, upper, liquidity in self.ranges:
            bounds = univ3.sqrt_price_at_tick(lower), univ3.sqrt_price_at_tick(upper)
            amount0, amount1 = univ3.amounts_down(sqrt_price, *bounds, liquidity)
            total0, total1 = total0 + amount0, total1 + amount1
        return total0, total1

    def value(self, sqrt_price: int) -> int:
        amount0, amount1 = self.amounts(sqrt_price)
        if self.weth_is_0:
            return amount1 + univ3.quote0_in_1_down(amount0, sqrt_price)
        return amount0 + univ3.quote1_in_0_down(amount1, sqrt_price)

    def weth(self, sqrt_price: int) -> int:
        return self.amounts(sqrt_price)[0 if self.weth_is_0 else 1]


def books_of(adapter: Any, market: Any) -> Books:
    return Books(tuple(adapter.balances()), adapter.ranges(), market.weth_is_0)


def mirror_value(adapter: Any, market: Any, sqrt_price: int) -> int:
    return books_of(adapter, market).value(sqrt_price)


def test_value__only_assets_booked__equals_them_without_reading_the_feed(
    adapter: Any, market: Any
) -> None:
    market.pass_time(30 * 24 * HOUR)

    assert adapter.value() == (300_000 * USDC, 300_000 * USDC)


def test_value__range_held__equals_the_mirror_at_the_mark(invested: Any, market: Any) -> None:
    price = PRICE_E8 * 101 // 100
    market.push(price)

    mark = market.sqrt_price(price)
    expected = mirror_value(invested, market, mark)
    assert invested.markSqrtPriceX96() == mark
    assert invested.value() == (expected, expected)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(price=st.integers(2_920 * 10**8, 3_080 * 10**8))
def test_value__any_mark_near_the_twap__equals_the_mirror(
    invested: Any, market: Any, chain: Any, price: int
) -> None:
    with chain.isolate():
        market.push(price)

        expected = mirror_value(invested, market, market.sqrt_price(price))
        assert invested.value() == (expected, expected)


@pytest.mark.parametrize("usdc_into_pool", [1_000_000, -1_000_000])
def test_value__pool_swapped_far__does_not_move(
    invested: Any, market: Any, usdc_into_pool: int
) -> None:
    """V-04: the spot enters no value, in whichever direction it is pushed."""
    before = invested.value()

    if usdc_into_pool > 0:
        market.buy_weth(usdc_into_pool * USDC)
    else:
        market.sell_weth(-usdc_into_pool * ETHER // 3_000)

    assert market.tick() != 0
    assert invested.value() == before


def test_value__manipulated_for_the_whole_window__widens_and_never_exceeds_the_mark_as_bid(
    invested: Any, market: Any
) -> None:
    """V-04, A18: 30 minutes of a pumped pool raise the ask alone."""
    at_mark = invested.value()[0]
    market.buy_weth(1_000_000 * USDC)

    market.pass_time(HOUR, PRICE_E8)

    bid, ask = invested.value()
    assert bid <= at_mark
    assert ask > bid


def test_value__tokens_donated__does_not_move(invested: Any, market: Any, trader: Any) -> None:
    """V-04: only booked balances count, before and after a sync."""
    before = invested.value()
    market.world.usdc.transfer(invested, 50_000 * USDC, sender=trader)
    market.world.weth.transfer(invested, 10 * ETHER, sender=trader)

    invested.sync(sender=trader)

    assert invested.value() == before


def test_value__liquidity_added_beside_ours__does_not_move(
    invested: Any, market: Any, issuer: Any
) -> None:
    """V-04: JIT liquidity in our own range, and its removal, change nothing."""
    lower, upper, _ = invested.ranges()[0]
    world = market.world
    before = invested.value()

    world.weth.deposit(value=100 * ETHER, sender=issuer)
    world.usdc.mint(issuer, 300_000 * USDC, sender=issuer)
    for token in (world.weth, world.usdc):
        token.approve(world.positions, 10**30, sender=issuer)
    key = (world.pool.token0(), world.pool.token1(), world.pool.fee(), lower, upper)
    amounts = world.sorted_amounts(100 * ETHER, 300_000 * USDC)
    world.positions.mint((*key, *amounts, 0, 0, issuer, 2**64), sender=issuer)

    invested.sync(sender=issuer)
    assert invested.value() == before


def test_value__fees_earned__count_after_sync_alone(invested: Any, market: Any) -> None:
    """Fees are gains for the gate: they appear when collected, in full."""
    before = invested.value()[0]
    market.buy_weth(200_000 * USDC)
    market.sell_weth(66 * ETHER)
    assert invested.value()[0] == before

    receipt = invested.sync(sender=market.trader)

    fees = [log for log in receipt.events if log.event_name == "CollectFees"]
    assert len(fees) == 1
    fee_usdc, fee_weth = fees[0].amount1, fees[0].amount0
    if not market.weth_is_0:
        fee_usdc, fee_weth = fee_weth, fee_usdc
    assert fee_usdc > 0
    assert fee_weth > 0
    gained = invested.value()[0] - before
    assert abs(gained - fee_usdc - fee_weth * 3_000 // 10**12) <= 2


@pytest.mark.parametrize("price", [PRICE_E8 * 105 // 100, PRICE_E8 * 95 // 100])
def test_value__mark_off_twap__is_the_lower_and_the_higher_of_both(
    invested: Any, market: Any, price: int
) -> None:
    market.push(price)

    twap = univ3.sqrt_price_at_tick(invested.twapTick())
    at_twap = mirror_value(invested, market, twap)
    at_mark = mirror_value(invested, market, market.sqrt_price(price))
    assert at_mark != at_twap
    assert invested.value() == (min(at_mark, at_twap), max(at_mark, at_twap))


def test_value__mark_within_limit_of_twap__has_one_side(invested: Any, market: Any) -> None:
    market.push(PRICE_E8 * 1_029 // 1_000)

    bid, ask = invested.value()

    assert bid == ask


def test_value__feed_too_old__reverts(invested: Any, market: Any) -> None:
    """A dead feed blocks the cut: no value is guessed."""
    updated_at = market.world.feed.latestRoundData()[3]
    market.pass_time(4_501)

    with ape.reverts(invested.FeedTooOld, updatedAt=updated_at, maxAgeSeconds=4_500):
        invested.value()


@pytest.mark.parametrize("answer", [0, -1])
def test_value__answer_not_positive__reverts(invested: Any, market: Any, answer: int) -> None:
    market.push(answer)

    with ape.reverts(invested.FeedInvalid):
        invested.value()


def test_value__answer_absurd__reverts(invested: Any, market: Any) -> None:
    market.push(10**60)

    with ape.reverts():
        invested.value()


def test_value__short_and_long_weth__moves_in_opposite_directions(
    invested: Any, market: Any
) -> None:
    """V-08 of a pool leg: more WETH is worth more when WETH rises, less when it falls."""
    at_par = invested.value()[0]

    market.push(PRICE_E8 * 102 // 100)
    up = invested.value()[0]
    market.push(PRICE_E8 * 98 // 100)
    down = invested.value()[0]

    assert down < at_par < up


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(spot_move=st.integers(-1_200, 1_200), mark_bps=st.integers(9_000, 11_000))
def test_value__any_spot_and_mark__never_exceeds_what_the_range_holds(
    invested: Any, spot_move: int, mark_bps: int, market: Any
) -> None:
    """The header's claim: liquidity at the mark is worth no more there than the tokens held."""
    mark = market.sqrt_price(PRICE_E8 * mark_bps // 10_000)
    spot = univ3.sqrt_price_at_tick(market.tick() + spot_move)
    for lower, upper, liquidity in invested.ranges():
        bounds = univ3.sqrt_price_at_tick(lower), univ3.sqrt_price_at_tick(upper)
        valued = univ3.amounts_down(mark, *bounds, liquidity)
        held = univ3.amounts_up(spot, *bounds, liquidity)
        worth = [
            amount1 * 10**12 + (amount0 * (mark * mark >> 64) * 10**12 >> 128)
            for amount0, amount1 in (valued, held)
        ]
        assert worth[0] <= worth[1] + 10**12


@pytest.mark.slow
@pytest.mark.parametrize("trend_bps", [500, -500, 1_000, -1_000])
def test_value__trend_through_a_hedged_book__moves_by_gamma_and_fees_alone(
    invested: Any, market: Any, trend_bps: int
) -> None:
    """Thirty minutes of trend, the hedge adjusted each minute at the feed's price.

    At the mark the book's worth moves by less than 5 bps beyond gamma and fees. Beyond about 6 %
    in 30 minutes the mean lags by more than the limit: the bid then is the lower of both values.
    """
    books, start = books_of(invested, market), invested.value()[0]
    path = [PRICE_E8 + PRICE_E8 * trend_bps * i // 300_000 for i in range(31)]
    hedge = gamma = 0
    for before, after in itertools.pairwise(path):
        short = books.weth(market.sqrt_price(before))
        pnl = -short * (after - before) // 10**20
        gamma += (
            books.value(market.sqrt_price(after)) - books.value(market.sqrt_price(before)) + pnl
        )
        hedge += pnl
        market.pass_time(60, after)
        market.move_to(after)

    fees = _fees_in_usdc(invested.sync(sender=market.trader), market, path[-1])
    bid, ask = invested.value()
    at_mark = bid if trend_bps < 0 else ask
    assert gamma < 0
    assert abs(at_mark + hedge - start - gamma - fees) * 10_000 < 5 * start
    assert (bid < ask) == (abs(trend_bps) > 600)
    assert (ask - bid) * 10_000 < 200 * start


def _fees_in_usdc(receipt: Any, market: Any, price_e8: int) -> int:
    log = next(log for log in receipt.events if log.event_name == "CollectFees")
    weth, usdc = (log.amount0, log.amount1)[:: 1 if market.weth_is_0 else -1]
    return int(usdc + weth * price_e8 // 10**20)
