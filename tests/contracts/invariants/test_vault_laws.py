"""The laws of docs/invariants.md under seeded sequences of every operation."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contracts.invariants.machine import Machine
from tests.contracts.rpc import Rpc
from tests.contracts.system import System

SEEDS = int(os.environ.get("FUZZ_SEEDS", "3"))
STEPS = int(os.environ.get("FUZZ_STEPS", "250"))


@pytest.fixture(scope="module")
def probe(project: Any, accounts: Any) -> Any:
    return accounts[0].deploy(project.VaultProbe)


@pytest.fixture
def run(any_system: System, probe: Any) -> Iterator[Callable[..., Counter[str]]]:
    """Runs seeds one after the other, each from the same fresh system."""
    rpc = Rpc(any_system.chain)

    def run_seeds(seeds: range, *, calm: bool) -> Counter[str]:
        counts = Counter[str]()
        for seed in seeds:
            snapshot = rpc.request("evm_snapshot")
            counts += Machine(any_system, probe, seed, calm=calm).run(STEPS)
            rpc.request("evm_revert", snapshot)
        return counts

    yield run_seeds
    rpc.request("anvil_removeBlockTimestampInterval")


def test_vault__any_sequence__keeps_v01_v02_v03_v06_v09_v10_v12_v14_v19_v20(
    run: Callable[..., Counter[str]],
) -> None:
    counts = run(range(SEEDS), calm=False)

    common = ("fees", "fills", "carried", "gated", "losses", "lapse", "in_flight", "partial")
    rare = {name: counts[name] for name in common if counts[name] < SEEDS / 2}
    assert not rare
    assert {"whole_exits", "STALE_TRANSIT", "LOSS", "object", "veto"} <= set(counts)


def test_vault__constant_nav__nobody_gains_v05(run: Callable[..., Counter[str]]) -> None:
    counts = run(range(1_000, 1_000 + SEEDS), calm=True)

    assert counts["fills"] >= 5 * SEEDS
    assert counts["claim_redeem"] >= SEEDS
