"""`ape run local_project`: a project in the local world: listing, vault, and bonds for everybody.

    ape run local_project --network http://127.0.0.1:8545 --account TEST::20 \\
        --world externals.json --protocol 31337.json --vault project.toml --out project.json

The project's record begins with what it shares with the world (`--world`) and with the vault
factory of the recorded protocol (`--protocol`), and gets `project_token`, `project_feed`,
`uniswap_v3_pool`, and all that `ape run deploy` records of a vault. The bonds' contracts go into
the protocol's record: they serve every project.
"""

from pathlib import Path

import click
from ape.api import AccountAPI
from ape.cli import ConnectedProviderCommand, account_option

from scripts._deploy.bonds import deploy_bonds
from scripts._deploy.book import Book
from scripts._deploy.chain import Deployer
from scripts._deploy.listing import SHARED, deploy_listing
from scripts._deploy.params import load_listing, load_protocol
from scripts._deploy.protocol import deploy_protocol

LISTING = Path(__file__).parent / "params" / "local_listing.toml"
FACTORY = "factory"


@click.command(cls=ConnectedProviderCommand)
@account_option()
@click.option("--listing", type=click.Path(path_type=Path), default=LISTING, show_default=True)
@click.option("--world", type=click.Path(path_type=Path), required=True)
@click.option("--protocol", type=click.Path(path_type=Path), required=True)
@click.option("--vault", type=click.Path(path_type=Path), required=True, help="Its parameters.")
@click.option("--out", type=click.Path(path_type=Path), required=True)
def cli(
    account: AccountAPI, listing: Path, world: Path, protocol: Path, vault: Path, out: Path
) -> None:
    """Deploy a token with feed and pool, a vault of that pool by the factory, and the bonds."""
    team = Deployer.connected(account, out)
    for source, names in ((world, SHARED), (protocol, (FACTORY,))):
        _share(team.book, Book.open(source, team.book.chain_id), names)
    deploy_listing(team, load_listing(listing))
    deploy_protocol(team, load_protocol(vault, out))
    bonds = Deployer.connected(account, protocol)
    deploy_bonds(bonds, bonds.book.entries[FACTORY].address)
    click.echo(str(out))


def _share(book: Book, source: Book, names: tuple[str, ...]) -> None:
    """Copy entries that the book does not have yet."""
    for name in names:
        if name not in book.entries:
            book.add(name, source.entries[name])
