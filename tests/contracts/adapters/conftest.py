"""Real Uniswap v3 contracts, a feed, adapters of a vault double and of a real vault; actors."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from keeper.markets.univ3 import sqrt_price_down
from scripts._deploy.book import Book
from scripts._deploy.chain import Deployer
from scripts._deploy.external import World, deploy_world
from scripts._deploy.params import (
    ClobParams,
    LiquidityParams,
    PoolParams,
    ProtocolParams,
    ReporterParams,
    VaultParams,
    WorldParams,
)
from scripts._deploy.protocol import deploy_protocol
from tests.contracts.adapters.creation import CODES, Factory, Plan
from tests.contracts.conftest import SIGNERS
from tests.contracts.stakes import ask_for_no_stake
from tests.contracts.system import DAY, System

ETHER = 10**18
USDC = 10**6
PRICE_E8 = 3_000 * 10**8
LIMITS = (4_500, 300, 60, 30, 151)  # feed age, deviation, cooldown, value change, observations
HOUR = 3_600
FOREVER = 2**64
MAX_UINT = 2**256 - 1
SEED = 1_000_000 * USDC
CAP = 10**6 * USDC


@dataclass(frozen=True)
class Market:
    """The pool, its tokens and feed as a test acts on them."""

    world: World
    trader: Any
    issuer: Any
    chain: Any

    @property
    def pool(self) -> Any:
        return self.world.pool

    @property
    def weth_is_0(self) -> bool:
        return bool(self.pool.token0() == self.world.weth.address)

    def tick(self) -> int:
        return int(self.pool.slot0().tick)

    def push(self, price_e8: int) -> None:
        """Publish a price of one WETH in USDC, 8 decimals."""
        self.world.feed.push(price_e8, sender=self.issuer)

    def buy_weth(self, usdc: int) -> Any:
        """Spend USDC units in the pool."""
        return self._swap(self.world.usdc, self.world.weth, usdc)

    def sell_weth(self, weth: int) -> Any:
        """Sell WETH units in the pool."""
        return self._swap(self.world.weth, self.world.usdc, weth)

    def swap(self, zero_for_one: bool, amount_in: int) -> Any:
        """Sell units of token0 or token1 in the pool."""
        tokens = (self.world.weth, self.world.usdc)
        if zero_for_one != self.weth_is_0:
            tokens = tokens[::-1]
        return self._swap(*tokens, amount_in)

    def sqrt_price(self, price_e8: int) -> int:
        """Return the pool's square root price at a price of one WETH in USDC, 8 decimals."""
        return sqrt_price_down(*self.world.sorted_amounts(10**26, price_e8 * USDC))

    def move_to(self, price_e8: int) -> None:
        """Trade in the pool until it stands at a price, as an arbitrageur does."""
        target = self.sqrt_price(price_e8)
        zero_for_one = target < self.pool.slot0().sqrtPriceX96
        tokens = (self.pool.token0(), self.pool.token1())[:: 1 if zero_for_one else -1]
        order = (*tokens, self.pool.fee(), self.trader, FOREVER, 10**24, 0, target)
        self.world.router.exactInputSingle(order, sender=self.trader)

    def pass_time(self, seconds: int, price_e8: int | None = None) -> None:
        """Mine a block that much later; a price is published there, as feeds do."""
        self.chain.mine(deltatime=seconds)
        if price_e8 is not None:
            self.push(price_e8)

    def _swap(self, token_in: Any, token_out: Any, amount: int) -> Any:
        fee = self.pool.fee()
        order = (token_in, token_out, fee, self.trader, FOREVER, amount, 0, 0)
        return self.world.router.exactInputSingle(order, sender=self.trader)


@pytest.fixture(scope="session")
def issuer(accounts: Any) -> Any:
    return accounts[0]


@pytest.fixture(scope="session")
def keeper(accounts: Any) -> Any:
    return accounts[1]


@pytest.fixture(scope="session")
def guardian(accounts: Any) -> Any:
    return accounts[2]


@pytest.fixture(scope="session")
def trader(accounts: Any) -> Any:
    return accounts[3]


@pytest.fixture(scope="session")
def stranger(accounts: Any) -> Any:
    return accounts[4]


@pytest.fixture(scope="session")
def route(accounts: Any) -> Any:
    return accounts[5]


@pytest.fixture(scope="session")
def world(issuer: Any, chain: Any, tmp_path_factory: pytest.TempPathFactory) -> World:
    record: Path = tmp_path_factory.mktemp("world") / "world.json"
    deployer = Deployer(issuer, Book.open(record, chain.chain_id))
    params = WorldParams(
        usdc_decimals=6,
        eth_price_e8=PRICE_E8,
        pool_fee_ppm=500,
        observations=151,
        liquidity=[LiquidityParams(100 * ETHER, 0), LiquidityParams(300 * ETHER, 2_000)],
    )
    return deploy_world(deployer, params)


@pytest.fixture(scope="session")
def market(world: World, trader: Any, issuer: Any, chain: Any) -> Market:
    world.weth.deposit(value=3_000 * ETHER, sender=trader)
    world.usdc.mint(trader, 10_000_000 * USDC, sender=issuer)
    for token in (world.weth, world.usdc):
        token.approve(world.router, MAX_UINT, sender=trader)
    return Market(world, trader, issuer, chain)


@pytest.fixture(scope="session")
def host(project: Any, world: World, issuer: Any, keeper: Any, guardian: Any) -> Any:
    """A vault double with 1,000,000 USDC booked."""
    made = issuer.deploy(project.AdapterHost, world.usdc, keeper, guardian)
    world.usdc.mint(made, 1_000_000 * USDC, sender=issuer)
    made.book(1_000_000 * USDC, sender=issuer)
    return made


@pytest.fixture(scope="session")
def young_adapter(project: Any, host: Any, market: Market, issuer: Any) -> Any:
    """An adapter whose pool was opened less than 30 minutes ago."""
    world = market.world
    return issuer.deploy(project.UniswapV3Adapter, host, world.pool, world.feed, LIMITS)


@pytest.fixture(scope="session")
def adapter(young_adapter: Any, host: Any, market: Market, issuer: Any) -> Any:
    """An adapter with 300,000 USDC, on a pool whose oracle covers the window."""
    market.pass_time(HOUR, PRICE_E8)
    host.allocate(young_adapter, 300_000 * USDC, sender=issuer)
    return young_adapter


@pytest.fixture(scope="session")
def clob(project: Any, host: Any, route: Any, issuer: Any) -> Any:
    return issuer.deploy(project.ClobAdapter, host, route)


@pytest.fixture(scope="session")
def operate(adapter: Any, keeper: Any, market: Market) -> Any:
    """Run keeper operations, each after a cooldown, with generous amount limits."""
    return Operations(adapter, keeper, market)


@dataclass(frozen=True)
class Operations:
    adapter: Any
    keeper: Any
    market: Market

    def around(self, half_width: int, shift: int = 0) -> tuple[int, int]:
        """Return ticks on the spacing around the current one."""
        spacing = self.market.pool.tickSpacing()
        centre = (self.market.tick() + shift) // spacing * spacing
        return centre - half_width, centre + half_width

    def ready(self) -> None:
        self.market.chain.mine(deltatime=61)

    def mint(self, ticks: tuple[int, int], liquidity: int) -> Any:
        self.ready()
        return self.adapter.mintRange(
            *ticks, liquidity, MAX_UINT, MAX_UINT, FOREVER, sender=self.keeper
        )

    def burn(self, ticks: tuple[int, int], liquidity: int) -> Any:
        self.ready()
        return self.adapter.burnRange(*ticks, liquidity, 0, 0, FOREVER, sender=self.keeper)

    def swap(self, zero_for_one: bool, amount_in: int) -> Any:
        self.ready()
        return self.adapter.swapExactIn(zero_for_one, amount_in, 0, FOREVER, sender=self.keeper)

    def buy_weth(self, usdc: int) -> Any:
        """Swap USDC units of the adapter into WETH."""
        return self.swap(not self.market.weth_is_0, usdc)


@pytest.fixture
def invested(operate: Operations, adapter: Any, market: Market) -> Any:
    """The adapter with half its money in WETH and a range of a third of it."""
    operate.buy_weth(60_000 * USDC)
    market.push(PRICE_E8)
    operate.mint(operate.around(1_000), 10**16)
    return adapter


@pytest.fixture(scope="session")
def live(
    project: Any, accounts: Any, chain: Any, market: Any, tmp_path_factory: pytest.TempPathFactory
) -> System:
    """A vault of the script with both legs and no stake, and one depositor holding its shares."""
    record: Path = tmp_path_factory.mktemp("protocol") / "record.json"
    book = Book.open(record, chain.chain_id)
    world, route = market.world, accounts[5]
    deployer = Deployer(accounts[0], book)
    deploy_protocol(deployer, _params(accounts, world, route))

    at = {name: entry.address for name, entry in book.entries.items()}
    vault = deployer.at(project.MarketMakingVault, at["vault"])
    ask_for_no_stake(chain, vault, accounts[6])
    system = System(
        chain=chain,
        token=world.usdc,
        vault=vault,
        nav=deployer.at(project.NavReporter, at["reporter"]),
        silo=at["silo"],
        clob=deployer.at(project.ClobAdapter, at["clob.dydx"]),
        pool=deployer.at(project.UniswapV3Adapter, at["uniswap_v3.weth-usdc"]),
        venue=route,
        mandate=project.Mandate.at(vault.mandate()),
        end=project.WindDown.at(vault.windDown()),
        legs=project.Legs.at(vault.legs()),
        deployer=accounts[0],
        owner=accounts[6],
        keeper=accounts[1],
        guardian=accounts[2],
        users=[accounts[8], accounts[9]],
        signers=SIGNERS[:3],
    )
    system.seed(system.users[0], SEED)
    market.pass_time(HOUR, PRICE_E8)
    return system


def _params(accounts: Any, world: Any, route: Any) -> ProtocolParams:
    vault = VaultParams(
        salt=0,
        single_operator=False,
        asset=str(world.usdc.address),
        name="Athanor ETH",
        symbol="athETH",
        owner=accounts[6].address,
        owner_delay_seconds=604_800,
        keeper=accounts[1].address,
        guardian=accounts[2].address,
        fee_recipient="0x" + "fe" * 20,
        pairs=["dydx:ETH-USD"],
        deposit_cap=10**15,
        venue_cap_bps=5_000,
        min_on_chain_bps=3_000,
        fee_bps=1_000,
        min_stake_bps=500,
    )
    pool = PoolParams(
        name="weth-usdc",
        pool=str(world.pool.address),
        feed=str(world.feed.address),
        max_feed_age_seconds=4_500,
        deviation_limit_bps=300,
        cooldown_seconds=60,
        max_value_change_bps=30,
        min_observations=151,
    )
    return ProtocolParams(
        uniswap_v3_factory=str(world.factory.address),
        vault=vault,
        reporter=ReporterParams([key.address for key in SIGNERS[:3]], 2),
        uniswap_v3=[pool],
        clob=[ClobParams("dydx", route.address)],
    )


@pytest.fixture
def invested_live(live: System, market: Any) -> System:
    """300,000 in the pool adapter, of which a fifth is WETH and a part is a range."""
    live.vault.allocate(live.pool, 300_000 * USDC, sender=live.keeper)
    live.pool.swapExactIn(not market.weth_is_0, 60_000 * USDC, 0, FOREVER, sender=live.keeper)
    live.wait(61)
    tick = market.tick() // 10 * 10
    ticks = (tick - 1_000, tick + 1_000)
    live.pool.mintRange(*ticks, 10**16, MAX_UINT, MAX_UINT, FOREVER, sender=live.keeper)
    return live


@pytest.fixture(scope="session")
def factory(project: Any, accounts: Any, world: Any) -> Factory:
    hashes = tuple(keccak(Factory(None, project, None).code(name)) for name in CODES)
    made = accounts[0].deploy(project.VaultFactory, hashes, world.factory)
    return Factory(made, project, accounts[18])


@pytest.fixture(scope="session")
def plan(accounts: Any, world: Any, route: Any) -> Plan:
    pool = (world.pool.address, world.weth.address, world.pool.fee(), world.feed.address)
    return Plan(
        salt=b"\1" * 32,
        single_operator=False,
        asset=world.usdc.address,
        name="Athanor ETH",
        symbol="athETH",
        multisig=accounts[6].address,
        delay=7 * DAY,
        keeper=accounts[1].address,
        guardian=accounts[2].address,
        fee_recipient=accounts[7].address,
        limits=(CAP, 5_000, 3_000, 1_000, 500),
        reporters=tuple(accounts[number].address for number in (10, 11, 12)),
        quorum=2,
        markets=(("dydx:ETH-USD",), (pool,)),
        pool_limits=(LIMITS,),
        routes=(route.address,),
    )


@pytest.fixture(scope="session")
def created(factory: Factory, plan: Plan) -> list[Any]:
    """The receipts of all stages of the plan."""
    return factory.run(plan)
