"""Every attack of this folder runs with 6 and with 18 decimals."""

from typing import Any

import pytest

from tests.contracts.attacks.moves import join
from tests.contracts.system import System


@pytest.fixture(params=[6, 18], ids=lambda d: f"decimals_{d}")
def system(request: pytest.FixtureRequest, systems: dict[int, System]) -> System:
    return systems[request.param]


@pytest.fixture
def rich(system: System, alice: Any) -> System:
    """10,000,000 of Alice, half of it on the on-chain leg."""
    join(system, alice, 10_000_000 * system.unit)
    system.vault.allocate(system.pool, 5_000_000 * system.unit, sender=system.keeper)
    return system


@pytest.fixture
def spread(system: System, alice: Any, bob: Any) -> System:
    """Alice 600, Bob 400 of 1,000: 300 idle, 300 on the on-chain leg, 400 on the venue."""
    unit = system.unit
    for user, assets in ((alice, 600), (bob, 400)):
        join(system, user, assets * unit)
    system.vault.allocate(system.pool, 300 * unit, sender=system.keeper)
    system.vault.allocate(system.clob, 400 * unit, sender=system.keeper)
    system.settle()
    return system
