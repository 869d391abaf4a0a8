"""Options of the bonds' commands: which node, and which lens looks at the bonds there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from keeper.cli.access import Place, Signing, address_of, decorated, with_wallet
from keeper.cli.acting import write_options_at
from keeper.cli.failures import ArgumentInvalid
from keeper.cli.options import config_options, load

if TYPE_CHECKING:
    from keeper.chain.bonds import BondReader
    from keeper.wallet import Wallet

__all__ = [
    "BondReach",
    "BondWrite",
    "bond_reach_options",
    "bond_write_options",
    "reader_of",
    "with_bonds",
]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

BOOKS: Final = Path("deployments")
LENS_NAME: Final = "bond_lens"


@dataclass(frozen=True, slots=True)
class BondReach:
    """Where the bonds are: from flags, else from the address book and the configuration file."""

    rpc_url: str | None
    lens: str | None
    chain_id: int | None
    book: Path | None
    file: Path
    overrides: tuple[str, ...]

    def place(self) -> Place:
        """Make out node and lens; files are read only if the flags do not say.

        Raises ConfigError, ArgumentInvalid.
        """
        rpc_url, chain_id = self.rpc_url, self.chain_id
        if rpc_url is None:
            config = load(self.file, self.overrides).config
            rpc_url, chain_id = config.evm.rpc_url, chain_id or config.evm.chain_id
        lens, chain_id = self._lens(chain_id)
        return Place(rpc_url, lens, chain_id, "")

    def _lens(self, chain_id: int | None) -> tuple[str, int | None]:
        if self.lens is not None:
            return address_of(self.lens), chain_id
        from keeper.addresses import load_book

        if self.book is None and chain_id is None:
            raise ArgumentInvalid(
                "where are the bonds?",
                next_step="add --lens ADDRESS, or --chain-id to take it from deployments/",
            )
        path = self.book or BOOKS / f"{chain_id}.json"
        book = load_book(path)
        if LENS_NAME not in book.contracts:
            raise ArgumentInvalid(
                f"{path} has no {LENS_NAME}",
                next_step="deploy the bonds beside the factory (ape run bonds), or add --lens",
            )
        return address_of(book.contracts[LENS_NAME].address), chain_id or book.chain_id


@dataclass(frozen=True, slots=True)
class BondWrite:
    """How a transaction reaches the bonds, who signs it, and whether it answers in JSON."""

    reach: BondReach
    signing: Signing
    as_json: bool


def bond_reach_options(function: F) -> F:
    """Add --rpc-url, --lens, --chain-id, --book, --config and --set; they arrive as `reach`."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        names = ("rpc_url", "lens", "chain_id", "book", "file", "overrides")
        reach = BondReach(**{name: kwargs.pop(name) for name in names})
        return function(*args, reach=reach, **kwargs)

    options = [
        click.option(
            "--rpc-url",
            envvar="KEEPER_RPC_URL",
            show_envvar=True,
            help="JSON-RPC endpoint; with --lens no configuration file is needed.",
        ),
        click.option(
            "--lens", envvar="KEEPER_BOND_LENS", show_envvar=True, help="The bonds' lens."
        ),
        click.option(
            "--chain-id", type=click.IntRange(min=1), help="Refuse an endpoint of another chain."
        ),
        click.option(
            "--book",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Address book that names the lens.  [default: deployments/<chain id>.json]",
        ),
        config_options,
    ]
    return decorated(wrapper, function, options)


def bond_write_options(function: F) -> F:
    """Add the options of a transaction to the bonds; they arrive as `write`."""
    return write_options_at(bond_reach_options, BondWrite)(function)


def reader_of(wallet: "Wallet") -> "BondReader":
    """Return the reader of the lens that a wallet was opened on."""
    from keeper.chain.bonds import BondReader

    return BondReader(wallet, wallet.vault)


def with_bonds(reach: BondReach, work: "Callable[[Wallet, BondReader], Awaitable[T]]") -> T:
    """Read at the bonds: open a wallet without a key, run `work`. Raises what the node raises."""
    return with_wallet(reach.place(), None, lambda wallet: work(wallet, reader_of(wallet)))
