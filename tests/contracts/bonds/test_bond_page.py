"""What the page shows of bonds against the contracts: path, purchases, what the project owns."""

import asyncio
from typing import Any

import pytest

from keeper.bootstrap.bond_pages import read_bonds
from keeper.chain.calls import block_of
from keeper.chain.rpc import JsonRpc
from keeper.pages.bond_parts import BondSeen
from tests.contracts.bonds.houses import DAY, HOUR, USDC, Bonds


@pytest.fixture
def read(bonds: Bonds, chain: Any) -> Any:
    """Reads the newest market's part of the page at the head."""

    async def found() -> BondSeen:
        async with JsonRpc(chain.provider.uri, timeout_seconds=10) as rpc:
            block = block_of(await rpc.call("eth_getBlockByNumber", "latest", False))
            return (await read_bonds(rpc, bonds.lens.address, block, 0))[-1]

    return lambda: asyncio.run(found())


def test_read_bonds__purchases_and_a_tune__the_path_ends_at_the_contracts_price(
    bonds: Bonds, market: int, alice: Any, read: Any
) -> None:
    for hours in (2, 5, 9, 9, 9, 30):
        bonds.wait(hours * HOUR)
        bonds.buy(market, 9_000 * USDC, alice)
    bonds.wait(3 * HOUR)

    seen = read()

    assert seen.market == market
    assert bonds.dutch.auction(market).lastTune > bonds.dutch.lot(market).openedAt
    last, price = seen.path[-1]
    assert last == bonds.now
    assert abs(price - bonds.dutch.priceAt(market, last)) <= 10**18
    met = dict(seen.path)
    assert len(seen.purchases) == 6
    for time, buyer, *_ in seen.purchases:
        assert (buyer, time in met) == (alice.address, True)


def test_read_bonds__proceeds_settled__the_treasury_owns_what_the_vault_says(
    bonds: Bonds, market: int, alice: Any, read: Any
) -> None:
    bonds.buy(market, 9_000 * USDC, alice)
    treasury = bonds.project.ProjectTreasury.at(bonds.teller.market(market).project)

    before = read()
    treasury.poke(sender=bonds.stranger)
    bonds.settle()
    treasury.poke(sender=bonds.stranger)
    after = read()

    assert before.waiting == before.purchases[0][4]
    assert (after.waiting, after.queued) == (0, 0)
    assert after.shares == bonds.vault.balanceOf(treasury)
    assert after.places[0][2] == bonds.vault.idle()
    assert after.sold + after.unsold == bonds.dutch.auction(market).initial


def test_read_bonds__sale_over__the_path_ends_with_it(bonds: Bonds, market: int, read: Any) -> None:
    bonds.wait(8 * DAY)

    seen = read()

    assert seen.path[-1][0] == seen.conclusion - 1
    assert seen.path[-1][1] == seen.floor
