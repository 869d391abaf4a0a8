"""`ape run local_world`: deploys the local world's foreign parts on a development chain.

    ape run local_world --network http://127.0.0.1:8545 --account TEST::0 \\
        --params scripts/params/local_world.toml --out world.json

Writes a record of the names usdc, weth, feed, uniswap_v3_factory, uniswap_v3_positions,
uniswap_v3_router and uniswap_v3_pool, each with contract, address, tx, block and args. Run it
before blocks are mined on a timer: each transaction waits for its block.
"""

from pathlib import Path

import click
from ape.api import AccountAPI
from ape.cli import ConnectedProviderCommand, account_option

from scripts._deploy.chain import Deployer
from scripts._deploy.external import deploy_world
from scripts._deploy.params import load_world

PARAMS = Path(__file__).parent / "params" / "local_world.toml"


@click.command(cls=ConnectedProviderCommand)
@account_option()
@click.option("--params", type=click.Path(path_type=Path), default=PARAMS, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
def cli(account: AccountAPI, params: Path, out: Path) -> None:
    """Deploy test USDC, WETH, a feed and Uniswap v3 with a funded WETH/USDC pool."""
    deploy_world(Deployer.connected(account, out), load_world(params))
    click.echo(str(out))
