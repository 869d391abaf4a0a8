"""What creating, buying and redeeming bonds costs, and what a project does with its treasury."""

from typing import Any

import pytest

from tests.contracts.bonds.houses import DAY, FOREVER, PRICE, TOKEN, USDC, Bonds, oracle_terms
from tests.contracts.gas.meter import Meter, by_make_gas_alone

FEED_PRICE = 2 * 10**8


@pytest.fixture
def metered(bonds: Bonds, gas: Meter) -> Meter:
    """Knows the bonds' contracts and the vault's."""
    gas.knows_system(bonds.system)
    gas.knows(
        BondTeller=bonds.teller,
        BondNote=bonds.note,
        DutchAuctioneer=bonds.dutch,
        OracleAuctioneer=bonds.oracle,
    )
    return gas


@pytest.fixture(scope="session")
def second(opened: Any, make_plan: Any, make_system: Any) -> Any:
    """Another vault of the factory for the same pool, and its plan."""
    house = opened[0]
    plan = make_plan(house.usdc, house.token, house.pool, house.feed, 2)
    return make_system(plan, house.usdc), plan


def project_of(bonds: Bonds, gas: Meter) -> Any:
    """A project's treasury, its calls filed."""
    treasury = bonds.create_project()
    gas.knows(ProjectTreasury=treasury)
    return treasury


def test_bonds__from_the_project_to_the_last_redemption__cost_what_the_page_says(
    bonds: Bonds, metered: Meter
) -> None:
    teller, team, buyer, gas = bonds.teller, bonds.team, bonds.buyers[0], metered
    receipt = teller.createProject(bonds.project_params(), sender=team)
    treasury = bonds.project.ProjectTreasury.at(teller.projects(teller.projectCount() - 1, 1)[0])
    gas.knows(ProjectTreasury=treasury)
    gas(receipt)
    dutch = bonds.market_params(treasury)
    gas(teller.createMarket(dutch, 0, FOREVER, sender=team), "Dutch")
    market = teller.marketCount()
    bonds.feed.push(FEED_PRICE, sender=bonds.deployer)
    by_feed = {"auctioneer": bonds.oracle.address, "terms": oracle_terms()}
    params = bonds.market_params(treasury, **by_feed)
    gas(teller.createMarket(params, 0, FOREVER, sender=team), "oracle")

    gas(bonds.buy(market, 100 * USDC, buyer), "Dutch, first of the buyer")
    gas(bonds.buy(market, 100 * USDC, buyer), "Dutch")
    note = bonds.note.noteCount()
    gas(bonds.buy(market + 1, 100 * USDC, buyer), "oracle")
    gas(treasury.poke(sender=buyer), "requests a deposit")
    bonds.wait(DAY)
    gas(bonds.buy(market, 100 * USDC, buyer), "Dutch, tunes")
    bonds.wait(10 * DAY)
    gas(teller.redeem(note, buyer, sender=buyer), "a part")
    bonds.wait(30 * DAY)
    gas(teller.redeem(note, buyer, sender=buyer), "the rest")
    gas(teller.reclaim(market, team, sender=team), "Dutch")
    gas(teller.reclaim(market + 1, team, sender=team), "oracle")

    assert gas.away() == {}


@by_make_gas_alone
@pytest.mark.parametrize("kind", ["Dutch", "oracle"])
def test_market__changes__cost_what_the_page_says(
    bonds: Bonds, treasury: Any, market: int, metered: Meter, kind: str
) -> None:
    teller, team = bonds.teller, bonds.team
    if kind == "oracle":
        bonds.feed.push(FEED_PRICE, sender=bonds.deployer)
        by_feed = {"auctioneer": bonds.oracle.address, "terms": oracle_terms()}
        market = bonds.create_market(treasury, **by_feed)
    change = (market, 3 * PRICE, 50_000 * TOKEN)

    metered(teller.announceChange(*change, sender=team), kind)
    metered(teller.withdrawChange(market, sender=team), kind)
    teller.announceChange(*change, sender=team)
    bonds.wait(3 * DAY)
    metered(teller.applyChange(market, sender=bonds.stranger), kind)
    metered(teller.reclaim(market, team, sender=team), f"{kind}, freed by a change")

    assert metered.away() == {}


@by_make_gas_alone
def test_market__with_its_project_tuned_and_paid_in_shares__costs_what_the_page_says(
    bonds: Bonds, metered: Meter
) -> None:
    teller, team, keeper = bonds.teller, bonds.team, bonds.system.keeper
    bonds.equip(keeper)
    bonds.seed(keeper, 10_000 * USDC)
    own = (bonds.project_params(), bonds.market_params("0x" + "00" * 20), 0, FOREVER)

    metered(teller.createProjectAndMarket(*own, sender=team), "Dutch")
    market = teller.marketCount()
    bonds.buy(market, 1_000 * USDC)
    shares = 100 * bonds.system.share
    metered(bonds.buy_with_shares(market, shares, keeper), "Dutch")
    bonds.wait(DAY)
    metered(bonds.dutch.tune(market, sender=bonds.stranger))

    assert metered.away() == {}


@by_make_gas_alone
def test_notes__handed_on__cost_what_the_page_says(
    bonds: Bonds, market: int, metered: Meter
) -> None:
    note, (alice, bob, carol) = bonds.note, bonds.buyers
    bonds.buy(market, 100 * USDC, alice)
    number = note.noteCount()

    metered(note.approve(bob, number, sender=alice))
    metered(note.setApprovalForAll(bob, True, sender=alice))
    metered(note.transferFrom(alice, bob, number, sender=bob))
    metered(note.safeTransferFrom(bob, carol, number, sender=bob))
    metered(note.safeTransferFrom(carol, alice, number, b"", sender=carol))

    assert metered.away() == {}


@by_make_gas_alone
def test_treasury__moved_to_another_vault__costs_what_the_page_says(
    bonds: Bonds, second: Any, metered: Meter
) -> None:
    (system, plan), team, anybody = second, bonds.team, bonds.stranger
    treasury = project_of(bonds, metered)
    market = bonds.create_market(treasury)
    bonds.buy(market, 10_000 * USDC)
    treasury.poke(sender=anybody)
    bonds.settle()

    metered(treasury.poke(sender=anybody), "claims the shares")
    metered(treasury.poke(sender=anybody), "nothing to do")
    metered(treasury.announceRedirect(system.vault, plan.markets, 0, sender=team))
    metered(treasury.cancelRedirect(sender=team))
    treasury.announceRedirect(system.vault, plan.markets, 0, sender=team)
    bonds.wait(7 * DAY)
    metered(treasury.redirect(sender=team))
    metered(treasury.pokeVault(bonds.vault, sender=anybody), "requests a redemption")
    bonds.settle()
    metered(treasury.pokeVault(bonds.vault, sender=anybody), "claims the assets")

    assert metered.away() == {}


@by_make_gas_alone
def test_treasury__after_its_lock_and_its_vault__costs_what_the_page_says(
    bonds: Bonds, metered: Meter
) -> None:
    team, anybody = bonds.team, bonds.stranger
    treasury = project_of(bonds, metered)
    market = bonds.create_market(treasury)
    bonds.buy(market, 10_000 * USDC)
    treasury.poke(sender=anybody)
    bonds.settle()
    treasury.poke(sender=anybody)
    bonds.buy(market, 10_000 * USDC)
    treasury.poke(sender=anybody)

    metered(treasury.extendLock(treasury.polUnlock() + DAY, sender=team))
    bonds.at(treasury.polUnlock())
    metered(treasury.cancelRequests(bonds.vault, sender=team), "a deposit")
    metered(treasury.withdraw(bonds.usdc, team, USDC, sender=team))
    bonds.end_vault()
    bonds.system.end.collect(bonds.vault, bonds.usdc, sender=anybody)
    metered(treasury.pokeVault(bonds.vault, sender=anybody), "leaves an ended vault")
    bonds.usdc.transfer(bonds.system.end, 1_000 * USDC, sender=bonds.buyers[0])
    metered(treasury.claimRecovered(bonds.vault, bonds.usdc, sender=anybody), "a late arrival")

    assert metered.away() == {}


@by_make_gas_alone
def test_teller__wired__costs_what_the_page_says(bonds: Bonds, gas: Meter) -> None:
    project, deployer = bonds.project, bonds.deployer
    teller = deployer.deploy(project.BondTeller, bonds.factory)
    note, dutch, oracle = (
        deployer.deploy(kind, teller)
        for kind in (project.BondNote, project.DutchAuctioneer, project.OracleAuctioneer)
    )
    treasury = deployer.deploy(project.ProjectTreasury, teller, bonds.factory)
    gas.knows(BondTeller=teller)

    gas(teller.wire(note, treasury, [dutch, oracle], sender=deployer), "two auctioneers")

    assert gas.away() == {}
