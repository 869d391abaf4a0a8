"""What each call of the owner, the guardian, reporters and whoever has a stake costs."""

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.gas.conftest import Record
from tests.contracts.gas.table import gas_of
from tests.contracts.system import DAY, System

NOBODY = "0x" + "00" * 20


@pytest.fixture
def stake(project: Any, system: System) -> Any:
    return project.KeeperStake.at(system.mandate.keeperStake())


def test_owner__every_call__costs_what_the_table_says(
    system: System, project: Any, record: Record
) -> None:
    mandate, owner, someone = system.mandate, system.owner, system.users[7]
    limits = tuple(mandate.limits())
    gate = system.deployer.deploy(project.AllowList)
    signers = [key.address for key in system.signers]

    figures = {
        "setFeeRecipient": gas_of(mandate.setFeeRecipient(someone, sender=owner)),
        "setGuardian": gas_of(mandate.setGuardian(someone, sender=owner)),
        "setKeeper": gas_of(mandate.setKeeper(someone, sender=owner)),
        "setLimits": gas_of(mandate.setLimits((limits[0] - 1, *limits[1:]), sender=owner)),
        "setDepositGate": gas_of(mandate.setDepositGate(gate, sender=owner)),
        "setReporters, three": gas_of(system.nav.setReporters(signers, 2, sender=owner)),
    }

    record("Owner", figures)


def test_guardian__every_call__costs_what_the_table_says(system: System, record: Record) -> None:
    mandate, guardian = system.mandate, system.guardian
    limits = tuple(mandate.limits())
    system.seed(system.users[0], 1_000 * system.unit)
    tighter = (limits[0] // 2, *limits[1:])

    figures = {
        "tightenLimits": gas_of(mandate.tightenLimits(tighter, sender=guardian)),
        "pause": gas_of(mandate.pause(DAY, sender=guardian)),
        "unpause": gas_of(mandate.unpause(sender=guardian)),
        "removeReporter": gas_of(
            system.nav.removeReporter(system.signers[2].address, sender=guardian)
        ),
    }

    record("Guardian", figures)


def test_reporters__equivocation_and_fee__cost_what_the_table_says(
    system: System, record: Record
) -> None:
    nav, limits = system.nav, tuple(system.mandate.limits())
    system.mandate.setLimits((*limits[:3], 3_000, limits[4]), sender=system.owner)
    system.seed(system.users[0], 1_000 * system.unit)
    system.gain(5 * system.unit)
    charged = gas_of(system.settle())
    claimed = gas_of(nav.claimFee(system.mandate.feeRecipient(), sender=system.deployer))
    system.gain(-100 * system.unit)
    held = gas_of(system.settle())
    system.cut()
    report = system.report()
    other = replace(report, data_root=b"\x33" * 32)
    (first,), (second,) = (system.sign(each, system.signers[2:]) for each in (report, other))
    evidence = (report.as_tuple(), first, other.as_tuple(), second)
    shown = gas_of(nav.reportEquivocation(*evidence, sender=system.deployer))

    record(
        "Keeper and reporters",
        {
            "submitReport 2 of 3, with a fee": charged,
            "submitReport 2 of 3, held": held,
            "claimFee": claimed,
            "reportEquivocation": shown,
        },
    )


def test_stake__every_call__costs_what_the_table_says(
    system: System, stake: Any, alice: Any, record: Record
) -> None:
    vault, share, keeper = system.vault, system.share, system.keeper
    system.seed(keeper, 10_000 * system.unit)
    system.seed(alice, 50_000 * system.unit)
    approve = gas_of(vault.approve(stake, 10**30, sender=keeper))
    transfer = gas_of(vault.transfer(system.users[4], share, sender=alice))
    vault.approve(stake, 10**30, sender=alice)
    figures = {
        "stake": gas_of(stake.stake(5_000 * share, sender=keeper)),
        "stakeFor": gas_of(stake.stakeFor(keeper, share, sender=alice)),
        "requestWithdrawal": gas_of(stake.requestWithdrawal(100 * share, sender=keeper)),
    }
    system.wait(7 * DAY)
    figures["withdraw"] = gas_of(stake.withdraw(sender=keeper))
    vault.allocate(system.pool, 59_000 * system.unit, sender=keeper)
    system.request_redeem(alice, 40_000 * share)
    system.settle()
    system.wait(4 * DAY)
    figures["penalise"] = gas_of(stake.penalise(vault.cut().epoch, sender=alice))

    record("Keeper's stake", figures)
    record("Depositor", {"approve": approve, "transfer": transfer})


@pytest.mark.parametrize("late", ["start", "startUnpaid"])
def test_wind_down__by_anyone__costs_what_the_table_says(
    system: System, alice: Any, record: Record, late: str
) -> None:
    system.seed(alice, 1_000 * system.unit)
    system.vault.allocate(system.pool, 900 * system.unit, sender=system.keeper)
    system.request_redeem(alice, 900 * system.share)
    system.settle()
    epoch = system.vault.cut().epoch
    system.wait(8 * DAY)

    arguments = (epoch,) if late == "startUnpaid" else ()
    started = gas_of(getattr(system.end, late)(*arguments, sender=alice))

    record("Wind-down", {late: started})
