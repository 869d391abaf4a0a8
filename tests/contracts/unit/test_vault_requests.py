"""requestDeposit, requestRedeem, cancels and operators: guards, events, who may act."""

from typing import Any

import ape
import pytest

from tests.contracts.system import REPORT_WINDOW, System

ZERO = "0x" + "00" * 20


@pytest.fixture
def holder(system: System, alice: Any) -> Any:
    """Alice with shares worth 1,000."""
    system.seed(alice, 1_000 * system.unit)
    return alice


def test_request_deposit__owner__locks_assets_and_emits(
    system: System, alice: Any, bob: Any
) -> None:
    amount = 5 * system.unit
    system.fund(alice, amount)

    receipt = system.vault.requestDeposit(amount, bob, alice, sender=alice)

    expected = system.vault.DepositRequest(
        controller=bob, owner=alice, requestId=0, sender=alice, assets=amount
    )
    assert receipt.events == [
        expected,
        system.token.Transfer(**{"from": alice, "to": system.silo, "value": amount}),
    ]
    assert receipt.return_value == 0
    assert system.vault.pendingDepositRequest(0, bob) == amount
    assert system.vault.pendingDepositRequest(1, bob) == 0
    assert system.vault.depositQueue() == (0, amount)


def test_request_deposit__below_minimum__reverts(system: System, alice: Any) -> None:
    system.fund(alice, system.unit)

    with ape.reverts(system.vault.RequestTooSmall, given=system.unit - 1, least=system.unit):
        system.vault.requestDeposit(system.unit - 1, alice, alice, sender=alice)


def test_request_deposit__stranger_for_owner__reverts(
    system: System, alice: Any, stranger: Any
) -> None:
    system.fund(alice, system.unit)

    with ape.reverts(system.vault.NotAuthorised):
        system.vault.requestDeposit(system.unit, stranger, alice, sender=stranger)


def test_request_deposit__operator_for_owner__succeeds(
    system: System, alice: Any, bob: Any
) -> None:
    system.fund(alice, system.unit)
    system.vault.setOperator(bob, True, sender=alice)

    system.vault.requestDeposit(system.unit, alice, alice, sender=bob)

    assert system.vault.pendingDepositRequest(0, alice) == system.unit


def test_request_deposit__controller_zero__reverts(system: System, alice: Any) -> None:
    system.fund(alice, system.unit)

    with ape.reverts(system.vault.ZeroAddress):
        system.vault.requestDeposit(system.unit, ZERO, alice, sender=alice)


def test_request_deposit__more_than_the_queue_holds__reverts(system: System, alice: Any) -> None:
    system.fund(alice, 2**128)

    with ape.reverts():
        system.vault.requestDeposit(2**128, alice, alice, sender=alice)


def test_set_operator__approve_and_withdraw__emits_and_stores(
    system: System, alice: Any, bob: Any
) -> None:
    given = system.vault.setOperator(bob, True, sender=alice)
    withdrawn = system.vault.setOperator(bob, False, sender=alice)

    assert given.events == [system.vault.OperatorSet(controller=alice, operator=bob, approved=True)]
    assert withdrawn.events == [
        system.vault.OperatorSet(controller=alice, operator=bob, approved=False)
    ]
    assert given.return_value is True
    assert not system.vault.isOperator(alice, bob)


def test_request_redeem__owner__locks_shares_and_emits(
    system: System, holder: Any, bob: Any
) -> None:
    shares = 10 * system.share

    receipt = system.vault.requestRedeem(shares, bob, holder, sender=holder)

    assert receipt.events == [
        system.vault.Transfer(**{"from": holder, "to": system.silo, "value": shares}),
        system.vault.RedeemRequest(
            controller=bob, owner=holder, requestId=0, sender=holder, shares=shares
        ),
    ]
    assert system.vault.pendingRedeemRequest(0, bob) == shares
    assert system.vault.pendingRedeemRequest(1, bob) == 0
    assert system.vault.redeemQueue() == (0, shares)


def test_request_redeem__below_minimum__reverts(system: System, holder: Any) -> None:
    with ape.reverts(system.vault.RequestTooSmall, given=system.share - 1, least=system.share):
        system.vault.requestRedeem(system.share - 1, holder, holder, sender=holder)


def test_request_redeem__nothing__reverts(system: System, stranger: Any) -> None:
    with ape.reverts(system.vault.RequestTooSmall, given=0, least=system.share):
        system.vault.requestRedeem(0, stranger, stranger, sender=stranger)


def test_request_redeem__whole_balance_below_minimum__succeeds(
    system: System, holder: Any, bob: Any
) -> None:
    system.vault.transfer(bob, 7, sender=holder)

    system.vault.requestRedeem(7, bob, bob, sender=bob)

    assert system.vault.pendingRedeemRequest(0, bob) == 7


def test_request_redeem__stranger_without_allowance__reverts(
    system: System, holder: Any, stranger: Any
) -> None:
    with ape.reverts(system.vault.ERC20InsufficientAllowance):
        system.vault.requestRedeem(system.share, stranger, holder, sender=stranger)


def test_request_redeem__spender__spends_its_allowance(
    system: System, holder: Any, bob: Any
) -> None:
    system.vault.approve(bob, 3 * system.share, sender=holder)

    system.vault.requestRedeem(2 * system.share, bob, holder, sender=bob)

    assert system.vault.allowance(holder, bob) == system.share
    assert system.vault.pendingRedeemRequest(0, bob) == 2 * system.share


def test_request_redeem__operator__spends_no_allowance(
    system: System, holder: Any, bob: Any
) -> None:
    system.vault.setOperator(bob, True, sender=holder)

    system.vault.requestRedeem(system.share, holder, holder, sender=bob)

    assert system.vault.pendingRedeemRequest(0, holder) == system.share


def test_cancel_deposit_request__open__is_claimable_at_once_and_emits(
    system: System, alice: Any
) -> None:
    system.request_deposit(alice, 3 * system.unit)

    receipt = system.vault.cancelDepositRequest(0, alice, sender=alice)

    assert receipt.events == [
        system.vault.CancelDepositRequest(controller=alice, requestId=0, sender=alice)
    ]
    assert receipt.return_value == 3 * system.unit
    assert system.vault.claimableCancelDepositRequest(0, alice) == 3 * system.unit
    assert system.vault.pendingDepositRequest(0, alice) == 0


def test_claim_cancel_deposit_request__cancelled__refunds_and_emits(
    system: System, alice: Any, bob: Any
) -> None:
    system.request_deposit(alice, 3 * system.unit)
    system.vault.cancelDepositRequest(0, alice, sender=alice)

    receipt = system.vault.claimCancelDepositRequest(0, bob, alice, sender=alice)

    assert receipt.events == [
        system.vault.CancelDepositClaim(
            controller=alice, receiver=bob, requestId=0, sender=alice, assets=3 * system.unit
        ),
        system.token.Transfer(**{"from": system.silo, "to": bob, "value": 3 * system.unit}),
    ]
    assert system.token.balanceOf(bob) == 3 * system.unit
    assert system.vault.claimableCancelDepositRequest(0, alice) == 0


def test_cancel_deposit_request__in_the_cut__is_refused_until_it_lapses(
    system: System, alice: Any
) -> None:
    """A4: a cancel must not be an option on the price of the cut."""
    system.request_deposit(alice, 3 * system.unit)
    system.cut()

    with ape.reverts(system.vault.NothingToCancel):
        system.vault.cancelDepositRequest(0, alice, sender=alice)
    system.wait(REPORT_WINDOW + 1)
    system.cancel_deposit(alice)

    assert system.token.balanceOf(alice) == 3 * system.unit
    assert system.vault.depositQueue() == (0, 0)


def test_cancel_deposit_request__open_part_during_a_cut__refunds_that_part(
    system: System, alice: Any
) -> None:
    system.request_deposit(alice, 3 * system.unit)
    system.cut()
    system.request_deposit(alice, 2 * system.unit)

    system.cancel_deposit(alice)

    assert system.token.balanceOf(alice) == 2 * system.unit
    assert system.vault.pendingDepositRequest(0, alice) == 3 * system.unit


def test_cancel_deposit_request__stranger__reverts(
    system: System, alice: Any, stranger: Any
) -> None:
    system.request_deposit(alice, system.unit)

    with ape.reverts(system.vault.NotAuthorised):
        system.vault.cancelDepositRequest(0, alice, sender=stranger)
    system.vault.cancelDepositRequest(0, alice, sender=alice)
    with ape.reverts(system.vault.NotAuthorised):
        system.vault.claimCancelDepositRequest(0, stranger, alice, sender=stranger)


def test_cancel_deposit_request__other_request_id__reverts(system: System, alice: Any) -> None:
    with ape.reverts(system.vault.UnknownRequest, requestId=1):
        system.vault.cancelDepositRequest(1, alice, sender=alice)
    with ape.reverts(system.vault.UnknownRequest, requestId=1):
        system.vault.claimCancelDepositRequest(1, alice, alice, sender=alice)


def test_cancel_redeem_request__open__is_claimable_at_once_and_emits(
    system: System, holder: Any
) -> None:
    system.request_redeem(holder, 4 * system.share)

    receipt = system.vault.cancelRedeemRequest(0, holder, sender=holder)

    assert receipt.events == [
        system.vault.CancelRedeemRequest(controller=holder, requestId=0, sender=holder)
    ]
    assert receipt.return_value == 4 * system.share
    assert system.vault.claimableCancelRedeemRequest(0, holder) == 4 * system.share


def test_claim_cancel_redeem_request__cancelled__hands_back_and_emits(
    system: System, holder: Any, bob: Any
) -> None:
    system.request_redeem(holder, 4 * system.share)
    system.vault.cancelRedeemRequest(0, holder, sender=holder)

    receipt = system.vault.claimCancelRedeemRequest(0, bob, holder, sender=holder)

    assert receipt.events == [
        system.vault.CancelRedeemClaim(
            controller=holder, receiver=bob, requestId=0, sender=holder, shares=4 * system.share
        ),
        system.vault.Transfer(**{"from": system.silo, "to": bob, "value": 4 * system.share}),
    ]
    assert system.vault.balanceOf(bob) == 4 * system.share


def test_cancel_redeem_request__in_the_cut__reverts(system: System, holder: Any) -> None:
    system.request_redeem(holder, 4 * system.share)
    system.cut()

    with ape.reverts(system.vault.NothingToCancel):
        system.vault.cancelRedeemRequest(0, holder, sender=holder)


def test_request_deposit__blacklisted_controller__claims_to_another_receiver(
    system: System, alice: Any, bob: Any
) -> None:
    """A13: the issuer refusing one account blocks nobody else and not its own other receiver."""
    system.request_deposit(alice, 3 * system.unit)
    system.token.setBlacklisted(alice, True, sender=system.deployer)

    system.vault.cancelDepositRequest(0, alice, sender=alice)
    system.vault.claimCancelDepositRequest(0, bob, alice, sender=alice)

    assert system.token.balanceOf(bob) == 3 * system.unit


def test_request_deposit__asset_with_a_fee__reverts(
    deploy_system: Any, project: Any, accounts: Any
) -> None:
    """A13."""
    token = accounts[0].deploy(project.FeeToken)
    system = deploy_system(token=token)
    token.approve(system.vault, 10**24, sender=accounts[0])

    with ape.reverts(system.vault.TransferMismatch, expected=10**20, moved=99 * 10**18):
        system.vault.requestDeposit(10**20, accounts[0], accounts[0], sender=accounts[0])


def test_request_deposit__asset_that_reenters__is_stopped(
    deploy_system: Any, project: Any, accounts: Any
) -> None:
    """A12: the asset calls back in the middle of a request."""
    token = accounts[0].deploy(project.HookToken)
    system = deploy_system(token=token)
    token.approve(system.vault, 10**24, sender=accounts[0])
    inner = system.vault.requestDeposit.encode_input(10**18, token, token)
    token.setHook(system.vault, inner, sender=accounts[0])

    system.vault.requestDeposit(10**18, accounts[0], accounts[0], sender=accounts[0])

    assert not token.lastSuccess()
    assert token.lastAnswer()[:4] == bytes.fromhex("3ee5aeb5")  # ReentrancyGuardReentrantCall()
