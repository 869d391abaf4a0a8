"""Deployments of the bonds' tests: a real pool, a vault of the factory, teller and auctioneers."""

from typing import Any

import pytest
from eth_utils.crypto import keccak

from keeper.markets.univ3 import sqrt_price_down
from scripts._deploy.chain import npm_contract
from tests.contracts.adapters.creation import CODES, Factory, Plan
from tests.contracts.bonds.houses import FEED_PRICE, HOUR, TOKEN, USDC, Bonds
from tests.contracts.conftest import SIGNERS
from tests.contracts.rpc import Rpc
from tests.contracts.system import DAY, MAX_UINT, System

CORE = "@uniswap/v3-core/artifacts/contracts"
POOL_FEE = 3_000
ADAPTER_LIMITS = (4_500, 300, 60, 30, 151)
VAULT_LIMITS = (10**6 * USDC, 5_000, 3_000, 1_000, 500)
KEEPER_STAKE = 40_000 * USDC


@pytest.fixture(scope="session")
def rpc(chain: Any) -> Rpc:
    return Rpc(chain)


@pytest.fixture(scope="session")
def uniswap(accounts: Any) -> Any:
    """The real factory of Uniswap v3."""
    return accounts[0].deploy(npm_contract(f"{CORE}/UniswapV3Factory.sol/UniswapV3Factory.json"))


@pytest.fixture(scope="session")
def make_pool(uniswap: Any, accounts: Any) -> Any:
    """Opens a pool of a token and an asset at a price of 2 assets."""

    def make(token: Any, asset: Any) -> Any:
        uniswap.createPool(token, asset, POOL_FEE, sender=accounts[0])
        address = uniswap.getPool(token, asset, POOL_FEE)
        pool = npm_contract(f"{CORE}/UniswapV3Pool.sol/UniswapV3Pool.json").at(address)
        amounts = (10 ** token.decimals(), 2 * 10 ** asset.decimals())
        ordered = amounts if pool.token0() == token.address else amounts[::-1]
        pool.initialize(sqrt_price_down(*ordered), sender=accounts[0])
        pool.increaseObservationCardinalityNext(160, sender=accounts[0])
        return pool

    return make


@pytest.fixture(scope="session")
def vault_factory(project: Any, accounts: Any, uniswap: Any) -> Factory:
    hashes = tuple(keccak(Factory(None, project, None).code(name)) for name in CODES)
    made = accounts[0].deploy(project.VaultFactory, hashes, uniswap)
    return Factory(made, project, accounts[0])


@pytest.fixture(scope="session")
def make_plan(accounts: Any) -> Any:
    """A plan of a vault that quotes one token in one pool."""

    def make(asset: Any, token: Any, pool: Any, feed: Any, salt: int) -> Plan:
        return Plan(
            salt=salt.to_bytes(32, "big"),
            single_operator=False,
            asset=asset.address,
            name="Project vault",
            symbol="pvPROJ",
            multisig=accounts[1].address,
            delay=7 * DAY,
            keeper=accounts[2].address,
            guardian=accounts[3].address,
            fee_recipient=accounts[4].address,
            limits=VAULT_LIMITS,
            reporters=tuple(key.address for key in SIGNERS[:3]),
            quorum=2,
            markets=((), ((pool.address, token.address, POOL_FEE, feed.address),)),
            pool_limits=(ADAPTER_LIMITS,),
            routes=(),
        )

    return make


@pytest.fixture(scope="session")
def make_system(project: Any, accounts: Any, chain: Any, vault_factory: Factory) -> Any:
    """Creates the vault of a plan, with a keeper who holds and locks the first shares."""

    def make(plan: Plan, usdc: Any) -> System:
        vault_factory.run(plan)
        vault = project.MarketMakingVault.at(vault_factory.made(plan).vault)
        return System(
            chain=chain,
            token=usdc,
            vault=vault,
            nav=project.NavReporter.at(vault.reporter()),
            legs=project.Legs.at(vault.legs()),
            silo=vault.silo(),
            clob=None,
            pool=None,
            venue=None,
            mandate=project.Mandate.at(vault.mandate()),
            end=project.WindDown.at(vault.windDown()),
            deployer=accounts[0],
            owner=accounts[1],
            keeper=accounts[2],
            guardian=accounts[3],
            users=[accounts[i] for i in range(5, 12)],
            signers=SIGNERS[:3],
        )

    return make


@pytest.fixture(scope="session")
def house(
    project: Any,
    accounts: Any,
    chain: Any,
    make_pool: Any,
    make_plan: Any,
    make_system: Any,
    vault_factory: Factory,
) -> Bonds:
    """Everything deployed; the vault lives and has a staked keeper; no project yet."""
    deployer, team = accounts[0], accounts[12]
    usdc = deployer.deploy(project.TestUSDC, 6)
    token = deployer.deploy(project.OddToken, "PROJ")
    feed = deployer.deploy(project.RoundFeed, 8, "PROJ / USD")
    feed.push(FEED_PRICE, sender=deployer)
    pool = make_pool(token, usdc)
    plan = make_plan(usdc, token, pool, feed, 1)
    system = make_system(plan, usdc)
    factory = vault_factory.contract

    teller = deployer.deploy(project.BondTeller, factory)
    parts = [deployer.deploy(kind, teller) for kind in (project.BondNote, project.DutchAuctioneer)]
    note, dutch = parts
    oracle = deployer.deploy(project.OracleAuctioneer, teller)
    treasury = deployer.deploy(project.ProjectTreasury, teller, factory)
    teller.wire(note, treasury, [dutch, oracle], sender=deployer)
    lens = deployer.deploy(project.BondLens, teller)

    bonds = Bonds(
        project=project,
        chain=chain,
        system=system,
        factory=factory,
        plan=plan,
        token=token,
        pool=pool,
        feed=feed,
        teller=teller,
        note=note,
        dutch=dutch,
        oracle=oracle,
        lens=lens,
        team=team,
        buyers=list(system.users[:3]),
        stranger=accounts[13],
    )
    bonds.wait(HOUR)
    bonds.seed(system.keeper, KEEPER_STAKE)
    stake = project.KeeperStake.at(system.mandate.keeperStake())
    shares = system.vault.balanceOf(system.keeper)
    system.vault.approve(stake, shares, sender=system.keeper)
    stake.stake(shares, sender=system.keeper)
    token.mint(team, 10**9 * TOKEN, sender=deployer)
    token.approve(teller, MAX_UINT, sender=team)
    for buyer in bonds.buyers:
        bonds.equip(buyer)
    return bonds


@pytest.fixture(scope="session")
def opened(house: Bonds) -> tuple[Bonds, Any, int]:
    """A project with one Dutch market of the specification's example."""
    treasury = house.create_project()
    return house, treasury, house.create_market(treasury)


@pytest.fixture(scope="session")
def second(opened: Any, make_plan: Any, make_system: Any) -> Any:
    """Another vault of the factory for the same pool, and its plan."""
    house = opened[0]
    plan = make_plan(house.usdc, house.token, house.pool, house.feed, 2)
    return make_system(plan, house.usdc), plan


@pytest.fixture
def bonds(opened: tuple[Bonds, Any, int]) -> Bonds:
    return opened[0]


@pytest.fixture
def treasury(opened: tuple[Bonds, Any, int]) -> Any:
    return opened[1]


@pytest.fixture
def market(opened: tuple[Bonds, Any, int]) -> int:
    return opened[2]


@pytest.fixture
def alice(bonds: Bonds) -> Any:
    return bonds.buyers[0]


@pytest.fixture
def bob(bonds: Bonds) -> Any:
    return bonds.buyers[1]


@pytest.fixture(scope="session")
def hall(project: Any, accounts: Any) -> Any:
    """A Dutch auctioneer whose teller is an account: prices without money."""
    return accounts[0].deploy(project.DutchAuctioneer, accounts[0])


@pytest.fixture(scope="session")
def oracle_hall(project: Any, accounts: Any) -> Any:
    """An oracle auctioneer whose teller is an account."""
    return accounts[0].deploy(project.OracleAuctioneer, accounts[0])
