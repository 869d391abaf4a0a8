"""Attacks on the price: inflation, sandwiches, options, look-backs, empty vaults, gifts."""

from dataclasses import replace
from random import Random
from typing import Any

import ape
import pytest

from keeper.accounting.gate import Gate
from keeper.accounting.shares import Controller, Pool, Vault
from tests.contracts.attacks.moves import (
    DUST,
    claim_assets,
    claim_shares,
    join,
    leave,
    wealth,
)
from tests.contracts.system import DAY, REPORT_WINDOW, System

FORTUNE = 1_000_000
DRIPS = 100_000


@pytest.mark.parametrize("kept", ["nothing", "one unit", "dust"])
@pytest.mark.parametrize("way", ["donation", "gain"])
def test_attack_a01__first_depositor_inflates__victim_loses_less_than_a_millionth_of_it(
    systems: dict[int, System], decimals: int, kept: str, way: str
) -> None:
    """A fresh vault, one drained to a unit and one to dust; a fortune as gift and as profit."""
    system = systems[decimals]
    attacker, victim, unit = system.users[0], system.users[1], system.unit
    least = {"nothing": 0, "one unit": 1, "dust": 500 * system.vault.virtualShares()}[kept]
    join(system, attacker, 2 * unit)
    system.request_redeem(attacker, system.vault.balanceOf(attacker) - least)
    system.settle()
    claim_assets(system, attacker)
    if way == "gain":
        system.gain(FORTUNE * unit)
    for place in (system.vault, system.silo, system.clob, system.pool):
        system.token.mint(place, FORTUNE * unit, sender=system.deployer)

    join(system, victim, 1_000 * unit)

    lost = 1_000 * unit - system.vault.convertToAssets(system.vault.balanceOf(victim))
    one_share_unit = system.vault.convertToAssets(1)
    assert 0 <= lost <= one_share_unit + DUST
    assert lost * 1_000_000 < FORTUNE * unit


@pytest.fixture(params=[6, 8, 18], ids=lambda d: f"decimals_{d}")
def decimals(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.mark.parametrize("gain_bps", [150, 500])
def test_attack_a02__deposit_before_a_gain_and_leave__earns_nothing(
    rich: System, bob: Any, gain_bps: int
) -> None:
    """5M before a gain of 1.5 % (filled at once) and of 5 % (waits): never a unit of it."""
    rich.gain(10_000_000 * rich.unit * gain_bps // 10_000)
    rich.request_deposit(bob, 5_000_000 * rich.unit)
    while rich.vault.pendingDepositRequest(0, bob):
        rich.settle()
    claim_shares(rich, bob)
    for _ in range(4):
        rich.settle()

    paid = leave(rich, bob)

    assert 5_000_000 * rich.unit - 2 * DUST <= paid <= 5_000_000 * rich.unit


@pytest.mark.parametrize("loss_bps", [190, 1_000])
def test_attack_a03__leave_before_a_loss_is_reported__pays_the_same_part_of_it(
    rich: System, alice: Any, bob: Any, loss_bps: int
) -> None:
    """Bob sees the loss, asks before anybody reports it, and is paid as the last one in line."""
    unit = rich.unit
    join(rich, bob, 1_000_000 * unit)
    loss = 11_000_000 * unit * loss_bps // 10_000
    rich.gain(-loss)
    rich.request_redeem(bob, rich.vault.balanceOf(bob))
    while rich.vault.pendingRedeemRequest(0, bob):
        rich.settle()

    paid, left = claim_assets(rich, bob), wealth(rich, alice)

    assert abs(paid - (1_000_000 * unit - loss // 11)) <= 2 * DUST
    assert abs(left - 10 * paid) <= 20 * DUST


def test_attack_a04__cancel_once_the_price_is_known__is_refused_in_the_cut(
    rich: System, alice: Any, bob: Any
) -> None:
    """Both sides; only what was asked for since the cut, and has no price, may go."""
    unit, share = rich.unit, rich.share
    rich.request_deposit(bob, 3 * unit)
    rich.request_redeem(alice, 4 * share)
    rich.cut()
    rich.request_deposit(bob, 2 * unit)
    rich.request_redeem(alice, share)

    assert rich.vault.cancelDepositRequest(0, bob, sender=bob).return_value == 2 * unit
    assert rich.vault.cancelRedeemRequest(0, alice, sender=alice).return_value == share
    with ape.reverts(rich.vault.NothingToCancel):
        rich.vault.cancelDepositRequest(0, bob, sender=bob)
    with ape.reverts(rich.vault.NothingToCancel):
        rich.vault.cancelRedeemRequest(0, alice, sender=alice)


def test_attack_a05__best_of_many_signed_reports__only_that_of_the_open_cut_counts(
    rich: System,
) -> None:
    """Reports of three lapsed cuts are kept for a good day; none of them opens the next cut."""
    kept = []
    for equity in (0, 50_000, 99_000):
        rich.cut()
        report = rich.report(equity * rich.unit)
        kept.append((report, rich.sign(report)))
        rich.wait(REPORT_WINDOW + 1)
    rich.cut()

    for report, signatures in kept:
        with ape.reverts(rich.nav.EpochMismatch):
            rich.submit(report, signatures)

    assert rich.submit(rich.report()).return_value.accepted == 10_000_000 * rich.unit


def test_attack_a06__transfer_in_flight_across_the_cut__is_no_loss_of_a_fifth(
    rich: System, alice: Any, bob: Any
) -> None:
    """2M of 10M on their way: a newcomer would otherwise buy 25 % too much."""
    unit = rich.unit
    rich.vault.allocate(rich.clob, 2_000_000 * unit, sender=rich.keeper)
    rich.request_deposit(bob, 1_000_000 * unit)
    rich.cut()
    honest = rich.report()
    nothing_there = replace(honest.legs[0], equity=0, credited=0)

    outcome = rich.submit(replace(honest, legs=(nothing_there,), pnl=(0,) * 5)).return_value
    claim_shares(rich, bob)

    assert outcome.gross == outcome.accepted == 10_000_000 * unit
    assert 10_000_000 * unit - DUST <= wealth(rich, alice) <= 10_000_000 * unit + DUST


def test_attack_a16__zero_supply_zero_assets__settles_and_ends_nothing(
    system: System, alice: Any, stranger: Any
) -> None:
    """Cuts of an empty vault, one emptied by its last share, and a wind-down of nobody's vault."""
    assert system.settle().return_value.gross == 0
    join(system, alice, 5 * system.unit)
    paid = leave(system, alice)
    assert 5 * system.unit - DUST <= paid <= 5 * system.unit
    assert system.vault.totalSupply() == 0

    empty = system.settle().return_value
    system.wait(30 * DAY)
    with ape.reverts(system.end.NoShares):
        system.end.start(sender=stranger)
    join(system, alice, 7 * system.unit)

    assert (empty.hold, system.vault.state()) == (0, 0)
    assert 7 * system.unit - DUST <= wealth(system, alice) - paid <= 7 * system.unit


def test_attack_a17__fee_at_tiny_supply__takes_its_rate_and_nothing_of_newcomers(
    system: System, alice: Any, bob: Any
) -> None:
    """Little more than dust stays; a fortune is reported as profit day after day; then Bob comes.

    Who holds the dust and takes the fee wants shares that are a large part of the vault for next
    to nothing. While a gain is not accepted deposits wait, so nobody comes in above its price.
    """
    cap, venue, on_chain, _, *rest = system.mandate.limits()
    system.mandate.setLimits((cap, venue, on_chain, 3_000, *rest), sender=system.owner)
    join(system, alice, 2 * system.unit)
    kept = 1_002 * system.vault.virtualShares()
    system.request_redeem(alice, system.vault.balanceOf(alice) - kept)
    system.settle()
    accepted = [system.vault.acceptedNav()]
    system.gain(FORTUNE * system.unit)

    fees = []
    for _ in range(10):
        supply = system.vault.totalSupply() + system.vault.virtualShares()
        outcome = system.settle().return_value
        fees.append(outcome.fill.feeShares)
        charged = fees[-1] * outcome.fill.accepted
        gained = outcome.accepted - accepted[-1]
        assert 10 * charged <= 3 * gained * (supply + fees[-1])
        accepted.append(outcome.fill.acceptedAfter)
    system.request_deposit(bob, 1_000 * system.unit)
    fill = system.settle().return_value.fill

    assert any(fees)
    assert (fill.depositAssets, fill.depositShares) == (0, 0)
    system.cancel_deposit(bob)
    assert system.token.balanceOf(bob) >= 1_000 * system.unit


def test_attack_a18__gifts_around_the_cut__raise_no_price(
    spread: System, alice: Any, bob: Any
) -> None:
    """100 times the vault, to each place, before the cut, in it and after the settlement."""
    places = (spread.vault, spread.silo, spread.clob, spread.pool)
    before = [wealth(spread, user) for user in (alice, bob)]

    def give() -> None:
        for place in places:
            spread.token.mint(place, 100_000 * spread.unit, sender=spread.deployer)

    give()
    spread.cut()
    give()
    report = spread.report()
    leg = replace(report.legs[0], equity=400 * spread.unit, debited=0)
    spread.submit(replace(report, legs=(leg,), pnl=(0,) * 5))
    give()

    assert [wealth(spread, user) for user in (alice, bob)] == before


def test_attack_a26__rounding_drip__never_pays_and_costs_less_than_its_units(
    system: System, alice: Any, bob: Any
) -> None:
    """Claims of one unit at a time; downcasts are refused instead of cut off."""
    join(system, alice, 1_000 * system.unit)
    join(system, bob, 7 * system.unit + 3)
    system.gain(3 * system.unit + 1)
    system.request_redeem(bob, system.vault.balanceOf(bob))
    system.settle()
    shares, assets = system.vault.maxRedeem(bob), system.vault.maxWithdraw(bob)

    for _ in range(60):
        system.vault.redeem(1, bob, bob, sender=bob)
    for _ in range(20):
        system.vault.withdraw(1, bob, bob, sender=bob)

    dripped = system.token.balanceOf(bob)
    used = shares - system.vault.maxRedeem(bob)
    assert dripped * shares <= used * assets
    assert dripped + claim_assets(system, bob) <= assets
    system.fund(bob, 2**128)
    with ape.reverts():
        system.vault.requestDeposit(2**128, bob, bob, sender=bob)


@pytest.mark.parametrize("numerator", [1, 3, 10**12 - 1])
def test_attack_a26__rounding_drip_a_hundred_thousand_times__on_the_mirror_never_pays(
    numerator: int,
) -> None:
    """The mirror equals the contract to the unit; each drip is one claim of a few share units."""
    pool, who = Pool(), Controller("drip")
    pool.request(who, 10**18)
    pool.cut()
    pool.fill(10**18, 10**6 + 1)

    got = used = 0
    for _ in range(DRIPS):
        got += pool.claim_by_in(who, numerator)
        used += numerator

    assert got * 10**18 <= used * (10**6 + 1)
    assert got + pool.positions[who].claim_out == 10**6 + 1


def test_attack_a09__honest_volatility_without_drift__lags_as_the_mirror_says(
    rich: System, alice: Any
) -> None:
    """12 days of 2 %: every report honest, what is accepted equals the mirror to the unit.

    The year's lag in numbers is in docs/adversaries.md.
    """
    random_, worth = Random(9), 10_000_000 * rich.unit
    mirror = Vault(virtual=rich.vault.virtualShares(), deposit_cap=0, accepted=worth)
    mirror.supply = rich.vault.totalSupply()
    gate = Gate(time=rich.nav.gate().time)
    gate.bucket, gate.loss_bucket = rich.nav.gate().bucket, rich.nav.gate().lossBucket
    gate.prices.append((gate.time, rich.nav.highPrice(gate.time)))
    lags = []
    for _ in range(12):
        change = worth * round(random_.gauss(0, 200)) // 10_000
        worth += change
        rich.gain(change)
        outcome = rich.settle().return_value
        mirror.accepted = gate.price(mirror, worth, worth, rich.vault.cut().time).accepted
        assert (outcome.gross, outcome.accepted) == (worth, mirror.accepted)
        lags.append((worth - outcome.accepted) * 10_000 // worth)

    assert min(lags) == 0
    assert 0 < max(lags) < 1_000


@pytest.mark.parametrize("system", [6], indirect=True, ids=["decimals_6"])
def test_attack_a10__losses_just_below_the_threshold__shut_deposits_after_the_first(
    rich: System, alice: Any, bob: Any
) -> None:
    """24 false losses of 1.99 %, none of them held: the newcomer gets in at the first one alone."""
    unit, opened = rich.unit, []
    for _ in range(24):
        rich.gain(-(rich.vault.acceptedNav() * 199) // 10_000)
        rich.request_deposit(bob, 100_000 * unit)
        outcome = rich.settle().return_value
        opened.append(outcome.depositsOpen)
        assert outcome.hold == 0

    with ape.reverts(rich.vault.TooEarly):
        rich.vault.closeEpoch(sender=bob)
    assert opened == [True] + [False] * 23
    assert rich.vault.maxDeposit(bob) == 100_000 * unit
    fair = (
        100_000 * rich.vault.totalSupply() // 10_000_000
    )  # shares that a fair price gives, at most
    assert 0 < rich.vault.maxMint(bob) - 100_000 * rich.share <= fair * 21 // 1_000
