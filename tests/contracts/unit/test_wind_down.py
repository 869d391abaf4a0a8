"""The end of a vault: who may start it, and that everybody then gets the same for each share."""

from random import Random
from typing import Any

import ape
import pytest

from tests.contracts.system import DAY, System

WEEK = 7 * DAY
WINDDOWN = 2
UNSETTLED, UNPAID, IMPAIRED, INSOLVENT = range(4)
BOUND = DAY + 6 * 3_600 + DAY + WEEK


@pytest.fixture
def held(system: System, alice: Any, bob: Any) -> System:
    """Alice with 600 and Bob with 400 of 1,000; 300 idle, 300 on the pool, 400 on the venue."""
    unit = system.unit
    system.request_deposit(alice, 600 * unit)
    system.request_deposit(bob, 400 * unit)
    system.settle()
    for user, assets in ((alice, 600 * unit), (bob, 400 * unit)):
        system.vault.deposit(assets, user, user, sender=user)
    system.vault.allocate(system.pool, 300 * unit, sender=system.keeper)
    system.vault.allocate(system.clob, 400 * unit, sender=system.keeper)
    system.settle()
    return system


@pytest.fixture
def ended(held: System) -> System:
    """The same after a week in which nobody reported."""
    held.wait(WEEK + 1)
    held.end.start(sender=held.users[9])
    return held


def recover(system: System) -> None:
    """Bring home what the chain holds, as anybody may."""
    anybody = system.users[9]
    for adapter in (system.pool, system.clob):
        system.end.unwind(adapter, sender=anybody)
        system.end.collect(adapter, system.token, sender=anybody)
    system.end.collect(system.vault, system.token, sender=anybody)


def test_start__nothing_settled_for_a_week__ends_the_vault(held: System, stranger: Any) -> None:
    settled = held.vault.lastSettledAt()
    with ape.reverts(held.end.NotOverdue, earliest=settled + WEEK):
        held.end.start(sender=stranger)
    held.wait(WEEK + 1)

    receipt = held.end.start(sender=stranger)

    assert receipt.events == [
        held.end.Start(cause=UNSETTLED, supply=held.vault.totalSupply()),
        held.vault.EndTrading(supply=held.vault.totalSupply(), idle=300 * held.unit),
    ]
    assert held.vault.state() == WINDDOWN
    assert held.end.startedAt() == receipt.timestamp


def test_start__settled_meanwhile__waits_a_week_from_there(held: System, stranger: Any) -> None:
    held.wait(6 * DAY)
    held.settle()
    held.wait(2 * DAY)

    with ape.reverts(held.end.NotOverdue):
        held.end.start(sender=stranger)


def test_start__nobody_holds_shares__reverts(system: System, stranger: Any) -> None:
    system.wait(30 * DAY)

    with ape.reverts(system.end.NoShares):
        system.end.start(sender=stranger)


def test_start_unpaid__one_percent_of_an_old_cut_unpaid__ends_the_vault(
    held: System, alice: Any, stranger: Any
) -> None:
    """500 asked for with 300 idle: two fifths wait, although settlements go on."""
    held.request_redeem(alice, 500 * held.share)
    epoch = held.vault.openEpoch()
    for _ in range(9):
        held.settle()

    with ape.reverts(held.end.CohortPaid, epoch=epoch - 1):
        held.end.startUnpaid(epoch - 1, sender=stranger)
    receipt = held.end.startUnpaid(epoch, sender=stranger)

    assert held.end.Start(cause=UNPAID, supply=held.vault.totalSupply()) in receipt.events


def test_start_unpaid__younger_than_a_week_or_no_cut__reverts(
    held: System, alice: Any, stranger: Any
) -> None:
    held.request_redeem(alice, 500 * held.share)
    epoch = held.vault.openEpoch()
    held.settle()

    with ape.reverts(held.end.NotOverdue, earliest=held.vault.cutTimeOf(epoch) + WEEK):
        held.end.startUnpaid(epoch, sender=stranger)
    with ape.reverts(held.end.NotOverdue, earliest=2**256 - 1):
        held.end.startUnpaid(epoch + 5, sender=stranger)


def test_start_unpaid__what_waited_was_cancelled__reverts(
    held: System, alice: Any, stranger: Any
) -> None:
    """Correction 2: an empty cohort is no failure."""
    held.request_redeem(alice, 500 * held.share)
    epoch = held.vault.openEpoch()
    held.settle()
    held.cancel_redeem(alice)
    for _ in range(8):
        held.settle()

    with ape.reverts(held.end.CohortPaid, epoch=epoch):
        held.end.startUnpaid(epoch, sender=stranger)


def test_start_impaired__guardian_alone__may_at_once(held: System) -> None:
    for who in (held.keeper, held.owner, held.users[0]):
        with ape.reverts(held.end.NotGuardian, caller=who.address):
            held.end.startImpaired(sender=who)

    held.end.startImpaired(sender=held.guardian)

    assert held.vault.state() == WINDDOWN


def test_start_insolvent__not_the_reporter__reverts(held: System, stranger: Any) -> None:
    with ape.reverts(held.end.NotReporter, caller=stranger.address):
        held.end.startInsolvent(sender=stranger)


def test_start__twice__reverts(ended: System, stranger: Any) -> None:
    for call, sender in ((ended.end.start, stranger), (ended.end.startImpaired, ended.guardian)):
        with ape.reverts(ended.end.AlreadyStarted):
            call(sender=sender)


def test_claimable__before_the_start__is_nothing(held: System, alice: Any) -> None:
    held.token.mint(held.end, held.unit, sender=held.deployer)

    assert held.end.recovered(held.token) == held.unit
    assert held.end.claimable(alice, held.token) == 0


def test_wind_down__before_the_start__nothing_moves(held: System, alice: Any) -> None:
    end = held.end
    for call in (
        lambda: end.unwind(held.pool, sender=alice),
        lambda: end.collect(held.vault, held.token, sender=alice),
        lambda: end.exit(1, sender=alice),
        lambda: end.claim(held.token, sender=alice),
    ):
        with ape.reverts(end.NotStarted):
            call()


def test_wind_down__doors_of_the_vault__open_to_the_wind_down_alone(held: System) -> None:
    for who in (held.keeper, held.guardian, held.owner, held.users[0]):
        for call in (
            lambda who=who: held.vault.endTrading(sender=who),
            lambda who=who: held.vault.releaseIdle(sender=who),
        ):
            with ape.reverts(held.vault.NotWindDown, caller=who.address):
                call()


def test_wind_down__vault__takes_no_request_cut_allocation_or_report(
    ended: System, alice: Any, bob: Any
) -> None:
    vault = ended.vault
    ended.fund(bob, 10 * ended.unit)
    for call in (
        lambda: vault.requestDeposit(10 * ended.unit, bob, bob, sender=bob),
        lambda: vault.requestRedeem(ended.share, alice, alice, sender=alice),
        lambda: vault.closeEpoch(sender=alice),
        lambda: vault.allocate(ended.pool, 1, sender=ended.keeper),
    ):
        with ape.reverts(vault.WrongState, state=WINDDOWN):
            call()
    with ape.reverts(ended.nav.NoOpenCut):
        ended.submit(ended.report())


def test_wind_down__requests_and_settled_claims__come_back_in_full(
    held: System, alice: Any, bob: Any, carol: Any
) -> None:
    """Deposits are refunded, unfilled redemptions become shares again, claims stay."""
    unit = held.unit
    held.request_redeem(alice, 100 * held.share)
    held.settle()
    held.request_deposit(carol, 50 * unit)
    held.request_redeem(bob, 40 * held.share)
    held.end.startImpaired(sender=held.guardian)

    held.cancel_deposit(carol)
    held.cancel_redeem(bob)
    held.vault.redeem(100 * held.share, alice, alice, sender=alice)

    assert held.token.balanceOf(carol) == 50 * unit
    assert held.vault.balanceOf(bob) == 400 * held.share
    assert held.token.balanceOf(alice) == 100 * unit - 1  # the virtual shares' part, rounded


def test_claim__everything_on_chain__is_shared_by_shares(
    ended: System, alice: Any, bob: Any
) -> None:
    """V-15: keeper, reporters and treasurer are dead, and 600 of 1,000 are on the chain."""
    unit = ended.unit
    recover(ended)
    for user, shares in ((alice, 600), (bob, 400)):
        ended.end.exit(shares * ended.share, sender=user)

    paid = [ended.end.claim(ended.token, sender=user).return_value for user in (alice, bob)]

    assert paid == [360 * unit, 240 * unit]
    assert ended.vault.totalSupply() == 0
    assert ended.vault.idle() == 0


def test_claim__venue_pays_weeks_later__late_and_early_claimers_get_the_same(
    ended: System, alice: Any, bob: Any
) -> None:
    """V-27: any arrival. The treasurer comes back after a month with all of the 400."""
    unit = ended.unit
    recover(ended)
    ended.end.exit(600 * ended.share, sender=alice)
    ended.end.claim(ended.token, sender=alice)
    ended.wait(30 * DAY)
    ended.token.transfer(ended.clob, 400 * unit, sender=ended.venue)
    ended.end.collect(ended.clob, ended.token, sender=bob)
    ended.end.exit(400 * ended.share, sender=bob)

    for user in (alice, bob):
        ended.end.claim(ended.token, sender=user)

    assert ended.token.balanceOf(alice) == 600 * unit
    assert ended.token.balanceOf(bob) == 400 * unit
    assert ended.end.claimable(alice, ended.token) == 0


def test_claim__assets_synced_into_the_vault__are_collected_from_it(
    ended: System, alice: Any
) -> None:
    """An adapter may hand over to the vault as ever: idle assets are collected again."""
    unit = ended.unit
    recover(ended)
    ended.token.transfer(ended.clob, 70 * unit, sender=ended.venue)
    ended.clob.sync(sender=alice)

    collected = ended.end.collect(ended.vault, ended.token, sender=alice).return_value

    assert collected == 70 * unit
    assert ended.end.recovered(ended.token) == 670 * unit


def test_exit__more_than_owned_or_anothers__reverts(ended: System, alice: Any) -> None:
    with ape.reverts(ended.vault.ERC20InsufficientBalance):
        ended.end.exit(600 * ended.share + 1, sender=alice)


def test_collect__stranger_as_adapter__reverts(ended: System, stranger: Any) -> None:
    with ape.reverts(ended.end.UnknownAdapter, adapter=stranger.address):
        ended.end.collect(stranger, ended.token, sender=stranger)
    with ape.reverts(ended.end.UnknownAdapter, adapter=stranger.address):
        ended.end.unwind(stranger, sender=stranger)


def test_claim__blacklisted_account__blocks_its_own_claim_alone(
    ended: System, alice: Any, bob: Any
) -> None:
    recover(ended)
    for user, shares in ((alice, 600), (bob, 400)):
        ended.end.exit(shares * ended.share, sender=user)
    ended.token.setBlacklisted(alice, True, sender=ended.deployer)

    with ape.reverts():
        ended.end.claim(ended.token, sender=alice)

    assert ended.end.claim(ended.token, sender=bob).return_value == 240 * ended.unit


@pytest.mark.parametrize("seed", range(4))
def test_claim__any_order_and_arrival__pays_each_share_the_same_v27(
    any_system: System, seed: int
) -> None:
    """V-27: seeded arrivals, gifts, exits in parts and claims, with the unit to share out odd."""
    system, random = any_system, Random(seed)
    holders = list(system.users[:4])
    for user in holders:
        system.request_deposit(user, random.randrange(1, 10**6) * system.unit + random.randrange(7))
    system.settle()
    for user in holders:
        system.vault.deposit(system.vault.maxDeposit(user), user, user, sender=user)
    system.vault.allocate(system.pool, system.vault.idle() // 3, sender=system.keeper)
    system.end.startImpaired(sender=system.guardian)
    owned = {user.address: system.vault.balanceOf(user) for user in holders}

    for _ in range(30):
        move(system, random, holders)
    recover(system)
    for user in holders:
        left = system.vault.balanceOf(user)
        if left:
            system.end.exit(left, sender=user)
        system.end.claim(system.token, sender=user)

    recovered, supply = system.end.recovered(system.token), system.end.supplyAtStart()
    assert sum(owned.values()) == supply
    for user in holders:
        assert system.end.paid(user, system.token) == recovered * owned[user.address] // supply
    dust = system.token.balanceOf(system.end)
    assert 0 <= dust < len(holders)


def move(system: System, random: Random, holders: list[Any]) -> None:
    """One random step of a wind-down."""
    user = random.choice(holders)
    step = random.choice(["exit", "claim", "arrive", "gift", "collect"])
    shares = system.vault.balanceOf(user)
    if step == "exit" and shares:
        system.end.exit(random.randrange(1, shares + 1), sender=user)
    elif step == "claim":
        system.end.claim(system.token, sender=user)
    elif step == "arrive":
        system.token.mint(system.clob, random.randrange(10**9), sender=system.deployer)
        system.end.collect(system.clob, system.token, sender=user)
    elif step == "gift":
        system.token.mint(system.end, random.randrange(100), sender=system.deployer)
    elif step == "collect":
        system.end.collect(system.vault, system.token, sender=user)


def test_exit_bound__sum_of_what_may_delay__is_nine_days_and_a_quarter(system: System) -> None:
    assert system.end.exitBound() == BOUND == 37 * DAY // 4
    assert (system.end.delay(), system.end.patience()) == (WEEK, 3 * DAY)
