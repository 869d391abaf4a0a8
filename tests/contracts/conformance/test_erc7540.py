"""ERC-7540: asynchronous deposits and redemptions, operators, request id 0."""

from typing import Any

import pytest

from tests.contracts.conformance.conftest import Scene
from tests.contracts.conformance.standard import Event
from tests.contracts.system import MAX_UINT, System


@pytest.fixture
def any_system(system: System) -> System:
    """Six decimals alone: nothing here is about amounts."""
    return system


DEPOSIT_REQUEST = Event("DepositRequest", ("address",) * 2 + ("uint256", "address", "uint256"), 3)
REDEEM_REQUEST = Event("RedeemRequest", ("address",) * 2 + ("uint256", "address", "uint256"), 3)
OPERATOR_SET = Event("OperatorSet", ("address", "address", "bool"), 2)
REQUEST = "requestDeposit(uint256,address,address)"
GIVE_BACK = "requestRedeem(uint256,address,address)"
WAITING = "pendingDepositRequest(uint256,address)"
READY = "claimableDepositRequest(uint256,address)"
LEAVING = "pendingRedeemRequest(uint256,address)"
PAYABLE = "claimableRedeemRequest(uint256,address)"
PREVIEWS = [f"preview{name}(uint256)" for name in ("Deposit", "Mint", "Withdraw", "Redeem")]
CLAIMS = [f"{name}(uint256,address,address)" for name in ("deposit", "mint")]
EXITS = [f"{name}(uint256,address,address)" for name in ("redeem", "withdraw")]


def approve(scene: Scene, operator: Any) -> None:
    scene.vault.send("setOperator(address,bool)", operator, True, sender=scene.alice)


# -- the overrides of ERC-4626 -----------------------------------------------------------------


@pytest.mark.parametrize("preview", PREVIEWS)
@pytest.mark.parametrize("amount", [0, 1, MAX_UINT])
def test_preview__anybody_any_amount__reverts(paid: Scene, preview: str, amount: int) -> None:
    callers = (None, paid.alice, paid.system.keeper)

    assert all(paid.vault.reverts(preview, amount, sender=caller) for caller in callers)


@pytest.mark.parametrize("claim", CLAIMS)
def test_claim__of_a_deposit__takes_no_assets(settled: Scene, claim: str) -> None:
    settled.system.fund(settled.alice, 10 * settled.unit)
    before = settled.asset.ask("balanceOf(address)", settled.alice)

    settled.vault.send(claim, settled.unit, settled.alice, settled.alice, sender=settled.alice)

    assert settled.asset.ask("balanceOf(address)", settled.alice) == before


@pytest.mark.parametrize("exit_", EXITS)
def test_claim__of_a_redemption__takes_no_shares(paid: Scene, exit_: str) -> None:
    before = paid.vault.ask("balanceOf(address)", paid.alice)

    paid.vault.send(exit_, paid.unit, paid.alice, paid.alice, sender=paid.alice)

    assert paid.vault.ask("balanceOf(address)", paid.alice) == before > 0


# -- requests ----------------------------------------------------------------------------------


def test_request_deposit__owner__takes_the_assets_and_emits(funded: Scene) -> None:
    alice, bob, amount = funded.alice, funded.bob, 10 * funded.unit

    logs = funded.vault.send(REQUEST, amount, bob, alice, sender=alice)

    people = (bob.address, alice.address)
    expected = [(*people, 0, alice.address, amount)]
    assert funded.vault.emitted(logs, DEPOSIT_REQUEST) == expected
    assert funded.asset.ask("balanceOf(address)", alice) == 0
    assert funded.vault.ask(WAITING, 0, bob) == amount
    assert funded.vault.ask(WAITING, 0, alice) == 0


def test_request_deposit__answer__is_request_id_zero(funded: Scene) -> None:
    call = (REQUEST, 10 * funded.unit, funded.alice, funded.alice)

    assert funded.vault.ask(*call, sender=funded.alice) == 0


def test_request_deposit__operator_of_the_owner__may_and_is_the_sender(funded: Scene) -> None:
    alice, bob, amount = funded.alice, funded.bob, 10 * funded.unit
    approve(funded, bob)

    logs = funded.vault.send(REQUEST, amount, alice, alice, sender=bob)

    expected = [(alice.address, alice.address, 0, bob.address, amount)]
    assert funded.vault.emitted(logs, DEPOSIT_REQUEST) == expected


def test_request_deposit__anybody_else__reverts(funded: Scene) -> None:
    """Also one whom the owner allowed its assets: only operators act."""
    funded.system.token.approve(funded.bob, MAX_UINT, sender=funded.alice)
    call = (REQUEST, 10 * funded.unit, funded.bob, funded.alice)

    assert funded.vault.reverts(*call, sender=funded.bob)


@pytest.mark.parametrize("missing", ["balance", "approval"])
def test_request_deposit__not_all_of_it_possible__reverts(funded: Scene, missing: str) -> None:
    amount = 10 * funded.unit
    if missing == "approval":
        funded.system.token.approve(funded.system.vault, amount - 1, sender=funded.alice)
    else:
        amount += 1

    call = (REQUEST, amount, funded.alice, funded.alice)
    assert funded.vault.reverts(*call, sender=funded.alice)


def test_request_deposit__again__adds_to_the_same_request(pending: Scene) -> None:
    """Request id 0: requests of one controller are one."""
    pending.system.fund(pending.bob, 4 * pending.unit)

    pending.vault.send(REQUEST, 4 * pending.unit, pending.alice, pending.bob, sender=pending.bob)

    assert pending.vault.ask(WAITING, 0, pending.alice) == 14 * pending.unit


def test_request_redeem__owner__loses_the_shares_and_emits(holder: Scene) -> None:
    alice, bob, amount = holder.alice, holder.bob, 5 * holder.share
    before = holder.vault.ask("balanceOf(address)", alice)

    logs = holder.vault.send(GIVE_BACK, amount, bob, alice, sender=alice)

    expected = [(bob.address, alice.address, 0, alice.address, amount)]
    assert holder.vault.emitted(logs, REDEEM_REQUEST) == expected
    assert holder.vault.ask("balanceOf(address)", alice) == before - amount
    assert holder.vault.ask(LEAVING, 0, bob) == amount


def test_request_redeem__answer__is_request_id_zero(holder: Scene) -> None:
    call = (GIVE_BACK, 5 * holder.share, holder.alice, holder.alice)

    assert holder.vault.ask(*call, sender=holder.alice) == 0


def test_request_redeem__spender__spends_a_finite_allowance(holder: Scene) -> None:
    alice, bob, amount = holder.alice, holder.bob, 5 * holder.share
    holder.vault.send("approve(address,uint256)", bob, amount + 1, sender=alice)

    logs = holder.vault.send(GIVE_BACK, amount, bob, alice, sender=bob)

    expected = [(bob.address, alice.address, 0, bob.address, amount)]
    assert holder.vault.emitted(logs, REDEEM_REQUEST) == expected
    assert holder.vault.ask("allowance(address,address)", alice, bob) == 1


def test_request_redeem__unlimited_spender__keeps_its_allowance(endless: Scene) -> None:
    amount = 5 * endless.share

    endless.vault.send(GIVE_BACK, amount, endless.bob, endless.alice, sender=endless.bob)

    call = ("allowance(address,address)", endless.alice, endless.bob)
    assert endless.vault.ask(*call) == MAX_UINT


def test_request_redeem__operator__spends_no_allowance(holder: Scene) -> None:
    alice, bob = holder.alice, holder.bob
    holder.vault.send("approve(address,uint256)", bob, 3, sender=alice)
    approve(holder, bob)

    holder.vault.send(GIVE_BACK, 5 * holder.share, alice, alice, sender=bob)

    assert holder.vault.ask("allowance(address,address)", alice, bob) == 3


def test_request_redeem__anybody_else__reverts(holder: Scene) -> None:
    call = (GIVE_BACK, holder.share, holder.bob, holder.alice)

    assert holder.vault.reverts(*call, sender=holder.bob)


def test_request_redeem__more_than_held__reverts(holder: Scene) -> None:
    held = holder.vault.ask("balanceOf(address)", holder.alice)
    call = (GIVE_BACK, held + 1, holder.alice, holder.alice)

    assert holder.vault.reverts(*call, sender=holder.alice)


# -- the life of a request ---------------------------------------------------------------------


def test_deposit_request__before_settlement__is_pending_alone(pending: Scene) -> None:
    assert pending.vault.ask(WAITING, 0, pending.alice) == 10 * pending.unit
    assert pending.vault.ask(READY, 0, pending.alice) == 0
    assert pending.vault.ask("maxDeposit(address)", pending.alice) == 0


def test_deposit_request__after_settlement__is_claimable_alone(settled: Scene) -> None:
    """Nothing is pushed: the shares wait to be claimed."""
    assert settled.vault.ask(WAITING, 0, settled.alice) == 0
    assert settled.vault.ask(READY, 0, settled.alice) == 10 * settled.unit
    assert settled.vault.ask("maxDeposit(address)", settled.alice) == 10 * settled.unit
    assert settled.vault.ask("balanceOf(address)", settled.alice) == 0


def test_redeem_request__before_settlement__is_pending_alone(leaving: Scene) -> None:
    assert leaving.vault.ask(LEAVING, 0, leaving.alice) == 5 * leaving.share
    assert leaving.vault.ask(PAYABLE, 0, leaving.alice) == 0
    assert leaving.vault.ask("maxRedeem(address)", leaving.alice) == 0


def test_redeem_request__after_settlement__is_claimable_alone(paid: Scene) -> None:
    assert paid.vault.ask(LEAVING, 0, paid.alice) == 0
    assert paid.vault.ask(PAYABLE, 0, paid.alice) == 5 * paid.share
    assert paid.vault.ask("maxRedeem(address)", paid.alice) == 5 * paid.share
    assert paid.asset.ask("balanceOf(address)", paid.alice) == 0


def test_redeem_request__settled__its_shares_are_burnt(leaving: Scene) -> None:
    supply = leaving.vault.ask("totalSupply()")

    leaving.system.settle()

    assert leaving.vault.ask("totalSupply()") == supply - 5 * leaving.share


@pytest.mark.parametrize("view", [WAITING, READY, LEAVING, PAYABLE])
def test_request_views__whoever_asks__are_the_same(paid: Scene, view: str) -> None:
    callers = (None, paid.alice, paid.bob, paid.system.keeper)

    assert len({paid.vault.ask(view, 0, paid.alice, sender=caller) for caller in callers}) == 1


@pytest.mark.parametrize("view", [WAITING, READY, LEAVING, PAYABLE])
def test_request_views__other_request_ids__are_empty_and_do_not_revert(
    paid: Scene, view: str
) -> None:
    assert [paid.vault.ask(view, number, paid.alice) for number in (1, MAX_UINT)] == [0, 0]


# -- operators ---------------------------------------------------------------------------------


def test_set_operator__approved_and_withdrawn__sets_it_and_emits(scene: Scene) -> None:
    people = (scene.alice.address, scene.bob.address)

    for approved in (True, False):
        logs = scene.vault.send(
            "setOperator(address,bool)", scene.bob, approved, sender=scene.alice
        )

        assert scene.vault.emitted(logs, OPERATOR_SET) == [(*people, approved)]
        answer = scene.vault.ask("isOperator(address,address)", *people, returns="bool")
        assert answer is approved


def test_set_operator__answer__is_true(scene: Scene) -> None:
    call = ("setOperator(address,bool)", scene.bob, False)

    assert scene.vault.ask(*call, returns="bool", sender=scene.alice) is True


def test_is_operator__of_another_controller__is_false(scene: Scene) -> None:
    approve(scene, scene.bob)

    call = ("isOperator(address,address)", scene.carol, scene.bob)
    assert scene.vault.ask(*call, returns="bool") is False


@pytest.mark.parametrize("claim", CLAIMS)
def test_claim__of_a_deposit_by_an_operator__pays_the_receiver(settled: Scene, claim: str) -> None:
    alice, bob, carol = settled.alice, settled.bob, settled.carol
    approve(settled, bob)

    settled.vault.send(claim, settled.unit, carol, alice, sender=bob)

    assert settled.vault.ask("balanceOf(address)", carol) > 0
    assert settled.vault.ask(READY, 0, alice) < 10 * settled.unit


@pytest.mark.parametrize("claim", CLAIMS)
def test_claim__of_a_deposit_by_anybody_else__reverts(settled: Scene, claim: str) -> None:
    call = (claim, settled.unit, settled.bob, settled.alice)

    assert settled.vault.reverts(*call, sender=settled.bob)


@pytest.mark.parametrize("exit_", EXITS)
def test_claim__of_a_redemption_by_an_operator__pays_the_receiver(paid: Scene, exit_: str) -> None:
    approve(paid, paid.bob)

    paid.vault.send(exit_, paid.unit, paid.carol, paid.alice, sender=paid.bob)

    assert paid.vault.ask(PAYABLE, 0, paid.alice) < 5 * paid.share


@pytest.mark.parametrize("exit_", EXITS)
def test_claim__of_a_redemption_by_anybody_else__reverts(paid: Scene, exit_: str) -> None:
    """An allowance of shares is not enough: the shares are gone."""
    paid.vault.send("approve(address,uint256)", paid.bob, MAX_UINT, sender=paid.alice)

    call = (exit_, paid.unit, paid.bob, paid.alice)
    assert paid.vault.reverts(*call, sender=paid.bob)
