"""Liquidation, deleveraging, insurance, gating: amounts written out, money conserved."""

from dataclasses import replace

import pytest

from keeper.devnet.exchange.addresses import INSURANCE
from keeper.devnet.exchange.chain import Chain
from keeper.devnet.exchange.config import ExchangeConfig, LiquidationConfig
from keeper.devnet.exchange.ledger import total_usdc
from keeper.devnet.exchange.liquidation import (
    bankruptcy_quote,
    insurance_delta,
    liquidation_order,
    net_collateral,
)
from keeper.devnet.exchange.model import MarketStatus, Position, Side, Subaccount, SubaccountId
from tests.keeper.exchange.conftest import GENESIS_NS, block, fund
from tests.keeper.exchange.market import TradedMarket
from tests.keeper.exchange.wallets import BUY, ETH, SELL, Trader, order, place, transfer, withdraw

ETHER = 10**9  # base quantums
LIMITS = LiquidationConfig()


def gtb(chain: Chain) -> int:
    return chain.height + 20


def key(trader: Trader) -> SubaccountId:
    return SubaccountId(trader.address, 0)


def held(chain: Chain, trader: Trader) -> int:
    account = chain.state.subaccounts.get(key(trader))
    found = account.positions.get(ETH) if account else None
    return found.quantums if found else 0


def rest(chain: Chain, trader: Trader, side: int, price: int, size: int) -> None:
    wire = order(trader, gtb=gtb(chain), side=side, price=price, size=size)
    assert chain.check_tx(place(trader, wire)).result.code == 0


def leveraged(deposit: int) -> tuple[Chain, Trader, Trader]:
    """Alice is long one ether at 3,000 on `deposit` of collateral, bob is short."""
    chain = Chain(ExchangeConfig(), GENESIS_NS)
    alice, bob = fund(chain, Trader(1), deposit=deposit), fund(chain, Trader(2))
    rest(chain, alice, BUY, 30_000, 1_000)
    rest(chain, bob, SELL, 30_000, 1_000)
    block(chain)
    assert held(chain, alice) == ETHER
    return chain, alice, bob


def oracle(chain: Chain, usd: int) -> None:
    chain.set_oracle(ETH, usd * 10**6)
    block(chain)


def assert_conserved(chain: Chain) -> None:
    brought = chain.state.totals.get("bridged_in") or 0
    assert total_usdc(chain.state) == brought + (chain.state.totals.get("faucet_in") or 0)


# Prices: one ether long at 3,000 with 200 USDC, oracle 2,860: worth 60, maintenance 85.8


@pytest.fixture
def low() -> tuple[Chain, SubaccountId]:
    chain = Chain(ExchangeConfig(), GENESIS_NS)
    who = SubaccountId("dydx1low", 0)
    chain.state.prices.put(ETH, 2_860_000_000)
    account = Subaccount(200_000_000, {ETH: Position(ETHER, 0, -3_000_000_000)})
    chain.state.subaccounts.put(who, account)
    return chain, who


def test_bankruptcy_quote__whole_position__uses_up_the_collateral(
    low: tuple[Chain, SubaccountId],
) -> None:
    chain, who = low

    assert net_collateral(chain.state, who) == 60_000_000
    assert bankruptcy_quote(chain.state, who, ETH, -ETHER) == 2_800_000_000


def test_bankruptcy_quote__half_of_it__uses_up_half(low: tuple[Chain, SubaccountId]) -> None:
    chain, who = low

    assert bankruptcy_quote(chain.state, who, ETH, -ETHER // 2) == 1_400_000_000


@pytest.mark.parametrize(
    ("quote", "delta"),
    [(2_830_000_000, 30_000_000), (2_900_000_000, 43_500_000), (2_790_000_000, -10_000_000)],
)
def test_insurance_delta__fill__is_what_is_above_bankruptcy_up_to_fee(
    low: tuple[Chain, SubaccountId], quote: int, delta: int
) -> None:
    chain, who = low

    assert insurance_delta(chain.state, LIMITS, (who, ETH, -ETHER, quote)) == delta


def test_liquidation_order__long__sells_at_the_fillable_price(
    low: tuple[Chain, SubaccountId],
) -> None:
    chain, who = low

    found = liquidation_order(chain.state, chain.config, who, ETH)

    # 2860 - 1.5 x 85.8 x (1 - 60 / 85.8) = 2821.3
    assert (found.side, found.quantums, found.subticks) == (Side.SELL, ETHER, 28_213 * 100_000)


def test_liquidation_order__large_position__takes_the_blocks_limit(
    low: tuple[Chain, SubaccountId],
) -> None:
    chain, who = low
    limits = replace(LIMITS, max_subaccount_notional=1_430_000_000)

    found = liquidation_order(chain.state, ExchangeConfig(liquidation=limits), who, ETH)

    assert found.quantums == ETHER // 2


# The chain


def test_commit__below_maintenance__is_liquidated_into_the_book() -> None:
    chain, alice, _ = leveraged(200_000_000)
    maker = fund(chain, Trader(3))
    rest(chain, maker, BUY, 28_400, 1_000)

    oracle(chain, 2_860)
    pending = [match.is_liquidation for match in chain.clob.pending]
    block(chain)

    account = chain.state.subaccounts.get(key(alice))
    assert pending == [True]
    assert (held(chain, alice), held(chain, maker)) == (0, ETHER)
    # 200 - 0.3 maker fee - 3000 + 2840 - fee to the fund: 39.7 above bankruptcy, at most 42.6
    assert account is not None
    assert account.usdc == 0
    assert chain.state.bank.get(INSURANCE) == 39_700_000
    assert_conserved(chain)


def test_commit__above_maintenance__is_left_alone() -> None:
    chain, alice, _ = leveraged(200_000_000)
    maker = fund(chain, Trader(3))
    rest(chain, maker, BUY, 28_400, 1_000)

    oracle(chain, 2_900)
    block(chain)

    assert held(chain, alice) == ETHER


def test_commit__no_bid_at_fillable_price__position_stays() -> None:
    chain, alice, _ = leveraged(200_000_000)

    oracle(chain, 2_860)
    block(chain)

    assert held(chain, alice) == ETHER


def test_commit__worth_below_zero_and_no_fund__offset_at_bankruptcy_price() -> None:
    chain, alice, bob = leveraged(200_000_000)

    oracle(chain, 2_700)
    block(chain)

    account = chain.state.subaccounts.get(key(alice))
    assert (held(chain, alice), held(chain, bob)) == (0, 0)
    assert account is not None
    assert account.usdc == 0
    assert net_collateral(chain.state, key(bob)) == 10_000_000_000 + 199_700_000 - 1_500_000
    assert_conserved(chain)


def test_commit__insurance_fund_pays__liquidation_below_bankruptcy() -> None:
    chain, alice, _ = leveraged(200_000_000)
    chain.state.bank.put(INSURANCE, 500_000_000)
    maker = fund(chain, Trader(3))
    rest(chain, maker, BUY, 27_000, 1_000)

    oracle(chain, 2_700)
    block(chain)

    account = chain.state.subaccounts.get(key(alice))
    assert held(chain, maker) == ETHER
    assert account is not None
    assert account.usdc == 0
    assert chain.state.bank.get(INSURANCE) == 500_000_000 - 100_300_000


def test_commit__debt_nobody_carries__gates_withdrawals_for_50_blocks() -> None:
    chain, alice, bob = leveraged(200_000_000)
    other = fund(chain, Trader(3))
    short = chain.state.subaccounts.get(key(bob))
    assert short is not None
    chain.state.subaccounts.put(key(bob), Subaccount(-3_050_000_000, short.positions))
    oracle(chain, 2_700)

    refused = delivered(chain, other.paid(withdraw(other, 1_000_000), sequence=0))
    moved = delivered(chain, other.paid(transfer(other, 1_000_000, 0, 1), sequence=1))

    assert net_collateral(chain.state, key(alice)) < 0
    assert (refused[0], moved[0]) == (102, 102)
    assert "result WithdrawalsAndTransfersBlocked: failed to apply" in refused[1]


def delivered(chain: Chain, raw: bytes) -> tuple[int, str]:
    assert chain.check_tx(raw).result.code == 0
    block(chain)
    (record,) = chain.index.at(chain.height)
    return record.result.code, record.result.raw_log


def test_withdraw__gate_of_50_blocks_passed__goes_through() -> None:
    chain = Chain(ExchangeConfig(), GENESIS_NS)
    alice = fund(chain, Trader(1))
    chain.note_outage()
    seen = chain.height
    block(chain, 48)

    last_shut = delivered(chain, alice.paid(withdraw(alice, 1), sequence=0))
    open_again = delivered(chain, alice.paid(withdraw(alice, 1), sequence=1))

    assert (chain.height, last_shut[0], open_again[0]) == (seen + 50, 102, 0)


def test_commit__final_settlement__closes_all_at_the_oracle_price() -> None:
    chain, alice, bob = leveraged(1_000_000_000)
    rest(chain, bob, SELL, 31_000, 10)
    chain.set_status(ETH, MarketStatus.FINAL_SETTLEMENT)
    oracle(chain, 2_900)

    block(chain)

    account = chain.state.subaccounts.get(key(alice))
    assert (held(chain, alice), held(chain, bob)) == (0, 0)
    assert account is not None
    assert account.usdc == 1_000_000_000 - 300_000 - 100_000_000
    assert not chain.clob.books[ETH].orders
    assert_conserved(chain)


def test_indexer__liquidation__fills_carry_their_types() -> None:
    market = TradedMarket()
    market.trade(size=100)
    chain = market.chain
    account = chain.state.subaccounts.get(key(market.alice))
    assert account is not None
    carol = fund(chain, Trader(3))
    rest(chain, carol, BUY, 29_990, 100)
    chain.state.subaccounts.put(key(market.alice), Subaccount(8_000_000, account.positions))

    market.block()
    market.block()

    kinds = [
        (fill["type"], "orderId" in fill)
        for message in market.messages[-20:]
        for fill in message.contents.get("fills", [])
    ]
    trades = [m.contents["trades"][0]["type"] for m in market.messages if m.channel == "v4_trades"]
    assert kinds == [("LIQUIDATED", False), ("LIQUIDATION", True)]
    assert trades[-1] == "LIQUIDATED"
