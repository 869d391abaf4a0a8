"""The laws of the bonds under seeded sequences of every operation."""

import os
from collections import Counter
from random import Random

from tests.contracts.bonds.houses import Bonds
from tests.contracts.bonds.machine import Machine
from tests.contracts.rpc import Rpc

SEEDS = int(os.environ.get("FUZZ_SEEDS", "2"))
STEPS = int(os.environ.get("FUZZ_STEPS", "150"))


def test_bonds__any_sequence__keep_b01_b02_b04_b05_b08(house: Bonds, rpc: Rpc) -> None:
    treasury = house.create_project()
    holder = house.buyers[0]
    house.usdc.approve(house.vault, 2**255, sender=holder)
    house.seed(holder, 50_000 * 10**6)
    for buyer in house.buyers[1:]:
        house.vault.transfer(buyer, 10_000 * 10**18, sender=holder)
    counts = Counter[str]()
    try:
        for seed in range(SEEDS):
            snapshot = rpc.request("evm_snapshot")
            others = house.teller.escrowed(house.token)
            machine = Machine(house, treasury, rpc, Random(seed), others=others)
            counts += machine.run(STEPS)
            rpc.request("evm_revert", snapshot)
    finally:
        rpc.request("anvil_removeBlockTimestampInterval")

    common = {"create", "buy", "tune", "transfer", "redeem", "reclaim", "apply", "poke"}
    assert common <= set(counts), counts
    assert counts["buy_with_shares"] > 0
    assert counts["NothingVested"] > 0
