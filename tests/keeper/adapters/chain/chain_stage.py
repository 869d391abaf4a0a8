"""One deployed vault on a real node, as the tests of the chain edge act on it."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from eth_account import Account

from keeper.chain.codec import checksum
from keeper.chain.operations import Operation
from keeper.chain.rpc import JsonRpc
from keeper.chain.sending import OperationSender
from keeper.chain.signing import GasPolicy, account_from_key
from keeper.domain.events import TransactionMined
from scripts._deploy.external import World
from scripts._deploy.params import (
    ClobParams,
    PoolParams,
    ProtocolParams,
    ReporterParams,
    VaultParams,
)

T = TypeVar("T")
USDC = 10**6
ETHER = 10**18
PRICE_E8 = 3_000 * 10**8
REPORTERS = [account_from_key(number.to_bytes(32, "big")) for number in (201, 202, 203)]
KEEPER = account_from_key((210).to_bytes(32, "big"))
RELAYER = account_from_key((211).to_bytes(32, "big"))
GAS = GasPolicy(
    max_fee_per_gas_wei=100_000_000_000,
    max_priority_fee_per_gas_wei=2_000_000_000,
    max_gas=5_000_000,
    bump_after_ns=60_000_000_000,
    confirmations=0,
)


class QuickClock:
    """Real pacing without its length."""

    def now_ns(self) -> int:
        return 0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


@dataclass(frozen=True)
class Stage:
    """One deployed vault, its parts as Ape contracts, its address book, and the node's address."""

    url: str
    record: Path
    chain: Any
    usdc: Any
    vault: Any
    reporter: Any
    pool_adapter: Any
    clob_adapter: Any
    pool: Any
    feed: Any
    depositor: Any
    issuer: Any

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    async def send(self, account: Any, to: str, data: str) -> TransactionMined:
        """Send calldata through our own sender."""
        async with JsonRpc(self.url) as rpc:
            sender = OperationSender(rpc, account, GAS, self.chain.chain_id, QuickClock())
            return await sender.send(Operation(to, data))

    def pass_time(self, seconds: int) -> None:
        """Mine a block that much later, with a fresh price."""
        self.chain.mine(deltatime=seconds)
        self.feed.push(PRICE_E8, sender=self.issuer)

    def settle_deposit(self, assets: int) -> None:
        """Bring the vault to OPEN with `assets` settled and idle."""
        self.usdc.mint(self.depositor, assets, sender=self.issuer)
        self.usdc.approve(self.vault, assets, sender=self.depositor)
        self.vault.requestDeposit(assets, self.depositor, self.depositor, sender=self.depositor)
        self.settle()

    def settle(self, earned: int = 0) -> None:
        """Cut a day later and settle by a report that so much was earned at the venue."""
        self.cut()
        last = self.reporter.lastLegs()
        equity, height = (last[0].equity, last[0].venueHeight) if last else (0, 0)
        leg = (equity + earned, 0, 0, 10 + height)
        report = (
            self.vault.cut().epoch,
            self.reporter.setId(),
            self.reporter.lastReportHash(),
            [leg],
            [earned, 0, 0, 0, 0],
            0,
            b"\0" * 32,
            b"\0" * 32,
        )
        digest = self.reporter.digest(report)
        signatures = [Account.unsafe_sign_hash(digest, key.key).signature for key in REPORTERS[:2]]
        self.reporter.submitReport(report, signatures, sender=self.depositor)

    def cut(self) -> None:
        """Cut the epoch a day later."""
        self.pass_time(86_400)
        self.vault.closeEpoch(sender=self.depositor)


def protocol(world: World, owner: Any, guardian: Any, route: Any) -> ProtocolParams:
    """Production-like parameters; our keys are keeper and reporters."""
    return ProtocolParams(
        uniswap_v3_factory=world.pool.factory(),
        vault=VaultParams(
            salt=0,
            single_operator=False,
            asset=world.usdc.address,
            name="Athanor USDC",
            symbol="aUSDC",
            owner=owner.address,
            owner_delay_seconds=604_800,
            keeper=checksum(KEEPER.address),
            guardian=guardian.address,
            fee_recipient="0x" + "fe" * 20,
            pairs=["dydx:ETH-USD"],
            deposit_cap=10**9 * USDC,
            venue_cap_bps=5_000,
            min_on_chain_bps=3_000,
            fee_bps=1_000,
            min_stake_bps=500,
        ),
        reporter=ReporterParams([key.address for key in REPORTERS], 2),
        uniswap_v3=[
            PoolParams(
                name="main",
                pool=world.pool.address,
                feed=world.feed.address,
                max_feed_age_seconds=4_500,
                deviation_limit_bps=300,
                cooldown_seconds=60,
                max_value_change_bps=30,
                min_observations=151,
            )
        ],
        clob=[ClobParams(name="main", route=route.address)],
    )
