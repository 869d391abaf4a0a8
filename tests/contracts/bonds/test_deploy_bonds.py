"""`ape run bonds`: repeatable, recorded, and refusing a teller that is wired otherwise."""

from pathlib import Path
from typing import Any

import pytest

from scripts._deploy.bonds import BondWiringDiffers, deploy_bonds
from scripts._deploy.chain import Deployer
from tests.contracts.bonds.houses import Bonds

NAMES = [
    *("bond_teller", "bond_note", "bond_treasury", "dutch_auctioneer", "oracle_auctioneer"),
    "bond_lens",
]


@pytest.fixture
def deployer(bonds: Bonds, tmp_path: Path) -> Deployer:
    return Deployer.connected(bonds.deployer, tmp_path / "record.json")


def test_deploy_bonds__twice__wires_once_and_then_sends_nothing(
    bonds: Bonds, deployer: Deployer
) -> None:
    factory = str(bonds.factory.address)
    teller = deploy_bonds(deployer, factory)
    nonce = bonds.deployer.nonce

    again = deploy_bonds(Deployer.connected(bonds.deployer, deployer.book.path), factory)

    entries = deployer.book.entries
    assert list(entries) == NAMES
    assert bonds.deployer.nonce == nonce
    assert again.address == teller.address
    assert teller.factory() == factory
    assert teller.auctioneers() == [entries[name].address for name in NAMES[3:5]]


def test_deploy_bonds__teller_wired_to_others__refuses(
    bonds: Bonds, deployer: Deployer, project: Any
) -> None:
    factory = bonds.factory.address
    teller = deployer.contract("bond_teller", project.BondTeller, factory)
    note = bonds.deployer.deploy(project.BondNote, teller)
    treasury = bonds.deployer.deploy(project.ProjectTreasury, teller, factory)
    teller.wire(note, treasury, [], sender=bonds.deployer)

    with pytest.raises(BondWiringDiffers):
        deploy_bonds(deployer, str(factory))
