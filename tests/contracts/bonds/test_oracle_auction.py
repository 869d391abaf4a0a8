"""Bonds at a discount to the pool's feed or mean price: vectors, staleness, floor."""

from typing import Any

import pytest

from keeper.markets.univ3 import sqrt_price_down
from tests.contracts.bonds.houses import DAY, HOUR, PRICE, TOKEN, USDC, ZERO, oracle_terms
from tests.contracts.invariants.machine import selector
from tests.contracts.rpc import Rpc

UNIT = 10**8
TRADE = ["uint256", "uint256"]
OUT_OF_RANGE = selector("TermOutOfRange(string,uint256,uint256,uint256)")
STALE = selector("OracleStale(uint256)")
NOT_POSITIVE = selector("OracleNotPositive(int256)")
EXISTS = selector("MarketExists(uint256)")
UNKNOWN = selector("MarketUnknown(uint256)")
UNCOVERED = selector("TwapNotCovered(uint256,uint256)")
NO_FEED = selector("NoFeed(address)")
CONCLUDED = selector("MarketConcluded(uint256,uint64)")


class Stand:
    """One market of an oracle auctioneer whose teller is an account."""

    def __init__(self, contract: Any, teller: Any, rpc: Rpc, pool: tuple[Any, ...]) -> None:
        self.contract, self.teller, self.rpc, self.pool = contract, teller, rpc, pool

    def opening(self, token: str, asset: str) -> tuple[Any, ...]:
        end = self.rpc.now() + 7 * DAY
        return (1, 1_000 * TOKEN, end, token, 18, asset, 6, self.pool)

    def open(self, terms: bytes, token: str = ZERO, asset: str = ZERO) -> None:
        opening = self.opening(token, asset)
        self.rpc.send(self.contract.open, opening, terms, sender=self.teller)

    def refused(self, terms: bytes) -> str:
        opening = self.opening(ZERO, ZERO)
        return self.rpc.refused(self.contract.open, opening, terms, sender=self.teller)

    def view(self, name: str) -> int:
        (value,) = self.rpc.call(getattr(self.contract, name), 1, types=["uint256"])
        return int(value)


@pytest.fixture
def feed(project: Any, accounts: Any) -> Any:
    made = accounts[0].deploy(project.RoundFeed, 8, "PROJ / USD")
    made.push(2 * UNIT, sender=accounts[0])
    return made


@pytest.fixture
def stand(oracle_hall: Any, accounts: Any, rpc: Rpc, feed: Any) -> Stand:
    return Stand(oracle_hall, accounts[0], rpc, (ZERO, ZERO, 0, feed.address))


def test_open__pool_without_a_feed__needs_a_window(
    oracle_hall: Any, accounts: Any, rpc: Rpc, feed: Any
) -> None:
    """Of two markets alike but for the feed, only the one with it opens by its answer."""
    with_feed = Stand(oracle_hall, accounts[0], rpc, (ZERO, ZERO, 0, feed.address))
    without = Stand(oracle_hall, accounts[0], rpc, (ZERO, ZERO, 0, ZERO))

    assert without.refused(oracle_terms()) == NO_FEED
    with_feed.open(oracle_terms())


@pytest.mark.parametrize(
    ("oracle", "price"),
    [(200, 1_800), (300, 2_700), (160, 1_440), (150, 1_400), (1, 1_400)],
    ids=str,
)
def test_price__ten_percent_off_with_a_floor_of_thirty__is_the_specifications(
    stand: Stand, feed: Any, accounts: Any, oracle: int, price: int
) -> None:
    stand.open(oracle_terms())

    feed.push(oracle * UNIT // 100, sender=accounts[0])

    assert stand.view("price") == price * PRICE // 1_000


def test_price__remainder__is_rounded_up(stand: Stand, feed: Any, accounts: Any) -> None:
    terms = oracle_terms(discount_bps=3_333, max_discount_bps=9_000)
    stand.open(terms)
    feed.push(2 * UNIT + 1, sender=accounts[0])

    exact = (2 * UNIT + 1) * 10**28 * 6_667
    assert stand.view("price") == -(-exact // 10_000)


def test_sell__at_the_discount__pays_down_and_pulls_up(stand: Stand) -> None:
    stand.open(oracle_terms())

    answer = stand.rpc.call(stand.contract.sell, 1, 1_000_000, 0, types=TRADE, sender=stand.teller)

    assert answer == (10**36 * 10**18 // (18 * 10**35), 1_000_000)


def test_price__feed_older_than_the_market_allows__refuses(stand: Stand) -> None:
    stand.open(oracle_terms(max_age=HOUR))
    stand.rpc.wait(HOUR + 1)

    sell = stand.contract.sell
    assert stand.rpc.refused(sell, 1, USDC, 0, sender=stand.teller) == STALE
    assert stand.rpc.refused(stand.contract.price, 1, sender=stand.teller) == STALE


@pytest.mark.parametrize("answer", [0, -1])
def test_price__feed_says_nothing_or_less__refuses(
    stand: Stand, feed: Any, accounts: Any, answer: int
) -> None:
    stand.open(oracle_terms())
    feed.push(answer, sender=accounts[0])

    sell = stand.contract.sell
    assert stand.rpc.refused(sell, 1, USDC, 0, sender=stand.teller) == NOT_POSITIVE


def test_open__feed_is_stale_already__refuses(stand: Stand) -> None:
    stand.rpc.wait(HOUR + 1)

    assert stand.refused(oracle_terms(max_age=HOUR)) == STALE


@pytest.mark.parametrize(
    "terms",
    [
        oracle_terms(twap=29 * 60),
        oracle_terms(twap=DAY + 1),
        oracle_terms(max_age=59),
        oracle_terms(max_age=2 * DAY + 1),
        oracle_terms(discount_bps=3_001),
        oracle_terms(max_discount_bps=10_000),
    ],
    ids=["short_window", "long_window", "young", "old", "discount", "whole_price"],
)
def test_open__term_beyond_its_bounds__refuses(stand: Stand, terms: bytes) -> None:
    assert stand.refused(terms) == OUT_OF_RANGE


def test_open__window_with_an_age__refuses(stand: Stand) -> None:
    both = oracle_terms(twap=HOUR)[:32] + oracle_terms()[32:]

    assert stand.refused(both) == OUT_OF_RANGE


def test_views__after_the_conclusion__answer_with_a_dead_feed(stand: Stand) -> None:
    stand.open(oracle_terms())
    stand.rpc.wait(8 * DAY)

    assert stand.view("price") == 14 * PRICE // 10
    assert stand.view("available") == 0
    assert tuple(stand.rpc.call(stand.contract.quote, 1, USDC, types=TRADE)) == (0, 0)
    assert stand.rpc.call(stand.contract.costOf, 1, TOKEN, types=["uint256"]) == (1_400_000,)
    assert stand.rpc.call(stand.contract.isLive, 1, types=["bool"]) == (False,)
    sell = stand.contract.sell
    assert stand.rpc.refused(sell, 1, USDC, 0, sender=stand.teller) == CONCLUDED


@pytest.mark.parametrize("token_first", [True, False])
def test_price__mean_of_the_pool__is_the_same_in_either_order(
    project: Any, accounts: Any, make_pool: Any, stand: Stand, token_first: bool
) -> None:
    usdc = accounts[0].deploy(project.TestUSDC, 6)
    token = accounts[0].deploy(project.OddToken, "PROJ")
    while (token.address.lower() < usdc.address.lower()) != token_first:
        token = accounts[0].deploy(project.OddToken, "PROJ")
    pool = make_pool(token, usdc)
    stand.pool = (pool.address, token.address, 3_000, ZERO)
    stand.rpc.wait(29 * 60)
    terms = oracle_terms(twap=1_800)
    opening = stand.opening(token.address, usdc.address)
    early = stand.rpc.refused(stand.contract.open, opening, terms, sender=stand.teller)
    stand.rpc.wait(120)

    stand.open(terms, token.address, usdc.address)

    amounts = (TOKEN, 2 * USDC) if token_first else (2 * USDC, TOKEN)
    assert pool.slot0().sqrtPriceX96 == sqrt_price_down(*amounts)
    assert early == UNCOVERED
    assert abs(stand.view("oraclePrice") - 2 * PRICE) <= PRICE // 5_000  # a tick is 0.01 %
    assert stand.view("price") == -(-stand.view("oraclePrice") * 9 // 10)


def test_open__number_in_use__refuses(stand: Stand) -> None:
    stand.open(oracle_terms())

    assert stand.refused(oracle_terms()) == EXISTS


def test_views__number_of_no_market__refuse(stand: Stand) -> None:
    for name in ("source", "oraclePrice", "price"):
        assert stand.rpc.refused(getattr(stand.contract, name), 1, sender=stand.teller) == UNKNOWN


def test_source__by_the_feed__is_what_it_was_opened_with(stand: Stand, feed: Any) -> None:
    stand.open(oracle_terms())

    source = stand.contract.source(1)

    assert (source.feed, source.feedDecimals, source.maxFeedAge) == (feed.address, 8, HOUR)
    assert (source.pool, source.twapSeconds, source.discountBps) == (ZERO, 0, 1_000)
