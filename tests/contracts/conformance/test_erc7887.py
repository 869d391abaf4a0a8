"""ERC-7887: cancellation, on its synchronous path."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.contracts.conformance.conftest import Scene
from tests.contracts.conformance.standard import Event, Standard
from tests.contracts.system import MAX_UINT, System


@pytest.fixture
def any_system(system: System) -> System:
    """Six decimals alone: nothing here is about amounts."""
    return system


@dataclass(frozen=True, slots=True)
class Side:
    """One direction: what is asked and what is cancelled is counted in `unit` of `token`."""

    name: str
    scene: Scene
    token: Standard
    amount: int

    @property
    def alice(self) -> Any:
        return self.scene.alice

    @property
    def requested(self) -> Event:
        return Event(f"Cancel{self.name}Request", ("address", "uint256", "address"), 2)

    @property
    def claimed(self) -> Event:
        types = ("address", "address", "uint256", "address", "uint256")
        return Event(f"Cancel{self.name}Claim", types, 3)

    def cancel(self, sender: Any, request: int = 0) -> list[dict[str, Any]]:
        signature = f"cancel{self.name}Request(uint256,address)"
        return self.scene.vault.send(signature, request, self.alice, sender=sender)

    def claim(self, receiver: Any, sender: Any) -> list[dict[str, Any]]:
        signature = f"claimCancel{self.name}Request(uint256,address,address)"
        return self.scene.vault.send(signature, 0, receiver, self.alice, sender=sender)

    def view(self, what: str, request: int = 0, returns: str = "uint256") -> Any:
        signature = f"{what}{self.name}Request(uint256,address)"
        return self.scene.vault.ask(signature, request, self.alice, returns=returns)


@pytest.fixture(params=["Deposit", "Redeem"])
def side(request: pytest.FixtureRequest, leaving: Scene) -> Side:
    """Alice waits on both sides, and others do."""
    leaving.system.request_deposit(leaving.alice, 10 * leaving.unit)
    leaving.system.request_deposit(leaving.bob, 20 * leaving.unit)
    leaving.system.request_redeem(leaving.system.users[5], 10 * leaving.share)
    if request.param == "Deposit":
        return Side("Deposit", leaving, leaving.asset, 10 * leaving.unit)
    return Side("Redeem", leaving, leaving.vault, 5 * leaving.share)


def test_cancel__by_the_controller__is_claimable_at_once_and_emits(side: Side) -> None:
    logs = side.cancel(side.alice)

    expected = [(side.alice.address, 0, side.alice.address)]
    assert side.scene.vault.emitted(logs, side.requested) == expected
    assert side.view("claimableCancel") == side.amount
    assert side.view("pending") == 0


def test_cancel__before_its_claim__pushes_nothing(side: Side) -> None:
    """Cancel and claim are two calls: nothing moves with the first."""
    before = side.token.ask("balanceOf(address)", side.alice)

    logs = side.cancel(side.alice)

    assert len(logs) == 1
    assert side.token.ask("balanceOf(address)", side.alice) == before


def test_claim_cancel__by_the_controller__pays_the_receiver_and_emits(side: Side) -> None:
    side.cancel(side.alice)
    bob = side.scene.bob
    before = side.token.ask("balanceOf(address)", bob)

    logs = side.claim(bob, side.alice)

    expected = [(side.alice.address, bob.address, 0, side.alice.address, side.amount)]
    assert side.scene.vault.emitted(logs, side.claimed) == expected
    assert side.token.ask("balanceOf(address)", bob) == before + side.amount
    assert side.view("claimableCancel") == 0


def test_claim_cancel__twice__pays_once(side: Side) -> None:
    side.cancel(side.alice)
    side.claim(side.alice, side.alice)
    held = side.token.ask("balanceOf(address)", side.alice)

    side.claim(side.alice, side.alice)

    assert side.token.ask("balanceOf(address)", side.alice) == held


def test_cancel__by_an_operator__may_and_is_the_sender(side: Side) -> None:
    bob = side.scene.bob
    side.scene.vault.send("setOperator(address,bool)", bob, True, sender=side.alice)

    cancelled, fetched = side.cancel(bob), side.claim(side.alice, bob)

    assert side.scene.vault.emitted(cancelled, side.requested)[0][2] == bob.address
    assert side.scene.vault.emitted(fetched, side.claimed)[0][3] == bob.address


def test_cancel__by_anybody_else__reverts(side: Side) -> None:
    call = (f"cancel{side.name}Request(uint256,address)", 0, side.alice)

    assert side.scene.vault.reverts(*call, sender=side.scene.bob)


def test_claim_cancel__by_anybody_else__reverts(side: Side) -> None:
    bob = side.scene.bob
    side.cancel(side.alice)

    call = (f"claimCancel{side.name}Request(uint256,address,address)", 0, bob, side.alice)
    assert side.scene.vault.reverts(*call, sender=bob)


def test_pending_cancel__ever__is_false(side: Side) -> None:
    """No cancellation waits for anybody, so none blocks a new request."""
    answers = [side.view("pendingCancel", returns="bool")]
    side.cancel(side.alice)
    answers.append(side.view("pendingCancel", returns="bool"))
    side.claim(side.alice, side.alice)
    answers.append(side.view("pendingCancel", returns="bool"))

    assert answers == [False, False, False]


def test_request__after_a_cancellation__is_not_blocked(side: Side) -> None:
    alice, scene = side.alice, side.scene
    side.cancel(alice)

    scene.system.request_deposit(alice, 3 * scene.unit)
    scene.system.request_redeem(alice, scene.share)

    again = {"Deposit": 3 * scene.unit, "Redeem": scene.share}[side.name]
    assert side.view("pending") == again
    assert side.view("claimableCancel") == side.amount


@pytest.mark.parametrize("number", [1, MAX_UINT])
def test_cancel_views__other_request_ids__are_empty_and_do_not_revert(
    side: Side, number: int
) -> None:
    side.cancel(side.alice)

    assert side.view("claimableCancel", number) == 0
    assert side.view("pendingCancel", number, returns="bool") is False


def test_claim_cancel__later_settlement_and_loss__pays_what_was_cancelled(side: Side) -> None:
    """What is cancelled bears no price any more."""
    side.cancel(side.alice)
    bid, ask = side.scene.system.pool.value()
    side.scene.system.pool.setValue(bid * 9 // 10, ask, sender=side.scene.system.deployer)

    side.scene.system.settle()

    assert side.view("claimableCancel") == side.amount
