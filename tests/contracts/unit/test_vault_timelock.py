"""The owner's timelock: everything that loosens waits, and waits for who asked to leave before."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ape
import pytest
from eth_utils import keccak

from tests.contracts.system import DAY, System

LEAST = 7 * DAY
ZERO = "0x" + "00" * 20
NONE = b"\0" * 32
CAP = 10**15

LOOSENS = {
    "mandate": {
        *("setKeeper", "setGuardian", "setFeeRecipient", "setLimits", "setDepositGate"),
    },
    "nav": {"setReporters"},
}
TIGHTENS = {"mandate": {"tightenLimits", "pause", "unpause"}, "nav": {"removeReporter"}}
MOVES_NO_LIMIT = {
    "mandate": {"chargeLoss", "chargeExit", "chargeReported"},
    "nav": {"submitReport", "object", "vetoSlot", "reportEquivocation", "claimFee"},
}
SETTERS = [(part, name) for part, names in LOOSENS.items() for name in sorted(names)]


@dataclass(frozen=True, slots=True)
class Owner:
    """A vault whose owner is a timelock, and the multisig behind it."""

    system: System
    lock: Any
    multisig: Any

    def call(self, part: str, name: str, *arguments: Any) -> tuple[Any, ...]:
        """An operation as the timelock takes it: target, value, data, predecessor, salt."""
        contract = getattr(self.system, part) if part != "lock" else self.lock
        data = getattr(contract, name).encode_input(*arguments)
        return (contract.address, 0, data, NONE, NONE)

    def schedule(self, operation: tuple[Any, ...], delay: int = LEAST) -> Any:
        return self.lock.schedule(*operation, delay, sender=self.multisig)

    def execute(self, operation: tuple[Any, ...]) -> Any:
        return self.lock.execute(*operation, sender=self.system.users[9])

    def ready(self, operation: tuple[Any, ...]) -> tuple[Any, ...]:
        """Schedule it and wait until only redemptions can be in its way."""
        self.schedule(operation)
        self.system.wait(LEAST)
        return operation


@pytest.fixture(scope="session")
def owned(deploy_system: Callable[..., System], project: Any, accounts: Any) -> Owner:
    deployer, multisig = accounts[0], accounts[1]
    lock = deployer.deploy(project.VaultTimelock, LEAST, multisig)
    system = deploy_system(owner=lock)
    lock.bind(system.vault, sender=deployer)
    return Owner(system, lock, multisig)


@pytest.fixture
def arguments(accounts: Any, owned: Owner) -> dict[str, tuple[tuple[Any, ...], str, Any]]:
    """For every loosening setter what it is given, the view that shows it, and its answer."""
    other = accounts[16].address
    limits = (2 * CAP, 5_000, 3_000, 3_000, 0)
    reporters = [accounts[number].address for number in (16, 17, 18)]
    return {
        "setKeeper": ((other,), "keeper", other),
        "setGuardian": ((other,), "guardian", other),
        "setFeeRecipient": ((other,), "feeRecipient", other),
        "setDepositGate": ((other,), "depositGate", other),
        "setLimits": ((limits,), "limits", limits),
        "setReporters": ((reporters, 3), "reporters", reporters),
    }


def shown(contract: Any, view: str) -> Any:
    answer = getattr(contract, view)()
    return tuple(answer) if view == "limits" else answer


def test_setters__all_of_them__are_on_one_of_the_three_lists(project: Any) -> None:
    """V-22: whoever adds a function has to say here whether it loosens."""
    for part, container in (("mandate", project.Mandate), ("nav", project.NavReporter)):
        lists = (LOOSENS[part], TIGHTENS[part], MOVES_NO_LIMIT[part])
        known = [name for names in lists for name in names]
        writes = {entry.name for entry in container.contract_type.mutable_methods}

        assert writes == set(known)
        assert len(known) == len(set(known))


@pytest.mark.parametrize(("part", "name"), SETTERS)
def test_loosening__directly__is_refused_to_the_multisig_and_to_everybody(
    owned: Owner, arguments: Any, part: str, name: str
) -> None:
    system = owned.system
    method = getattr(getattr(system, part), name)

    for caller in (owned.multisig, system.keeper, system.guardian, system.deployer):
        with ape.reverts():
            method(*arguments[name][0], sender=caller)


@pytest.mark.parametrize(("part", "name"), SETTERS)
def test_loosening__through_the_timelock__works_after_the_delay_and_not_before(
    owned: Owner, arguments: Any, part: str, name: str
) -> None:
    given, view, expected = arguments[name]
    contract = getattr(owned.system, part)
    operation = owned.call(part, name, *given)
    before = shown(contract, view)

    owned.schedule(operation)
    owned.system.wait(LEAST - 10)
    with ape.reverts(owned.lock.TimelockUnexpectedOperationState):
        owned.execute(operation)
    assert shown(contract, view) == before
    owned.system.wait(10)
    owned.execute(operation)

    assert before != expected
    assert shown(contract, view) == expected


def test_tightening__by_the_guardian__works_at_once(owned: Owner) -> None:
    """V-25: what takes risk away waits for nobody."""
    system, guardian = owned.system, owned.system.guardian
    tighter = (CAP, 4_000, 4_000, 0, 500)

    system.mandate.tightenLimits(tighter, sender=guardian)
    system.mandate.pause(DAY, sender=guardian)
    paused = system.mandate.isPaused()
    system.mandate.unpause(sender=guardian)
    system.nav.removeReporter(system.signers[0].address, sender=guardian)

    assert tuple(system.mandate.limits()) == tighter
    assert paused
    assert not system.nav.isReporter(system.signers[0].address)


@pytest.mark.parametrize("delay", [0, LEAST - 1])
def test_constructor__delay_too_short__reverts(
    project: Any, accounts: Any, owned: Owner, delay: int
) -> None:
    with ape.reverts(owned.lock.DelayTooShort):
        accounts[0].deploy(project.VaultTimelock, delay, accounts[1])


def test_constructor__roles__multisig_proposes_and_anyone_executes(
    owned: Owner, accounts: Any
) -> None:
    lock = owned.lock

    assert lock.LEAST_DELAY() == lock.getMinDelay() == LEAST
    assert lock.hasRole(lock.PROPOSER_ROLE(), owned.multisig)
    assert lock.hasRole(lock.EXECUTOR_ROLE(), ZERO)
    for account in (owned.multisig, accounts[0], owned.system.guardian):
        assert not lock.hasRole(lock.DEFAULT_ADMIN_ROLE(), account)


def test_constructor__no_proposer__reverts(project: Any, accounts: Any, owned: Owner) -> None:
    with ape.reverts(owned.lock.ZeroAddress):
        accounts[0].deploy(project.VaultTimelock, LEAST, ZERO)


def test_update_delay__below_the_least__reverts_even_through_itself(owned: Owner) -> None:
    operation = owned.ready(owned.call("lock", "updateDelay", LEAST - 1))

    with ape.reverts(owned.lock.DelayTooShort, given=LEAST - 1, least=LEAST):
        owned.execute(operation)
    with ape.reverts(owned.lock.TimelockUnauthorizedCaller):
        owned.lock.updateDelay(2 * LEAST, sender=owned.multisig)


def test_update_delay__longer__holds_for_later_operations(owned: Owner) -> None:
    owned.execute(owned.ready(owned.call("lock", "updateDelay", 2 * LEAST)))

    with ape.reverts(owned.lock.TimelockInsufficientDelay):
        owned.schedule(owned.call("mandate", "setDepositGate", ZERO))


def test_bind__twice_or_by_another_or_another_vault__reverts(
    owned: Owner, project: Any, accounts: Any, system: System
) -> None:
    lock = accounts[0].deploy(project.VaultTimelock, LEAST, accounts[1])

    with ape.reverts(owned.lock.AlreadyBound):
        owned.lock.bind(owned.system.vault, sender=accounts[0])
    with ape.reverts(lock.NotDeployer, caller=accounts[1].address):
        lock.bind(system.vault, sender=accounts[1])
    with ape.reverts(lock.NotOwnerOf, vault=system.vault.address):
        lock.bind(system.vault, sender=accounts[0])
    with ape.reverts(lock.NotBound):
        lock.schedule(ZERO, 0, b"", NONE, NONE, LEAST, sender=accounts[1])


def test_execute__before_it_is_bound__finds_nothing_scheduled(
    project: Any, accounts: Any, owned: Owner
) -> None:
    lock = accounts[0].deploy(project.VaultTimelock, LEAST, accounts[1])

    with ape.reverts(lock.TimelockUnexpectedOperationState):
        lock.execute(ZERO, 0, b"", NONE, NONE, sender=owned.system.users[9])


def test_bind__own_vault__emits_once(owned: Owner) -> None:
    (event,) = owned.lock.Bind.query("*", start_block=0).to_dict("records")

    assert event["event_arguments"] == {"vault": owned.system.vault.address}


def test_schedule__anybody_but_the_proposer__reverts(owned: Owner) -> None:
    operation = owned.call("mandate", "setKeeper", owned.system.users[0])

    for caller in (owned.system.guardian, owned.system.keeper, owned.system.users[0]):
        with ape.reverts(owned.lock.AccessControlUnauthorizedAccount):
            owned.lock.schedule(*operation, LEAST, sender=caller)


@pytest.mark.parametrize("role", ["guardian", "multisig"])
def test_cancel__guardian_or_proposer__sends_the_operation_back(owned: Owner, role: str) -> None:
    system, lock = owned.system, owned.lock
    caller = owned.multisig if role == "multisig" else system.guardian
    operation = owned.ready(owned.call("mandate", "setKeeper", system.users[0]))

    receipt = lock.cancel(lock.hashOperation(*operation), sender=caller)

    assert receipt.events == [lock.Cancelled(id=lock.hashOperation(*operation))]
    assert lock.pendingOperations() == 0
    with ape.reverts(lock.TimelockUnexpectedOperationState):
        owned.execute(operation)


def test_cancel__guardian_of_yesterday_or_stranger__reverts(owned: Owner) -> None:
    system, lock = owned.system, owned.lock
    old, new = system.guardian, system.users[0]
    owned.execute(owned.ready(owned.call("mandate", "setGuardian", new)))
    operation = owned.call("mandate", "setKeeper", system.users[1])
    owned.schedule(operation)

    for caller in (old, system.users[1]):
        with ape.reverts(lock.AccessControlUnauthorizedAccount):
            lock.cancel(lock.hashOperation(*operation), sender=caller)
    lock.cancel(lock.hashOperation(*operation), sender=new)

    assert lock.pendingOperations() == 0


def test_execute__redemption_of_before_unpaid__is_refused_until_it_is_paid(
    owned: Owner, alice: Any
) -> None:
    """A11: a loosening raced against exits."""
    system = owned.system
    system.seed(alice, 1_000 * system.unit)
    system.vault.allocate(system.pool, 900 * system.unit, sender=system.keeper)
    system.request_redeem(alice, 500 * system.share)
    epoch = system.vault.openEpoch()
    operation = owned.call("mandate", "setKeeper", system.users[1])
    owned.schedule(operation)
    for _ in range(7):
        system.settle()

    assert system.vault.isUnpaid(epoch)
    with ape.reverts(owned.lock.RedemptionUnpaid, epoch=epoch):
        owned.execute(operation)
    system.vault.deallocate(system.pool, 900 * system.unit, sender=system.keeper)
    system.settle()
    owned.execute(operation)

    assert system.mandate.keeper() == system.users[1].address


def test_execute__redemption_never_cut__is_refused(owned: Owner, alice: Any) -> None:
    system = owned.system
    system.seed(alice, 1_000 * system.unit)
    system.request_redeem(alice, 500 * system.share)
    epoch = system.vault.openEpoch()
    operation = owned.ready(owned.call("mandate", "setDepositGate", alice))

    with ape.reverts(owned.lock.RedemptionUnpaid, epoch=epoch):
        owned.execute(operation)


def test_execute__owner_requests_and_cancels_in_a_newer_epoch__older_exits_still_count(
    owned: Owner, alice: Any, bob: Any
) -> None:
    """A11: an empty newest cohort must not hide an unpaid older one."""
    system = owned.system
    for user in (alice, bob):
        system.request_deposit(user, 1_000 * system.unit)
    system.settle()
    for user in (alice, bob):
        system.vault.deposit(1_000 * system.unit, user, user, sender=user)
    system.vault.allocate(system.pool, 1_900 * system.unit, sender=system.keeper)
    system.request_redeem(alice, 900 * system.share)
    system.settle()
    system.request_redeem(bob, 10 * system.share)
    epoch = system.vault.openEpoch()
    operation = owned.call("mandate", "setKeeper", bob)
    owned.schedule(operation)
    system.cancel_redeem(bob)
    for _ in range(7):
        system.settle()

    with ape.reverts(owned.lock.RedemptionUnpaid, epoch=epoch):
        owned.execute(operation)


def test_execute__redemption_requested_after_scheduling__is_in_nobodys_way(
    owned: Owner, alice: Any
) -> None:
    system = owned.system
    system.seed(alice, 1_000 * system.unit)
    system.vault.allocate(system.pool, 900 * system.unit, sender=system.keeper)
    operation = owned.call("mandate", "setKeeper", system.users[1])
    owned.schedule(operation)
    system.settle()
    system.request_redeem(alice, 500 * system.share)
    for _ in range(7):
        system.settle()

    assert system.vault.isUnpaid(system.vault.openEpoch() - 1)
    owned.execute(operation)

    assert system.mandate.keeper() == system.users[1].address


def test_attack_a11__loosening_announced_today__whoever_leaves_then_is_paid_before(
    owned: Owner, alice: Any, bob: Any
) -> None:
    """A11: the delay is long enough to leave by an ordinary exit."""
    system = owned.system
    system.seed(alice, 1_000 * system.unit)
    operation = owned.call("mandate", "setKeeper", bob)
    receipt = owned.schedule(operation)
    system.request_redeem(alice, 1_000 * system.share)
    while system.vault.maxRedeem(alice) == 0:
        system.settle()
    paid_at = system.chain.pending_timestamp
    system.vault.redeem(system.vault.maxRedeem(alice), alice, alice, sender=alice)
    ready_at = owned.lock.getTimestamp(owned.lock.hashOperation(*operation))

    assert ready_at == receipt.timestamp + LEAST
    assert paid_at < ready_at
    assert system.vault.balanceOf(alice) == 0


def test_execute_batch__unpaid__is_refused_and_counted_as_one(owned: Owner, alice: Any) -> None:
    system, lock = owned.system, owned.lock
    system.seed(alice, 1_000 * system.unit)
    system.request_redeem(alice, 500 * system.share)
    calls = [owned.call("mandate", name, alice) for name in ("setKeeper", "setDepositGate")]
    batch = ([c[0] for c in calls], [0, 0], [c[2] for c in calls], NONE, keccak(b"salt"))

    lock.scheduleBatch(*batch, LEAST, sender=owned.multisig)
    system.wait(LEAST)
    pending = lock.pendingOperations()
    with ape.reverts(lock.RedemptionUnpaid):
        lock.executeBatch(*batch, sender=alice)
    system.settle()
    lock.executeBatch(*batch, sender=alice)

    assert pending == 1
    assert lock.pendingOperations() == 0
    assert (system.mandate.keeper(), system.mandate.depositGate()) == (alice, alice)


def test_execute__twice_or_never_scheduled__reverts(owned: Owner) -> None:
    operation = owned.ready(owned.call("mandate", "setDepositGate", owned.system.users[0]))
    owned.execute(operation)

    for again in (operation, owned.call("mandate", "setKeeper", owned.system.users[0])):
        with ape.reverts(owned.lock.TimelockUnexpectedOperationState):
            owned.execute(again)


def test_schedule__twice__reverts_and_leaves_the_note_of_the_first(
    owned: Owner, alice: Any
) -> None:
    system, lock = owned.system, owned.lock
    system.seed(alice, 1_000 * system.unit)
    operation = owned.call("mandate", "setKeeper", alice)
    owned.schedule(operation)
    noted = lock.redemptionsUpTo(lock.hashOperation(*operation))
    system.request_redeem(alice, 500 * system.share)

    with ape.reverts(lock.TimelockUnexpectedOperationState):
        owned.schedule(operation)

    assert noted == system.vault.openEpoch() - 1
    assert lock.redemptionsUpTo(lock.hashOperation(*operation)) == noted
    assert lock.pendingOperations() == 1
