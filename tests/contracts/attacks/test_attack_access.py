"""Attacks by whoever may call: reentrancy, odd assets, confused roles, spam, pauses, starvation."""

from typing import Any

import ape
import pytest

from tests.contracts.attacks.moves import DUST, claim_assets, claim_shares, join, recover, wealth
from tests.contracts.system import DAY, System

REENTRANCY = bytes.fromhex("3ee5aeb5")  # ReentrancyGuardReentrantCall()
ETHER = 10**18
WEEK = 7 * DAY
WINDDOWN = 2


@pytest.fixture
def hooked(deploy_system: Any, project: Any, accounts: Any) -> System:
    """A vault whose asset calls back on every transfer; account 0 has it all, and 100 deposited."""
    token = accounts[0].deploy(project.HookToken)
    system: System = deploy_system(token=token)
    user = system.users[0]
    token.transfer(user, 1_000 * ETHER, sender=accounts[0])
    token.approve(system.vault, 10**30, sender=user)
    system.vault.requestDeposit(100 * ETHER, user, user, sender=user)
    system.settle()
    claim_shares(system, user)
    return system


def test_attack_a12__asset_calls_back__every_entry_is_shut_and_views_are_settled(
    hooked: System,
) -> None:
    """Each transfer of the asset tries each entry; a view in the middle shows no price halfway."""
    vault, user = hooked.vault, hooked.users[0]
    hooked.vault.requestRedeem(10 * hooked.share, user, user, sender=user)
    hooked.settle()
    vault.requestDeposit(10 * ETHER, user, user, sender=user)
    vault.cancelDepositRequest(0, user, sender=user)
    inner = (
        vault.requestDeposit.encode_input(ETHER, hooked.token, hooked.token),
        vault.cancelDepositRequest.encode_input(0, user),
        vault.claimCancelDepositRequest.encode_input(0, user, user),
        vault.redeem.encode_input(1, user, user),
        vault.withdraw.encode_input(1, user, user),
        vault.closeEpoch.encode_input(),
        hooked.nav.submitReport.encode_input(hooked.report().as_tuple(), []),
    )
    outer = (
        lambda: vault.requestDeposit(ETHER, user, user, sender=user),
        lambda: vault.redeem(hooked.share, user, user, sender=user),
        lambda: vault.withdraw(ETHER, user, user, sender=user),
        lambda: vault.claimCancelDepositRequest(0, user, user, sender=user),
    )
    for act in outer:
        for data in inner[:-1]:
            with hooked.chain.isolate():
                hooked.token.setHook(vault, data, sender=user)
                act()
                assert not hooked.token.lastSuccess()
                assert bytes(hooked.token.lastAnswer())[:4] == REENTRANCY

    vault.requestDeposit(10 * ETHER, user, user, sender=user)
    hooked.cut()
    report = hooked.report()
    hooked.token.setHook(vault, vault.acceptedNav.encode_input(), sender=user)
    hooked.submit(report)
    assert int.from_bytes(hooked.token.lastAnswer(), "big") == vault.acceptedNav()


def test_attack_a12__asset_calls_back_in_a_settlement__no_second_report(hooked: System) -> None:
    user = hooked.users[0]
    hooked.vault.requestDeposit(10 * ETHER, user, user, sender=user)
    hooked.cut()
    report = hooked.report()
    data = hooked.nav.submitReport.encode_input(report.as_tuple(), hooked.sign(report))
    hooked.token.setHook(hooked.nav, data, sender=user)

    hooked.submit(report)

    assert not hooked.token.lastSuccess()
    assert bytes(hooked.token.lastAnswer())[:4] == REENTRANCY


def test_attack_a13__asset_with_a_fee__is_refused_before_it_counts(
    deploy_system: Any, project: Any, accounts: Any
) -> None:
    token = accounts[0].deploy(project.FeeToken)
    system = deploy_system(token=token)
    token.approve(system.vault, 10**24, sender=accounts[0])

    with ape.reverts(system.vault.TransferMismatch, expected=10**20, moved=99 * 10**18):
        system.vault.requestDeposit(10**20, accounts[0], accounts[0], sender=accounts[0])


def test_attack_a13__blacklist_and_a_rebase_upwards__stop_one_claim_and_raise_no_price(
    spread: System, alice: Any, bob: Any, carol: Any
) -> None:
    """Alice is refused by the issuer, the balances of vault and silo grow by themselves."""
    for user in (alice, bob):
        spread.request_redeem(user, 100 * spread.share)
    spread.settle()
    before = spread.vault.convertToAssets(spread.share)
    spread.token.setBlacklisted(alice, True, sender=spread.deployer)
    for place in (spread.vault, spread.silo):
        spread.token.mint(place, 77 * spread.unit, sender=spread.deployer)

    with ape.reverts(spread.token.Blacklisted):
        spread.vault.redeem(100 * spread.share, alice, alice, sender=alice)
    paid = claim_assets(spread, bob)
    spread.vault.redeem(100 * spread.share, carol, alice, sender=alice)
    spread.settle()

    assert paid == spread.token.balanceOf(carol)
    assert 100 * spread.unit - DUST <= paid <= 100 * spread.unit
    assert spread.vault.convertToAssets(spread.share) - before in (0, 1)


def test_attack_a14__operator_owner_controller_receiver__nobody_takes_anothers(
    spread: System, alice: Any, bob: Any, carol: Any, stranger: Any
) -> None:
    """Carol is Alice's operator and Bob's nothing; the stranger is nobody's."""
    vault, share, unit = spread.vault, spread.share, spread.unit
    vault.setOperator(carol, True, sender=alice)
    for user in (alice, bob):
        spread.request_redeem(user, 10 * share)
        spread.request_deposit(user, 10 * unit)
    spread.settle()
    spread.request_deposit(bob, 5 * unit)
    spread.request_redeem(bob, 5 * share)
    victims = [(stranger, alice), (stranger, bob), (carol, bob)]
    for thief, victim in victims:
        for steal in (
            lambda t=thief, v=victim: vault.deposit(1, t, v, sender=t),
            lambda t=thief, v=victim: vault.mint(1, t, v, sender=t),
            lambda t=thief, v=victim: vault.redeem(1, t, v, sender=t),
            lambda t=thief, v=victim: vault.withdraw(1, t, v, sender=t),
            lambda t=thief, v=victim: vault.cancelDepositRequest(0, v, sender=t),
            lambda t=thief, v=victim: vault.cancelRedeemRequest(0, v, sender=t),
            lambda t=thief, v=victim: vault.claimCancelDepositRequest(0, t, v, sender=t),
            lambda t=thief, v=victim: vault.claimCancelRedeemRequest(0, t, v, sender=t),
            lambda t=thief, v=victim: vault.requestDeposit(unit, t, v, sender=t),
        ):
            with ape.reverts(vault.NotAuthorised):
                steal()
        with ape.reverts(vault.ERC20InsufficientAllowance):
            vault.requestRedeem(share, thief, victim, sender=thief)

    vault.redeem(vault.maxRedeem(alice), alice, alice, sender=carol)
    assert spread.token.balanceOf(carol) == 0
    assert 10 * unit - DUST <= spread.token.balanceOf(alice) <= 10 * unit


def test_attack_a15__dust_spam_a_giant_and_cancels__cost_a_settlement_nothing(
    system: System, alice: Any, bob: Any
) -> None:
    """One request or seven and a giant: the settlement's gas is the same but for its calldata."""
    join(system, alice, 1_000 * system.unit)
    with ape.reverts(system.vault.RequestTooSmall):
        system.request_deposit(bob, system.unit - 1)
    with system.chain.isolate():
        system.request_deposit(bob, system.unit)
        one = system.settle().gas_used
    for user in system.users[2:9]:
        system.request_deposit(user, system.unit)
    system.request_deposit(bob, 10**8 * system.unit)
    many = system.settle().gas_used

    for _ in range(3):
        system.request_redeem(alice, 900 * system.share)
        system.cancel_redeem(alice)
    system.vault.allocate(system.pool, 900 * system.unit, sender=system.keeper)

    assert abs(many - one) < 1_000
    assert system.vault.maxDeposit(bob) == 10**8 * system.unit
    assert 1_000 * system.unit - DUST <= wealth(system, alice) <= 1_000 * system.unit


def test_attack_a20__keeper_allocates_what_leavers_are_owed__is_refused_to_the_unit(
    system: System, alice: Any
) -> None:
    """An open request, one in a lapsed cut, one settled in part: each keeps its value idle."""
    unit = system.unit
    join(system, alice, 1_000 * unit)
    system.request_redeem(alice, 100 * system.share)
    system.cut()
    system.wait(DAY)
    system.request_redeem(alice, 50 * system.share)
    owed = 150 * unit

    for adapter in (system.pool, system.clob):
        with ape.reverts(system.vault.RedemptionsUnpaid, idleAfter=owed - 1, owed=owed):
            system.vault.allocate(adapter, 850 * unit + 1, sender=system.keeper)
    system.vault.allocate(system.pool, 850 * unit, sender=system.keeper)
    system.settle()

    assert claim_assets(system, alice) >= owed - DUST


def test_attack_a22__guardian_pauses_all_he_may__a_third_of_the_time_and_no_way_out_is_shut(
    spread: System, alice: Any, bob: Any
) -> None:
    """Nine weeks of pausing whenever it is allowed; everything that leaves works throughout."""
    begin = spread.chain.pending_timestamp
    paused = 0
    for _ in range(3):
        pause = spread.mandate.pause(7 * DAY, sender=spread.guardian)
        with ape.reverts(spread.mandate.Paused):
            spread.vault.requestDeposit(spread.unit, bob, bob, sender=bob)
        with ape.reverts(spread.mandate.Paused):
            spread.vault.allocate(spread.pool, 1, sender=spread.keeper)
        spread.request_redeem(alice, 2 * spread.share)
        spread.cancel_redeem(alice)
        spread.request_redeem(alice, spread.share)
        spread.vault.deallocate(spread.pool, spread.unit, sender=spread.keeper)
        spread.settle()
        assert claim_assets(spread, alice) >= spread.unit - DUST
        earliest = pause.timestamp + 21 * DAY
        with ape.reverts(spread.mandate.PauseTooSoon, earliest=earliest):
            spread.mandate.pause(1, sender=spread.guardian)
        spread.wait(earliest - spread.chain.pending_timestamp)
        paused += 7 * DAY

    assert paused * 3 <= spread.chain.pending_timestamp - begin


@pytest.mark.parametrize("treasurer", ["alive", "dead"])
def test_attack_a24__keeper_and_reporters_die__chain_part_in_the_bound_and_the_rest_for_ever(
    spread: System, alice: Any, bob: Any, treasurer: str
) -> None:
    """600 of 1,000 on the chain; the treasurer pays at once, or after half a year."""
    unit = spread.unit
    asked = spread.chain.pending_timestamp
    spread.request_redeem(alice, 100 * spread.share)
    spread.cut()
    spread.wait(WEEK + 1)
    spread.end.start(sender=bob)
    spread.cancel_redeem(alice)
    if treasurer == "alive":
        spread.token.transfer(spread.clob, 400 * unit, sender=spread.venue)
    recover(spread)
    for user in (alice, bob):
        spread.end.exit(spread.vault.balanceOf(user), sender=user)
        spread.end.claim(spread.token, sender=user)
    part = 10 if treasurer == "alive" else 6
    paid = [spread.token.balanceOf(user) for user in (alice, bob)]
    assert abs(paid[0] - 60 * part * unit) <= DUST
    assert abs(paid[1] - 40 * part * unit) <= DUST
    assert spread.chain.blocks.head.timestamp - asked <= spread.end.exitBound()

    if treasurer == "dead":
        spread.wait(180 * DAY)
        spread.token.transfer(spread.clob, 400 * unit, sender=spread.venue)
        spread.end.collect(spread.clob, spread.token, sender=bob)
        for user in (alice, bob):
            spread.end.claim(spread.token, sender=user)

    assert sum(spread.token.balanceOf(user) for user in (alice, bob)) >= 1_000 * unit - DUST
    assert spread.vault.totalSupply() == 0


def test_attack_a27__newer_requests_beside_an_old_cohort__same_ratio_and_no_reprieve(
    spread: System, alice: Any, bob: Any
) -> None:
    """300 idle for 100 and then 400: the newer one dilutes, and the old cohort ends the vault."""
    spread.vault.allocate(spread.pool, 200 * spread.unit, sender=spread.keeper)
    spread.request_redeem(alice, 300 * spread.share)
    cohort = spread.vault.openEpoch()
    spread.settle()
    waiting = spread.vault.pendingRedeemRequest(0, alice)
    spread.request_redeem(bob, 400 * spread.share)
    spread.vault.deallocate(spread.pool, 100 * spread.unit, sender=spread.keeper)
    spread.settle()

    left = [spread.vault.pendingRedeemRequest(0, user) for user in (alice, bob)]
    assert abs(left[0] * 400 * spread.share - left[1] * waiting) <= 2 * 400 * spread.share
    for _ in range(6):
        spread.settle()
    spread.wait(60)
    with ape.reverts(spread.end.NotOverdue):
        spread.end.startUnpaid(cohort + 1, sender=alice)
    spread.end.startUnpaid(cohort, sender=alice)
    assert spread.vault.state() == WINDDOWN


def test_attack_a28__keeper_reports_daily_and_returns_nothing__ends_the_vault_in_the_bound(
    spread: System, alice: Any, bob: Any
) -> None:
    """500 asked for, 300 idle: paid as far as it goes, then a week later the rest by anybody."""
    asked = spread.chain.pending_timestamp
    spread.request_redeem(alice, 500 * spread.share)
    cohort = spread.vault.openEpoch()
    spread.settle()
    first = claim_assets(spread, alice)
    for _ in range(6):
        spread.settle()
    earliest = spread.vault.cutTimeOf(cohort) + WEEK
    if spread.chain.pending_timestamp <= earliest:
        spread.wait(earliest + 1 - spread.chain.pending_timestamp)

    spread.end.startUnpaid(cohort, sender=bob)
    spread.cancel_redeem(alice)
    recover(spread)
    for user in (alice, bob):
        spread.end.exit(spread.vault.balanceOf(user), sender=user)
        spread.end.claim(spread.token, sender=user)

    paid = [spread.token.balanceOf(user) for user in (alice, bob)]
    assert first == 300 * spread.unit
    assert sum(paid) in (600 * spread.unit - 1, 600 * spread.unit)
    assert abs((paid[0] - first) * 400 - paid[1] * 300) <= 1_000
    assert spread.chain.blocks.head.timestamp - asked <= spread.end.exitBound()
