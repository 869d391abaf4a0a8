"""Where assets are besides the vault: who may write it, what it answers between cuts."""

from typing import Any

import ape
import pytest

from tests.contracts.system import System


@pytest.mark.parametrize("function", ["add", "cut"])
def test_legs__anybody_but_the_vault__reverts(system: System, function: str) -> None:
    argument: Any = {"add": [system.pool], "cut": 1}[function]

    for who in (system.deployer, system.owner, system.keeper, system.guardian):
        with ape.reverts(system.legs.NotVault, caller=who.address):
            getattr(system.legs, function)(argument, sender=who)


def test_value__two_legs__is_that_of_the_on_chain_one(system: System) -> None:
    system.pool.setValue(7, 9, sender=system.deployer)

    assert tuple(system.legs.value()) == (7, 9)
    assert system.legs.adapters() == [system.clob.address, system.pool.address]
    assert system.legs.attested() == [system.clob.address]


def test_cut__two_legs__freezes_bid_and_ask_of_the_on_chain_one(system: System) -> None:
    system.pool.setValue(7, 9, sender=system.deployer)

    system.cut()
    system.pool.setValue(1, 1, sender=system.deployer)

    cut = system.vault.cut()
    assert (cut.legBid, cut.legAsk) == (7, 9)


def test_check_allocation__dead_price__stops_the_attested_leg_alone(system: System) -> None:
    system.pool.setDead(True, sender=system.deployer)

    with ape.reverts(system.pool.PriceDead):
        system.legs.checkAllocation(system.clob, 1, 1)
    system.legs.checkAllocation(system.pool, 1, 1)


def test_check_allocation__no_adapter__reverts(system: System, stranger: Any) -> None:
    with ape.reverts(system.legs.UnknownAdapter, adapter=stranger.address):
        system.legs.checkAllocation(stranger, 0, 0)


def test_every_state_changing_function__is_the_vaults(project: Any) -> None:
    """The closed list: no office and no report changes where assets may be."""
    writes = {
        entry.name for entry in project.Legs.contract_type.mutable_methods if entry.is_stateful
    }

    assert writes == {"add", "cut"}
