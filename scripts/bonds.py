"""`ape run bonds`: deploys the bonds beside a vault factory, or what an earlier run left undone.

    ape run bonds --network NETWORK --account ALIAS --factory ADDRESS

The bonds are for the vaults of that factory alone. The record has an entry per contract, as that of
`ape run deploy`.
"""

from pathlib import Path

import click
from ape.api import AccountAPI, ProviderAPI
from ape.cli import ConnectedProviderCommand, account_option

from scripts._deploy.bonds import deploy_bonds
from scripts._deploy.chain import Deployer


@click.command(cls=ConnectedProviderCommand)
@account_option()
@click.option("--factory", required=True, help="The vault factory.")
@click.option("--out", type=click.Path(path_type=Path), help="[default: deployments/<chain>.json]")
def cli(account: AccountAPI, provider: ProviderAPI, factory: str, out: Path | None) -> None:
    """Deploy teller, note, auctioneers, treasury and lens, and wire them."""
    record = out or Path("deployments") / f"{provider.chain_id}.json"
    deploy_bonds(Deployer.connected(account, record), factory)
    click.echo(str(record))
