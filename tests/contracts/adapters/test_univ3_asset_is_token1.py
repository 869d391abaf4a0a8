"""The pool adapter where the asset is the pool's second token: the other way round, the same."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ape
import pytest

from scripts._deploy.book import Book
from scripts._deploy.chain import Deployer
from scripts._deploy.external import World, deploy_world
from scripts._deploy.params import LiquidityParams, WorldParams
from tests.contracts.adapters.conftest import (
    ETHER,
    FOREVER,
    HOUR,
    LIMITS,
    MAX_UINT,
    PRICE_E8,
    USDC,
    Market,
    Operations,
)
from tests.contracts.adapters.test_univ3_adapter_value import mirror_value
from tests.contracts.invariants.machine import selector
from tests.contracts.rpc import Rpc

LIQUIDITY = 10**16
ROUNDING = 4
"""USDC units that two valuations of the same may differ by."""


def deployer_with_asset_last(project: Any, chain: Any, issuer: Any, folder: Path) -> Deployer:
    """A deployer that knows a USDC with an address above its WETH's."""
    for number in range(64):
        deployer = Deployer(issuer, Book.open(folder / f"{number}.json", chain.chain_id))
        usdc = deployer.contract("usdc", project.TestUSDC, 6)
        weth = deployer.contract("weth", project.WrappedEther)
        if int(weth.address, 16) < int(usdc.address, 16):
            return deployer
    raise AssertionError("64 pairs of addresses in the same order: one in 2^64")


def world_of(deployer: Deployer) -> World:
    params = WorldParams(
        usdc_decimals=6,
        eth_price_e8=PRICE_E8,
        pool_fee_ppm=500,
        observations=151,
        liquidity=[LiquidityParams(300 * ETHER, 2_000)],
    )
    return deploy_world(deployer, params)


@dataclass(frozen=True)
class Turned:
    """A pool whose second token is the asset, a vault double and an adapter with 300,000 USDC."""

    market: Market
    host: Any
    adapter: Any
    operate: Operations

    def balances(self) -> tuple[int, int]:
        """Booked USDC and WETH."""
        weth, usdc = self.adapter.balances()
        return usdc, weth


@pytest.fixture(scope="session")
def turned_market(
    project: Any, chain: Any, issuer: Any, trader: Any, tmp_path_factory: pytest.TempPathFactory
) -> Market:
    """Another world: no time passes for the one that other tests share."""
    folder = tmp_path_factory.mktemp("turned")
    world = world_of(deployer_with_asset_last(project, chain, issuer, folder))
    world.weth.deposit(value=500 * ETHER, sender=trader)
    world.usdc.mint(trader, 10_000_000 * USDC, sender=issuer)
    for token in (world.weth, world.usdc):
        token.approve(world.router, MAX_UINT, sender=trader)
    return Market(world, trader, issuer, chain)


@pytest.fixture
def turned(project: Any, turned_market: Market, issuer: Any, keeper: Any, guardian: Any) -> Turned:
    market, world = turned_market, turned_market.world
    host = issuer.deploy(project.AdapterHost, world.usdc, keeper, guardian)
    world.usdc.mint(host, 300_000 * USDC, sender=issuer)
    host.book(300_000 * USDC, sender=issuer)
    adapter = issuer.deploy(project.UniswapV3Adapter, host, world.pool, world.feed, LIMITS)
    market.pass_time(HOUR, PRICE_E8)
    host.allocate(adapter, 300_000 * USDC, sender=issuer)
    assert market.weth_is_0
    return Turned(market, host, adapter, Operations(adapter, keeper, market))


def worth(usdc: int, weth: int) -> int:
    """USDC units of both at the mark."""
    return usdc + weth * PRICE_E8 * USDC // (10**8 * ETHER)


def test_mark__feed_s_price__is_the_pool_s_square_root_of_it(turned: Turned) -> None:
    exact = turned.market.sqrt_price(PRICE_E8)

    assert abs(turned.adapter.markSqrtPriceX96() - exact) <= 1


def test_value__both_tokens_and_a_range__is_the_mirror_s(turned: Turned) -> None:
    turned.operate.buy_weth(60_000 * USDC)
    held = worth(*turned.balances())
    assert abs(turned.adapter.value()[0] - held) <= ROUNDING

    turned.market.push(PRICE_E8)
    turned.operate.mint(turned.operate.around(1_000), LIQUIDITY)

    bid, ask = turned.adapter.value()
    mark = turned.adapter.markSqrtPriceX96()
    assert bid == ask == mirror_value(turned.adapter, turned.market, mark)


def test_swap__away_and_home__each_charged_as_what_it_is(turned: Turned) -> None:
    before = turned.adapter.value()[0]
    turned.operate.swap(False, 60_000 * USDC)
    usdc, weth = turned.balances()
    assert (usdc, turned.host.lostByExits()) == (240_000 * USDC, 0)
    assert turned.host.lost() == before - turned.adapter.value()[0] > 0
    turned.market.move_to(PRICE_E8)
    before, lost = turned.adapter.value()[0], turned.host.lost()
    turned.host.pause(FOREVER, sender=turned.market.issuer)

    turned.operate.swap(True, weth // 2)

    assert turned.balances()[1] == weth - weth // 2
    assert turned.host.lostByExits() == before - turned.adapter.value()[0] > 0
    assert turned.host.lost() == lost


def test_swap_away__risk_refused__reverts(project: Any, turned: Turned) -> None:
    turned.host.pause(FOREVER, sender=turned.market.issuer)

    with ape.reverts(project.Mandate.Paused, until=FOREVER):
        turned.operate.swap(False, USDC)


def test_mint__beside_the_price__owes_the_one_token_alone(turned: Turned) -> None:
    turned.operate.buy_weth(60_000 * USDC)
    turned.market.push(PRICE_E8)
    usdc, weth = turned.balances()
    below, above = turned.operate.around(100, shift=-600), turned.operate.around(100, shift=600)

    turned.operate.mint(below, LIQUIDITY)
    cheaper, same = turned.balances()
    turned.operate.mint(above, LIQUIDITY)

    assert cheaper < usdc
    assert same == weth
    assert turned.balances()[0] == cheaper
    assert turned.balances()[1] < weth


def test_burn__one_of_two_ranges_from_the_same_tick__leaves_the_other(turned: Turned) -> None:
    turned.operate.buy_weth(60_000 * USDC)
    turned.market.push(PRICE_E8)
    low, high = turned.operate.around(500)
    turned.operate.mint((low, high), LIQUIDITY)
    turned.operate.mint((low, high + 100), LIQUIDITY // 2)

    turned.operate.burn((low, high + 100), LIQUIDITY // 2)

    assert [tuple(held)[:3] for held in turned.adapter.ranges()] == [(low, high, LIQUIDITY)]


def test_deallocate__after_everything_came_home__pays_what_is_left(turned: Turned) -> None:
    turned.operate.buy_weth(30_000 * USDC)
    turned.market.move_to(PRICE_E8)
    turned.operate.swap(True, turned.balances()[1])
    usdc, weth = turned.balances()

    turned.host.deallocate(turned.adapter, usdc, sender=turned.market.issuer)

    assert (weth, turned.balances()) == (0, (0, 0))
    assert turned.market.world.usdc.balanceOf(turned.host) == usdc
    assert 0 < 300_000 * USDC - usdc <= 30_000 * USDC // 100, "two fees and the impact"


def test_mark__price_of_two_to_the_64_and_more__overflows_and_is_refused(turned: Turned) -> None:
    market = turned.market
    least = 2**64 * 10**26 // USDC
    market.push(least - 1)
    assert turned.adapter.markSqrtPriceX96() < 2**128

    market.push(least + 1)

    refusal = Rpc(market.chain).refused(turned.adapter.markSqrtPriceX96, sender=market.trader)
    assert refusal == selector("Panic(uint256)")
