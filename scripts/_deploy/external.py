"""The local world's foreign parts: test USDC, WETH, a feed, and the real Uniswap v3 from npm."""

from dataclasses import dataclass

from ape import chain, project
from ape.contracts import ContractContainer, ContractInstance
from ape.exceptions import ContractLogicError

from keeper.markets.univ3 import MAX_TICK, sqrt_price_down
from scripts._deploy.chain import Deployer, npm_contract
from scripts._deploy.params import LiquidityParams, WorldParams

__all__ = [
    "FEED_DECIMALS",
    "World",
    "add_liquidity",
    "create_pool",
    "deploy_world",
    "has_round",
    "raise_cardinality",
    "uniswap_contract",
]

CORE = "@uniswap/v3-core/artifacts/contracts"
PERIPHERY = "@uniswap/v3-periphery/artifacts/contracts"
OBSERVATIONS_PER_CALL = 500  # about 11 million gas, a third of a block
FEED_DECIMALS = 8
WETH_UNITS = 10**18
FOREVER = 2**64


@dataclass(frozen=True, slots=True)
class World:
    """Contracts that the protocol is deployed against."""

    usdc: ContractInstance
    weth: ContractInstance
    feed: ContractInstance
    factory: ContractInstance
    pool: ContractInstance
    positions: ContractInstance
    router: ContractInstance

    def sorted_amounts(self, weth: int, usdc: int) -> tuple[int, int]:
        """Return both amounts in the pool's token order."""
        return (weth, usdc) if self.pool.token0() == self.weth.address else (usdc, weth)


def deploy_world(deployer: Deployer, params: WorldParams) -> World:
    """Deploy what the record lacks; the pool ends initialised, funded and with a deep oracle.

    The deployer becomes issuer of USDC, publisher of the feed and owner of the first liquidity.
    """
    usdc = deployer.contract("usdc", project.TestUSDC, params.usdc_decimals)
    weth = deployer.contract("weth", project.WrappedEther)
    feed = deployer.contract("feed", project.RoundFeed, FEED_DECIMALS, "ETH / USD")
    factory = deployer.contract("uniswap_v3_factory", uniswap_contract(CORE, "UniswapV3Factory"))
    shared = (factory.address, weth.address)
    # The descriptor only draws pictures of position tokens; none is drawn here.
    positions = deployer.contract(
        "uniswap_v3_positions",
        uniswap_contract(PERIPHERY, "NonfungiblePositionManager"),
        *shared,
        weth.address,
    )
    router = deployer.contract(
        "uniswap_v3_router", uniswap_contract(PERIPHERY, "SwapRouter"), *shared
    )
    pool = create_pool(deployer, factory, (weth, usdc), params.pool_fee_ppm)
    world = World(usdc, weth, feed, factory, pool, positions, router)
    _open_market(deployer, world, params)
    return world


def uniswap_contract(folder: str, name: str) -> ContractContainer:
    """Return a contract of Uniswap v3, CORE or PERIPHERY, as published."""
    return npm_contract(f"{folder}/{name}.sol/{name}.json")


def create_pool(
    deployer: Deployer,
    factory: ContractInstance,
    tokens: tuple[ContractInstance, ContractInstance],
    fee_ppm: int,
) -> ContractInstance:
    """Return the recorded pool, or create it; without a price yet."""
    container = uniswap_contract(CORE, "UniswapV3Pool")
    args = [str(tokens[0].address), str(tokens[1].address), fee_ppm]
    known = deployer.book.known("uniswap_v3_pool", "UniswapV3Pool", args)
    if known is not None:
        return deployer.at(container, known.address)
    receipt = factory.createPool(*args, sender=deployer.account)
    address = str(factory.getPool(*args))
    deployer.created("uniswap_v3_pool", container, address, receipt, args)
    return deployer.at(container, address)


def _open_market(deployer: Deployer, world: World, params: WorldParams) -> None:
    """First price, oracle depth, liquidity, feed round, in this order; what is done is skipped."""
    if world.pool.slot0().sqrtPriceX96 == 0:
        usdc_units = params.eth_price_e8 * 10**params.usdc_decimals
        units = world.sorted_amounts(WETH_UNITS * 10**FEED_DECIMALS, usdc_units)
        world.pool.initialize(sqrt_price_down(*units), sender=deployer.account)
    raise_cardinality(deployer, world.pool, params.observations)
    for liquidity in params.liquidity[world.positions.balanceOf(deployer.account) :]:
        _fund_position(deployer, world, params, liquidity)
    if not has_round(world.feed):
        world.feed.push(params.eth_price_e8, sender=deployer.account)


def raise_cardinality(deployer: Deployer, pool: ContractInstance, wanted: int) -> None:
    """Let a pool keep `wanted` observations, a bounded number more per transaction."""
    kept = pool.slot0().observationCardinalityNext
    while kept < wanted:
        kept = min(kept + OBSERVATIONS_PER_CALL, wanted)
        pool.increaseObservationCardinalityNext(kept, sender=deployer.account)


def has_round(feed: ContractInstance) -> bool:
    """Whether a feed was ever published."""
    try:
        feed.latestRoundData()
    except ContractLogicError:  # the feed refuses to answer before its first round
        return False
    return True


def _fund_position(
    deployer: Deployer, world: World, params: WorldParams, liquidity: LiquidityParams
) -> None:
    account = deployer.account
    # A tenth more than the price says: inside a bounded range the two sides are not worth the same.
    weth = liquidity.weth_units * 11 // 10
    usdc = weth * params.eth_price_e8 * 10**params.usdc_decimals // 10 ** (18 + FEED_DECIMALS)
    world.weth.deposit(value=weth, sender=account)
    world.usdc.mint(account, usdc, sender=account)
    sides = (world.weth, weth), (world.usdc, usdc)
    add_liquidity(deployer, world.positions, world.pool, sides, liquidity.half_width_ticks)


def add_liquidity(
    deployer: Deployer,
    positions: ContractInstance,
    pool: ContractInstance,
    sides: tuple[tuple[ContractInstance, int], tuple[ContractInstance, int]],
    half_width: int,
) -> None:
    """Put up to so much of the deployer's two tokens [token units] around the pool's price.

    `half_width` is in ticks, 0 for the whole range.
    """
    account = deployer.account
    for token, most in sides:
        token.approve(positions, most, sender=account)

    units = {str(token.address): most for token, most in sides}
    tokens = (str(pool.token0()), str(pool.token1()))
    key = (*tokens, pool.fee(), *_ticks(pool, half_width))
    deadline = chain.pending_timestamp + FOREVER
    amounts = (units[tokens[0]], units[tokens[1]])
    positions.mint((*key, *amounts, 0, 0, account, deadline), sender=account)

    for token, _ in sides:
        token.approve(positions, 0, sender=account)


def _ticks(pool: ContractInstance, half_width: int) -> tuple[int, int]:
    spacing = pool.tickSpacing()
    if half_width == 0:
        edge = MAX_TICK // spacing * spacing
        return -edge, edge
    tick = pool.slot0().tick // spacing * spacing
    width = half_width // spacing * spacing
    return tick - width, tick + width
