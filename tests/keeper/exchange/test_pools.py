"""Whose money is where: one pool for all cross-margined markets, one for each isolated one."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.devnet.exchange.addresses import INSURANCE, SUBACCOUNTS
from keeper.devnet.exchange.chain import Chain
from keeper.devnet.exchange.config import DEFAULT_MARKETS, ExchangeConfig
from keeper.devnet.exchange.dump import state_dump
from keeper.devnet.exchange.ledger import total_usdc
from keeper.devnet.exchange.model import Subaccount, SubaccountId
from keeper.devnet.exchange.pools import CROSS, fund_of, pool_address, pool_of, rounding, worth
from tests.keeper.exchange.conftest import GENESIS_NS, block, fund
from tests.keeper.exchange.wallets import (
    BTC,
    BUY,
    ETH,
    IOC,
    SELL,
    Trader,
    order,
    place,
    transfer,
    withdraw,
)

ISOLATED = replace(DEFAULT_MARKETS[1], market_type=2, default_funding_ppm=100)
HOUR_NS = 3_600 * 10**9
DEPOSIT = 10_000_000_000
ETHER_POOL = pool_address(ETH)


def chain_of() -> Chain:
    return Chain(ExchangeConfig(markets=(DEFAULT_MARKETS[0], ISOLATED)), GENESIS_NS)


def trade(chain: Chain, buyer: Trader, seller: Trader, size: int, price: int = 30_000) -> None:
    """The seller takes the buyer's bid for so many thousandths of an ETH."""
    bid = order(buyer, gtb=chain.height + 9, side=BUY, size=size, price=price)
    ask = order(seller, gtb=chain.height + 9, side=SELL, size=size, price=price, tif=IOC)
    for trader, wire in ((buyer, bid), (seller, ask)):
        assert chain.check_tx(place(trader, wire)).result.code == 0
    block(chain)


def in_pools(chain: Chain) -> dict[int, int]:
    return {each: chain.state.bank.get(pool_address(each)) or 0 for each in (CROSS, ETH)}


def owed_by_pools(chain: Chain) -> dict[int, int]:
    owed = {each: rounding(chain.state, each) for each in (CROSS, ETH)}
    accounts = (account for _, account in chain.state.subaccounts.items())
    for account in accounts:
        owed[ETH if pool_of(chain.state, account) == ETHER_POOL else CROSS] += worth(account)
    return owed


def test_pool_of__isolated_position__comes_in_with_all_its_money_and_leaves_with_it() -> None:
    chain = chain_of()
    alice, bob = fund(chain, Trader(1)), fund(chain, Trader(2))
    before = in_pools(chain)

    trade(chain, alice, bob, 40)  # 120 USDC; fees 12,000 and 60,000
    opened = in_pools(chain)
    trade(chain, bob, alice, 40, price=31_000)  # 124 USDC; fees 12,400 and 62,000
    closed = in_pools(chain)

    assert before == {CROSS: 2 * DEPOSIT, ETH: 0}
    assert opened == {CROSS: 0, ETH: 2 * DEPOSIT - 72_000}
    assert closed == {CROSS: 2 * DEPOSIT - 72_000 - 74_400, ETH: 0}


def test_pool_of__cross_market__all_stays_in_the_one_pool() -> None:
    chain = chain_of()
    alice, bob = fund(chain, Trader(1)), fund(chain, Trader(2))

    for trader, side, tif in ((alice, BUY, 0), (bob, SELL, IOC)):
        wire = order(
            trader, gtb=chain.height + 9, side=side, market=BTC, price=650_000, size=1, tif=tif
        )
        assert chain.check_tx(place(trader, wire)).result.code == 0
    block(chain)

    assert in_pools(chain)[ETH] == 0
    assert in_pools(chain) == owed_by_pools(chain)


def test_withdraw_and_transfer__isolated__come_from_its_own_pool() -> None:
    chain = chain_of()
    alice, bob = fund(chain, Trader(1)), fund(chain, Trader(2))
    trade(chain, alice, bob, 40)
    before = in_pools(chain)

    for trader, message in ((alice, withdraw(alice, 1_000)), (bob, transfer(bob, 2_000, 0, 1))):
        chain.credit(trader.address, 5_000, f"gas {trader.seed}")
        block(chain)
        assert chain.check_tx(trader.paid(message, sequence=0)).result.code == 0
    block(chain)

    assert in_pools(chain) == {CROSS: before[CROSS] + 2_000, ETH: before[ETH] - 3_000}


def test_fund_of__isolated_market__has_one_of_its_own() -> None:
    chain = chain_of()

    assert fund_of(chain.state, BTC) == INSURANCE
    assert fund_of(chain.state, ETH) not in (INSURANCE, SUBACCOUNTS, ETHER_POOL)


def test_liquidation__isolated__pays_its_own_fund() -> None:
    chain = chain_of()
    alice, bob = fund(chain, Trader(1)), fund(chain, Trader(2))
    trade(chain, alice, bob, 1_000)
    key = SubaccountId(alice.address, 0)
    account = chain.state.subaccounts.get(key)
    assert account is not None
    short = account.usdc - 80_000_000  # a cushion of 80 USDC below a maintenance of 90
    chain.state.subaccounts.put(key, Subaccount(account.usdc - short, account.positions))
    other = chain.state.subaccounts.get(SubaccountId(bob.address, 0))
    assert other is not None
    chain.state.subaccounts.put(
        SubaccountId(bob.address, 0), Subaccount(other.usdc + short, other.positions)
    )
    carol = fund(chain, Trader(3))
    bid = order(carol, gtb=chain.height + 20, side=BUY, size=1_000, price=29_990)
    assert chain.check_tx(place(carol, bid)).result.code == 0

    block(chain)
    block(chain)

    assert (chain.state.bank.get(fund_of(chain.state, ETH)) or 0) > 0
    assert (chain.state.bank.get(INSURANCE) or 0) == 0
    assert in_pools(chain) == owed_by_pools(chain)


@settings(max_examples=12, deadline=None)
@given(st.integers(min_value=0, max_value=2**32))
def test_pools__random_traffic_and_funding__each_holds_what_its_subaccounts_are_owed(
    seed: int,
) -> None:
    chance, chain = random.Random(seed), chain_of()
    traders = [fund(chain, Trader(number)) for number in range(1, 5)]
    for number in range(40):
        buyer, seller = chance.sample(traders, 2)
        market = chance.choice((BTC, ETH))
        price, size = (650_000, chance.randint(1, 3)) if market == BTC else (30_000, 40)
        price += chance.randint(-3, 3) * 10
        for trader, side, tif in ((buyer, BUY, 0), (seller, SELL, IOC)):
            wire = order(
                trader,
                gtb=chain.height + 2,
                side=side,
                client_id=number,
                market=market,
                price=price,
                size=size,
                tif=tif,
            )
            chain.check_tx(place(trader, wire))
        if number % 5 == 4:
            chain.commit(chain.block.time_ns + HOUR_NS)
        else:
            block(chain)

        assert in_pools(chain) == owed_by_pools(chain)
    totals = state_dump(chain)["totals"]
    assert totals["collateral_pool"] == sum(in_pools(chain).values())
    assert total_usdc(chain.state) == totals["bridged_in"] + totals["faucet_in"]


pytestmark = pytest.mark.filterwarnings("error")
