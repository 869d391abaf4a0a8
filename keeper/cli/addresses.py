"""`keeper addresses`: the address book of a chain, and whether the node still agrees with it."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from keeper.cli.exits import ExitCode
from keeper.cli.options import collector_paused, json_option
from keeper.cli.output import emit, note, print_table

if TYPE_CHECKING:
    from keeper.addresses import AddressBook
    from keeper.chain.deployments import Finding

__all__ = ["addresses"]

PROVES: Final = (
    "the code at every address is byte for byte what stood there when the book was written, "
    "immutables included, and this keeper speaks its ABI"
)
PROVES_NOT: Final = (
    "that the code was compiled from the sources: for that, compile the source commit and compare"
)
FILE = click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Address book.  [default: deployments/<chain>.json]",
)


def chain_option(function: Any) -> Any:
    """Add --chain."""
    return click.option(
        "--chain",
        "chain_id",
        type=click.IntRange(min=1),
        help="Chain id; the book must be of this chain.",
    )(function)


@click.group()
def addresses() -> None:
    """List and verify deployed contracts."""


@addresses.command("list")
@chain_option
@FILE
@json_option
def list_(chain_id: int | None, file: Path | None, as_json: bool) -> None:
    """List the contracts of a chain: address, block, transaction, source commit, hashes."""
    import msgspec

    path, book = _book(chain_id, file)
    data = {"file": str(path), **msgspec.to_builtins(book)}
    rows = [
        (name, entry.contract, entry.address, f"{entry.block:,}", entry.source_commit[:12] or "?")
        for name, entry in book.contracts.items()
    ]
    head = ("name", "contract", "address", "block", "source")
    emit(as_json, data, lambda: print_table(rows, head=head))


@addresses.command()
@chain_option
@FILE
@click.option(
    "--rpc-url",
    envvar="KEEPER_RPC_URL",
    show_envvar=True,
    default="http://127.0.0.1:8545",
    show_default=True,
    help="JSON-RPC endpoint of that chain.",
)
@json_option
def verify(chain_id: int | None, file: Path | None, rpc_url: str, as_json: bool) -> int:
    """Recompute every contract's code hash from the node and compare it with the book.

    Also compares the ABI hash with this keeper's own, and the deployment's transaction and block,
    and asks the factory of the book whether it made the vault.
    Exits with 10 when something differs.
    """
    path, book = _book(chain_id, file)
    with collector_paused():
        from keeper.chain.deployments import verify_book
        from keeper.chain.rpc import JsonRpc

    async def work() -> "list[Finding]":
        async with JsonRpc(rpc_url) as rpc:
            await rpc.check_chain(book.chain_id)
            return await verify_book(rpc, book)

    findings = asyncio.run(work())
    agrees = all(finding.agrees for finding in findings)
    data = {
        "file": str(path),
        "chain_id": book.chain_id,
        "agrees": agrees,
        "proves": PROVES if agrees else "",
        "does_not_prove": PROVES_NOT,
        "contracts": [_plain(finding) for finding in findings],
    }
    emit(as_json, data, lambda: _print(data))
    if not agrees:
        note("next:  do not use these addresses until the difference is explained")
    return int(ExitCode.OK if agrees else ExitCode.REFUSED)


def _book(chain_id: int | None, file: Path | None) -> "tuple[Path, AddressBook]":
    """Read the book asked for. Raises ArgumentInvalid, ConfigError."""
    from keeper.addresses import load_book
    from keeper.cli.failures import ArgumentInvalid

    if file is None and chain_id is None:
        raise ArgumentInvalid("which chain?", next_step="add --chain ID or --file FILE")
    path = file or Path("deployments") / f"{chain_id}.json"
    book = load_book(path)
    if chain_id is not None and book.chain_id != chain_id:
        raise ArgumentInvalid(
            f"{path} is of chain {book.chain_id}, not {chain_id}",
            next_step="name the other file, or drop --chain",
        )
    return path, book


def _plain(finding: "Finding") -> dict[str, Any]:
    return {
        "name": finding.name,
        "contract": finding.contract,
        "address": finding.address,
        "agrees": finding.agrees,
        "code_hash_recorded": finding.code_hash_recorded,
        "code_hash_found": finding.code_hash_found,
        "abi": finding.abi,
        "transaction": finding.transaction,
        "listed_by_factory": finding.listed,
        "differences": list(finding.differences),
    }


def _print(data: dict[str, Any]) -> None:
    rows = [
        (item["name"], "same" if item["agrees"] else "DIFFERS", item["address"], item["abi"])
        for item in data["contracts"]
    ]
    print_table(rows, head=("name", "code", "address", "ABI"))
    for item in data["contracts"]:
        for difference in item["differences"]:
            click.echo(f"{item['name']}: {difference}")
        if item["listed_by_factory"]:
            click.echo(f"{item['name']}: the factory lists it")
    if data["agrees"]:
        click.echo(f"\nproves: {data['proves']}")
    click.echo(f"does not prove: {data['does_not_prove']}")
