"""What each call of an owner, a guardian, a staker, and at the end of a vault costs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.gas.meter import Meter, by_make_gas_alone
from tests.contracts.system import DAY, System

pytestmark = by_make_gas_alone

WEEK = 7 * DAY
NONE = b"\0" * 32


@pytest.fixture
def stake(project: Any, system: System) -> Any:
    return project.KeeperStake.at(system.mandate.keeperStake())


def test_owner__every_call__costs_what_the_page_says(
    system: System, project: Any, gas: Meter
) -> None:
    mandate, owner, someone = system.mandate, system.owner, system.users[7]
    gas.knows_system(system)
    limits = tuple(mandate.limits())
    gate = system.deployer.deploy(project.AllowList)
    signers = [key.address for key in system.signers]

    gas(mandate.setFeeRecipient(someone, sender=owner))
    gas(mandate.setGuardian(someone, sender=owner))
    gas(mandate.setKeeper(someone, sender=owner))
    gas(mandate.setLimits((limits[0] - 1, *limits[1:]), sender=owner))
    gas(mandate.setDepositGate(gate, sender=owner))
    gas(system.nav.setReporters(signers, 2, sender=owner), "three")

    assert gas.away() == {}


def test_guardian__every_call__costs_what_the_page_says(system: System, gas: Meter) -> None:
    mandate, guardian = system.mandate, system.guardian
    gas.knows_system(system)
    limits = tuple(mandate.limits())
    system.seed(system.users[0], 1_000 * system.unit)

    gas(mandate.tightenLimits((limits[0] // 2, *limits[1:]), sender=guardian))
    gas(mandate.pause(DAY, sender=guardian))
    gas(mandate.unpause(sender=guardian))
    gas(system.nav.removeReporter(system.signers[2].address, sender=guardian))

    assert gas.away() == {}


def test_reporters__fee_loss_and_equivocation__cost_what_the_page_says(
    system: System, gas: Meter
) -> None:
    nav, limits = system.nav, tuple(system.mandate.limits())
    gas.knows_system(system)
    system.mandate.setLimits((*limits[:3], 3_000, limits[4]), sender=system.owner)
    system.seed(system.users[0], 1_000 * system.unit)
    system.gain(5 * system.unit)
    gas(system.settle(), "2 of 3, with a fee")
    gas(nav.claimFee(system.mandate.feeRecipient(), sender=system.deployer))
    system.vault.allocate(system.clob, 300 * system.unit, sender=system.keeper)
    system.cut()
    gas(system.submit(_losing(system, 2 * system.unit)), "2 of 3, the venue lost")
    system.cut()
    held = system.submit(_losing(system, 150 * system.unit))
    gas(held, "2 of 3, held")
    assert len(list(held.decode_logs(system.vault.Hold))) == 1
    system.cut()
    report = system.report()
    other = replace(report, data_root=b"\x33" * 32)
    (first,), (second,) = (system.sign(each, system.signers[2:]) for each in (report, other))
    evidence = (report.as_tuple(), first, other.as_tuple(), second)
    gas(nav.reportEquivocation(*evidence, sender=system.deployer))

    assert gas.away() == {}


def _losing(system: System, assets: int) -> Any:
    """The honest report of a venue that lost so much."""
    report = system.report()
    (leg,) = report.legs
    return replace(
        report, legs=(replace(leg, equity=leg.equity - assets),), pnl=(-assets, 0, 0, 0, 0)
    )


def test_stake__every_call__costs_what_the_page_says(
    system: System, stake: Any, alice: Any, gas: Meter
) -> None:
    vault, share, keeper = system.vault, system.share, system.keeper
    gas.knows_system(system)
    system.seed(keeper, 10_000 * system.unit)
    system.seed(alice, 50_000 * system.unit)
    for user in (keeper, alice):
        vault.approve(stake, 10**30, sender=user)

    gas(stake.stake(5_000 * share, sender=keeper), "first")
    gas(stake.stakeFor(keeper, share, sender=alice))
    gas(stake.requestWithdrawal(100 * share, sender=keeper))
    system.wait(WEEK)
    gas(stake.withdraw(sender=keeper))
    vault.allocate(system.pool, 59_000 * system.unit, sender=keeper)
    system.request_redeem(alice, 40_000 * share)
    system.settle()
    system.wait(4 * DAY)
    gas(stake.penalise(vault.cut().epoch, sender=alice))

    assert gas.away() == {}


# --- the end


def test_wind_down__every_call__costs_what_the_page_says(
    system: System, alice: Any, gas: Meter
) -> None:
    end, token = system.end, system.token
    gas.knows_system(system)
    system.seed(alice, 1_000 * system.unit)
    system.vault.allocate(system.pool, 300 * system.unit, sender=system.keeper)

    gas(end.startImpaired(sender=system.guardian))
    gas(end.unwind(system.pool, sender=alice), "a double of a leg")
    gas(end.collect(system.vault, token, sender=alice), "from the vault")
    gas(end.collect(system.pool, token, sender=alice), "from a double of a leg")
    gas(end.exit(system.vault.balanceOf(alice), sender=alice))
    gas(end.claim(token, sender=alice))

    assert gas.away() == {}


@pytest.mark.parametrize("late", ["start", "startUnpaid"])
def test_wind_down__started_by_anyone__costs_what_the_page_says(
    system: System, alice: Any, gas: Meter, late: str
) -> None:
    gas.knows_system(system)
    system.seed(alice, 1_000 * system.unit)
    system.vault.allocate(system.pool, 900 * system.unit, sender=system.keeper)
    system.request_redeem(alice, 900 * system.share)
    system.settle()
    epoch = system.vault.cut().epoch
    system.wait(8 * DAY)

    gas(getattr(system.end, late)(*((epoch,) if late == "startUnpaid" else ()), sender=alice))

    assert gas.away() == {}


def test_wind_down__started_by_a_report__costs_what_the_page_says(
    system: System, alice: Any, gas: Meter
) -> None:
    gas.knows_system(system)
    system.seed(alice, 1_000 * system.unit)
    system.vault.allocate(system.clob, 400 * system.unit, sender=system.keeper)
    system.cut()

    gas(system.submit(_losing(system, 1_500 * system.unit)), "2 of 3, more lost than there was")

    assert system.end.startedAt() > 0
    assert gas.away() == {}


# --- the timelock


def test_timelock__every_call__costs_what_the_page_says(
    deploy_system: Callable[..., System], project: Any, accounts: Any, gas: Meter
) -> None:
    multisig, someone = accounts[1], accounts[9]
    lock = accounts[0].deploy(project.VaultTimelock, WEEK, multisig)
    system = deploy_system(owner=lock)
    gas.knows_system(system)
    gas.knows(VaultTimelock=lock)

    def call(contract: Any, name: str, *arguments: Any) -> tuple[Any, ...]:
        data = getattr(contract, name).encode_input(*arguments)
        return (contract.address, 0, data, NONE, NONE)

    proposer = lock.PROPOSER_ROLE()
    own = [
        call(lock, "updateDelay", 2 * WEEK),
        call(lock, "grantRole", proposer, someone),
        call(lock, "revokeRole", proposer, someone),
    ]
    gas(lock.bind(system.vault, sender=accounts[0]))
    keeper, withdrawn = (call(system.mandate, "setKeeper", each) for each in accounts[16:18])
    gas(lock.schedule(*keeper, WEEK, sender=multisig))
    lock.schedule(*withdrawn, WEEK, sender=multisig)
    gas(lock.cancel(lock.hashOperation(*withdrawn), sender=system.guardian))
    batch = tuple(list(column) for column in list(zip(*own, strict=True))[:3])
    gas(lock.scheduleBatch(*batch, NONE, NONE, WEEK, sender=multisig), "three calls")
    system.wait(WEEK)
    gas(lock.execute(*keeper, sender=someone), "`setKeeper`")
    gas(lock.executeBatch(*batch, NONE, NONE, sender=someone), "three calls")
    gas(lock.renounceRole(proposer, multisig, sender=multisig))
    _receive_tokens(lock, someone, gas)

    assert gas.away() == {}


def _receive_tokens(lock: Any, sender: Any, gas: Meter) -> None:
    """What any contract may tell it that was sent tokens."""
    gas(lock.onERC721Received(sender, sender, 1, b"", sender=sender))
    gas(lock.onERC1155Received(sender, sender, 1, 1, b"", sender=sender))
    gas(lock.onERC1155BatchReceived(sender, sender, [1], [1], b"", sender=sender))
