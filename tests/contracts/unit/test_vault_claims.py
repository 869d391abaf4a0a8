"""deposit, mint, redeem, withdraw: amounts, guards, events, rounding."""

from typing import Any

import ape
import pytest

from tests.contracts.system import System


@pytest.fixture
def settled(system: System, alice: Any) -> Any:
    """Alice with 10 assets settled into shares at a price above 1, not yet claimed."""
    system.seed(system.users[5], 1_000 * system.unit)
    system.vault.allocate(system.pool, 100 * system.unit, sender=system.keeper)
    system.gain(3 * system.unit)
    system.request_deposit(alice, 10 * system.unit)
    system.settle()
    return alice


@pytest.fixture
def leaving(system: System, alice: Any) -> Any:
    """Alice with 10 shares settled into assets, not yet claimed."""
    system.seed(alice, 1_000 * system.unit)
    system.request_redeem(alice, 10 * system.share)
    system.settle()
    return alice


def test_deposit__all__sends_the_settled_shares_and_emits(
    system: System, settled: Any, bob: Any
) -> None:
    assets, shares = system.vault.maxDeposit(settled), system.vault.maxMint(settled)

    receipt = system.vault.deposit(assets, bob, settled, sender=settled)

    assert assets == 10 * system.unit
    assert receipt.events == [
        system.vault.Deposit(sender=settled, owner=bob, assets=assets, shares=shares),
        system.vault.Transfer(**{"from": system.silo, "to": bob, "value": shares}),
    ]
    assert receipt.return_value == shares
    assert system.vault.balanceOf(bob) == shares
    assert system.vault.claimableDepositRequest(0, settled) == 0


def test_deposit__two_arguments__claims_for_the_caller(system: System, settled: Any) -> None:
    system.vault.deposit(4 * system.unit, settled, sender=settled)

    assert system.vault.maxDeposit(settled) == 6 * system.unit
    assert system.vault.claimableDepositRequest(0, settled) == 6 * system.unit
    assert system.vault.claimableDepositRequest(3, settled) == 0


def test_deposit__more_than_claimable__reverts(system: System, settled: Any) -> None:
    with ape.reverts(
        system.vault.ClaimTooLarge, given=10 * system.unit + 1, claimable=10 * system.unit
    ):
        system.vault.deposit(10 * system.unit + 1, settled, settled, sender=settled)


def test_deposit__stranger__reverts(system: System, settled: Any, stranger: Any) -> None:
    with ape.reverts(system.vault.NotAuthorised):
        system.vault.deposit(1, stranger, settled, sender=stranger)


def test_deposit__operator__may_claim_for_the_controller(
    system: System, settled: Any, bob: Any
) -> None:
    system.vault.setOperator(bob, True, sender=settled)

    system.vault.deposit(10 * system.unit, settled, settled, sender=bob)

    assert system.vault.maxDeposit(settled) == 0
    assert system.vault.balanceOf(settled) > 0


def test_mint__part__rounds_the_consumed_assets_up(system: System, settled: Any) -> None:
    assets, shares = system.vault.maxDeposit(settled), system.vault.maxMint(settled)
    wanted = shares // 3

    receipt = system.vault.mint(wanted, settled, sender=settled)

    assert receipt.return_value == -(-assets * wanted // shares)
    assert system.vault.maxMint(settled) == shares - wanted
    assert system.vault.balanceOf(settled) == wanted


def test_mint__more_than_claimable__reverts(system: System, settled: Any) -> None:
    claimable = system.vault.maxMint(settled)

    with ape.reverts(system.vault.ClaimTooLarge, given=claimable + 1, claimable=claimable):
        system.vault.mint(claimable + 1, settled, settled, sender=settled)


def test_mint__stranger__reverts(system: System, settled: Any, stranger: Any) -> None:
    with ape.reverts(system.vault.NotAuthorised):
        system.vault.mint(1, stranger, settled, sender=stranger)


def test_redeem__all__pays_what_was_set_aside_and_emits(
    system: System, leaving: Any, bob: Any
) -> None:
    shares, assets = system.vault.maxRedeem(leaving), system.vault.maxWithdraw(leaving)

    receipt = system.vault.redeem(shares, bob, leaving, sender=leaving)

    assert shares == 10 * system.share
    assert receipt.events == [
        system.vault.Withdraw(
            sender=leaving, receiver=bob, owner=leaving, assets=assets, shares=shares
        ),
        system.token.Transfer(**{"from": system.silo, "to": bob, "value": assets}),
    ]
    assert receipt.return_value == assets == system.token.balanceOf(bob)
    assert system.vault.claimableRedeemRequest(0, leaving) == 0


def test_redeem__more_than_claimable__reverts(system: System, leaving: Any) -> None:
    with ape.reverts(
        system.vault.ClaimTooLarge, given=10 * system.share + 1, claimable=10 * system.share
    ):
        system.vault.redeem(10 * system.share + 1, leaving, leaving, sender=leaving)


def test_redeem__stranger__reverts(system: System, leaving: Any, stranger: Any) -> None:
    with ape.reverts(system.vault.NotAuthorised):
        system.vault.redeem(1, stranger, leaving, sender=stranger)


def test_withdraw__part__rounds_the_consumed_shares_up(system: System, leaving: Any) -> None:
    shares, assets = system.vault.maxRedeem(leaving), system.vault.maxWithdraw(leaving)
    wanted = assets // 3

    receipt = system.vault.withdraw(wanted, leaving, leaving, sender=leaving)

    assert receipt.return_value == -(-shares * wanted // assets)
    assert system.vault.maxWithdraw(leaving) == assets - wanted
    assert system.vault.claimableRedeemRequest(0, leaving) == shares - receipt.return_value
    assert system.vault.claimableRedeemRequest(9, leaving) == 0


def test_withdraw__more_than_claimable__reverts(system: System, leaving: Any) -> None:
    claimable = system.vault.maxWithdraw(leaving)

    with ape.reverts(system.vault.ClaimTooLarge, given=claimable + 1, claimable=claimable):
        system.vault.withdraw(claimable + 1, leaving, leaving, sender=leaving)


def test_withdraw__stranger__reverts(system: System, leaving: Any, stranger: Any) -> None:
    with ape.reverts(system.vault.NotAuthorised):
        system.vault.withdraw(1, stranger, leaving, sender=stranger)


def test_redeem__blacklisted_receiver__blocks_only_that_claim(
    system: System, leaving: Any, bob: Any
) -> None:
    """V-13, A13: the issuer refuses the receiver; the claim stays for another one."""
    shares = system.vault.maxRedeem(leaving)
    system.token.setBlacklisted(leaving, True, sender=system.deployer)

    with ape.reverts(system.token.Blacklisted):
        system.vault.redeem(shares, leaving, leaving, sender=leaving)
    system.vault.redeem(shares, bob, leaving, sender=leaving)

    assert system.token.balanceOf(bob) == 10 * system.unit - 1


def test_max__nothing_requested__is_zero_and_claimable(system: System, stranger: Any) -> None:
    """V-13: claiming max* never reverts, with nothing to claim either."""
    vault = system.vault

    for maximum, claim in (
        (vault.maxDeposit, vault.deposit),
        (vault.maxMint, vault.mint),
        (vault.maxRedeem, vault.redeem),
        (vault.maxWithdraw, vault.withdraw),
    ):
        assert maximum(stranger) == 0
        claim(0, stranger, stranger, sender=stranger)


def test_send_assets__not_the_vault__reverts(system: System, project: Any, alice: Any) -> None:
    silo = project.RequestSilo.at(system.silo)

    with ape.reverts(silo.NotVault, caller=alice.address):
        silo.sendAssets(alice, 1, sender=alice)
    with ape.reverts(silo.NotVault, caller=alice.address):
        silo.sendShares(alice, 1, sender=alice)

    assert silo.vault() == system.vault.address
    assert silo.asset() == system.token.address


def test_is_unpaid__older_cohort_paid_in_full__is_not_though_newer_ones_wait(
    system: System, alice: Any, bob: Any
) -> None:
    for user in (alice, bob):
        system.seed(user, 1_000 * system.unit)
    epoch = system.vault.openEpoch()
    system.request_redeem(alice, 10 * system.share)
    system.settle()
    system.vault.allocate(system.pool, system.vault.idle(), sender=system.keeper)
    system.request_redeem(bob, 10 * system.share)
    later = system.vault.openEpoch()
    system.settle()

    assert system.vault.redeemQueue().total == 10 * system.share
    assert system.vault.isUnpaid(later)
    assert not system.vault.isUnpaid(epoch)
