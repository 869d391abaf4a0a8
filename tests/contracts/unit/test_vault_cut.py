"""closeEpoch, lapse, settle, returnAssets, allocate, deallocate: states, limits, events."""

from dataclasses import replace
from typing import Any

import ape
import pytest

from tests.contracts.system import DAY, REPORT_WINDOW, System, vault_params

OPEN, CUT = 0, 1


@pytest.fixture
def funded(system: System, alice: Any) -> System:
    """A vault with 1,000 assets of Alice."""
    system.seed(alice, 1_000 * system.unit)
    return system


def test_close_epoch__first__records_the_numbers_and_emits(system: System, alice: Any) -> None:
    system.request_deposit(alice, 7 * system.unit)

    receipt = system.vault.closeEpoch(sender=alice)

    cut = system.vault.cut()
    assert receipt.events == [
        system.vault.CloseEpoch(
            epoch=1,
            time=receipt.timestamp,
            idle=0,
            legBid=0,
            legAsk=0,
            depositTotal=7 * system.unit,
            redeemTotal=0,
        )
    ]
    assert (cut.epoch, cut.time, cut.blockNumber) == (1, receipt.timestamp, receipt.block_number)
    assert system.vault.state() == CUT
    assert system.vault.openEpoch() == 2
    assert system.vault.nextCutTime() == receipt.timestamp + DAY


def test_close_epoch__within_a_day__reverts(funded: System) -> None:
    with ape.reverts(funded.vault.TooEarly, earliest=funded.vault.nextCutTime()):
        funded.vault.closeEpoch(sender=funded.deployer)


def test_close_epoch__in_a_live_cut__reverts(funded: System) -> None:
    funded.cut()

    with ape.reverts(funded.vault.WrongState, state=CUT):
        funded.vault.closeEpoch(sender=funded.deployer)


def test_close_epoch__before_wiring__reverts(project: Any, accounts: Any, system: System) -> None:
    params = vault_params(system.token, accounts[1:5], (1, 5_000, 3_000, 0, 0))
    vault = accounts[0].deploy(project.MarketMakingVault, params)

    with ape.reverts(vault.NotWired):
        vault.closeEpoch(sender=accounts[0])


def test_close_epoch__dead_price__reverts_and_claims_stay_open(funded: System, alice: Any) -> None:
    funded.request_redeem(alice, 10 * funded.share)
    funded.settle()
    funded.wait_for_cut()
    funded.pool.setDead(True, sender=funded.deployer)

    with ape.reverts(funded.pool.PriceDead):
        funded.vault.closeEpoch(sender=funded.deployer)
    funded.vault.redeem(10 * funded.share, alice, alice, sender=alice)

    assert funded.token.balanceOf(alice) == 10 * funded.unit - 1


def test_close_epoch__lapsed__may_be_cut_again_with_the_same_requests(
    funded: System, bob: Any
) -> None:
    """V-14: a lapse drops nobody."""
    funded.request_deposit(bob, 5 * funded.unit)
    funded.cut()
    funded.wait(REPORT_WINDOW + 1)
    assert funded.vault.state() == OPEN

    funded.settle()

    assert funded.vault.cut().epoch == 3
    assert funded.vault.maxDeposit(bob) == 5 * funded.unit


def test_close_epoch__unsynced_return__is_booked_by_the_cut(funded: System) -> None:
    unit = funded.unit
    funded.vault.allocate(funded.clob, 400 * unit, sender=funded.keeper)
    funded.settle()
    funded.token.transfer(funded.clob, 30 * unit, sender=funded.venue)

    receipt = funded.cut()

    returned = funded.vault.ReturnAssets(adapter=funded.clob, assets=30 * unit, idle=630 * unit)
    assert returned in receipt.events
    assert funded.legs.attested() == [funded.clob.address]
    assert funded.legs.transfersAt(2) == ([400 * unit], [0])
    assert funded.legs.transfersAt(3) == ([400 * unit], [30 * unit])
    assert funded.legs.transfersAt(4) == ([0], [0])
    assert funded.vault.cut().idle == funded.vault.idle() == 630 * unit


def test_settle__not_the_reporter__reverts(funded: System, stranger: Any) -> None:
    funded.cut()

    with ape.reverts(funded.vault.NotReporter, caller=stranger.address):
        funded.vault.settle((1, 1, 1, True, 0, 0), sender=stranger)


def test_preview_settle__no_cut__reverts(funded: System) -> None:
    with ape.reverts(funded.vault.WrongState, state=OPEN):
        funded.vault.previewSettle((1, 1, 1, True, 0, 0))


@pytest.mark.parametrize("pricing", [(2, 1, 2, True, 0, 0), (1, 3, 2, True, 0, 0)])
def test_preview_settle__prices_out_of_order__reverts(
    funded: System, pricing: tuple[int, int, int, bool, int, int]
) -> None:
    funded.cut()

    with ape.reverts(funded.vault.PricingOutOfOrder):
        funded.vault.previewSettle(pricing)


def test_settle__both_sides__emits_every_field(funded: System, alice: Any, bob: Any) -> None:
    unit, share = funded.unit, funded.share
    funded.request_redeem(alice, 100 * share)
    funded.request_deposit(bob, 40 * unit)
    funded.cut()
    supply, virtual = 1_000 * share, funded.vault.virtualShares()
    paid = 100 * share * 1_000 * unit // (supply + virtual)
    left = supply + virtual - 100 * share
    minted = 40 * unit * left // (1_000 * unit - paid + 1)

    receipt = funded.submit(funded.report())

    assert (
        funded.vault.Settle(
            epoch=2,
            accepted=1_000 * unit,
            gross=1_000 * unit,
            grossAsk=1_000 * unit,
            feeShares=0,
            depositAssets=40 * unit,
            depositShares=minted,
            redeemShares=100 * share,
            redeemAssets=paid,
            acceptedAfter=1_040 * unit - paid,
            supplyAfter=900 * share + minted,
            wholeExit=False,
        )
        in receipt.events
    )
    assert funded.vault.idle() == 1_040 * unit - paid
    assert funded.vault.totalSupply() == 900 * share + minted


def test_settle__cap_reached__the_rest_of_the_deposit_carries(
    deploy_system: Any, accounts: Any
) -> None:
    system = deploy_system(6, cap=100 * 10**6)
    user = accounts[5]
    system.request_deposit(user, 150 * system.unit)

    system.settle()

    assert 0 <= system.vault.maxDeposit(user) - 100 * system.unit <= 1
    assert -1 <= system.vault.pendingDepositRequest(0, user) - 50 * system.unit <= 0


def test_settle__idle_short__pays_what_there_is_and_carries_the_rest(
    funded: System, alice: Any
) -> None:
    unit, share = funded.unit, funded.share
    funded.vault.allocate(funded.clob, 500 * unit, sender=funded.keeper)
    funded.request_redeem(alice, 1_000 * share)
    funded.settle()

    filled = funded.vault.maxRedeem(alice)

    assert funded.vault.maxWithdraw(alice) == 500 * unit
    assert filled + funded.vault.pendingRedeemRequest(0, alice) == 1_000 * share
    assert funded.vault.idle() == 0
    assert funded.vault.acceptedNav() == 500 * unit


def test_allocate__idle__moves_and_emits(funded: System) -> None:
    unit = funded.unit

    receipt = funded.vault.allocate(funded.clob, 400 * unit, sender=funded.keeper)

    assert receipt.events[0] == funded.vault.Allocate(
        adapter=funded.clob, assets=400 * unit, idle=600 * unit
    )
    assert funded.token.balanceOf(funded.vault) == funded.vault.idle() == 600 * unit
    assert funded.clob.sent() == 400 * unit == funded.nav.attestedValue()
    assert funded.token.allowance(funded.vault, funded.clob) == 0


def test_allocate__not_the_keeper__reverts(funded: System, stranger: Any) -> None:
    with ape.reverts(funded.vault.NotKeeper, caller=stranger.address):
        funded.vault.allocate(funded.clob, 1, sender=stranger)
    with ape.reverts(funded.vault.NotKeeper, caller=stranger.address):
        funded.vault.deallocate(funded.clob, 1, sender=stranger)


def test_allocate__unknown_adapter__reverts(funded: System, stranger: Any) -> None:
    with ape.reverts(funded.vault.UnknownAdapter, adapter=stranger.address):
        funded.vault.allocate(stranger, 1, sender=funded.keeper)
    with ape.reverts(funded.vault.UnknownAdapter, adapter=stranger.address):
        funded.vault.deallocate(stranger, 1, sender=funded.keeper)


def test_allocate__in_a_cut__reverts(funded: System) -> None:
    funded.cut()

    with ape.reverts(funded.vault.WrongState, state=CUT):
        funded.vault.allocate(funded.pool, 1, sender=funded.keeper)


def test_allocate__more_than_idle__reverts(funded: System) -> None:
    wanted = 1_000 * funded.unit + 1

    with ape.reverts(funded.vault.IdleExceeded, wanted=wanted, idle=1_000 * funded.unit):
        funded.vault.allocate(funded.pool, wanted, sender=funded.keeper)


def test_allocate__open_redemption__keeps_its_value_idle(funded: System, alice: Any) -> None:
    """A20: neither an open request nor one in a lapsed cut is starved; a cancel frees it."""
    unit = funded.unit
    funded.request_redeem(alice, 100 * funded.share)
    owed = 100 * unit

    with ape.reverts(funded.vault.RedemptionsUnpaid, idleAfter=owed - 1, owed=owed):
        funded.vault.allocate(funded.pool, 900 * unit + 1, sender=funded.keeper)
    funded.cancel_redeem(alice)
    funded.vault.allocate(funded.pool, 900 * unit + 1, sender=funded.keeper)

    assert funded.vault.idle() == owed - 1


def test_allocate__above_the_venue_cap__reverts(funded: System) -> None:
    unit = funded.unit
    funded.vault.allocate(funded.clob, 500 * unit, sender=funded.keeper)

    with ape.reverts(funded.mandate.VenueCapExceeded, attested=500 * unit + 1, cap=500 * unit):
        funded.vault.allocate(funded.clob, 1, sender=funded.keeper)


def test_allocate__on_chain_part_too_small__reverts(funded: System) -> None:
    unit = funded.unit
    funded.vault.allocate(funded.pool, 600 * unit, sender=funded.keeper)
    funded.pool.setValue(0, 0, sender=funded.deployer)

    with ape.reverts(funded.mandate.OnChainTooLow, onChain=300 * unit - 1, least=300 * unit):
        funded.vault.allocate(funded.clob, 100 * unit + 1, sender=funded.keeper)
    funded.vault.allocate(funded.clob, 100 * unit, sender=funded.keeper)

    assert funded.vault.idle() == 300 * unit


def test_deallocate__on_chain_leg__books_what_came_and_emits(funded: System) -> None:
    unit = funded.unit
    funded.vault.allocate(funded.pool, 300 * unit, sender=funded.keeper)

    receipt = funded.vault.deallocate(funded.pool, 500 * unit, sender=funded.keeper)

    assert receipt.events[-1] == funded.vault.Deallocate(
        adapter=funded.pool, assets=500 * unit, assetsReturned=300 * unit
    )
    assert receipt.return_value == 300 * unit
    assert funded.vault.idle() == 1_000 * unit
    assert funded.token.allowance(funded.pool, funded.vault) == 0


def test_deallocate__in_a_cut__is_possible_and_changes_no_price(funded: System) -> None:
    funded.vault.allocate(funded.pool, 300 * funded.unit, sender=funded.keeper)
    funded.cut()
    before = funded.nav.previewReport(funded.report().as_tuple())

    funded.vault.deallocate(funded.pool, 300 * funded.unit, sender=funded.keeper)

    assert funded.nav.previewReport(funded.report().as_tuple()).gross == before.gross


def test_return_assets__not_an_adapter__reverts(funded: System, stranger: Any) -> None:
    with ape.reverts(funded.vault.UnknownAdapter, adapter=stranger.address):
        funded.vault.returnAssets(1, sender=stranger)


def test_total_assets__donations__change_nothing(funded: System, alice: Any) -> None:
    """V-04, A18: tokens sent to vault, silo or adapter raise no price."""
    unit = funded.unit
    funded.vault.allocate(funded.clob, 100 * unit, sender=funded.keeper)
    funded.settle()
    before = (funded.vault.acceptedNav(), funded.vault.convertToAssets(funded.share))

    for target in (funded.vault, funded.silo, funded.clob, funded.pool):
        funded.token.mint(target, 77 * unit, sender=funded.deployer)
    funded.cut()
    report = funded.report()
    leg = replace(report.legs[0], equity=100 * unit, debited=0)
    funded.submit(replace(report, legs=(leg,), pnl=(0, 0, 0, 0, 0)))

    assert (funded.vault.acceptedNav(), funded.vault.convertToAssets(funded.share)) == before
    assert funded.vault.idle() == 977 * unit
