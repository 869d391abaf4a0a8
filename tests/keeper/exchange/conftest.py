"""Fixtures of the exchange's tests: chains with funded traders."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from keeper.devnet.exchange.chain import Chain
from keeper.devnet.exchange.config import ExchangeConfig
from keeper.devnet.exchange.model import SubaccountId
from tests.keeper.exchange.wallets import Trader

GENESIS_NS = 1_760_000_000_000_000_000
BLOCK_NS = 1_000_000_000
DEPOSIT = 10_000_000_000  # 10,000 USDC
WALLET = 1_000_000_000


def block(chain: Chain, times: int = 1) -> None:
    """Make blocks a second apart."""
    for _ in range(times):
        chain.commit(chain.block.time_ns + BLOCK_NS)


def fund(chain: Chain, trader: Trader, deposit: int = DEPOSIT) -> Trader:
    """Give a trader a wallet of 1,000 USDC and a funded subaccount 0."""
    chain.credit(trader.address, WALLET, f"memo {trader.seed}")
    if deposit:
        chain.faucet(SubaccountId(trader.address, 0), deposit)
    block(chain)
    account = chain.state.accounts.get(trader.address)
    assert account is not None
    return replace(trader, number=account.number)


@pytest.fixture
def config() -> ExchangeConfig:
    return ExchangeConfig()


@pytest.fixture
def chain(config: ExchangeConfig) -> Chain:
    return Chain(config, GENESIS_NS)


@pytest.fixture
def new_trader(chain: Chain) -> Callable[[int], Trader]:
    return lambda seed: fund(chain, Trader(seed))


@pytest.fixture
def alice(new_trader: Callable[[int], Trader]) -> Trader:
    return new_trader(1)


@pytest.fixture
def bob(new_trader: Callable[[int], Trader]) -> Trader:
    return new_trader(2)
