"""Purchases with the asset and with shares: who pays what to whom, and what is refused."""

from typing import Any

import ape
import pytest

from tests.contracts.bonds.houses import (
    DAY,
    FOREVER,
    HOUR,
    TOKEN,
    USDC,
    ZERO,
    Bonds,
    midnight_after,
    oracle_terms,
)
from tests.contracts.bonds.test_market_creation import only
from tests.contracts.invariants.machine import selector


def position_of(bonds: Bonds, note: int) -> dict[str, int]:
    names = ("marketId", "payout", "redeemed", "start", "cliffAt", "expiry")
    return dict(zip(names, bonds.note.position(note), strict=True))


def test_purchase__with_the_asset__pays_the_treasury_and_issues_a_note(
    bonds: Bonds, treasury: Any, market: int, alice: Any, bob: Any
) -> None:
    before = bonds.usdc.balanceOf(alice)
    capacity = bonds.dutch.lot(market).capacity

    receipt = bonds.buy(market, 1_000 * USDC, alice, receiver=bob)

    event, sold = only(receipt, "Purchase"), only(receipt, "Sell")
    assert before - bonds.usdc.balanceOf(alice) == event.paid == event.cost == sold.cost
    assert bonds.usdc.balanceOf(treasury) == event.paid <= 1_000 * USDC
    assert (event.marketId, event.noteId, event.buyer, event.receiver, event.paidWith) == (
        *(market, bonds.note.noteCount(), alice.address, bob.address, bonds.usdc.address),
    )
    assert (sold.id, sold.payout, sold.capacity) == (
        *(market, event.payout, capacity - event.payout),
    )
    assert event.payout == 1_000 * USDC * 10**48 // sold.price
    time = bonds.now
    assert bonds.note.ownerOf(event.noteId) == bob
    assert position_of(bonds, event.noteId) == {
        "marketId": market,
        "payout": event.payout,
        "redeemed": 0,
        "start": time,
        "cliffAt": time + 7 * DAY,
        "expiry": midnight_after(time + 30 * DAY),
    }


def test_purchase__more_than_is_available__gets_and_pays_the_maximum(
    bonds: Bonds, market: int, alice: Any
) -> None:
    receipt = bonds.buy(market, 10**9 * USDC, alice)

    event = only(receipt, "Purchase")
    assert event.payout == bonds.dutch.auction(market).maxPayout
    assert event.cost == -(-event.payout * only(receipt, "Sell").price // 10**48)


def test_purchase__two_for_the_same_capacity_in_one_block__second_gets_what_is_left(
    bonds: Bonds, treasury: Any, rpc: Any
) -> None:
    """Edge case: a capacity race in one block."""
    market = bonds.create_market(
        treasury, capacity=1_000 * TOKEN, auctioneer=bonds.oracle.address, terms=oracle_terms()
    )
    rpc.request("evm_setAutomine", False)
    try:
        for buyer, least in ((0, 0), (1, 0), (2, 200 * TOKEN)):
            order = (market, 1_440 * USDC, least, bonds.buyers[buyer].address, FOREVER)
            call = rpc._transaction(bonds.teller.purchase, order, bonds.buyers[buyer])
            rpc.request("eth_sendTransaction", call)
        rpc.request("evm_mine")
    finally:
        rpc.request("evm_setAutomine", True)

    block = rpc.request("eth_getBlockByNumber", "latest", False)
    status = [
        rpc.request("eth_getTransactionReceipt", entry)["status"] for entry in block["transactions"]
    ]
    assert status == ["0x1", "0x1", "0x0"]
    payouts = [bonds.note.position(number).payout for number in last_notes(bonds, 2)]
    assert payouts == [800 * TOKEN, 200 * TOKEN]
    assert bonds.oracle.lot(market).capacity == 0


def last_notes(bonds: Bonds, count: int) -> range:
    newest = bonds.note.noteCount()
    return range(newest - count + 1, newest + 1)


def test_purchase__in_the_block_of_conclusion__reverts_and_a_second_before_does_not(
    bonds: Bonds, market: int, alice: Any
) -> None:
    end = bonds.teller.market(market).conclusion
    bonds.at(end - 1)
    bonds.buy(market, USDC, alice)
    bonds.at(end)

    with ape.reverts(bonds.dutch.MarketConcluded):
        bonds.buy(market, USDC, alice)


def test_purchase__without_or_past_its_deadline__reverts(bonds: Bonds, market: int) -> None:
    newest = bonds.now
    for deadline in (0, newest):
        bonds.at(newest + 1)
        with ape.reverts(bonds.teller.DeadlineOver):
            bonds.buy(market, USDC, deadline=deadline)


def test_purchase__less_than_demanded__reverts(bonds: Bonds, market: int) -> None:
    payout = bonds.teller.quote(market, 100 * USDC).payout

    with ape.reverts(bonds.dutch.AmountOutTooLow):
        bonds.buy(market, 100 * USDC, least=payout * 2)


def test_purchase__for_nobody__reverts(bonds: Bonds, market: int) -> None:
    with ape.reverts(bonds.teller.ZeroAddress):
        bonds.buy(market, USDC, receiver=ZERO)


def test_purchase__unknown_market__reverts(bonds: Bonds) -> None:
    with ape.reverts(bonds.teller.MarketUnknown):
        bonds.teller.market(99)
    with ape.reverts(bonds.teller.MarketUnknown):
        bonds.teller.applyChange(99, sender=bonds.stranger)
    with ape.reverts(bonds.teller.MarketUnknown):
        bonds.buy(99, USDC)


def test_purchase__nothing__reverts(bonds: Bonds, market: int) -> None:
    with ape.reverts(bonds.dutch.NothingSold):
        bonds.buy(market, 0)


def test_purchase__payout_token_shrank_by_itself__reverts(bonds: Bonds, market: int) -> None:
    bonds.token.shrink(bonds.teller, 1, sender=bonds.deployer)

    with ape.reverts(bonds.teller.EscrowShort):
        bonds.buy(market, USDC)


def test_purchase__nothing_else_is_called_in_the_receiver(
    bonds: Bonds, market: int, alice: Any
) -> None:
    """No callbacks: a contract that knows nothing of notes receives one."""
    receipt = bonds.buy(market, USDC, alice, receiver=bonds.usdc.address)

    assert bonds.note.ownerOf(only(receipt, "Purchase").noteId) == bonds.usdc.address


@pytest.fixture
def shareholder(bonds: Bonds, alice: Any) -> Any:
    """Alice with shares worth 10,000, a moment after the settlement."""
    bonds.usdc.approve(bonds.vault, 2**255, sender=alice)
    bonds.seed(alice, 10_000 * USDC)
    return alice


@pytest.fixture
def long_market(bonds: Bonds, treasury: Any) -> int:
    """A market that outlasts a few epochs."""
    return bonds.create_market(treasury, duration=60 * DAY)


def test_purchase_with_shares__after_a_settlement__counts_them_at_two_percent_less(
    bonds: Bonds, treasury: Any, long_market: int, shareholder: Any
) -> None:
    shares = bonds.vault.balanceOf(shareholder) // 10
    worth = bonds.vault.convertToAssets(shares)

    value = bonds.teller.shareValue(long_market, shares)
    receipt = bonds.buy_with_shares(long_market, shares, shareholder)

    event = only(receipt, "Purchase")
    assert value == worth * 98 // 100
    assert event.paidWith == bonds.vault.address
    assert event.cost <= value
    assert event.paid == -(-shares * event.cost // value) <= shares
    assert bonds.vault.balanceOf(treasury) == event.paid


def test_purchase_with_shares__more_than_is_available__pulls_their_part(
    bonds: Bonds, treasury: Any, shareholder: Any
) -> None:
    market = bonds.create_market(treasury, capacity=100 * TOKEN)
    shares = bonds.vault.balanceOf(shareholder)
    quoted = bonds.teller.quoteShares(market, shares)

    event = only(bonds.buy_with_shares(market, shares, shareholder), "Purchase")

    assert event.payout == quoted.payout == bonds.dutch.auction(market).maxPayout
    assert event.paid <= quoted.sharesPaid < shares // 100
    assert bonds.teller.quoteShares(market, 1) == (0, 0)


def test_purchase_with_shares__an_hour_after_the_settlement__reverts_a_second_later(
    bonds: Bonds, long_market: int, shareholder: Any
) -> None:
    settled = bonds.vault.lastSettledAt()
    bonds.at(settled + HOUR)
    bonds.buy_with_shares(long_market, 10**18, shareholder)
    bonds.at(settled + HOUR + 1)

    with ape.reverts(bonds.teller.ShareWindowClosed):
        bonds.buy_with_shares(long_market, 10**18, shareholder)


def test_purchase_with_shares__in_a_cut_or_wind_down__reverts(
    bonds: Bonds, long_market: int, shareholder: Any
) -> None:
    bonds.cut()
    with ape.reverts(bonds.teller.ShareWindowClosed):
        bonds.buy_with_shares(long_market, 10**18, shareholder)
    bonds.system.submit(bonds.report())
    bonds.buy_with_shares(long_market, 10**18, shareholder)

    bonds.end_vault()

    with ape.reverts(bonds.teller.ShareWindowClosed):
        bonds.buy_with_shares(long_market, 10**18, shareholder)


def test_purchase_with_shares__market_takes_none__reverts(
    bonds: Bonds, treasury: Any, shareholder: Any
) -> None:
    market = bonds.create_market(treasury, acceptsShares=False)

    with ape.reverts(bonds.teller.SharesNotAccepted):
        bonds.buy_with_shares(market, 10**18, shareholder)


def test_announce_change__floor_up_and_capacity_down__holds_after_three_days(
    bonds: Bonds, market: int, alice: Any
) -> None:
    lot = bonds.dutch.lot(market)
    target = (lot.floor * 2, lot.capacity // 4)
    receipt = bonds.teller.announceChange(market, *target, sender=bonds.team)
    announced = only(receipt, "AnnounceChange")
    assert (announced.id, announced.floor, announced.capacity, announced.effectiveAt) == (
        *(market, *target, bonds.now + 3 * DAY),
    )
    with ape.reverts(bonds.dutch.ChangeTooEarly):
        bonds.teller.applyChange(market, sender=alice)
    assert bonds.dutch.lot(market).floor == lot.floor
    bonds.at(announced.effectiveAt)

    applied = only(bonds.teller.applyChange(market, sender=alice), "ApplyChange")

    freed = lot.capacity - target[1]
    assert (applied.id, applied.floor, applied.capacity, applied.freed) == (market, *target, freed)
    changed = bonds.dutch.lot(market)
    assert (changed.floor, changed.capacity, changed.freed) == (*target, freed)
    assert bonds.dutch.price(market) == target[0]
    with ape.reverts(bonds.dutch.NoChange):
        bonds.teller.applyChange(market, sender=alice)


def test_apply_change__more_was_sold_meanwhile__frees_nothing(
    bonds: Bonds, treasury: Any, alice: Any
) -> None:
    bonds.feed.push(2 * 10**8, sender=bonds.deployer)
    terms = oracle_terms(max_age=2 * DAY)
    market = bonds.create_market(
        treasury, capacity=100 * TOKEN, auctioneer=bonds.oracle.address, terms=terms
    )
    bonds.teller.announceChange(market, 14 * 10**35, 50 * TOKEN, sender=bonds.team)
    bonds.buy(market, 180 * USDC * 3 // 4, alice)
    bonds.wait(3 * DAY)

    bonds.teller.applyChange(market, sender=alice)

    assert tuple(bonds.oracle.lot(market))[:2] == (25 * TOKEN, 0)


def test_announce_change__anything_that_helps_nobody__reverts(bonds: Bonds, market: int) -> None:
    lot = bonds.dutch.lot(market)
    for floor, capacity in (
        (lot.floor - 1, lot.capacity),
        (lot.floor, lot.capacity + 1),
        (lot.floor, lot.capacity),
        (lot.floor - 1, 0),
    ):
        with ape.reverts(bonds.dutch.ChangeNotAllowed):
            bonds.teller.announceChange(market, floor, capacity, sender=bonds.team)


def test_announce_change__by_a_stranger__reverts(bonds: Bonds, market: int) -> None:
    teller, stranger = bonds.teller, bonds.stranger
    for call, arguments in (
        (teller.announceChange, (market, 2**100, 0)),
        (teller.withdrawChange, (market,)),
        (teller.reclaim, (market, stranger)),
    ):
        with ape.reverts(teller.NotProjectOwner):
            call(*arguments, sender=stranger)


def test_withdraw_change__announced__nothing_changes(bonds: Bonds, market: int) -> None:
    with ape.reverts(bonds.dutch.NoChange):
        bonds.teller.withdrawChange(market, sender=bonds.team)
    bonds.teller.announceChange(market, 3 * 10**36, 0, sender=bonds.team)

    receipt = bonds.teller.withdrawChange(market, sender=bonds.team)

    assert only(receipt, "WithdrawChange").id == market
    assert bonds.dutch.change(market).effectiveAt == 0


def test_change__concluded_market__reverts(bonds: Bonds, market: int) -> None:
    bonds.teller.announceChange(market, 3 * 10**36, 0, sender=bonds.team)
    bonds.wait(7 * DAY)

    with ape.reverts(bonds.dutch.MarketConcluded):
        bonds.teller.applyChange(market, sender=bonds.team)
    with ape.reverts(bonds.dutch.MarketConcluded):
        bonds.teller.announceChange(market, 3 * 10**36, 0, sender=bonds.team)


def test_reclaim__concluded__returns_the_unsold_once(bonds: Bonds, market: int, alice: Any) -> None:
    """Edge case: repeated reclaim."""
    bonds.buy(market, 1_000 * USDC, alice)
    sold = bonds.note.position(bonds.note.noteCount()).payout
    with ape.reverts(bonds.teller.NothingToReclaim):
        bonds.teller.reclaim(market, bonds.team, sender=bonds.team)
    bonds.wait(7 * DAY)

    receipt = bonds.teller.reclaim(market, bonds.stranger, sender=bonds.team)

    event = only(receipt, "Reclaim")
    unsold = 100_000 * TOKEN - sold
    assert (event.marketId, event.receiver, event.amount) == (
        *(market, bonds.stranger.address, unsold),
    )
    assert bonds.token.balanceOf(bonds.stranger) == unsold
    assert bonds.teller.escrowed(bonds.token) == sold == bonds.token.balanceOf(bonds.teller)
    with ape.reverts(bonds.teller.NothingToReclaim):
        bonds.teller.reclaim(market, bonds.team, sender=bonds.team)


def test_reclaim__after_a_change__returns_what_it_freed_while_the_sale_goes_on(
    bonds: Bonds, market: int
) -> None:
    bonds.teller.announceChange(market, 2 * 10**36, 10_000 * TOKEN, sender=bonds.team)
    bonds.wait(3 * DAY)
    bonds.teller.applyChange(market, sender=bonds.stranger)

    bonds.teller.reclaim(market, bonds.team, sender=bonds.team)

    assert bonds.teller.escrowed(bonds.token) == 10_000 * TOKEN
    assert bonds.dutch.lot(market).capacity == 10_000 * TOKEN
    assert bonds.dutch.isLive(market)


def test_create_market__reentrant_project_token__is_locked_out(
    bonds: Bonds, make_plan: Any, make_pool: Any, make_system: Any
) -> None:
    """Edge case: a token of the project that calls back in the middle of its own escrow."""
    hook = bonds.deployer.deploy(bonds.project.HookToken)
    pool = make_pool(hook, bonds.usdc)
    plan = make_plan(bonds.usdc, hook, pool, bonds.feed, 8)
    system = make_system(plan, bonds.usdc)
    treasury = bonds.create_project(
        token=hook.address, vault=system.vault.address, markets=plan.markets
    )
    hook.transfer(bonds.team, 10_000 * TOKEN, sender=bonds.deployer)
    hook.approve(bonds.teller, 2**255, sender=bonds.team)
    order = (1, USDC, 0, hook.address, FOREVER)
    hook.setHook(bonds.teller, bonds.teller.purchase.encode_input(*order), sender=bonds.deployer)

    bonds.create_market(treasury, capacity=100 * TOKEN)

    guard = "ReentrancyGuardReentrantCall()"
    assert not hook.lastSuccess()
    assert "0x" + bytes(hook.lastAnswer()).hex() == selector(guard)
    assert bonds.teller.escrowed(hook) == hook.balanceOf(bonds.teller) == 100 * TOKEN


def test_share_value__vault_that_never_settled__has_none(
    bonds: Bonds, second: tuple[Any, Any]
) -> None:
    system, plan = second
    treasury = bonds.create_project(vault=system.vault.address, markets=plan.markets)
    market = bonds.create_market(treasury)

    with ape.reverts(bonds.teller.ShareWindowClosed, settledAt=0):
        bonds.teller.shareValue(market, 1)
