"""What the keeper may lose: who charges, what is drawn, when new risk is refused and until when."""

from typing import Any

import ape
import pytest

from tests.contracts.system import DAY, System

WAD = 10**18
FULL = (WAD // 100, 3 * WAD // 100)
BPS = WAD // 10_000


def lose(system: System, bps: int, method: str = "chargeLoss") -> Any:
    """Charge a part of accepted NAV as the pool adapter does."""
    assets = system.vault.acceptedNav() * bps // 10_000
    return getattr(system.mandate, method)(assets, sender=system.acting(system.pool))


@pytest.fixture
def seeded(any_system: System) -> System:
    """A vault with a million of accepted NAV, a tenth of it in the pool."""
    any_system.seed(any_system.users[0], 1_000_000 * any_system.unit)
    any_system.vault.allocate(any_system.pool, 100_000 * any_system.unit, sender=any_system.keeper)
    return any_system


@pytest.fixture
def million(system: System, alice: Any) -> System:
    system.seed(alice, 1_000_000 * system.unit)
    system.vault.allocate(system.pool, 100_000 * system.unit, sender=system.keeper)
    return system


def test_loss_buckets__at_the_start__are_full(system: System) -> None:
    assert tuple(system.mandate.lossBuckets()) == FULL
    assert system.mandate.refilledAt() <= system.chain.blocks.head.timestamp


@pytest.mark.parametrize("method", ["chargeLoss", "chargeExit"])
def test_charge__by_an_adapter__draws_from_both_buckets_and_emits(
    seeded: System, method: str
) -> None:
    receipt = lose(seeded, 25, method)

    assert receipt.events == [
        seeded.mandate.ChargeLoss(
            adapter=seeded.pool,
            lossAssets=2_500 * seeded.unit,
            part=25 * BPS,
            day=75 * BPS,
            month=275 * BPS,
        )
    ]
    assert tuple(seeded.mandate.lossBuckets()) == (75 * BPS, 275 * BPS)


def test_charge__part_that_does_not_divide__is_rounded_up(million: System) -> None:
    million.request_deposit(million.users[1], 7 * million.unit)
    million.settle()

    receipt = million.mandate.chargeLoss(million.unit, sender=million.acting(million.pool))

    assert receipt.events[0].part == WAD // 1_000_007 + 1


@pytest.mark.parametrize("method", ["chargeLoss", "chargeExit"])
def test_charge__not_an_adapter__reverts(system: System, method: str) -> None:
    for caller in (system.keeper, system.owner, system.guardian, system.acting(system.nav)):
        with ape.reverts(system.mandate.NotAdapter, caller=caller.address):
            getattr(system.mandate, method)(1, sender=caller)


def test_charge_reported__not_the_reporter__reverts(system: System) -> None:
    for caller in (system.keeper, system.guardian, system.acting(system.pool)):
        with ape.reverts(system.mandate.NotReporter, caller=caller.address):
            system.mandate.chargeReported(1, sender=caller)


def test_charge_loss__more_than_the_days_bucket__reverts_and_the_rest_does_not(
    million: System,
) -> None:
    nav = million.vault.acceptedNav()
    adapter = million.acting(million.pool)

    with ape.reverts(million.mandate.LossTooLarge, part=100 * BPS + WAD // nav, left=100 * BPS):
        million.mandate.chargeLoss(nav // 100 + 1, sender=adapter)
    million.mandate.chargeLoss(nav // 100, sender=adapter)

    assert tuple(million.mandate.lossBuckets()) == (0, 200 * BPS)


def test_charge_loss__more_than_the_months_bucket__reverts(million: System) -> None:
    """A day after the other the day's bucket is full again, the month's is not."""
    for _ in range(4):
        lose(million, 75)
        million.wait(DAY)

    day, month = million.mandate.lossBuckets()
    assert (day, month // BPS) == (100 * BPS, 40)
    with ape.reverts(million.mandate.LossTooLarge):
        lose(million, 41)
    lose(million, 40)


def test_charge_loss__of_nothing_accepted__is_all_of_it(system: System) -> None:
    with ape.reverts(system.mandate.LossTooLarge, part=WAD, left=100 * BPS):
        system.mandate.chargeLoss(1, sender=system.acting(system.pool))


def test_charge_exit__more_than_there_is__empties_and_is_not_refused(million: System) -> None:
    receipt = lose(million, 250, "chargeExit")

    assert [(log.part, log.day, log.month) for log in receipt.events] == [(250 * BPS, 0, 50 * BPS)]


def test_charge_exit__more_than_there_is__is_owed_and_refilled_first(million: System) -> None:
    spent = lose(million, 250, "chargeExit").timestamp

    assert million.mandate.refilledAt() == spent + (250 - 100 + 30) * DAY // 100
    million.chain.mine(timestamp=spent + 2 * DAY)
    assert tuple(million.mandate.lossBuckets()) == (50 * BPS, 70 * BPS)


def test_charge_exit__more_than_all_there_is__owes_no_more_than_that(million: System) -> None:
    """A loss of five times the accepted NAV is one of all of it: 101 days and a part."""
    spent = lose(million, 50_000, "chargeExit").timestamp

    months = (10_000 + 30) * 30 * DAY // 300
    assert million.mandate.refilledAt() == spent + months


@pytest.mark.parametrize(
    ("lost", "waits"),
    [
        (70, 0),
        (71, DAY // 100),
        (100, 30 * DAY // 100),
    ],
)
def test_allocate__day_spent__opens_again_to_the_second(
    million: System, lost: int, waits: int
) -> None:
    spent = lose(million, lost).timestamp

    assert million.mandate.refilledAt() == spent + waits
    if waits:
        million.chain.pending_timestamp = spent + waits - 1
        with ape.reverts(million.mandate.LossesSpent, refilledAt=spent + waits):
            million.vault.allocate(million.pool, 1, sender=million.keeper)
        million.chain.pending_timestamp = spent + waits
    million.vault.allocate(million.pool, 1, sender=million.keeper)


def test_allocate__month_spent__waits_for_the_months_bucket(million: System) -> None:
    for part in (100, 100):
        lose(million, part)
        million.wait(DAY)
    spent = lose(million, 95).timestamp

    day, month = million.mandate.lossBuckets()
    opens = spent - (month - 30 * BPS) * 30 * DAY // (300 * BPS)
    assert million.mandate.refilledAt() == opens > spent + (30 * BPS - day) * DAY // (100 * BPS)
    million.chain.pending_timestamp = opens - 1
    with ape.reverts(million.mandate.LossesSpent, refilledAt=opens):
        million.vault.allocate(million.pool, 1, sender=million.keeper)
    million.chain.pending_timestamp = opens
    million.vault.allocate(million.pool, 1, sender=million.keeper)


def test_losses_spent__what_takes_risk_away__goes_on(million: System, alice: Any) -> None:
    lose(million, 300, "chargeExit")

    million.vault.deallocate(million.pool, 1, sender=million.keeper)
    million.request_redeem(alice, 10 * million.share)
    million.settle()

    assert million.vault.maxRedeem(alice) == 10 * million.share


def test_report__loss_on_the_venue__is_charged_and_emits(million: System) -> None:
    million.vault.allocate(million.clob, 300_000 * million.unit, sender=million.keeper)
    million.settle()

    receipt = million.settle(equity=294_000 * million.unit)

    (log,) = receipt.decode_logs(million.mandate.ChargeReported)
    assert (log.lossAssets, log.part) == (6_000 * million.unit, 60 * BPS)
    assert (log.day, log.month) == (40 * BPS, 240 * BPS)
    assert tuple(million.mandate.lossBuckets()) == (40 * BPS, 240 * BPS)


def test_report__gain__charges_and_refills_nothing(million: System) -> None:
    before = lose(million, 100).timestamp
    million.gain(5_000 * million.unit)

    receipt = million.settle()

    (log,) = receipt.decode_logs(million.mandate.ChargeReported)
    elapsed = receipt.timestamp - before
    assert (log.lossAssets, log.part) == (0, 0)
    assert log.day == min(100 * BPS, 100 * BPS * elapsed // DAY)
    assert log.month == 200 * BPS + 300 * BPS * elapsed // (30 * DAY)


def test_report__loss_while_exits_are_owed__empties_and_adds_no_debt(million: System) -> None:
    million.gain(-1_000 * million.unit)
    million.cut()
    lose(million, 150, "chargeExit")
    opens = million.mandate.refilledAt()

    receipt = million.submit(million.report())

    (log,) = receipt.decode_logs(million.mandate.ChargeReported)
    assert (log.part, log.day) == (10 * BPS, 0)
    assert opens <= million.mandate.refilledAt() <= opens + 1  # the refill is rounded down


def test_report__losses_of_operations_in_it__are_not_charged_twice(million: System) -> None:
    """4,000 of the 10,000 that the report shows were charged when they happened."""
    lose(million, 40)
    million.gain(-10_000 * million.unit)

    receipt = million.settle()

    (log,) = receipt.decode_logs(million.mandate.ChargeReported)
    assert (log.lossAssets, log.part) == (10_000 * million.unit, 60 * BPS)


def test_report__loss_of_an_operation_after_the_cut__belongs_to_the_next(million: System) -> None:
    million.gain(-5_000 * million.unit)
    million.cut()
    lose(million, 40)
    million.gain(-4_000 * million.unit)

    first = million.submit(million.report())
    second = million.settle()

    parts = [
        (log.lossAssets // million.unit, log.part)
        for receipt in (first, second)
        for log in receipt.decode_logs(million.mandate.ChargeReported)
    ]
    assert parts == [(5_000, 50 * BPS), (4_000, 0)]


def test_report__larger_loss_than_both_buckets__is_held_and_empties_them(million: System) -> None:
    million.gain(-50_000 * million.unit)

    receipt = million.settle()

    assert million.vault.nextCutTime() >= receipt.timestamp + DAY
    assert million.vault.acceptedNav() == 950_000 * million.unit
    (log,) = receipt.decode_logs(million.mandate.ChargeReported)
    assert (log.part, log.day, log.month) == (500 * BPS, 0, 0)
    assert million.mandate.refilledAt() == receipt.timestamp + 3 * DAY


def test_report__nearly_no_shares__is_nobodys_loss(system: System, alice: Any) -> None:
    """A vault that everybody left keeps its buckets for those who come."""
    system.seed(alice, 1_000 * system.unit)
    system.vault.allocate(system.pool, 500 * system.unit, sender=system.keeper)
    system.vault.deallocate(system.pool, 500 * system.unit, sender=system.keeper)
    system.request_redeem(alice, system.vault.balanceOf(alice))
    system.gain(100)
    system.settle()
    assert 0 < system.vault.acceptedNav() < system.unit
    system.gain(-50)

    receipt = system.settle()

    (log,) = receipt.decode_logs(system.mandate.ChargeReported)
    assert (log.lossAssets, log.part) == (0, 0)
    assert tuple(system.mandate.lossBuckets()) == FULL
