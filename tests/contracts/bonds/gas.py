"""Owns the gas of what people do with bonds: create, buy, redeem."""

from tests.contracts.bonds.houses import DAY, FOREVER, USDC, Bonds, oracle_terms

__all__ = ["measure"]


def measure(bonds: Bonds) -> dict[str, int]:
    """Run each operation once; return the gas that its transaction used."""
    teller, team, buyer = bonds.teller, bonds.team, bonds.buyers[0]
    used = {}

    def spend(name: str, receipt: object) -> None:
        used[name] = int(receipt.gas_used)  # type: ignore[attr-defined]

    spend("createProject", teller.createProject(bonds.project_params(), sender=team))
    treasury = bonds.project.ProjectTreasury.at(teller.projects(teller.projectCount() - 1, 1)[0])
    dutch = bonds.market_params(treasury)
    spend("createMarket, Dutch", teller.createMarket(dutch, 0, FOREVER, sender=team))
    market = teller.marketCount()
    bonds.feed.push(2 * 10**8, sender=bonds.deployer)
    by_feed = {"auctioneer": bonds.oracle.address, "terms": oracle_terms()}
    params = bonds.market_params(treasury, **by_feed)
    spend("createMarket, oracle", teller.createMarket(params, 0, FOREVER, sender=team))
    spend("purchase, Dutch, first", bonds.buy(market, 100 * USDC, buyer))
    spend("purchase, Dutch", bonds.buy(market, 100 * USDC, buyer))
    note = bonds.note.noteCount()
    spend("purchase, oracle", bonds.buy(market + 1, 100 * USDC, buyer))
    spend("poke, deposit", treasury.poke(sender=buyer))
    bonds.wait(DAY)
    spend("purchase, Dutch, tunes", bonds.buy(market, 100 * USDC, buyer))
    bonds.wait(10 * DAY)
    spend("redeem, part", teller.redeem(note, buyer, sender=buyer))
    bonds.wait(30 * DAY)
    spend("redeem, rest", teller.redeem(note, buyer, sender=buyer))
    spend("reclaim", teller.reclaim(market, team, sender=team))
    return used
