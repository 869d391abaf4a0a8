"""submitReport and previewReport: identity of a report, signatures, bounds, transfers in flight."""

from dataclasses import replace
from typing import Any

import ape
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils import keccak

from tests.contracts.system import DAY, REPORT_WINDOW, Leg, Report, System, typed_data

NONE, _, STALE_TRANSIT, INSOLVENT = range(4)
WINDDOWN = 2
SECP256K1_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.fixture
def traded(system: System, alice: Any) -> System:
    """1,000 assets of Alice, 400 of them on the venue, settled there."""
    system.seed(alice, 1_000 * system.unit)
    system.vault.allocate(system.clob, 400 * system.unit, sender=system.keeper)
    system.settle()
    return system


@pytest.fixture
def cut(traded: System) -> Report:
    """An honest report of an open cut of the traded vault."""
    traded.cut()
    return traded.report()


def with_leg(report: Report, **changes: int) -> Report:
    return replace(report, legs=(replace(report.legs[0], **changes),))


def with_credit(system: System, whole: int) -> Report:
    """A report of the open cut by which the venue has credited, and holds, `whole` assets."""
    assets = whole * system.unit
    report = with_leg(system.report(), equity=assets, credited=assets)
    last = system.nav.lastLegs()[0]
    earned = (assets - last.equity) - (assets - last.credited)
    return replace(report, pnl=(earned, 0, 0, 0, 0))


def test_digest__any_report__is_the_standard_eip712_hash(traded: System, cut: Report) -> None:
    document = typed_data(
        cut, traded.vault.address, traded.nav.address, traded.chain.provider.chain_id
    )
    message = encode_typed_data(full_message=document)

    expected = keccak(b"\x19\x01" + message.header + message.body)

    assert bytes(traded.nav.digest(cut.as_tuple())) == expected


def test_submit_report__any_relayer__stores_settles_and_emits(
    traded: System, cut: Report, stranger: Any
) -> None:
    unit = traded.unit
    report = replace(
        with_leg(cut, equity=402 * unit), pnl=(3 * unit, 0, 0, -unit, -unit), external=unit
    )
    signed = traded.sign(report)

    receipt = traded.nav.submitReport(report.as_tuple(), signed, sender=stranger)

    digest = traded.nav.digest(report.as_tuple())
    height = report.legs[0].height
    leg = traded.nav.LegReported(
        epoch=report.epoch,
        leg=0,
        equity=402 * unit,
        credited=400 * unit,
        debited=0,
        venueHeight=height,
    )
    submitted = traded.nav.SubmitReport(
        epoch=report.epoch,
        digest=digest,
        gross=1_002 * unit,
        accepted=1_002 * unit,
        pnl=list(report.pnl),
        externalFlow=unit,
        dataRoot=report.data_root,
        dataCid=report.data_cid,
    )
    assert receipt.events[0] == leg
    assert receipt.events[1] == submitted
    assert traded.nav.lastReportHash() == digest
    assert traded.nav.lastLegs() == [(402 * unit, 400 * unit, 0, height)]
    assert traded.vault.acceptedNav() == 1_002 * unit
    assert traded.vault.state() == 0


def test_preview_report__before_submission__says_what_it_does(
    traded: System, cut: Report, alice: Any
) -> None:
    preview = traded.nav.previewReport(cut.as_tuple())

    receipt = traded.submit(cut)

    assert receipt.return_value == preview
    assert preview.fill.acceptedAfter == traded.vault.acceptedNav()


def test_submit_report__no_cut__reverts(traded: System) -> None:
    with ape.reverts(traded.nav.NoOpenCut):
        traded.submit(traded.report())


def test_submit_report__lapsed_cut__reverts(traded: System, cut: Report) -> None:
    """V-20."""
    traded.wait(REPORT_WINDOW + 1)

    with ape.reverts(traded.nav.NoOpenCut):
        traded.submit(cut)
    with ape.reverts(traded.nav.NoOpenCut):
        traded.nav.previewReport(cut.as_tuple())


def test_submit_report__twice__reverts(traded: System, cut: Report) -> None:
    """A7: one cut, one report."""
    signed = traded.sign(cut)
    traded.submit(cut, signed)

    with ape.reverts(traded.nav.NoOpenCut):
        traded.submit(cut, signed)


def test_submit_report__old_report_in_a_new_cut__reverts(traded: System, cut: Report) -> None:
    """A5: a signed report of a lapsed cut prices no other one."""
    signed = traded.sign(cut)
    traded.wait(DAY)
    traded.cut()

    with ape.reverts(traded.nav.EpochMismatch, given=cut.epoch, expected=cut.epoch + 1):
        traded.submit(cut, signed)


def test_submit_report__other_previous_report__reverts(traded: System, cut: Report) -> None:
    report = replace(cut, prev_hash=b"\x01" * 32)

    with ape.reverts(traded.nav.PrevHashMismatch):
        traded.submit(report)


def test_submit_report__set_rotated_between_sign_and_post__reverts(
    traded: System, cut: Report
) -> None:
    """A25."""
    signed = traded.sign(cut)
    keys = [key.address for key in traded.signers]
    traded.nav.setReporters(keys, 2, sender=traded.owner)

    with ape.reverts(traded.nav.SetMismatch, given=1, expected=2):
        traded.submit(cut, signed)


def test_submit_report__one_signature__reverts(traded: System, cut: Report) -> None:
    """A8: k-1."""
    with ape.reverts(traded.nav.QuorumMissed, signatures=1, quorum=2):
        traded.submit(cut, traded.sign(cut, traded.signers[:1]))


def test_submit_report__same_signer_twice__reverts(traded: System, cut: Report) -> None:
    signer = traded.signers[0]

    with ape.reverts(traded.nav.DuplicateSignature, signer=signer.address):
        traded.submit(cut, traded.sign(cut, [signer, signer]))


def test_submit_report__stranger_among_the_signers__reverts(traded: System, cut: Report) -> None:
    outsider = Account.from_key(b"\x07" * 32)

    with ape.reverts(traded.nav.NotReporter, signer=outsider.address):
        traded.submit(cut, traded.sign(cut, [traded.signers[0], outsider]))


def test_submit_report__signature_of_another_report__reverts(traded: System, cut: Report) -> None:
    other = traded.sign(replace(cut, data_root=b"\x33" * 32))

    with ape.reverts(traded.nav.NotReporter):
        traded.submit(cut, other)


def test_submit_report__all_reporters_in_any_order__is_accepted(
    traded: System, cut: Report
) -> None:
    traded.submit(cut, traded.sign(cut, list(reversed(traded.signers))))

    assert traded.vault.cut().epoch == cut.epoch
    assert traded.vault.state() == 0


def test_submit_report__malleated_signature__reverts(traded: System, cut: Report) -> None:
    """A25: the other s of the same signature."""
    first, second = traded.sign(cut)
    s = SECP256K1_N - int.from_bytes(first[32:64], "big")
    flipped = first[:32] + s.to_bytes(32, "big") + bytes([55 - first[64]])

    with ape.reverts(traded.nav.ECDSAInvalidSignatureS):
        traded.submit(cut, [flipped, second])


def test_submit_report__short_signature__reverts(traded: System, cut: Report) -> None:
    first, second = traded.sign(cut)

    with ape.reverts(traded.nav.ECDSAInvalidSignatureLength, length=64):
        traded.submit(cut, [first[:64], second])


def test_submit_report__other_number_of_legs__reverts(traded: System, cut: Report) -> None:
    with ape.reverts(traded.nav.LegCountMismatch, given=2, expected=1):
        traded.submit(replace(cut, legs=cut.legs * 2))


def test_submit_report__credited_more_than_sent__reverts(traded: System, cut: Report) -> None:
    sent = 400 * traded.unit

    with ape.reverts(traded.nav.CreditedOutOfRange, leg=0, given=sent + 1, least=sent, most=sent):
        traded.submit(with_leg(cut, credited=sent + 1))


def test_submit_report__credited_falls__reverts(traded: System, cut: Report) -> None:
    sent = 400 * traded.unit

    with ape.reverts(traded.nav.CreditedOutOfRange, leg=0, given=sent - 1, least=sent, most=sent):
        traded.submit(with_leg(cut, credited=sent - 1))


def test_submit_report__debited_below_what_returned__reverts(traded: System) -> None:
    unit = traded.unit
    traded.token.transfer(traded.clob, 30 * unit, sender=traded.venue)
    traded.settle()
    traded.cut()

    with ape.reverts(traded.nav.DebitedTooLow, leg=0, given=30 * unit - 1, least=30 * unit):
        traded.submit(with_leg(traded.report(), debited=30 * unit - 1))


def test_submit_report__same_venue_height__reverts(traded: System, cut: Report) -> None:
    height = cut.legs[0].height - 1

    with ape.reverts(traded.nav.VenueHeightNotNewer, leg=0, given=height, last=height):
        traded.submit(with_leg(cut, height=height))


def test_submit_report__one_unit_unexplained__reverts(traded: System, cut: Report) -> None:
    with ape.reverts(traded.nav.PnlIdentityBroken, change=1, explained=0):
        traded.submit(with_leg(cut, equity=cut.legs[0].equity + 1))


@pytest.mark.parametrize("whole", [1_000, 1_500])
def test_submit_report__gross_not_positive__starts_the_wind_down(
    traded: System, cut: Report, whole: int
) -> None:
    lost = -whole * traded.unit
    report = replace(with_leg(cut, equity=400 * traded.unit + lost), pnl=(lost, 0, 0, 0, 0))

    outcome = traded.submit(report).return_value

    assert outcome.hold == INSOLVENT
    assert traded.vault.state() == WINDDOWN
    assert traded.end.startedAt() > 0


def test_submit_report__gross_beyond_the_arithmetic__reverts(traded: System, cut: Report) -> None:
    report = replace(with_leg(cut, equity=400 * traded.unit + 2**128), pnl=(2**128, 0, 0, 0, 0))

    with ape.reverts(traded.nav.GrossTooLarge):
        traded.submit(report)


def test_submit_report__negative_equity__counts_as_such(traded: System, cut: Report) -> None:
    """V-02: equity is never mirrored."""
    unit = traded.unit
    report = replace(with_leg(cut, equity=-50 * unit), pnl=(0, -450 * unit, 0, 0, 0))

    traded.submit(report)

    assert traded.vault.acceptedNav() == 550 * unit
    assert traded.nav.attestedValue() == 0


def test_submit_report__transfers_in_flight__change_no_nav(traded: System) -> None:
    """V-19, A6: 200 of 1,000 on the way out and 100 on the way home are no loss of 30 %."""
    unit = traded.unit
    traded.vault.allocate(traded.clob, 100 * unit, sender=traded.keeper)
    traded.cut()
    report = traded.report()
    leg = Leg(300 * unit, 400 * unit, 100 * unit, report.legs[0].height)

    outcome = traded.submit(replace(report, legs=(leg,), pnl=(0, 0, 0, 0, 0))).return_value

    assert outcome.gross == outcome.accepted == 1_000 * unit
    assert traded.nav.attestedValue() == 500 * unit


def test_submit_report__transit_older_than_a_day__deposits_wait(traded: System, bob: Any) -> None:
    """Correction 10: nothing is sold while anything is stale, and below 2 % the rest settles."""
    unit = traded.unit
    traded.vault.allocate(traded.clob, 21 * unit, sender=traded.keeper)
    traded.cut()
    traded.submit(with_credit(traded, 400))
    traded.request_deposit(bob, 10 * unit)
    traded.cut()

    outcome = traded.submit(with_credit(traded, 402)).return_value

    assert outcome.staleTransit == 19 * unit
    assert (outcome.hold, outcome.depositsOpen) == (NONE, False)
    assert traded.vault.pendingDepositRequest(0, bob) == 10 * unit


def test_submit_report__stale_transit_above_two_percent__holds_and_accepts_no_gain(
    traded: System, alice: Any
) -> None:
    unit = traded.unit
    traded.vault.allocate(traded.clob, 21 * unit, sender=traded.keeper)
    traded.cut()
    traded.submit(with_credit(traded, 400))
    traded.request_redeem(alice, 10 * traded.share)
    traded.gain(5 * unit)
    traded.cut()
    gate = traded.nav.gate()

    outcome = traded.submit(with_credit(traded, 400)).return_value

    assert (outcome.hold, outcome.staleTransit) == (STALE_TRANSIT, 21 * unit)
    assert outcome.accepted == traded.vault.acceptedNav() == 1_000 * unit
    assert traded.nav.gate() == gate
    assert traded.vault.claimableRedeemRequest(0, alice) == 0


def test_submit_report__stale_transit_and_a_loss__holds_and_accepts_the_loss(
    traded: System,
) -> None:
    """Only a gain waits for the transfers: what is lost is published at once."""
    unit = traded.unit
    traded.vault.allocate(traded.clob, 21 * unit, sender=traded.keeper)
    traded.cut()
    traded.submit(with_credit(traded, 400))
    traded.cut()
    report = with_leg(with_credit(traded, 400), equity=390 * unit)

    outcome = traded.submit(replace(report, pnl=(-10 * unit, 0, 0, 0, 0))).return_value

    assert (outcome.hold, outcome.staleTransit) == (STALE_TRANSIT, 21 * unit)
    assert outcome.accepted == traded.vault.acceptedNav() == 990 * unit


def test_preview_report__one_that_would_be_held__shows_no_fill(traded: System) -> None:
    unit = traded.unit
    traded.vault.allocate(traded.clob, 21 * unit, sender=traded.keeper)
    traded.cut()
    traded.submit(with_credit(traded, 400))
    traded.cut()
    report = with_credit(traded, 400)

    preview = traded.nav.previewReport(report.as_tuple())

    assert preview.hold == STALE_TRANSIT
    assert preview.fill.acceptedAfter == 0
    assert traded.submit(report).return_value == preview


@pytest.mark.parametrize(("left_bps", "opens"), [(20, True), (5, False)])
def test_submit_report__price_below_a_thousandth_of_the_first__keeps_deposits_closed(
    traded: System, left_bps: int, opens: bool
) -> None:
    """A hundred days after the loss the high has faded; a share is then too small to sell."""
    unit, vault = traded.unit, traded.vault
    left = 1_000 * unit * left_bps // 10_000
    vault.allocate(traded.pool, vault.idle() - left, sender=traded.keeper)
    traded.pool.setValue(0, 0, sender=traded.deployer)
    traded.settle(equity=0)
    traded.settle()

    traded.wait(101 * DAY)
    traded.settle()
    outcome = traded.settle().return_value

    assert (outcome.hold, outcome.gross, outcome.accepted) == (NONE, left, left)
    assert outcome.depositsOpen is opens


@pytest.mark.parametrize(
    ("size", "quorum", "error"),
    [
        (3, 1, "QuorumOutOfRange"),
        (3, 4, "QuorumOutOfRange"),
        (4, 2, "QuorumOutOfRange"),
        (1, 1, "QuorumOutOfRange"),
        (10, 6, "SetSizeOutOfRange"),
    ],
)
def test_set_reporters__sizes_out_of_range__reverts(
    system: System, accounts: Any, size: int, quorum: int, error: str
) -> None:
    members = [accounts[5 + i].address for i in range(size)]

    with ape.reverts(getattr(system.nav, error)):
        system.nav.setReporters(members, quorum, sender=system.owner)


def test_constructor__no_vault__reverts(project: Any, system: System) -> None:
    members = [key.address for key in system.signers]

    with ape.reverts(system.nav.ZeroAddress):
        system.deployer.deploy(project.NavReporter, "0x" + "00" * 20, members, 2)


def test_set_reporters__not_the_owner__reverts(system: System, stranger: Any) -> None:
    with ape.reverts(system.nav.NotVaultOwner, caller=stranger.address):
        system.nav.setReporters([], 2, sender=stranger)


@pytest.mark.parametrize("role", ["keeper", "guardian", "owner"])
def test_set_reporters__account_with_a_role__reverts(system: System, role: str) -> None:
    account = getattr(system, role)
    members = [account.address, system.signers[0].address]

    with ape.reverts(system.nav.RoleConflict, reporter=account.address):
        system.nav.setReporters(members, 2, sender=system.owner)


def test_set_reporters__same_account_twice_or_zero__reverts(system: System) -> None:
    key = system.signers[0].address

    with ape.reverts(system.nav.DuplicateReporter, reporter=key):
        system.nav.setReporters([key, key], 2, sender=system.owner)
    with ape.reverts(system.nav.ZeroAddress):
        system.nav.setReporters([key, "0x" + "00" * 20], 2, sender=system.owner)


def test_set_reporters__new_set__replaces_and_emits(system: System, bob: Any, carol: Any) -> None:
    receipt = system.nav.setReporters([bob, carol], 2, sender=system.owner)

    assert receipt.events == [
        system.nav.SetReporters(setId=2, reporters=[bob.address, carol.address], quorum=2)
    ]
    assert system.nav.reporters() == [bob.address, carol.address]
    assert system.nav.isReporter(bob)
    assert not system.nav.isReporter(system.signers[0].address)
    assert (system.nav.setId(), system.nav.quorum()) == (2, 2)
    assert system.nav.vault() == system.vault.address
