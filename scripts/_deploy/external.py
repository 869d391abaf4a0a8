"""The local world's foreign parts: test USDC, WETH, a feed, and the real Uniswap v3 from npm."""

from dataclasses import dataclass

from ape import chain, project
from ape.contracts import ContractContainer, ContractInstance
from ape.exceptions import ContractLogicError

from keeper.markets.univ3 import MAX_TICK, sqrt_price_down
from scripts._deploy.chain import Deployer, npm_contract
from scripts._deploy.params import LiquidityParams, WorldParams

__all__ = ["World", "deploy_world"]

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
    factory = deployer.contract("uniswap_v3_factory", _artifact(CORE, "UniswapV3Factory"))
    shared = (factory.address, weth.address)
    # The descriptor only draws pictures of position tokens; none is drawn here.
    positions = deployer.contract(
        "uniswap_v3_positions",
        _artifact(PERIPHERY, "NonfungiblePositionManager"),
        *shared,
        weth.address,
    )
    router = deployer.contract("uniswap_v3_router", _artifact(PERIPHERY, "SwapRouter"), *shared)
    pool = _pool(deployer, factory, (weth, usdc), params.pool_fee_ppm)
    world = World(usdc, weth, feed, factory, pool, positions, router)
    _open_market(deployer, world, params)
    return world


def _artifact(folder: str, name: str) -> ContractContainer:
    return npm_contract(f"{folder}/{name}.sol/{name}.json")


def _pool(
    deployer: Deployer,
    factory: ContractInstance,
    tokens: tuple[ContractInstance, ContractInstance],
    fee_ppm: int,
) -> ContractInstance:
    container = _artifact(CORE, "UniswapV3Pool")
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
    kept = world.pool.slot0().observationCardinalityNext
    while kept < params.observations:
        kept = min(kept + OBSERVATIONS_PER_CALL, params.observations)
        world.pool.increaseObservationCardinalityNext(kept, sender=deployer.account)
    for liquidity in params.liquidity[world.positions.balanceOf(deployer.account) :]:
        _add_liquidity(deployer, world, params, liquidity)
    if not _has_round(world.feed):
        world.feed.push(params.eth_price_e8, sender=deployer.account)


def _has_round(feed: ContractInstance) -> bool:
    try:
        feed.latestRoundData()
    except ContractLogicError:  # the feed refuses to answer before its first round
        return False
    return True


def _add_liquidity(
    deployer: Deployer, world: World, params: WorldParams, liquidity: LiquidityParams
) -> None:
    account = deployer.account
    # A tenth more than the price says: inside a bounded range the two sides are not worth the same.
    weth = liquidity.weth_units * 11 // 10
    usdc = weth * params.eth_price_e8 * 10**params.usdc_decimals // 10 ** (18 + FEED_DECIMALS)
    world.weth.deposit(value=weth, sender=account)
    world.usdc.mint(account, usdc, sender=account)
    world.weth.approve(world.positions, weth, sender=account)
    world.usdc.approve(world.positions, usdc, sender=account)

    lower, upper = _ticks(world.pool, liquidity.half_width_ticks)
    amounts = world.sorted_amounts(weth, usdc)
    key = (world.pool.token0(), world.pool.token1(), params.pool_fee_ppm, lower, upper)
    deadline = chain.pending_timestamp + FOREVER
    world.positions.mint((*key, *amounts, 0, 0, account, deadline), sender=account)

    world.weth.approve(world.positions, 0, sender=account)
    world.usdc.approve(world.positions, 0, sender=account)


def _ticks(pool: ContractInstance, half_width: int) -> tuple[int, int]:
    spacing = pool.tickSpacing()
    if half_width == 0:
        edge = MAX_TICK // spacing * spacing
        return -edge, edge
    tick = pool.slot0().tick // spacing * spacing
    width = half_width // spacing * spacing
    return tick - width, tick + width
