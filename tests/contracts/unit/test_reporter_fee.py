"""The performance fee and its high-water mark, by worked examples (attack A17 among them)."""

from dataclasses import replace
from typing import Any

import ape
import pytest

from tests.contracts.system import DAY, Leg, Report, System

FEE_BPS = 1_000
SIGNER_FEE_BPS = 200
ONE = 10**36


def charge(system: System, fee_bps: int) -> None:
    """Have the owner set the rate."""
    cap, venue, on_chain, _, *rest = system.mandate.limits()
    limits = (cap, venue, on_chain, fee_bps, *rest)
    system.mandate.setLimits(limits, sender=system.owner)


@pytest.fixture
def charged(system: System, alice: Any) -> System:
    """1,000 of Alice, idle, in a vault that takes 10 %."""
    charge(system, FEE_BPS)
    system.seed(alice, 1_000 * system.unit)
    return system


def settled(system: System, equity: int | None = None, external: int = 0) -> Any:
    """Cut and settle; `external` of the change in equity came from strangers."""
    system.cut()
    report = system.report(equity)
    spread, *others = report.pnl
    report = replace(report, pnl=(spread - external, *others), external=external)
    return system.submit(report)


def shares_of(system: System) -> int:
    return int(system.vault.totalSupply() + system.vault.virtualShares())


def test_submit_report__gain_above_the_mark__mints_its_tenth_as_shares(charged: System) -> None:
    """10 of 1,000 are gained: 1 is the fee, shares worth 1 of the 1,010."""
    shares, unit = shares_of(charged), charged.unit

    fill = settled(charged, 10 * unit).return_value.fill

    assert fill.accepted == 1_010 * unit
    assert fill.feeShares == unit * shares // (1_009 * unit)
    assert fill.feeShares * fill.accepted // (shares + fill.feeShares) in (unit - 1, unit)
    assert charged.vault.balanceOf(charged.nav) == fill.feeShares
    assert fill.supplyAfter == charged.vault.totalSupply() == shares_of(charged) - 10**12


def test_submit_report__fee__belongs_to_its_signers_and_the_recipient(charged: System) -> None:
    unit, nav = charged.unit, charged.nav
    first, second, absent = charged.signers
    recipient = charged.mandate.feeRecipient()

    receipt = settled(charged, 10 * unit)

    fee = receipt.return_value.fill.feeShares
    each = fee * SIGNER_FEE_BPS // 10_000
    epoch = charged.vault.cut().epoch
    assert [nav.feeOf(key.address) for key in (first, second, absent)] == [each, each, 0]
    assert nav.feeOf(recipient) == fee - 2 * each
    expected = nav.ChargeFee(
        epoch=epoch,
        feeRecipient=recipient,
        shares=fee,
        perSigner=each,
        signers=[first.address, second.address],
    )
    assert expected in receipt.events
    assert nav.MoveMark(epoch=epoch, mark=nav.mark(), exempt=0) in receipt.events


def test_submit_report__after_a_fee__mark_is_the_price_that_is_left(charged: System) -> None:
    settled(charged, 10 * charged.unit)

    again = settled(charged).return_value

    after = (charged.vault.acceptedNav() + 1) * ONE
    assert charged.nav.mark() == -(-after // shares_of(charged))
    assert again.mark == charged.nav.mark()
    assert again.fill.feeShares == 0


def test_submit_report__loss_and_recovery__are_free_until_the_mark(charged: System) -> None:
    """V-21: 19 lost, 19 won back, then 10 more: the 10 alone are charged."""
    unit = charged.unit

    fees = [
        settled(charged, equity * unit).return_value.fill.feeShares for equity in (-19, 0, 10, 10)
    ]

    assert fees[:2] == [0, 0]
    assert fees[2] == unit * (shares_of(charged) - sum(fees)) // (1_009 * unit)
    assert fees[3] == 0


def test_submit_report__gift__lifts_the_mark_and_costs_nothing(charged: System) -> None:
    """V-21: strangers send 8, the book wins 2: only the 2 are charged."""
    unit, shares, before = charged.unit, shares_of(charged), charged.nav.mark()

    outcome = settled(charged, 10 * unit, external=8 * unit).return_value

    assert outcome.mark == before - (-8 * unit * ONE // shares)
    fee = 2 * unit // 10 - 1  # what is free of it is rounded up
    assert outcome.fill.feeShares == fee * shares // (1_010 * unit - fee)


def test_submit_report__gift_left_behind_by_leavers__costs_nothing(
    system: System, alice: Any, bob: Any
) -> None:
    """V-21: 50 are given, 10 accepted; nine of ten leave; the rest of the 50 is Alice's, free."""
    charge(system, FEE_BPS)
    system.seed(alice, 100 * system.unit)
    system.seed(bob, 900 * system.unit)
    system.request_redeem(bob, system.vault.balanceOf(bob))
    price = system.nav.mark()

    fees = [settled(system, 50 * system.unit, external=50 * system.unit).return_value.fill]
    lifted = system.nav.mark()
    fees += [settled(system).return_value.fill for _ in range(16)]

    assert [fill.feeShares for fill in fees] == [0] * 17
    assert lifted > price * 130 // 100
    assert system.vault.acceptedNav() > 130 * system.unit


def test_submit_report__strangers_take_some__is_a_loss_and_lowers_no_mark(charged: System) -> None:
    before, unit = charged.nav.mark(), charged.unit

    outcome = settled(charged, -5 * unit, external=-5 * unit).return_value

    assert (outcome.mark, outcome.fill.feeShares) == (before, 0)
    assert charged.nav.mark() == before


def test_submit_report__gift_in_a_held_report__lifts_the_mark_all_the_same(
    charged: System,
) -> None:
    """A loss of 5 % holds; the stranger's 10 in the same report are no later gain."""
    unit, shares, before = charged.unit, shares_of(charged), charged.nav.mark()

    outcome = settled(charged, -50 * unit, external=10 * unit).return_value

    assert outcome.hold == 1
    assert charged.nav.mark() == outcome.mark == before - (-10 * unit * ONE // shares)


def test_submit_report__newcomers_pay_a_spread__lifts_the_mark_and_is_no_gain(
    charged: System, bob: Any
) -> None:
    """V-21: who comes in at the ask makes the others richer; flows are never charged."""
    unit, before = charged.unit, charged.nav.mark()
    charged.pool.setValue(0, 5 * unit, sender=charged.deployer)
    charged.request_deposit(bob, 500 * unit)

    fills = [charged.settle().return_value.fill for _ in range(2)]

    assert fills[0].depositAssets == 500 * unit
    assert [fill.feeShares for fill in fills] == [0, 0]
    assert charged.nav.mark() > before


def test_submit_report__everybody_leaves__is_charged_on_gross(charged: System, alice: Any) -> None:
    """30 are gained, 10 would be accepted; who leaves with all of it owes the fee on all of it."""
    unit, shares = charged.unit, shares_of(charged)
    charged.token.mint(charged.clob, 30 * unit, sender=charged.deployer)
    charged.request_redeem(alice, charged.vault.balanceOf(alice))
    charged.cut()
    last = charged.nav.lastLegs()[0]
    leg = Leg(30 * unit, 0, 0, last.venueHeight + 1)

    fill = charged.submit(report_of(charged, leg, 30 * unit)).return_value.fill

    assert fill.wholeExit
    assert fill.feeShares == 3 * unit * shares // (1_027 * unit)
    after = (charged.vault.acceptedNav() + 1) * ONE
    assert charged.nav.mark() == -(-after // shares_of(charged))


def report_of(system: System, leg: Leg, spread: int) -> Report:
    return Report(
        epoch=system.vault.cut().epoch,
        set_id=system.nav.setId(),
        prev_hash=bytes(system.nav.lastReportHash()),
        legs=(leg,),
        pnl=(spread, 0, 0, 0, 0),
    )


def test_submit_report__nobody_holds_shares__charges_nothing_and_starts_anew(
    system: System, alice: Any
) -> None:
    """A17: what lies in a vault without shares is nobody's gain, and the next depositor's mark."""
    charge(system, 3_000)

    fills = [settled(system, equity).return_value.fill for equity in (system.unit, 10**3, 10**9)]

    assert [fill.feeShares for fill in fills] == [0, 0, 0]
    assert system.nav.mark() == -(-(10**9 + 1) * ONE // system.vault.virtualShares())
    system.seed(alice, 100 * system.unit)
    assert settled(system).return_value.fill.feeShares == 0


def test_submit_report__no_rate__charges_nothing_and_the_mark_moves(charged: System) -> None:
    """A rate that comes later is not charged on what was gained before."""
    charge(charged, 0)
    before, unit = charged.nav.mark(), charged.unit

    free = settled(charged, 10 * unit).return_value.fill
    charge(charged, 3_000)
    later = settled(charged).return_value.fill

    assert (free.feeShares, later.feeShares) == (0, 0)
    assert charged.nav.mark() > before


def test_mark__before_the_first_report__is_the_initial_price(any_system: System) -> None:
    assert any_system.nav.mark() == ONE // any_system.vault.virtualShares()


def test_preview_report__gain__shows_mark_and_fee(charged: System) -> None:
    charged.cut()
    report = charged.report(10 * charged.unit)

    outcome = charged.nav.previewReport(report.as_tuple())

    assert outcome.mark == charged.nav.mark()
    assert outcome.fill.feeShares == charged.submit(report).return_value.fill.feeShares > 0


def test_claim_fee__by_anyone__pays_the_account_once(charged: System, bob: Any) -> None:
    settled(charged, 10 * charged.unit)
    recipient = charged.mandate.feeRecipient()
    due = charged.nav.feeOf(recipient)

    receipt = charged.nav.claimFee(recipient, sender=bob)

    assert charged.nav.ClaimFee(account=recipient, shares=due) in receipt.events
    assert (charged.vault.balanceOf(recipient), charged.nav.feeOf(recipient)) == (due, 0)
    with ape.reverts(charged.nav.NoFee, account=recipient):
        charged.nav.claimFee(recipient, sender=bob)


def test_claim_fee__recipient_replaced__keeps_what_it_earned(charged: System, bob: Any) -> None:
    unit, former = charged.unit, charged.mandate.feeRecipient()
    settled(charged, 10 * unit)
    earned = charged.nav.feeOf(former)
    charged.mandate.setFeeRecipient(bob, sender=charged.owner)
    charged.wait(DAY)

    settled(charged, 20 * unit)

    assert charged.nav.feeOf(former) == earned
    assert charged.nav.feeOf(bob) > 0


def test_claim_fee__vault_winds_down__is_paid_and_leaves_like_any_share(charged: System) -> None:
    settled(charged, 10 * charged.unit)
    recipient = charged.mandate.feeRecipient()
    charged.end.startImpaired(sender=charged.guardian)

    charged.nav.claimFee(recipient, sender=charged.deployer)
    holder = charged.chain.account_manager[recipient]
    charged.end.exit(charged.vault.balanceOf(recipient), sender=holder)

    assert charged.end.units(recipient) > 0
