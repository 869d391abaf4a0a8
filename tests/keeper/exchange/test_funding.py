"""Funding: samples, hourly ticks, settlement floors, what is left over."""

from dataclasses import replace
from itertools import pairwise

import pytest

from keeper.devnet.exchange.book import Book
from keeper.devnet.exchange.chain import Chain
from keeper.devnet.exchange.config import DEFAULT_MARKETS, ExchangeConfig
from keeper.devnet.exchange.dump import state_dump
from keeper.devnet.exchange.events import FundingPaid, FundingRateSet
from keeper.devnet.exchange.funding import premium_ppm, scaled_move
from keeper.devnet.exchange.ledger import settled, store_settled, total_usdc
from keeper.devnet.exchange.model import Order, OrderId, Side, SubaccountId, TimeInForce
from keeper.devnet.story.checks import subaccounts_total
from tests.keeper.exchange.conftest import GENESIS_NS, block, fund
from tests.keeper.exchange.test_trading_rules import gtb
from tests.keeper.exchange.wallets import BUY, ETH, SELL, Trader, order, place

HOUR_NS = 3_600 * 10**9
ETH_MARKET = DEFAULT_MARKETS[1]


def funded_chain(default_funding_ppm: int) -> Chain:
    markets = tuple(replace(m, default_funding_ppm=default_funding_ppm) for m in DEFAULT_MARKETS)
    return Chain(ExchangeConfig(markets=markets), GENESIS_NS)


def with_position(chain: Chain, size: int = 101) -> tuple[SubaccountId, SubaccountId]:
    """Open `size` thousandths of ETH between two traders at 3000."""
    alice, bob = fund(chain, Trader(1)), fund(chain, Trader(2))
    chain.check_tx(place(alice, order(alice, gtb=gtb(chain), size=size)))
    chain.check_tx(place(bob, order(bob, gtb=gtb(chain), side=SELL, size=size)))
    block(chain)
    return SubaccountId(alice.address, 0), SubaccountId(bob.address, 0)


def book_of(*levels: tuple[Side, int, int]) -> Book:
    """Return a book of (side, subticks, base quantums)."""
    book = Book()
    for number, (side, subticks, quantums) in enumerate(levels):
        identity = OrderId(SubaccountId("maker", 0), number, 0, ETH)
        book.add(
            Order(identity, side, quantums, subticks, 9, TimeInForce.GTT, False, 0, b""), quantums
        )
    return book


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ((), 0),
        (((Side.BUY, 3_030_000_000, 10_000_000_000),), 10_000),
        (((Side.SELL, 2_970_000_000, 10_000_000_000),), -10_000),
        (((Side.BUY, 2_990_000_000, 10_000_000_000), (Side.SELL, 3_010_000_000, 10**10)), 0),
        (((Side.BUY, 3_030_000_000, 1_000_000),), 0),
    ],
)
def test_premium_ppm__book_against_oracle_of_3000__is_distance_of_impact_price(
    levels: tuple[tuple[Side, int, int], ...], expected: int
) -> None:
    assert premium_ppm(ETH_MARKET, book_of(*levels), 3_000_000_000) == expected


@pytest.mark.parametrize(("rate", "expected"), [(800, 300), (-800, -300), (1, 0), (-1, 0)])
def test_scaled_move__eth_at_3000__is_price_times_rate_over_8(rate: int, expected: int) -> None:
    assert scaled_move(ETH_MARKET, 3_000_000_000, rate) == expected


def test_commit__hour_passes__index_moves_and_long_pays_short() -> None:
    chain = funded_chain(800)  # 100 ppm an hour: index +300 at 3000
    long, short = with_position(chain)

    events = chain.commit(chain.block.time_ns + HOUR_NS)

    eth = chain.state.perpetuals.get(ETH)
    assert eth is not None
    assert eth.funding_index == 300
    payments = {e.id: e.payment for e in events if isinstance(e, FundingPaid)}
    assert payments == {long: -30_300, short: 30_300}  # 0.101 ETH x 3000 x 100 ppm
    stored = chain.state.subaccounts.get(long)
    assert stored is not None
    assert settled(chain.state, stored)[1] == -30_300


def test_commit__no_hour_passes__no_tick(chain: Chain) -> None:
    events = chain.commit(chain.block.time_ns + 1)

    assert not [e for e in events if isinstance(e, FundingRateSet)]


def test_commit__three_days_jump__one_block_settles_72_hours() -> None:
    chain = funded_chain(800)
    with_position(chain)
    height = chain.height

    events = chain.commit(chain.block.time_ns + 72 * HOUR_NS)

    ticks = [e for e in events if isinstance(e, FundingRateSet) and e.market_id == ETH]
    assert chain.height == height + 1
    assert len(ticks) == 72
    assert ticks[-1].index == 72 * 300
    assert [b.time_ns - a.time_ns for a, b in pairwise(ticks)] == [HOUR_NS] * 71


def test_settlement__index_not_divisible__floors_both_and_books_dust_as_rounding() -> None:
    markets = tuple(replace(m, step_base_quantums=1_000) for m in DEFAULT_MARKETS)
    chain = Chain(ExchangeConfig(markets=markets), GENESIS_NS)
    alice, bob = fund(chain, Trader(1)), fund(chain, Trader(2))
    for trader, side in ((alice, BUY), (bob, SELL)):
        wire = order(trader, gtb=gtb(chain), side=side)
        wire.quantums = 1_001_000
        chain.check_tx(place(trader, wire))
    block(chain)
    eth = chain.state.perpetuals.get(ETH)
    assert eth is not None
    chain.state.begin(chain.height + 1)
    chain.state.perpetuals.put(ETH, replace(eth, funding_index=7))
    before = total_usdc(chain.state)

    received = []
    for trader in (alice, bob):
        stored = chain.state.subaccounts.get(SubaccountId(trader.address, 0))
        assert stored is not None
        received.append(store_settled(chain.state, SubaccountId(trader.address, 0)).usdc)
        received[-1] -= stored.usdc

    assert received == [-8, 7]  # -7.007 and 7.007, both floored
    assert chain.state.totals.get("rounding") == 1
    assert total_usdc(chain.state) == before


def test_subaccounts_total__one_side_settled_its_funding__still_equals_the_pool() -> None:
    chain = funded_chain(777)
    alice, _bob = with_position(chain)
    chain.commit(chain.block.time_ns + HOUR_NS)
    chain.state.begin(chain.height + 1)
    before = state_dump(chain)
    settled_usdc = store_settled(chain.state, alice).usdc
    after = state_dump(chain)

    assert settled_usdc != before["subaccounts"][f"{alice.owner}/{alice.number}"]["usdc"]
    for state in (before, after):
        assert subaccounts_total(state) == state["totals"]["collateral_pool"]


def test_conservation__funding_settled_by_trades__total_is_unchanged() -> None:
    chain = funded_chain(777)
    with_position(chain)
    before = total_usdc(chain.state)
    for hours in (1, 5, 2):
        chain.commit(chain.block.time_ns + hours * HOUR_NS)
        carol, dave = fund(chain, Trader(100 + hours)), fund(chain, Trader(200 + hours))
        chain.check_tx(place(carol, order(carol, gtb=gtb(chain), size=7)))
        chain.check_tx(place(dave, order(dave, gtb=gtb(chain), side=SELL, size=7)))
        block(chain)
    added = 3 * 2 * (10_000_000_000 + 1_000_000_000)

    assert total_usdc(chain.state) == before + added
