"""ERC-20: the share token."""

import pytest

from tests.contracts.conformance.conftest import Scene
from tests.contracts.conformance.standard import ZERO, Event
from tests.contracts.system import MAX_UINT, System


@pytest.fixture
def any_system(system: System) -> System:
    """Six decimals alone: nothing here is about amounts."""
    return system


TRANSFER = Event("Transfer", ("address", "address", "uint256"), 2)
APPROVAL = Event("Approval", ("address", "address", "uint256"), 2)


def test_metadata__name_symbol_decimals__are_of_the_share(scene: Scene) -> None:
    """At least as many decimals as the asset, eighteen at least, so that a share has digits."""
    of_asset = scene.asset.ask("decimals()", returns="uint8")

    assert scene.vault.text("name()")
    assert scene.vault.text("symbol()")
    assert scene.vault.ask("decimals()", returns="uint8") == max(18, of_asset + 6)


def test_transfer__own_shares__moves_them_and_emits(holder: Scene) -> None:
    alice, bob = holder.alice.address, holder.bob.address
    before = holder.vault.ask("balanceOf(address)", alice)

    logs = holder.vault.send("transfer(address,uint256)", bob, 7, sender=holder.alice)

    assert holder.vault.emitted(logs, TRANSFER) == [(alice, bob, 7)]
    assert holder.vault.ask("balanceOf(address)", alice) == before - 7
    assert holder.vault.ask("balanceOf(address)", bob) == 7


def test_transfer__of_nothing__emits_like_any_other(holder: Scene) -> None:
    logs = holder.vault.send("transfer(address,uint256)", holder.bob, 0, sender=holder.alice)

    expected = [(holder.alice.address, holder.bob.address, 0)]
    assert holder.vault.emitted(logs, TRANSFER) == expected


def test_transfer__more_than_held__reverts(holder: Scene) -> None:
    held = holder.vault.ask("balanceOf(address)", holder.alice)

    call = ("transfer(address,uint256)", holder.bob, held + 1)
    assert holder.vault.reverts(*call, sender=holder.alice)


def test_transfer__answer__is_true(holder: Scene) -> None:
    call = ("transfer(address,uint256)", holder.bob, 1)

    assert holder.vault.ask(*call, returns="bool", sender=holder.alice) is True


def test_approve__amount__is_the_allowance_and_emits(holder: Scene) -> None:
    logs = holder.vault.send("approve(address,uint256)", holder.bob, 9, sender=holder.alice)

    people = (holder.alice.address, holder.bob.address)
    assert holder.vault.emitted(logs, APPROVAL) == [(*people, 9)]
    assert holder.vault.ask("allowance(address,address)", *people) == 9


def test_transfer_from__within_the_allowance__spends_it(holder: Scene) -> None:
    people = (holder.alice.address, holder.bob.address)
    holder.vault.send("approve(address,uint256)", holder.bob, 9, sender=holder.alice)

    logs = holder.vault.send(
        "transferFrom(address,address,uint256)", holder.alice, holder.carol, 4, sender=holder.bob
    )

    expected = [(holder.alice.address, holder.carol.address, 4)]
    assert holder.vault.emitted(logs, TRANSFER) == expected
    assert holder.vault.ask("allowance(address,address)", *people) == 5


def test_transfer_from__unlimited_allowance__is_not_spent(endless: Scene) -> None:
    endless.vault.send(
        "transferFrom(address,address,uint256)", endless.alice, endless.carol, 4, sender=endless.bob
    )

    call = ("allowance(address,address)", endless.alice, endless.bob)
    assert endless.vault.ask(*call) == MAX_UINT


def test_transfer_from__without_an_allowance__reverts(holder: Scene) -> None:
    call = ("transferFrom(address,address,uint256)", holder.alice, holder.carol, 1)

    assert holder.vault.reverts(*call, sender=holder.bob)


@pytest.mark.parametrize("account", ["alice", "carol"])
def test_total_supply__shares_come_and_go__is_minted_and_burnt_by_settlements(
    leaving: Scene, account: str
) -> None:
    """A request moves shares into custody and burns nothing; its settlement burns them."""
    supply = leaving.vault.ask("totalSupply()")
    person = getattr(leaving, account)
    leaving.system.request_deposit(person, 3 * leaving.unit)

    receipt = leaving.system.settle()

    topic = "0x" + TRANSFER.topic.hex()
    raw = leaving.vault.rpc.request("eth_getTransactionReceipt", receipt.txn_hash)["logs"]
    moved = leaving.vault.emitted([log for log in raw if log["topics"][0] == topic], TRANSFER)
    minted = sum(amount for giver, _, amount in moved if giver == ZERO)
    burnt = sum(amount for _, taker, amount in moved if taker == ZERO)
    assert minted > 0
    assert burnt == 5 * leaving.share
    assert leaving.vault.ask("totalSupply()") == supply + minted - burnt
