"""Over random traffic: no unit of USDC appears or vanishes, and the same input gives the same
bytes."""

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.devnet.exchange.addresses import BRIDGE, SUBACCOUNTS
from keeper.devnet.exchange.chain import Chain
from keeper.devnet.exchange.config import DEFAULT_MARKETS, ExchangeConfig
from keeper.devnet.exchange.dump import canonical_bytes
from keeper.devnet.exchange.events import Event
from keeper.devnet.exchange.faults import Fault
from keeper.devnet.exchange.indexer import Indexer
from keeper.devnet.exchange.ledger import settled, total_usdc
from keeper.devnet.exchange.store import State
from tests.keeper.exchange.conftest import GENESIS_NS, fund
from tests.keeper.exchange.wallets import (
    BTC,
    ETH,
    Trader,
    deposit,
    order,
    place,
    send,
    transfer,
    withdraw,
)

ROOT = Path(__file__).resolve().parents[3]


class Traffic:
    """Seeded traffic of a few traders."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.chain = Chain(ExchangeConfig(), GENESIS_NS)
        self.indexer = Indexer(self.chain.config, self.chain.state, 1, GENESIS_NS)
        self.told = hashlib.sha256()
        for name in ("matches-not-proposed", "proposer-reorders"):
            self.chain.faults.set(Fault(name, permille=100))
        deposits = (50_000_000, 400_000_000, 10_000_000_000)
        self.traders = [
            fund(self.chain, Trader(n), deposit=d) for n, d in enumerate(deposits, start=1)
        ]

    def run(self, steps: int) -> None:
        kinds = [self.trade] * 12 + [self.move_money] * 2 + [self.oracle, self.bridge]
        for _ in range(steps):
            self.random.choice(kinds)()
            if self.random.random() < 0.3:
                self.commit()
        self.commit()

    def commit(self) -> None:
        pause = self.random.choice((1, 1, 1, 60, 3_600, 90_000)) * 10**9
        time_ns = self.chain.block.time_ns + pause + self.random.randrange(10**9)
        self.tell(self.chain.commit(time_ns))

    def tell(self, events: Iterable[Event]) -> None:
        """Add what the streams say to the digest."""
        for message in self.indexer.consume(events):
            shape = [message.channel, message.id, message.contents]
            self.told.update(json.dumps(shape).encode())

    def bytes(self) -> bytes:
        """Return the state, what rests and a digest of every message."""
        return canonical_bytes(self.chain) + self.told.digest()

    def trade(self) -> None:
        trader = self.random.choice(self.traders)
        market = self.random.choice((ETH, BTC))
        middle = 30_000 if market == ETH else 650_000
        wire = order(
            trader,
            gtb=self.chain.height + 1 + self.random.randrange(10),
            market=market,
            side=self.random.choice((1, 2)),
            price=middle + self.random.randrange(-40, 40),
            size=self.random.randrange(1, 300),
            tif=self.random.choice((0, 0, 1, 2)),
        )
        self.tell(self.chain.check_tx(place(trader, wire)).events)

    def move_money(self) -> None:
        trader = self.random.choice(self.traders)
        amount = self.random.randrange(1, 300_000_000)
        account = self.chain.state.accounts.get(trader.address)
        assert account is not None
        message = self.random.choice(
            (
                deposit(trader, amount),
                withdraw(trader, amount),
                transfer(trader, amount, 0, 1),
                transfer(trader, amount, 1, 0),
                send(trader.address, BRIDGE, amount),
            )
        )
        self.chain.check_tx(trader.paid(message, sequence=account.sequence, memo="0xabc"))

    def oracle(self) -> None:
        market = self.random.choice(DEFAULT_MARKETS)
        widest = self.random.choice((10_000, 10_000, 150_000))  # now and then a liquidation
        change = 1_000_000 + self.random.randrange(-widest, widest)
        self.chain.set_oracle(market.id, market.oracle_price * change // 1_000_000)

    def bridge(self) -> None:
        trader = self.random.choice(self.traders)
        amount = self.random.randrange(1, 10**9)
        self.chain.credit(trader.address, amount, f"memo {self.random.random()}")


def held_by_subaccounts(state: State) -> int:
    return sum(
        account.usdc + sum(held.quote_balance for held in account.positions.values())
        for _, account in state.subaccounts.items()
    )


def brought_in(state: State) -> int:
    total = {name: state.totals.get(name) or 0 for name in ("bridged_in", "bridged_out")}
    faucet = state.totals.get("faucet_in") or 0
    return total["bridged_in"] + faucet - total["bridged_out"]


@settings(max_examples=15, deadline=None)
@given(st.integers(min_value=0, max_value=2**32))
def test_total_usdc__random_traffic__equals_what_was_bridged(seed: int) -> None:
    traffic = Traffic(seed)

    traffic.run(60)

    state = traffic.chain.state
    assert total_usdc(state) == brought_in(state)
    rounding = state.totals.get("rounding") or 0
    assert state.bank.get(SUBACCOUNTS) == held_by_subaccounts(state) + rounding
    for market in DEFAULT_MARKETS:
        sizes = [
            held.quantums
            for _, account in state.subaccounts.items()
            for key, held in account.positions.items()
            if key == market.id
        ]
        perpetual = state.perpetuals.get(market.id)
        assert perpetual is not None
        assert sum(sizes) == 0
        assert perpetual.open_interest == sum(size for size in sizes if size > 0)


@settings(max_examples=10, deadline=None)
@given(st.integers(min_value=0, max_value=2**32))
def test_rounding__everyone_settles__dust_is_never_negative(seed: int) -> None:
    traffic = Traffic(seed)
    traffic.run(60)
    state = traffic.chain.state

    owed = sum(settled(state, account)[1] for _, account in state.subaccounts.items())

    assert (state.totals.get("rounding") or 0) - owed >= 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_canonical_bytes__same_seed_and_inputs__same_bytes(seed: int) -> None:
    dumps = []
    for _ in range(2):
        traffic = Traffic(seed)
        traffic.run(80)
        dumps.append(traffic.bytes())

    assert dumps[0] == dumps[1]


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_canonical_bytes__other_process_and_hash_seed__same_bytes(hash_seed: str) -> None:
    traffic = Traffic(7)
    traffic.run(60)
    program = (
        "import hashlib\n"
        "from tests.keeper.exchange.test_conservation import Traffic\n"
        "traffic = Traffic(7)\n"
        "traffic.run(60)\n"
        "print(hashlib.sha256(traffic.bytes()).hexdigest())\n"
    )

    other = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        text=True,
    )

    assert other.stdout.strip() == hashlib.sha256(traffic.bytes()).hexdigest()


def test_canonical_bytes__other_seed__other_bytes() -> None:
    dumps = []
    for seed in (1, 2):
        traffic = Traffic(seed)
        traffic.run(40)
        dumps.append(traffic.bytes())

    assert dumps[0] != dumps[1]


def test_optimistic_state__after_commit__equals_committed() -> None:
    traffic = Traffic(5)
    for _ in range(30):
        traffic.trade()
    expected = dict(traffic.chain.clob.state.subaccounts.items())
    assert traffic.chain.clob.pending

    traffic.chain.commit(traffic.chain.block.time_ns + 1)

    assert dict(traffic.chain.state.subaccounts.items()) == expected
