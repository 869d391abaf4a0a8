"""Attacks with reports and signatures: two reports, colluding quorums, replays, lost venues."""

from dataclasses import replace
from typing import Any

import ape
import pytest

from tests.contracts.attacks.moves import DUST, claim_assets, claim_shares, join, recover, wealth
from tests.contracts.system import DAY, System

SECP256K1_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SETTLES, HELD_FOR_LOSS = 0, 1
WINDDOWN = 2


def test_attack_a07__two_reports_for_one_epoch__second_is_refused_and_its_signers_go(
    rich: System,
) -> None:
    rich.cut()
    first, second = rich.report(), rich.report(90_000 * rich.unit)
    one, other = rich.sign(first), rich.sign(second)
    rich.submit(first, one)

    with ape.reverts(rich.nav.NoOpenCut):
        rich.submit(second, other)
    for index in range(2):
        arguments = (first.as_tuple(), one[index], second.as_tuple(), other[index])
        left = rich.nav.reporters()
        if index == 0:
            rich.nav.reportEquivocation(*arguments, sender=rich.users[9])
            assert len(rich.nav.reporters()) == len(left) - 1
            continue
        with ape.reverts(rich.nav.NoEquivocation):  # the set changed with the first removal
            rich.nav.reportEquivocation(*arguments, sender=rich.users[9])
    rich.cut()
    with ape.reverts(rich.nav.NotReporter, signer=rich.signers[0].address):
        rich.submit(rich.report())


def test_attack_a08__one_signature_less_than_the_quorum__changes_nothing(rich: System) -> None:
    rich.cut()
    report = rich.report(90_000_000 * rich.unit)

    for signers in ([], rich.signers[:1], [rich.signers[0], rich.signers[0]]):
        with ape.reverts():
            rich.submit(report, rich.sign(report, signers))

    assert rich.vault.acceptedNav() == 10_000_000 * rich.unit


def test_attack_a08__quorum_reports_ten_times_the_nav__a_leaver_takes_one_per_cent_of_his_own(
    rich: System, alice: Any, bob: Any
) -> None:
    """Bob owns 1M of 11M. Without a gate he would have left with ten times his share: all of it."""
    unit = rich.unit
    join(rich, bob, 1_000_000 * unit)
    rich.request_redeem(bob, rich.vault.balanceOf(bob))
    rich.cut()

    rich.submit(rich.report(99_000_000 * unit))

    took = claim_assets(rich, bob) - 1_000_000 * unit
    assert 10_000 * unit - DUST <= took <= 10_000 * unit


def test_attack_a08__quorum_reports_a_loss_of_99_percent__a_confederate_buys_nothing(
    rich: System, bob: Any
) -> None:
    """1M at a hundredth of the price would have taken 9M. Held at first; once the false loss stands
    it settles, but nobody buys near it: the high it is measured against fades by 1 % a day.
    """
    unit = rich.unit
    rich.request_deposit(bob, 1_000_000 * unit)
    supply, holds = rich.vault.totalSupply(), []
    for _ in range(6):
        rich.cut()
        holds.append(rich.submit(rich.report(-9_900_000 * unit)).return_value.hold)
        assert rich.vault.maxDeposit(bob) == 0
    rich.cut()
    rich.submit(rich.report(0))

    assert holds == [HELD_FOR_LOSS, *[SETTLES] * 5]
    assert rich.vault.totalSupply() == supply
    assert rich.vault.pendingDepositRequest(0, bob) == 1_000_000 * unit


@pytest.mark.parametrize("system", [6], indirect=True, ids=["decimals_6"])
def test_attack_a08__largest_drift_for_two_weeks__vetoes_keep_the_slot_shut(rich: System) -> None:
    """Buckets alone pass, 1 % a day; each honest reporter and the guardian veto once in 7 days."""
    honest = [*(rich.acting(key) for key in rich.signers), rich.guardian]
    compound = 10_000_000 * rich.unit
    for day in range(14):
        rich.cut()
        outcome = rich.submit(rich.report(90_000_000 * rich.unit)).return_value
        compound = compound * 101 // 100
        if day % 2:
            rich.nav.vetoSlot(sender=honest[day // 2 % 4])

    assert compound * 999 // 1_000 <= outcome.accepted <= compound


def test_attack_a23__venue_insolvent_then_pays_late__all_holders_share_it(
    spread: System, alice: Any, bob: Any, carol: Any
) -> None:
    """A venue that lost all: published a day before anybody is priced at it; half comes back."""
    unit = spread.unit
    spread.request_redeem(bob, spread.vault.balanceOf(bob))
    spread.request_deposit(carol, 100 * unit)
    assert spread.settle(0).return_value.hold == HELD_FOR_LOSS
    spread.cancel_redeem(bob)
    spread.settle(0)
    assert spread.vault.maxDeposit(carol) == 0
    assert spread.vault.acceptedNav() == 600 * unit

    outcome = spread.settle(200 * unit).return_value

    assert (outcome.gross, outcome.accepted) == (800 * unit, 800 * unit)
    assert spread.vault.maxDeposit(carol) == 0
    assert abs(wealth(spread, alice) - 480 * unit) <= DUST
    assert abs(wealth(spread, bob) - 320 * unit) <= DUST


def test_attack_a23__venue_owes_more_than_the_vault_has__ends_it_and_what_comes_late_is_shared(
    spread: System, alice: Any, bob: Any
) -> None:
    unit = spread.unit
    spread.settle(-601 * unit)
    assert spread.vault.state() == WINDDOWN
    recover(spread)
    for user in (alice, bob):
        spread.end.exit(spread.vault.balanceOf(user), sender=user)
    spread.end.claim(spread.token, sender=alice)

    spread.wait(60 * DAY)
    spread.token.transfer(spread.clob, 100 * unit, sender=spread.venue)
    spread.end.collect(spread.clob, spread.token, sender=bob)
    for user in (alice, bob):
        spread.end.claim(spread.token, sender=user)

    paid = [spread.token.balanceOf(user) for user in (alice, bob)]
    assert sum(paid) in (700 * unit - 1, 700 * unit)
    assert abs(paid[0] * 400 - paid[1] * 600) <= 1_000


def test_attack_a25__malleated_replayed_or_rotated_signatures__count_for_nothing(
    rich: System, deploy_system: Any
) -> None:
    """The other s, the same signature in another vault, and a set that changed under a report."""
    rich.cut()
    report = rich.report()
    first, second = rich.sign(report)
    s = SECP256K1_N - int.from_bytes(first[32:64], "big")
    flipped = first[:32] + s.to_bytes(32, "big") + bytes([55 - first[64]])
    with ape.reverts(rich.nav.ECDSAInvalidSignatureS):
        rich.submit(report, [flipped, second])

    twin = deploy_system(rich.token.decimals())
    twin.cut()
    with ape.reverts(twin.nav.NotReporter):
        twin.submit(twin.report(), rich.sign(twin.report()))

    keys = [key.address for key in rich.signers]
    rich.nav.setReporters(keys, 2, sender=rich.owner)
    with ape.reverts(rich.nav.SetMismatch):
        rich.submit(report, [first, second])
    fresh = replace(report, set_id=2)
    assert rich.submit(fresh).return_value.hold == SETTLES


def test_attack_a08__confederates_on_both_sides_of_false_losses__take_two_percent_of_one_deposit(
    rich: System, alice: Any, bob: Any
) -> None:
    """A false loss of 2 % settles: 1M bought at it takes 1M/11M x 2 % of 10M once it is undone."""
    unit = rich.unit
    rich.request_deposit(bob, 1_000_000 * unit)
    rich.cut()
    rich.submit(rich.report(-200_000 * unit))
    claim_shares(rich, bob)
    rich.cut()
    rich.submit(rich.report(0))

    took = wealth(rich, bob) - 1_000_000 * unit
    exact = 1_000_000 * 11_000_000 * unit // 10_800_000 - 1_000_000 * unit
    assert abs(took - exact) <= 2 * DUST
    assert took * 100 < 2 * 1_000_000 * unit
