"""`ape run deploy`: creates one vault by the vault factory's stages; repeating it changes nothing.

    ape run deploy --network http://127.0.0.1:8545 --account TEST::0 \\
        --params protocol.toml --externals world.json --out deployments/31337.json

`scripts/params/protocol.example.toml` lists every parameter. In production `--account` names an
account of Ape (keystore or hardware) and `--network` e.g. `ethereum:mainnet:node`. The record is
the chain's address book (`keeper addresses list`, `keeper/addresses.py`); it has the names
factory, timelock, vault, silo, legs, wind_down, mandate, stake, reporter, uniswap_v3.<name>,
clob.<name>, each with address, transaction, block, constructor arguments, ABI hash, hash of the
runtime code and source commit. It is written after each stage: whatever interrupts a run, the next
one goes on from there. A factory that stands already is used where the record has its entry
(`factory`, copied from the record of the chain's first vault).
"""

from pathlib import Path

import click
from ape.api import AccountAPI, ProviderAPI
from ape.cli import ConnectedProviderCommand, account_option

from scripts._deploy.chain import Deployer
from scripts._deploy.params import load_protocol
from scripts._deploy.protocol import deploy_protocol


@click.command(cls=ConnectedProviderCommand)
@account_option()
@click.option("--params", type=click.Path(path_type=Path), required=True)
@click.option("--externals", type=click.Path(path_type=Path), help="Record that @names refer to.")
@click.option("--out", type=click.Path(path_type=Path), help="[default: deployments/<chain>.json]")
def cli(
    account: AccountAPI,
    provider: ProviderAPI,
    params: Path,
    externals: Path | None,
    out: Path | None,
) -> None:
    """Create timelock, vault, reporter and adapters by the factory, and wire them."""
    record = out or Path("deployments") / f"{provider.chain_id}.json"
    deploy_protocol(Deployer.connected(account, record), load_protocol(params, externals))
    click.echo(str(record))
