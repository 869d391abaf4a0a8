"""What one honest reporter, the guardian and a witness can stop: cuts, slots, signers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import ape
import pytest
from eth_account import Account

from tests.contracts.system import DAY, Report, System

WEEK = 7 * DAY


@pytest.fixture
def cut(system: System, alice: Any) -> System:
    """1,000 assets of Alice, and an open cut in which she wants 10 of them back."""
    system.seed(alice, 1_000 * system.unit)
    system.request_redeem(alice, 10 * system.share)
    system.cut()
    return system


def test_object__by_one_reporter__sends_the_cut_back_for_a_day(cut: System, alice: Any) -> None:
    report = cut.report()
    receipt = cut.nav.object(sender=cut.acting(cut.signers[2]))

    (objection,) = receipt.decode_logs(cut.nav.Object)
    assert (objection.by, objection.epoch) == (cut.signers[2].address, report.epoch)
    assert cut.vault.nextCutTime() == receipt.timestamp + DAY
    assert cut.vault.acceptedNav() == 1_000 * cut.unit
    with ape.reverts(cut.nav.NoOpenCut):
        cut.submit(report)
    cut.cancel_redeem(alice)


def test_object__requests_of_the_cut__settle_in_the_next_one(cut: System, alice: Any) -> None:
    cut.nav.object(sender=cut.guardian)

    cut.settle()

    assert cut.vault.claimableRedeemRequest(0, alice) == 10 * cut.share


@pytest.mark.parametrize("role", ["guardian", "reporter"])
def test_object__twice_within_a_week__reverts(cut: System, role: str) -> None:
    who = cut.guardian if role == "guardian" else cut.acting(cut.signers[0])
    receipt = cut.nav.object(sender=who)
    assert cut.nav.nextObjectionAt(who) == receipt.timestamp + WEEK
    cut.cut()

    with ape.reverts(cut.nav.ObjectionSpent, earliest=receipt.timestamp + WEEK):
        cut.nav.object(sender=who)
    cut.wait(WEEK)
    cut.cut()
    cut.nav.object(sender=who)


def test_object__keeper_owner_or_stranger__reverts(cut: System, stranger: Any) -> None:
    for who in (cut.keeper, cut.owner, stranger):
        with ape.reverts(cut.nav.MayNotObject, caller=who.address):
            cut.nav.object(sender=who)


def test_object__no_open_cut__reverts(system: System) -> None:
    with ape.reverts(system.nav.NoOpenCut):
        system.nav.object(sender=system.guardian)


@pytest.fixture
def waiting(system: System, alice: Any) -> System:
    """10M on the pool that gained 5 %: 400,000 wait in the slot."""
    system.seed(alice, 10_000_000 * system.unit)
    system.gain(500_000 * system.unit)
    system.settle()
    return system


def test_veto_slot__by_one_reporter__the_gain_waits_three_days_anew(waiting: System) -> None:
    unit = waiting.unit
    for _ in range(2):
        waiting.settle()
    receipt = waiting.nav.vetoSlot(sender=waiting.acting(waiting.signers[2]))

    (veto,) = receipt.decode_logs(waiting.nav.VetoSlot)
    released = waiting.settle().return_value
    gate = waiting.nav.gate()
    assert (veto.by, veto.amount) == (waiting.signers[2].address, 196_990 * unit)
    assert released.accepted == 10_406_040 * unit + unit // 10
    assert gate.slotReleaseAt == gate.time + 3 * DAY


def test_veto_slot__empty_slot__reverts_and_spends_nothing(cut: System) -> None:
    with ape.reverts(cut.nav.SlotEmpty):
        cut.nav.vetoSlot(sender=cut.acting(cut.signers[0]))

    assert cut.nav.nextObjectionAt(cut.signers[0].address) == 0


def test_veto_slot__after_an_objection__reverts(waiting: System) -> None:
    waiting.cut()
    waiting.nav.object(sender=waiting.guardian)

    with ape.reverts(waiting.nav.ObjectionSpent):
        waiting.nav.vetoSlot(sender=waiting.guardian)


def test_remove_reporter__by_the_guardian__its_signatures_count_no_more(cut: System) -> None:
    removed, *others = cut.signers
    before = cut.report()
    receipt = cut.nav.removeReporter(removed.address, sender=cut.guardian)

    (event,) = receipt.decode_logs(cut.nav.RemoveReporter)
    assert (event.setId, event.reporter) == (2, removed.address)
    assert set(cut.nav.reporters()) == {other.address for other in others}
    assert not cut.nav.isReporter(removed.address)
    with ape.reverts(cut.nav.SetMismatch, given=1, expected=2):
        cut.submit(before)
    with ape.reverts(cut.nav.NotReporter, signer=removed.address):
        cut.submit(cut.report(), cut.sign(cut.report(), [removed, others[0]]))


def test_remove_reporter__down_to_less_than_the_quorum__nothing_settles(cut: System) -> None:
    for signer in cut.signers[:2]:
        cut.nav.removeReporter(signer.address, sender=cut.guardian)
    report = cut.report()

    with ape.reverts(cut.nav.QuorumMissed, signatures=1, quorum=2):
        cut.submit(report, cut.sign(report, cut.signers[2:]))


def test_remove_reporter__not_the_guardian_or_no_reporter__reverts(
    cut: System, stranger: Any
) -> None:
    with ape.reverts(cut.nav.NotVaultGuardian, caller=cut.owner.address):
        cut.nav.removeReporter(cut.signers[0].address, sender=cut.owner)
    with ape.reverts(cut.nav.NotReporter, signer=stranger.address):
        cut.nav.removeReporter(stranger, sender=cut.guardian)


def show(system: System, reports: Sequence[Report], signers: Sequence[Any]) -> Any:
    """Post both reports with one signature each, as anybody may."""
    signatures = [
        system.sign(report, [signer])[0] for report, signer in zip(reports, signers, strict=True)
    ]
    evidence = [part.as_tuple() for part in reports]
    return system.nav.reportEquivocation(
        evidence[0], signatures[0], evidence[1], signatures[1], sender=system.deployer
    )


def test_report_equivocation__two_reports_of_one_cut__removes_the_signer(cut: System) -> None:
    liar, report = cut.signers[1], cut.report()
    other = replace(report, data_root=b"\x33" * 32)

    receipt = show(cut, [report, other], [liar, liar])

    (event,) = receipt.decode_logs(cut.nav.Equivocation)
    digests = [bytes(cut.nav.digest(each.as_tuple())) for each in (report, other)]
    assert (event.reporter, bytes(event.first), bytes(event.second)) == (liar.address, *digests)
    assert not cut.nav.isReporter(liar.address)
    assert cut.nav.setId() == 2


@pytest.mark.parametrize(
    "changes",
    [{}, {"epoch": 9}, {"prev_hash": b"\x01" * 32}, {"set_id": 7}],
    ids=["same", "epoch", "predecessor", "set"],
)
def test_report_equivocation__no_two_answers_to_one_question__reverts(
    cut: System, changes: dict[str, Any]
) -> None:
    report, honest = cut.report(), cut.signers[1]

    with ape.reverts(cut.nav.NoEquivocation):
        show(cut, [report, replace(report, **changes)], [honest, honest])


def test_report_equivocation__of_a_set_that_was_replaced__reverts(cut: System) -> None:
    """Its members were judged by then: a rotation is no way to remove who is trusted again."""
    report, liar = cut.report(), cut.signers[1]
    other = replace(report, data_root=b"\x33" * 32)
    cut.nav.setReporters([key.address for key in cut.signers], 2, sender=cut.owner)

    with ape.reverts(cut.nav.NoEquivocation):
        show(cut, [report, other], [liar, liar])

    assert cut.nav.isReporter(liar.address)


def test_report_equivocation__two_signers_or_a_stranger__reverts(
    cut: System,
) -> None:
    outsider = Account.from_key(b"\x07" * 32)
    report = cut.report()
    other = replace(report, data_root=b"\x33" * 32)
    one, two = cut.signers[:2]

    with ape.reverts(cut.nav.SignersDiffer, first=one.address, second=two.address):
        show(cut, [report, other], [one, two])
    with ape.reverts(cut.nav.NotReporter, signer=outsider.address):
        show(cut, [report, other], [outsider, outsider])


def test_hold__not_the_reporter_or_a_higher_nav__reverts(cut: System, stranger: Any) -> None:
    with ape.reverts(cut.vault.NotReporter, caller=stranger.address):
        cut.vault.hold(0, sender=stranger)
    current = cut.vault.acceptedNav()

    with ape.reverts(cut.vault.HoldRaisesNav, given=current + 1, current=current):
        cut.vault.hold(current + 1, sender=cut.acting(cut.nav))
