"""The lens: what it says of markets, projects and notes, and that one bad entry spoils no list."""

from typing import Any

import pytest

from tests.contracts.bonds.houses import DAY, HOUR, PRICE, TOKEN, USDC, Bonds, oracle_terms


@pytest.fixture
def oracle_market(bonds: Bonds, treasury: Any, market: int) -> int:
    """A second market, by the feed."""
    bonds.feed.push(2 * 10**8, sender=bonds.deployer)
    return bonds.create_market(
        treasury, auctioneer=bonds.oracle.address, terms=oracle_terms(max_age=HOUR)
    )


def test_markets__two_kinds__are_listed_with_price_discount_and_capacity(
    bonds: Bonds, market: int, oracle_market: int
) -> None:
    dutch, oracle = bonds.lens.markets(market, 9)

    assert (dutch.marketId, dutch.kind, dutch.live, dutch.priced) == (market, "dutch", True, True)
    assert dutch.price == bonds.dutch.price(market)
    assert dutch.reference_ == 2 * PRICE
    assert dutch.discountBps == -((dutch.price - 2 * PRICE) * 10_000 // (2 * PRICE))
    assert (dutch.capacity, dutch.floor) == (100_000 * TOKEN, 2 * PRICE)
    assert dutch.availableCost == bonds.dutch.costOf(market, dutch.available)
    assert (oracle.marketId, oracle.kind, oracle.price) == (
        *(oracle_market, "oracle", 18 * PRICE // 10),
    )
    assert oracle.discountBps == 1_000
    assert oracle.terms.symbol == "PROJ"
    assert bonds.lens.markets(0, 9) == bonds.lens.markets(oracle_market + 1, 9) == []


def test_markets__one_auctioneer_burns_all_its_gas__costs_its_entry_alone(
    bonds: Bonds, market: int, oracle_market: int, rpc: Any
) -> None:
    rpc.request("anvil_setCode", bonds.dutch.address, "0x5b600056")  # jumps for ever

    broken, sound = bonds.lens.markets(market, 9)

    assert (broken.marketId, broken.readable) == (market, False)
    assert (sound.marketId, sound.readable, sound.priced) == (oracle_market, True, True)


def test_market__oracle_is_dead__has_no_price_and_all_the_rest(
    bonds: Bonds, oracle_market: int
) -> None:
    bonds.wait(HOUR + 1)

    seen = bonds.lens.market(oracle_market)

    assert (seen.readable, seen.live, seen.priced, seen.price) == (True, True, False, 0)
    assert seen.capacity == 100_000 * TOKEN
    assert seen.discountBps == 0


def test_market__feed_older_than_two_days__is_compared_with_the_pool(
    bonds: Bonds, market: int
) -> None:
    bonds.wait(2 * DAY + HOUR)

    seen = bonds.lens.market(market)

    assert seen.reference_ != 2 * PRICE
    assert abs(seen.reference_ - 2 * PRICE) < PRICE // 5_000


def test_market__concluded_or_unknown__never_reverts(bonds: Bonds, market: int) -> None:
    bonds.wait(8 * DAY)

    over = bonds.lens.market(market)

    assert (over.readable, over.live, over.available, over.price) == (True, False, 0, 2 * PRICE)
    assert not bonds.lens.market(10**9).readable


def test_market__share_quote__is_shown_while_the_window_is_open(
    bonds: Bonds, treasury: Any
) -> None:
    market = bonds.create_market(treasury, duration=30 * DAY)
    bonds.settle()
    assert bonds.lens.market(market).shareQuote

    bonds.wait(HOUR + 1)

    assert not bonds.lens.market(market).shareQuote


def test_market__announced_change__is_shown(bonds: Bonds, market: int) -> None:
    bonds.teller.announceChange(market, 2 * PRICE, 10 * TOKEN, sender=bonds.team)

    assert bonds.lens.market(market).changeAt == bonds.now + 3 * DAY


def test_project__bought_and_settled__owns_its_part_of_the_depth(
    bonds: Bonds, treasury: Any, market: int, alice: Any
) -> None:
    bonds.buy(market, 10_000 * USDC, alice)
    waiting = bonds.lens.project(treasury)
    treasury.poke(sender=alice)
    queued = bonds.lens.project(treasury)
    bonds.settle()
    claimable = bonds.lens.project(treasury)
    treasury.poke(sender=alice)

    (seen,) = bonds.lens.projects(0, 9)

    assert waiting.waiting == queued.queued > 0 == queued.waiting
    assert claimable.shares == seen.shares == bonds.vault.balanceOf(treasury) > 0
    assert seen.supply == bonds.vault.totalSupply()
    assert seen.depthShare == seen.shares * 10**18 // seen.supply
    assert seen.worth == bonds.vault.convertToAssets(seen.shares)
    assert (seen.vault, seen.pool.pool) == (bonds.vault.address, bonds.pool.address)
    assert not bonds.lens.project(bonds.stranger).readable


def test_notes_of__some_of_many__are_the_holders(
    bonds: Bonds, market: int, alice: Any, bob: Any
) -> None:
    first = bonds.note.noteCount() + 1
    for buyer in (alice, bob, alice):
        bonds.buy(market, 100 * USDC, buyer)

    held = bonds.lens.notesOf(alice, first, 99)

    assert [seen.noteId for seen in held] == [first, first + 2]
    assert held[0].position.payout == bonds.note.position(first).payout
    assert (held[0].vested, held[0].redeemable) == (0, 0)
    assert not bonds.lens.note(10**9).exists


def test_notes_of__one_paid_in_full__is_gone(bonds: Bonds, market: int, alice: Any) -> None:
    first = bonds.note.noteCount() + 1
    for _ in range(2):
        bonds.buy(market, 100 * USDC, alice)
    bonds.at(bonds.note.position(first).expiry)
    bonds.teller.redeem(first, alice, sender=alice)

    assert [seen.noteId for seen in bonds.lens.notesOf(alice, first, 99)] == [first + 1]


@pytest.mark.parametrize("answer", [0, -1])
def test_market__feed_says_nothing_of_worth__is_compared_with_the_pool(
    bonds: Bonds, market: int, answer: int
) -> None:
    bonds.feed.push(answer, sender=bonds.deployer)

    assert abs(bonds.lens.market(market).reference_ - 2 * PRICE) < PRICE // 5_000


def test_market__feed_is_no_contract__is_compared_with_the_pool(
    bonds: Bonds, market: int, rpc: Any
) -> None:
    rpc.request("anvil_setCode", bonds.feed.address, "0x")

    assert abs(bonds.lens.market(market).reference_ - 2 * PRICE) < PRICE // 5_000


def test_project__vault_without_a_share__owns_no_part_of_nothing(
    bonds: Bonds, second: tuple[Any, Any]
) -> None:
    system, plan = second
    treasury = bonds.create_project(vault=system.vault.address, markets=plan.markets)

    seen = bonds.lens.project(treasury)

    assert (seen.readable, seen.supply, seen.shares, seen.depthShare) == (True, 0, 0, 0)


def test_projects__page_beyond_the_last__is_empty(bonds: Bonds) -> None:
    assert bonds.teller.projects(bonds.teller.projectCount(), 1) == []
