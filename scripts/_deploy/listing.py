"""A project's listing in the local world: its token, a feed of it, and its own Uniswap v3 pool."""

from dataclasses import dataclass

from ape import project
from ape.contracts import ContractInstance

from keeper.markets.univ3 import sqrt_price_down
from scripts._deploy.chain import Deployer
from scripts._deploy.external import (
    CORE,
    FEED_DECIMALS,
    PERIPHERY,
    add_liquidity,
    create_pool,
    has_round,
    raise_cardinality,
    uniswap_contract,
)
from scripts._deploy.params import ListingParams

__all__ = ["SHARED", "deploy_listing"]

SHARED = ("usdc", "uniswap_v3_factory", "uniswap_v3_positions")
"""Names that the record has from the world's: the asset, and where pools are made."""
TOKEN_DECIMALS = 18


@dataclass(frozen=True, slots=True)
class _Listing:
    token: ContractInstance
    usdc: ContractInstance
    pool: ContractInstance
    positions: ContractInstance


def deploy_listing(deployer: Deployer, params: ListingParams) -> None:
    """Deploy what the record lacks; the pool ends with a price, a deep oracle and liquidity.

    Records `project_token`, `project_feed` and `uniswap_v3_pool`. The deployer owns the whole
    supply, publishes the feed, and brings the asset of the first liquidity.
    """
    known = deployer.book.entries
    token = deployer.contract(
        "project_token", project.ProjectToken, params.name, params.symbol, params.supply_units
    )
    label = f"{params.symbol} / USD"
    feed = deployer.contract("project_feed", project.RoundFeed, FEED_DECIMALS, label)
    usdc = deployer.at(project.TestUSDC, known["usdc"].address)
    factory = deployer.at(
        uniswap_contract(CORE, "UniswapV3Factory"), known["uniswap_v3_factory"].address
    )
    positions = deployer.at(
        uniswap_contract(PERIPHERY, "NonfungiblePositionManager"),
        known["uniswap_v3_positions"].address,
    )
    pool = create_pool(deployer, factory, (token, usdc), params.pool_fee_ppm)
    _open(deployer, _Listing(token, usdc, pool, positions), params)
    if not has_round(feed):
        feed.push(params.price_e8, sender=deployer.account)


def _open(deployer: Deployer, listing: _Listing, params: ListingParams) -> None:
    """First price, oracle depth, liquidity over the whole range; what is done is skipped."""
    token_units = 10 ** (TOKEN_DECIMALS + FEED_DECIMALS)
    usdc_units = params.price_e8 * 10 ** listing.usdc.decimals()
    pool, sides = listing.pool, (token_units, usdc_units)
    if pool.slot0().sqrtPriceX96 == 0:
        ordered = sides if pool.token0() == listing.token.address else sides[::-1]
        pool.initialize(sqrt_price_down(*ordered), sender=deployer.account)
    raise_cardinality(deployer, pool, params.observations)
    if pool.liquidity() == 0:
        most = params.liquidity_units
        # A tenth more than the price says: inside a range the sides are not worth the same.
        worth = most * usdc_units // token_units * 11 // 10
        tokens = (listing.token, most), (listing.usdc, worth)
        add_liquidity(deployer, listing.positions, pool, tokens, params.half_width_ticks)
