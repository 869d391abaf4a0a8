"""Scenes of the conformance tests: who has requested, settled or holds what, by decimals."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.contracts.conformance.standard import Standard
from tests.contracts.rpc import Rpc
from tests.contracts.system import MAX_UINT, System


@dataclass(frozen=True, slots=True)
class Scene:
    """A system, its vault and asset as standards know them, and three people."""

    system: System
    vault: Standard
    asset: Standard
    alice: Any
    bob: Any
    carol: Any

    @property
    def unit(self) -> int:
        return self.system.unit

    @property
    def share(self) -> int:
        return self.system.share


@pytest.fixture
def scene(any_system: System) -> Scene:
    """A vault whose price is no round number: 3 earned on 1,000, held by somebody else."""
    system = any_system
    system.seed(system.users[5], 1_000 * system.unit)
    system.vault.allocate(system.pool, 100 * system.unit, sender=system.keeper)
    system.gain(3 * system.unit)
    system.settle()
    rpc = Rpc(system.chain)
    alice, bob, carol = system.users[:3]
    return Scene(
        system=system,
        vault=Standard(rpc, system.vault.address),
        asset=Standard(rpc, system.token.address),
        alice=alice,
        bob=bob,
        carol=carol,
    )


@pytest.fixture
def funded(scene: Scene) -> Scene:
    """Alice has 10 assets and has approved the vault."""
    scene.system.fund(scene.alice, 10 * scene.unit)
    return scene


@pytest.fixture
def pending(funded: Scene) -> Scene:
    """Alice has requested to deposit 10 assets."""
    alice = funded.alice
    funded.system.vault.requestDeposit(10 * funded.unit, alice, alice, sender=alice)
    return funded


@pytest.fixture
def settled(pending: Scene) -> Scene:
    """Alice's deposit is claimable."""
    pending.system.settle()
    return pending


@pytest.fixture
def holder(settled: Scene) -> Scene:
    """Alice has claimed her shares."""
    amount = settled.system.vault.maxDeposit(settled.alice)
    settled.system.vault.deposit(amount, settled.alice, sender=settled.alice)
    return settled


@pytest.fixture
def leaving(holder: Scene) -> Scene:
    """Alice has requested to redeem five shares."""
    alice = holder.alice
    holder.system.vault.requestRedeem(5 * holder.share, alice, alice, sender=alice)
    return holder


@pytest.fixture
def paid(leaving: Scene) -> Scene:
    """Alice's redemption is claimable."""
    leaving.system.settle()
    return leaving


@pytest.fixture
def endless(holder: Scene) -> Scene:
    """Bob has an unlimited allowance of Alice's shares."""
    holder.system.vault.approve(holder.bob, MAX_UINT, sender=holder.alice)
    return holder
