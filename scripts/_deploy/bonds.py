"""Deploys the bonds beside a vault factory: teller, note, auctioneers, treasury, lens."""

from ape import project
from ape.contracts import ContractInstance

from scripts._deploy.chain import Deployer

__all__ = ["BondWiringDiffers", "deploy_bonds"]

ZERO = "0x" + "0" * 40


class BondWiringDiffers(RuntimeError):
    """The teller is wired for ever to other parts than these."""


def deploy_bonds(deployer: Deployer, factory: str) -> ContractInstance:
    """Deploy what the record lacks, wire the teller, return it.

    Records `bond_teller`, `bond_note`, `bond_treasury` (what projects are clones of),
    `dutch_auctioneer`, `oracle_auctioneer` and `bond_lens`. Raises BondWiringDiffers and what
    `Deployer.contract` raises.
    """
    teller = deployer.contract("bond_teller", project.BondTeller, factory)
    at = teller.address
    note = deployer.contract("bond_note", project.BondNote, at)
    treasury = deployer.contract("bond_treasury", project.ProjectTreasury, at, factory)
    dutch = deployer.contract("dutch_auctioneer", project.DutchAuctioneer, at)
    oracle = deployer.contract("oracle_auctioneer", project.OracleAuctioneer, at)
    parts = (note.address, treasury.address, [dutch.address, oracle.address])
    if teller.note() == ZERO:
        teller.wire(*parts, sender=deployer.account)
    wired = (teller.note(), teller.treasuryImplementation(), list(teller.auctioneers()))
    if wired != parts:
        raise BondWiringDiffers(f"{at} is wired to {wired}")
    deployer.contract("bond_lens", project.BondLens, at)
    return teller
