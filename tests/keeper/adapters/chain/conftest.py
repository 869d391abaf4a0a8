"""The real contracts on a real node, and our chain edge connected to it."""

from pathlib import Path
from typing import Any

import pytest
from chain_stage import ETHER, KEEPER, PRICE_E8, RELAYER, USDC, Stage, protocol

from scripts._deploy.book import Book
from scripts._deploy.chain import Deployer
from scripts._deploy.external import deploy_world
from scripts._deploy.params import LiquidityParams, WorldParams
from scripts._deploy.protocol import deploy_protocol
from tests.contracts.stakes import ask_for_no_stake


@pytest.fixture(scope="session")
def deployed(
    accounts: Any, chain: Any, project: Any, tmp_path_factory: pytest.TempPathFactory
) -> Stage:
    folder: Path = tmp_path_factory.mktemp("chain-edge")
    issuer, owner, guardian, depositor, route = (accounts[i] for i in range(10, 15))
    world = deploy_world(
        Deployer(issuer, Book.open(folder / "world.json", chain.chain_id)),
        WorldParams(
            usdc_decimals=6,
            eth_price_e8=PRICE_E8,
            pool_fee_ppm=500,
            observations=151,
            liquidity=[LiquidityParams(100 * ETHER, 0), LiquidityParams(300 * ETHER, 2_000)],
        ),
    )
    deployer = Deployer(issuer, Book.open(folder / "vault.json", chain.chain_id))
    deploy_protocol(deployer, protocol(world, owner, guardian, route))
    entries = deployer.book.entries
    ask_for_no_stake(chain, project.MarketMakingVault.at(entries["vault"].address), owner)
    for key in (KEEPER, RELAYER):
        issuer.transfer(key.address, 10 * ETHER)
    return Stage(
        url=chain.provider.web3.provider.endpoint_uri,
        record=deployer.book.path,
        chain=chain,
        usdc=world.usdc,
        vault=project.MarketMakingVault.at(entries["vault"].address),
        reporter=project.NavReporter.at(entries["reporter"].address),
        pool_adapter=project.UniswapV3Adapter.at(entries["uniswap_v3.main"].address),
        clob_adapter=project.ClobAdapter.at(entries["clob.main"].address),
        pool=world.pool,
        feed=world.feed,
        depositor=depositor,
        issuer=issuer,
    )


@pytest.fixture(scope="session")
def funded(deployed: Stage) -> Stage:
    """600,000 USDC settled and idle; the pool's oracle covers its window."""
    deployed.settle_deposit(600_000 * USDC)
    return deployed


@pytest.fixture
def stage(funded: Stage) -> Stage:
    return funded
