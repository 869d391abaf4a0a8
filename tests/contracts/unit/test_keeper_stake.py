"""The keeper's locked shares: how they bound deposits, when they leave, what is burnt of them."""

from typing import Any

import ape
import pytest

from tests.contracts.system import DAY, MAX_UINT, System

FIVE_PERCENT = 500
CAP = 10**9


def ask_for_stake(system: System, min_stake_bps: int = FIVE_PERCENT, *, fee_bps: int = 0) -> None:
    limits = (CAP * system.unit, 5_000, 3_000, fee_bps, min_stake_bps)
    system.mandate.setLimits(limits, sender=system.owner)


def lock(system: System, contract: Any, who: Any, shares: int) -> Any:
    system.vault.approve(contract, MAX_UINT, sender=who)
    return contract.stake(shares, sender=who)


@pytest.fixture
def stake(project: Any, system: System) -> Any:
    return project.KeeperStake.at(system.mandate.keeperStake())


@pytest.fixture
def staked(system: System, stake: Any) -> System:
    """The keeper deposited 10,000 first and locked all its shares; 5 % of NAV is asked for."""
    ask_for_stake(system)
    system.seed(system.keeper, 10_000 * system.unit)
    lock(system, stake, system.keeper, system.vault.balanceOf(system.keeper))
    return system


@pytest.fixture
def late(staked: System, alice: Any) -> int:
    """An epoch whose redemption stays unpaid, since all is on the venue; returns its number."""
    system = staked
    system.seed(alice, 100_000 * system.unit)
    system.vault.allocate(system.clob, 50_000 * system.unit, sender=system.keeper)
    system.settle()
    system.vault.allocate(system.pool, 60_000 * system.unit, sender=system.keeper)
    system.request_redeem(alice, system.vault.balanceOf(alice))
    system.settle()
    epoch = int(system.vault.cut().epoch)
    assert system.vault.isUnpaid(epoch)
    return epoch


def deadline(system: System, epoch: int) -> int:
    return int(system.vault.cutTimeOf(epoch)) + 3 * DAY


# --- locking


def test_views__fresh__name_vault_and_mandate(system: System, stake: Any) -> None:
    assert stake.vault() == system.vault.address
    assert stake.mandate() == system.mandate.address
    assert stake.penalisedUntil() == 0


def test_stake__own_shares__are_locked_and_emit(system: System, stake: Any, alice: Any) -> None:
    system.seed(alice, 100 * system.unit)

    receipt = lock(system, stake, alice, 40 * system.share)

    (event,) = (log for log in receipt.events if log.event_name == "Stake")
    assert event == stake.Stake(account=alice, payer=alice, shares=40 * system.share)
    assert stake.stakeOf(alice) == system.vault.balanceOf(stake) == 40 * system.share
    assert system.vault.balanceOf(alice) == 60 * system.share


def test_stake_for__another_account__is_its(
    system: System, stake: Any, alice: Any, bob: Any
) -> None:
    system.seed(alice, 100 * system.unit)
    system.vault.approve(stake, MAX_UINT, sender=alice)

    receipt = stake.stakeFor(bob, system.share, sender=alice)

    (event,) = (log for log in receipt.events if log.event_name == "Stake")
    assert event == stake.Stake(account=bob, payer=alice, shares=system.share)
    assert (stake.stakeOf(alice), stake.stakeOf(bob)) == (0, system.share)


def test_stake__nothing_or_not_allowed__reverts(system: System, stake: Any, alice: Any) -> None:
    system.seed(alice, 100 * system.unit)

    with ape.reverts(stake.ZeroShares):
        stake.stake(0, sender=alice)
    with ape.reverts(system.vault.ERC20InsufficientAllowance):
        stake.stake(1, sender=alice)


# --- leaving


def test_request_withdrawal__part__counts_no_more_and_emits(staked: System, stake: Any) -> None:
    keeper = staked.keeper

    receipt = stake.requestWithdrawal(4_000 * staked.share, sender=keeper)

    leaves_at = receipt.timestamp + 7 * DAY
    assert receipt.events == [
        stake.RequestWithdrawal(account=keeper, shares=4_000 * staked.share, leavesAt=leaves_at)
    ]
    assert stake.stakeOf(keeper) == 6_000 * staked.share
    assert tuple(stake.waiting(keeper)) == (4_000 * staked.share, leaves_at)
    assert staked.mandate.depositCapFor(10_000 * staked.unit) < 120_001 * staked.unit


def test_request_withdrawal__nothing_or_more_than_counts__reverts(
    staked: System, stake: Any
) -> None:
    all_of_it = stake.stakeOf(staked.keeper)

    with ape.reverts(stake.ZeroShares):
        stake.requestWithdrawal(0, sender=staked.keeper)
    with ape.reverts(stake.StakeTooSmall, wanted=all_of_it + 1, staked=all_of_it):
        stake.requestWithdrawal(all_of_it + 1, sender=staked.keeper)


def test_withdraw__seven_days_later__to_the_second(staked: System, stake: Any) -> None:
    shares = 10 * staked.share
    leaves_at = stake.requestWithdrawal(shares, sender=staked.keeper).timestamp + 7 * DAY
    staked.chain.pending_timestamp = leaves_at - 1

    with ape.reverts(stake.StillLocked, leavesAt=leaves_at):
        stake.withdraw(sender=staked.keeper)
    staked.chain.pending_timestamp = leaves_at
    receipt = stake.withdraw(sender=staked.keeper)

    (event,) = (log for log in receipt.events if log.event_name == "Withdraw")
    assert event == stake.Withdraw(account=staked.keeper, shares=shares)
    assert staked.vault.balanceOf(staked.keeper) == shares
    assert stake.waiting(staked.keeper).shares == 0


def test_withdraw__asked_for_more_meanwhile__waits_anew(staked: System, stake: Any) -> None:
    stake.requestWithdrawal(staked.share, sender=staked.keeper)
    staked.wait(6 * DAY)
    again = stake.requestWithdrawal(staked.share, sender=staked.keeper).timestamp
    staked.wait(2 * DAY)

    with ape.reverts(stake.StillLocked, leavesAt=again + 7 * DAY):
        stake.withdraw(sender=staked.keeper)


def test_withdraw__nothing_waits__reverts(staked: System, stake: Any, alice: Any) -> None:
    for who in (staked.keeper, alice):
        with ape.reverts(stake.NothingWaits, account=who.address):
            stake.withdraw(sender=who)


def test_withdraw__wind_down__all_at_once_and_shares_like_any(staked: System, stake: Any) -> None:
    stake.requestWithdrawal(3_000 * staked.share, sender=staked.keeper)
    staked.end.startImpaired(sender=staked.guardian)

    assert stake.withdraw(sender=staked.keeper).return_value == 10_000 * staked.share

    staked.end.exit(10_000 * staked.share, sender=staked.keeper)
    staked.end.collect(staked.vault, staked.token, sender=staked.keeper)
    assert staked.end.claim(staked.token, sender=staked.keeper).return_value == (
        10_000 * staked.unit
    )


# --- the bound


def test_settle__deposits_beyond_the_stakes_bound__fill_to_it_exactly(
    project: Any, any_system: System
) -> None:
    """V-29, with 6, 8 and 18 decimals; the rest carries."""
    system = any_system
    contract = project.KeeperStake.at(system.mandate.keeperStake())
    ask_for_stake(system)
    system.seed(system.keeper, 10_000 * system.unit)
    lock(system, contract, system.keeper, 7_000 * system.share)
    alice = system.users[0]
    system.request_deposit(alice, 500_000 * system.unit)

    system.settle()

    worth = (
        7_000
        * system.share
        * 10_000
        * system.unit
        // (10_000 * system.share + system.vault.virtualShares())
    )
    assert system.vault.acceptedNav() == worth * 20
    assert system.vault.pendingDepositRequest(0, alice) == 510_000 * system.unit - worth * 20


def test_settle__no_stake_asked_for__the_cap_alone_bounds(system: System, alice: Any) -> None:
    assert system.mandate.depositCapFor(0) == CAP * system.unit

    system.seed(alice, 100_000 * system.unit)

    assert system.vault.acceptedNav() == 100_000 * system.unit


def test_deposit_cap_for__stake_allows_more__is_the_cap(staked: System) -> None:
    accepted = 10_000 * staked.unit
    cap = 150_000 * staked.unit
    staked.mandate.tightenLimits((cap, 5_000, 3_000, 0, FIVE_PERCENT), sender=staked.guardian)

    assert staked.mandate.depositCapFor(accepted) == cap


def test_deposit_cap_for__keeper_replaced__only_the_new_ones_stake_counts(
    staked: System, stake: Any, bob: Any
) -> None:
    accepted = 10_000 * staked.unit
    assert staked.mandate.depositCapFor(accepted) > 199_999 * staked.unit

    receipt = staked.mandate.setKeeper(bob, sender=staked.owner)

    assert staked.mandate.keeperSince() == receipt.timestamp
    assert staked.mandate.depositCapFor(accepted) == 0
    assert stake.stakeOf(staked.keeper) > 0


# --- the start


def test_request_deposit__before_the_keepers__reverts(system: System, alice: Any) -> None:
    ask_for_stake(system)
    system.fund(alice, system.unit)

    with ape.reverts(system.mandate.StakeMissing, keeper=system.keeper.address):
        system.vault.requestDeposit(system.unit, alice, alice, sender=alice)


def test_request_deposit__for_the_keeper__anybody_may_and_it_fills(
    system: System, alice: Any
) -> None:
    ask_for_stake(system)
    system.fund(alice, 100 * system.unit)
    system.vault.requestDeposit(100 * system.unit, system.keeper, alice, sender=alice)

    system.settle()

    assert system.vault.maxDeposit(system.keeper) == 100 * system.unit


def test_settle__keeper_holds_shares_and_locked_none__others_wait(
    system: System, alice: Any
) -> None:
    ask_for_stake(system)
    system.seed(system.keeper, 100 * system.unit)
    system.request_deposit(alice, 100 * system.unit)

    system.settle()

    assert system.vault.pendingDepositRequest(0, alice) == 100 * system.unit


def test_settle__emptied_vault__fills_nothing_but_the_keepers_own(
    system: System, alice: Any, bob: Any
) -> None:
    """A request left from before does not slip in through the keeper's start."""
    ask_for_stake(system)
    system.seed(system.keeper, 100 * system.unit)
    system.request_deposit(alice, 100 * system.unit)
    system.request_redeem(system.keeper, system.vault.balanceOf(system.keeper))
    system.settle()
    assert system.vault.totalSupply() == 0
    system.request_deposit(system.keeper, 50 * system.unit)
    system.settle()
    assert system.vault.totalSupply() == 0

    system.cancel_deposit(alice)
    system.settle()

    assert system.vault.maxDeposit(system.keeper) == 50 * system.unit


# --- the penalty


def test_penalise__a_full_day_late__burns_two_percent_to_the_second(
    staked: System, stake: Any, late: int, bob: Any
) -> None:
    due = deadline(staked, late) + DAY
    held, supply = stake.stakeOf(staked.keeper), staked.vault.totalSupply()
    staked.chain.pending_timestamp = due - 1
    with ape.reverts(stake.NotDue, dueAt=due):
        stake.penalise(late, sender=bob)
    staked.chain.pending_timestamp = due

    receipt = stake.penalise(late, sender=bob)

    burnt = held // 50
    (event,) = (log for log in receipt.events if log.event_name == "Penalise")
    assert event == stake.Penalise(
        keeper=staked.keeper, epoch=late, shares=burnt, penalisedUntil=due
    )
    assert stake.stakeOf(staked.keeper) == staked.vault.balanceOf(stake) == held - burnt
    assert staked.vault.totalSupply() == supply - burnt
    assert stake.penalisedUntil() == due


def test_penalise__same_day_again__reverts_and_a_missed_day_is_made_up(
    staked: System, stake: Any, late: int, bob: Any
) -> None:
    due = deadline(staked, late) + DAY
    staked.chain.pending_timestamp = due + DAY + 10

    stake.penalise(late, sender=bob)
    stake.penalise(late, sender=bob)

    assert stake.penalisedUntil() == due + DAY
    with ape.reverts(stake.NotDue, dueAt=due + 2 * DAY):
        stake.penalise(late, sender=bob)


def test_penalise__with_a_fee__is_no_gain_to_charge(
    staked: System, stake: Any, late: int, bob: Any
) -> None:
    """V-21: the price rises by 0.18 % without a gain, and the mark with it."""
    ask_for_stake(staked, fee_bps=1_000)
    vault = staked.vault
    before, shares = staked.nav.mark(), vault.totalSupply() + vault.virtualShares()
    staked.chain.pending_timestamp = deadline(staked, late) + DAY
    stake.penalise(late, sender=bob)
    left = vault.totalSupply() + vault.virtualShares()

    fill = staked.settle().return_value.fill

    assert left < shares
    assert staked.nav.mark() >= -(-before * shares // left)
    assert fill.feeShares == 0


def test_penalise__shares_on_their_way_out__are_exposed(
    staked: System, stake: Any, late: int
) -> None:
    stake.requestWithdrawal(5_001, sender=staked.keeper)
    staked.chain.pending_timestamp = deadline(staked, late) + DAY

    stake.penalise(late, sender=staked.keeper)

    assert stake.waiting(staked.keeper).shares == 5_001 - 101
    assert staked.vault.balanceOf(stake) == stake.stakeOf(staked.keeper) + 4_900


def test_penalise__paid_or_never_cut__reverts(
    staked: System, stake: Any, late: int, alice: Any
) -> None:
    staked.wait(4 * DAY)
    with ape.reverts(stake.CohortPaid, epoch=99):
        stake.penalise(99, sender=alice)

    staked.cancel_redeem(alice)

    with ape.reverts(stake.CohortPaid, epoch=late):
        stake.penalise(late, sender=alice)


def test_penalise__new_keeper__answers_for_its_own_days(
    staked: System, stake: Any, late: int, alice: Any, bob: Any
) -> None:
    staked.chain.pending_timestamp = deadline(staked, late) + 2 * DAY
    since = staked.mandate.setKeeper(bob, sender=staked.owner).timestamp

    with ape.reverts(stake.NotDue, dueAt=since + DAY):
        stake.penalise(late, sender=alice)
    staked.wait(DAY)
    with ape.reverts(stake.ZeroShares):
        stake.penalise(late, sender=alice)


def test_penalise__winding_down__reverts(staked: System, stake: Any, late: int) -> None:
    staked.wait(5 * DAY)
    staked.end.startImpaired(sender=staked.guardian)

    with ape.reverts(stake.WindingDown):
        stake.penalise(late, sender=staked.keeper)


def test_penalise__what_is_burnt__goes_to_every_other_share_alike(
    staked: System, stake: Any, late: int, bob: Any
) -> None:
    """V-05: the caller's shares are worth what any other's are, and assets did not move."""
    vault = staked.vault
    staked.chain.pending_timestamp = deadline(staked, late) + DAY
    nav, idle = vault.acceptedNav(), vault.idle()
    per_share, virtual = vault.convertToAssets(10**30), vault.virtualShares()
    supply = vault.totalSupply()

    stake.penalise(late, sender=bob)

    assert (vault.acceptedNav(), vault.idle()) == (nav, idle)
    assert vault.balanceOf(bob) == 0
    assert vault.convertToAssets(10**30) == (
        10**30 * (nav + 1) // (supply + virtual - (supply - vault.totalSupply()))
    )
    assert vault.convertToAssets(10**30) > per_share


def test_burn_shares__neither_wind_down_nor_stake__reverts(staked: System, alice: Any) -> None:
    for who in (staked.keeper, staked.owner, alice):
        with ape.reverts(staked.vault.MayNotBurn, caller=who.address):
            staked.vault.burnShares(alice, 1, sender=who)


def test_every_state_changing_function__is_known(project: Any) -> None:
    names = {entry.name for entry in project.KeeperStake.contract_type.mutable_methods}

    assert names == {"stake", "stakeFor", "requestWithdrawal", "withdraw", "penalise"}
