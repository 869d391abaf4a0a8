"""The gain gate, the two prices and what keeps deposits waiting, by worked examples."""

from typing import Any

import ape
import pytest

from tests.contracts.system import DAY, System

BUCKET_FULL = 10**16
SETTLES, HELD_FOR_LOSS, _ = range(3)


@pytest.fixture
def vault_of_10m(system: System, alice: Any) -> System:
    """10M of Alice, half of it on the pool."""
    system.seed(alice, 10_000_000 * system.unit)
    system.vault.allocate(system.pool, 5_000_000 * system.unit, sender=system.keeper)
    return system


def accepted_of(system: System) -> int:
    """What the next settlement accepts, in thousands of assets."""
    return int(system.settle().return_value.accepted) // (1_000 * system.unit)


def test_gate__gain_within_one_percent__is_accepted_at_once(vault_of_10m: System) -> None:
    vault_of_10m.gain(99_000 * vault_of_10m.unit)

    assert accepted_of(vault_of_10m) == 10_099
    assert 0 < vault_of_10m.nav.gate().bucket < BUCKET_FULL // 50


def test_gate__larger_gain__waits_in_the_slot_for_three_days(vault_of_10m: System) -> None:
    """+5 % of 10M: 1 % a day through the bucket, the rest after three days."""
    vault_of_10m.gain(500_000 * vault_of_10m.unit)

    steps = [accepted_of(vault_of_10m) for _ in range(4)]

    assert steps == [10_100, 10_201, 10_303, 10_500]
    assert vault_of_10m.nav.gate().slotAmount == 0


def test_gate__gain_gone_before_release__releases_nothing(vault_of_10m: System) -> None:
    system = vault_of_10m
    system.gain(500_000 * system.unit)
    system.settle()
    slot = system.nav.gate()
    system.gain(-400_000 * system.unit)
    system.settle()

    assert slot.slotAmount == 400_000 * system.unit
    assert slot.slotReleaseAt == slot.time + 3 * DAY
    assert system.nav.gate().slotAmount == 0
    assert system.vault.acceptedNav() == 10_100_000 * system.unit


def test_gate__loss__counts_at_once_and_may_be_undone_at_once(vault_of_10m: System) -> None:
    system = vault_of_10m
    system.gain(-190_000 * system.unit)
    lost = accepted_of(system)
    system.gain(190_000 * system.unit)

    assert (lost, accepted_of(system)) == (9_810, 10_000)
    assert system.nav.gate().recovery == 0
    assert system.nav.gate().bucket == BUCKET_FULL


def test_gate__loss_seven_days_old__is_a_gain_when_it_comes_back(vault_of_10m: System) -> None:
    system = vault_of_10m
    system.gain(-190_000 * system.unit)
    system.settle()
    system.settle()
    system.wait(7 * DAY)
    system.settle()
    system.gain(190_000 * system.unit)

    assert int(system.settle().return_value.accepted) == 9_908_100 * system.unit


def test_gate__loss_within_two_percent__settles_and_draws_the_loss_bucket(
    vault_of_10m: System,
) -> None:
    system = vault_of_10m
    system.gain(-200_000 * system.unit)

    outcome = system.settle().return_value

    assert (outcome.hold, outcome.accepted) == (SETTLES, 9_800_000 * system.unit)
    assert system.nav.gate().lossBucket == 0


def test_gate__loss_beyond_two_percent__is_published_and_holds_the_cut_for_a_day(
    vault_of_10m: System, alice: Any, bob: Any
) -> None:
    """A large loss is known a day before anybody is priced at it, and everybody may step back."""
    system, unit = vault_of_10m, vault_of_10m.unit
    system.request_redeem(alice, 1_000 * system.share)
    system.request_deposit(bob, 1_000 * unit)
    system.gain(-200_001 * unit)

    system.cut()
    system.wait(60)
    receipt = system.submit(system.report())

    (hold,) = receipt.decode_logs(system.vault.Hold)
    assert receipt.return_value.hold == HELD_FOR_LOSS
    assert hold.epoch == system.vault.cut().epoch
    assert hold.accepted == system.vault.acceptedNav() == 9_799_999 * unit
    assert hold.nextCutTime == receipt.timestamp + DAY == system.vault.nextCutTime()
    assert list(receipt.decode_logs(system.vault.Settle)) == []
    system.cancel_redeem(alice)
    system.cancel_deposit(bob)
    with ape.reverts(system.vault.TooEarly):
        system.vault.closeEpoch(sender=alice)


def test_gate__second_large_loss_after_a_hold__holds_again(vault_of_10m: System) -> None:
    """Correction 5: -2.1 % followed by a false -99 % settles nobody at one per cent."""
    system = vault_of_10m
    system.gain(-210_000 * system.unit)
    system.settle()
    system.gain(-4_700_000 * system.unit)
    again = system.settle().return_value

    system.gain(4_700_000 * system.unit)
    honest = system.settle().return_value

    assert again.hold == HELD_FOR_LOSS
    assert (honest.hold, honest.accepted) == (SETTLES, 9_790_000 * system.unit)


def test_gate__loss_bucket__refills_by_two_percent_a_day(vault_of_10m: System) -> None:
    system, unit = vault_of_10m, vault_of_10m.unit
    system.gain(-200_000 * unit)
    system.settle()
    system.gain(-100_000 * unit)
    within = system.settle().return_value
    system.gain(-300_000 * unit)

    beyond = system.settle().return_value

    assert (within.hold, beyond.hold) == (SETTLES, HELD_FOR_LOSS)


def test_settle__gain_not_accepted_yet__is_sold_to_no_newcomer(
    vault_of_10m: System, bob: Any
) -> None:
    """V-18, A2: 5M join 10M that just gained 5 %; they wait, then pay the whole gain."""
    system = vault_of_10m
    system.gain(500_000 * system.unit)
    system.request_deposit(bob, 5_000_000 * system.unit)

    waiting = system.settle().return_value
    for _ in range(3):
        filled = system.settle().return_value

    assert not waiting.depositsOpen
    assert filled.depositsOpen
    worth = system.vault.convertToAssets(system.vault.maxMint(bob))
    assert 5_000_000 * system.unit - 2 <= worth <= 5_000_000 * system.unit


def test_settle__gap_within_one_percent__newcomers_pay_gross_and_leavers_get_accepted(
    vault_of_10m: System, alice: Any, bob: Any
) -> None:
    """Two prices: neither side of the queue takes the unaccepted gain."""
    system, unit = vault_of_10m, vault_of_10m.unit
    system.gain(150_000 * unit)
    system.request_deposit(bob, 1_000_000 * unit)
    system.request_redeem(alice, 1_000_000 * system.share)
    outcome = system.settle().return_value
    shares, fill = 10_000_000 * system.share + 10**12, outcome.fill

    paid = 1_000_000 * system.share * 10_100_000 * unit // shares
    left = shares - 1_000_000 * system.share
    assert outcome.depositsOpen
    assert (outcome.gross, outcome.accepted) == (10_150_000 * unit, 10_100_000 * unit)
    assert fill.redeemAssets == paid
    assert fill.depositShares == 1_000_000 * unit * left // (10_150_000 * unit - paid + 1)


def test_settle__ask_far_above_bid__deposits_wait(vault_of_10m: System, bob: Any) -> None:
    system, unit = vault_of_10m, vault_of_10m.unit
    system.pool.setValue(5_000_000 * unit, 5_200_000 * unit, sender=system.deployer)
    system.request_deposit(bob, 1_000 * unit)

    outcome = system.settle().return_value

    assert (outcome.gross, outcome.grossAsk) == (10_000_000 * unit, 10_200_000 * unit)
    assert not outcome.depositsOpen
    assert system.vault.pendingDepositRequest(0, bob) == 1_000 * unit


def test_settle__price_fell_by_more_than_two_percent__deposits_wait_three_days(
    vault_of_10m: System, bob: Any
) -> None:
    """The fall itself is held for a day; the price before it bounds deposits for three."""
    system, unit = vault_of_10m, vault_of_10m.unit
    system.gain(-210_000 * unit)
    system.request_deposit(bob, 1_000 * unit)

    opened = [system.settle().return_value.depositsOpen for _ in range(5)]

    assert opened[:2] == [False, False]
    assert opened[3:] == [True, True]
    assert system.vault.maxDeposit(bob) == 1_000 * unit


def test_settle__whole_supply_leaves__it_settles_at_gross_and_starts_anew(
    vault_of_10m: System, alice: Any, bob: Any
) -> None:
    """Nobody stays to own the unaccepted gain; the emptied vault is as new (A1)."""
    system, unit = vault_of_10m, vault_of_10m.unit
    system.gain(500_000 * unit)
    system.vault.deallocate(system.pool, 5_000_000 * unit, sender=system.keeper)
    system.token.mint(system.pool, 500_000 * unit, sender=system.deployer)
    system.vault.deallocate(system.pool, 500_000 * unit, sender=system.keeper)
    system.request_redeem(alice, 10_000_000 * system.share)

    fill = system.settle().return_value.fill
    system.request_deposit(bob, 1_000 * unit)
    system.settle()

    assert fill.wholeExit
    assert 10_500_000 * unit - 2 <= fill.redeemAssets <= 10_500_000 * unit
    worth = system.vault.convertToAssets(system.vault.maxMint(bob))
    assert 1_000 * unit - 2 <= worth <= 1_000 * unit


def test_settle__first_depositor_inflation__costs_only_the_attacker(
    any_system: System,
) -> None:
    """A1: an emptied vault with dust of shares, a donated fortune, then a victim."""
    system = any_system
    attacker, victim = system.users[0], system.users[1]
    unit = system.unit
    system.seed(attacker, 2 * unit)
    dust = 500 * system.vault.virtualShares()
    system.request_redeem(attacker, 2 * system.share - dust)
    system.settle()
    system.gain(1_000_000 * unit)
    system.request_deposit(victim, 1_000 * unit)

    system.settle()

    worth = system.vault.convertToAssets(system.vault.maxMint(victim))
    lost = 1_000 * unit - worth
    share_unit = system.vault.acceptedNav() // (dust + system.vault.virtualShares())
    attack_cost = 1_000_000 * unit // 501
    assert 0 <= lost <= share_unit + 2
    assert lost * 1_000 < attack_cost


def test_high_price__before_any_settlement__is_zero(system: System) -> None:
    assert system.nav.highPrice(system.chain.pending_timestamp) == 0
    assert system.nav.attestedValue() == 0
    assert system.nav.lastLegs() == []
