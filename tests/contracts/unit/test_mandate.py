"""Roles, limits and pause: who may loosen, who may tighten, and what a pause stops."""

from collections.abc import Callable
from typing import Any

import ape
import pytest

from tests.contracts.system import DAY, System, vault_params

ZERO = "0x" + "00" * 20
CAP = 10**15
LIMITS = (CAP, 5_000, 3_000, 0, 0)


@pytest.fixture
def make(project: Any, accounts: Any, system: System) -> Callable[..., Any]:
    """Deploys a mandate of the system's vault with some terms changed."""

    def deploy(limits: tuple[int, ...] = LIMITS, **roles: str) -> Any:
        names = ("owner", "keeper", "guardian", "feeRecipient")
        named = {name: accounts[index + 1].address for index, name in enumerate(names)} | roles
        terms = (*named.values(), b"\7" * 32, limits)
        return accounts[0].deploy(project.Mandate, system.vault, terms)

    return deploy


def test_constructor__terms__are_what_the_views_say(make: Any, accounts: Any) -> None:
    mandate = make((CAP, 4_000, 3_500, 1_000, 500))

    assert mandate.owner() == accounts[1].address
    assert mandate.keeper() == accounts[2].address
    assert mandate.guardian() == accounts[3].address
    assert mandate.feeRecipient() == accounts[4].address
    assert mandate.marketsHash() == b"\7" * 32
    assert tuple(mandate.limits()) == (CAP, 4_000, 3_500, 1_000, 500)
    assert mandate.depositGate() == ZERO
    assert not mandate.isPaused()


@pytest.mark.parametrize(
    "limits",
    [
        (CAP, 5_001, 3_000, 0, 0),
        (CAP, 5_000, 2_999, 0, 0),
        (CAP, 5_000, 10_001, 0, 0),
        (CAP, 5_000, 3_000, 3_001, 0),
        (CAP, 5_000, 3_000, 0, 10_001),
    ],
)
def test_limits__beyond_a_hard_bound__revert_at_the_start_and_later(
    make: Any, system: System, limits: tuple[int, ...]
) -> None:
    with ape.reverts():
        make(limits)
    with ape.reverts(system.mandate.LimitTooLoose):
        system.mandate.setLimits(limits, sender=system.owner)


@pytest.mark.parametrize("role", ["owner", "keeper", "guardian", "feeRecipient"])
def test_constructor__no_role__reverts(make: Any, role: str) -> None:
    with ape.reverts():
        make(**{role: ZERO})


@pytest.mark.parametrize(
    ("setter", "event", "view"),
    [
        ("setKeeper", "SetKeeper", "keeper"),
        ("setGuardian", "SetGuardian", "guardian"),
        ("setFeeRecipient", "SetFeeRecipient", "feeRecipient"),
        ("setDepositGate", "SetDepositGate", "depositGate"),
    ],
)
def test_set_role__owner__replaces_and_emits(
    system: System, bob: Any, setter: str, event: str, view: str
) -> None:
    receipt = getattr(system.mandate, setter)(bob, sender=system.owner)

    argument = event[3].lower() + event[4:]
    assert receipt.events == [getattr(system.mandate, event)(**{argument: bob})]
    assert getattr(system.mandate, view)() == bob.address


@pytest.mark.parametrize("setter", ["setKeeper", "setGuardian"])
def test_set_role__zero_or_reporter__reverts(system: System, setter: str) -> None:
    method = getattr(system.mandate, setter)
    signer = system.signers[0].address

    with ape.reverts(system.mandate.ZeroAddress):
        method(ZERO, sender=system.owner)
    with ape.reverts(system.mandate.RoleConflict, account=signer):
        method(signer, sender=system.owner)


def test_set_keeper__vault_not_wired__needs_no_reporter(
    project: Any, accounts: Any, system: System, bob: Any
) -> None:
    params = vault_params(system.token, accounts[1:5], LIMITS)
    vault = accounts[0].deploy(project.MarketMakingVault, params)
    mandate = project.Mandate.at(vault.mandate())

    mandate.setKeeper(bob, sender=accounts[1])

    assert vault.keeper() == bob.address


def test_set_limits__owner__sets_either_way_and_emits(system: System) -> None:
    looser = (2 * CAP, 4_000, 4_000, 2_000, 500)

    receipt = system.mandate.setLimits(looser, sender=system.owner)

    (event,) = receipt.events
    assert (event.event_name, tuple(event.limits)) == ("SetLimits", looser)
    assert tuple(system.mandate.limits()) == looser


def test_tighten_limits__each_one__takes_effect_at_once(system: System) -> None:
    tighter = (CAP - 1, 4_999, 3_001, 0, 1)

    receipt = system.mandate.tightenLimits(tighter, sender=system.guardian)

    (event,) = receipt.events
    assert (event.event_name, tuple(event.limits)) == ("SetLimits", tighter)
    assert tuple(system.mandate.limits()) == tighter


@pytest.mark.parametrize(
    "looser",
    [
        (CAP + 1, 4_000, 4_000, 100, 500),
        (CAP, 4_001, 4_000, 100, 500),
        (CAP, 4_000, 3_999, 100, 500),
        (CAP, 4_000, 4_000, 101, 500),
        (CAP, 4_000, 4_000, 100, 499),
    ],
)
def test_tighten_limits__one_looser__reverts(system: System, looser: tuple[int, ...]) -> None:
    system.mandate.setLimits((CAP, 4_000, 4_000, 100, 500), sender=system.owner)

    with ape.reverts(system.mandate.LimitLoosened):
        system.mandate.tightenLimits(looser, sender=system.guardian)


def test_owners_calls__anybody_else__revert(system: System, stranger: Any) -> None:
    mandate = system.mandate
    calls = (
        (mandate.setKeeper, stranger),
        (mandate.setGuardian, stranger),
        (mandate.setFeeRecipient, stranger),
        (mandate.setDepositGate, stranger),
        (mandate.setLimits, LIMITS),
    )

    for method, argument in calls:
        for caller in (stranger, system.keeper, system.guardian):
            with ape.reverts(mandate.NotOwner, caller=caller.address):
                method(argument, sender=caller)


def test_guardians_calls__anybody_else__revert(system: System, stranger: Any) -> None:
    mandate = system.mandate
    calls: tuple[tuple[Any, ...], ...] = (
        (mandate.tightenLimits, LIMITS),
        (mandate.pause, DAY),
        (mandate.unpause,),
    )

    for method, *arguments in calls:
        for caller in (stranger, system.keeper, system.owner):
            with ape.reverts(mandate.NotGuardian, caller=caller.address):
                method(*arguments, sender=caller)


def test_every_state_changing_function__has_one_role(project: Any) -> None:
    """The closed list: what loosens is the owner's; a function that is not here fails.

    Only the last line is neither the owner's nor the guardian's: losses, by adapters and reporter.
    """
    writes = {
        entry.name for entry in project.Mandate.contract_type.mutable_methods if entry.is_stateful
    }

    assert writes == {
        *("setKeeper", "setGuardian", "setFeeRecipient", "setDepositGate", "setLimits"),
        *("tightenLimits", "pause", "unpause"),
        *("chargeLoss", "chargeExit", "chargeReported"),
    }


def test_pause__seven_days__stops_deposit_requests_and_allocations_alone(
    system: System, alice: Any
) -> None:
    """V-25: what takes risk away, and every way out, stays open."""
    system.seed(alice, 1_000 * system.unit)
    system.vault.allocate(system.pool, 100 * system.unit, sender=system.keeper)
    system.request_deposit(alice, 10 * system.unit)

    receipt = system.mandate.pause(7 * DAY, sender=system.guardian)

    until = receipt.timestamp + 7 * DAY
    assert receipt.events == [system.mandate.Pause(until=until)]
    system.fund(alice, system.unit)
    with ape.reverts(system.mandate.Paused, until=until):
        system.vault.requestDeposit(system.unit, alice, alice, sender=alice)
    with ape.reverts(system.mandate.Paused, until=until):
        system.vault.allocate(system.pool, 1, sender=system.keeper)
    system.vault.deallocate(system.pool, 100 * system.unit, sender=system.keeper)
    system.cancel_deposit(alice)
    system.request_redeem(alice, 10 * system.share)
    system.settle()
    assert system.vault.redeem(10 * system.share, alice, alice, sender=alice).return_value


def test_pause__over__everything_goes_on_by_itself(system: System, alice: Any) -> None:
    system.mandate.pause(DAY, sender=system.guardian)
    system.wait(DAY)

    assert not system.mandate.isPaused()
    system.request_deposit(alice, system.unit)


def test_pause__longer_than_seven_days__reverts(system: System) -> None:
    with ape.reverts(system.mandate.PauseTooLong, given=7 * DAY + 1, most=7 * DAY):
        system.mandate.pause(7 * DAY + 1, sender=system.guardian)


def test_pause__within_fourteen_days_of_the_last__reverts(system: System) -> None:
    """A22: paused for at most a third of the time; an early end counts from there."""
    system.mandate.pause(7 * DAY, sender=system.guardian)
    system.wait(2 * DAY)
    ended = system.mandate.unpause(sender=system.guardian).timestamp

    with ape.reverts(system.mandate.PauseTooSoon, earliest=ended + 14 * DAY):
        system.mandate.pause(1, sender=system.guardian)
    system.wait(14 * DAY)
    system.mandate.pause(1, sender=system.guardian)


def test_unpause__guardian__ends_it_and_emits(system: System, alice: Any) -> None:
    system.mandate.pause(7 * DAY, sender=system.guardian)

    receipt = system.mandate.unpause(sender=system.guardian)

    assert receipt.events == [system.mandate.Unpause()]
    system.request_deposit(alice, system.unit)
    with ape.reverts(system.mandate.NotPaused):
        system.mandate.unpause(sender=system.guardian)


def test_deposit_gate__says_no__refuses_that_request_alone(
    project: Any, system: System, alice: Any, bob: Any
) -> None:
    gate = system.deployer.deploy(project.AllowList)
    gate.allow(alice, sender=system.deployer)
    system.mandate.setDepositGate(gate, sender=system.owner)
    system.fund(bob, system.unit)

    with ape.reverts(
        system.mandate.DepositRefused,
        depositGate=gate.address,
        owner=bob.address,
        controller=bob.address,
    ):
        system.vault.requestDeposit(system.unit, bob, bob, sender=bob)
    system.seed(alice, 10 * system.unit)
    gate.refuse(alice, sender=system.deployer)
    system.request_redeem(alice, 10 * system.share)
    system.settle()

    assert system.vault.maxRedeem(alice) == 10 * system.share
