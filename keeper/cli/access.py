"""Options of commands that touch the vault's chain as a person: where it is, and who signs."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from keeper.cli.failures import ArgumentInvalid
from keeper.cli.options import collector_paused, config_options, load

if TYPE_CHECKING:
    from keeper.config.sections.keys import Key
    from keeper.wallet import Wallet

__all__ = [
    "Offline",
    "Place",
    "Reach",
    "Signing",
    "address_of",
    "decorated",
    "offline_options",
    "place_of",
    "reach_options",
    "signing_options",
    "with_wallet",
]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

DEFAULT_KEY = "KEEPER_DEPOSITOR_KEY"
RPC_TIMEOUT_SECONDS = 10
WEI_PER_GWEI = 10**9


@dataclass(frozen=True, slots=True)
class Reach:
    """Where the vault is: from flags, else from the configuration file."""

    rpc_url: str | None
    vault: str | None
    chain_id: int | None
    file: Path
    overrides: tuple[str, ...]

    def place(self) -> "Place":
        """Make out where the vault is. Raises as `place_of`."""
        return place_of(self)


@dataclass(frozen=True, slots=True)
class Place:
    """A `Reach` made out; `venue_account` is the vault's account on the order book, if known."""

    rpc_url: str
    vault: str
    chain_id: int | None
    venue_account: str


@dataclass(frozen=True, slots=True)
class Signing:
    """Who acts, and whether transactions are sent, only shown, or written for a Safe."""

    key_env: str
    keystore: Path | None
    password_env: str | None
    sender: str | None
    unsigned: bool
    safe: Path | None
    yes: bool
    wait_seconds: int
    max_fee_gwei: int

    @property
    def sends(self) -> bool:
        """Whether it signs and sends itself."""
        return not self.unsigned and self.safe is None

    def has_key(self) -> bool:
        """Whether a key is there to be used, without reading it."""
        names = (self.key_env, f"{self.key_env}_FILE")
        return self.keystore is not None or any(os.environ.get(name) for name in names)


def reach_options(function: F) -> F:
    """Add --rpc-url, --vault, --chain-id, --config and --set; they arrive as `reach`."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        names = ("rpc_url", "vault", "chain_id", "file", "overrides")
        return function(*args, reach=Reach(**{name: kwargs.pop(name) for name in names}), **kwargs)

    options = [
        click.option(
            "--rpc-url",
            envvar="KEEPER_RPC_URL",
            show_envvar=True,
            help="JSON-RPC endpoint; with --vault no configuration file is needed.",
        ),
        click.option("--vault", envvar="KEEPER_VAULT", show_envvar=True, help="Vault address."),
        click.option(
            "--chain-id", type=click.IntRange(min=1), help="Refuse an endpoint of another chain."
        ),
        config_options,
    ]
    return decorated(wrapper, function, options)


OFFLINE = (
    click.option("--unsigned", is_flag=True, help="Print to, data and value instead of sending."),
    click.option(
        "--safe",
        type=click.Path(path_type=Path, dir_okay=False, writable=True),
        metavar="FILE",
        help="Write a Safe Transaction Builder file instead of sending; --from is the Safe.",
    ),
)


@dataclass(frozen=True, slots=True)
class Offline:
    """A transaction for somebody else to send: shown, or written for a Safe."""

    unsigned: bool
    safe: Path | None
    sender: str | None

    @property
    def wanted(self) -> bool:
        return self.unsigned or self.safe is not None


def offline_options(function: F) -> F:
    """Add --unsigned, --safe and --from; they arrive as `offline`."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        offline = Offline(*(kwargs.pop(name) for name in ("unsigned", "safe", "sender")))
        return function(*args, offline=offline, **kwargs)

    sender = click.option("--from", "sender", metavar="ADDRESS", help="The Safe, for --safe.")
    return decorated(wrapper, function, [*OFFLINE, sender])


def signing_options(function: F) -> F:
    """Add the options of a command that sends a transaction; they arrive as `signing`."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        names = [*("key_env", "keystore", "password_env", "sender", "unsigned", "safe", "yes")]
        names += ["wait_seconds", "max_fee_gwei"]
        signing = Signing(**{name: kwargs.pop(name) for name in names})
        return function(*args, signing=signing, **kwargs)

    options = [
        click.option(
            "--key-env",
            default=DEFAULT_KEY,
            show_default=True,
            metavar="NAME",
            help="Environment variable with the private key (or NAME_FILE, naming a file).",
        ),
        click.option(
            "--keystore", type=click.Path(path_type=Path), help="Encrypted keystore instead."
        ),
        click.option("--password-env", metavar="NAME", help="Variable with its password."),
        click.option(
            "--from",
            "sender",
            metavar="ADDRESS",
            help="Acting account where no key signs: --unsigned, --safe, --preview.",
        ),
        *OFFLINE,
        click.option("--yes", "-y", is_flag=True, help="Do not ask before sending."),
        click.option(
            "--wait",
            "wait_seconds",
            type=click.IntRange(min=1),
            default=120,
            show_default=True,
            help="Longest time to wait for a block, in seconds.",
        ),
        click.option(
            "--max-fee-gwei",
            type=click.IntRange(min=1),
            default=200,
            show_default=True,
            help="Most to pay per gas; above it nothing is sent.",
        ),
    ]
    return decorated(wrapper, function, options)


def decorated(wrapper: Callable[..., Any], function: F, options: list[Any]) -> F:
    """Add options to a command through a wrapper that gathers them into one object."""
    command: Any = wrapper
    command.__name__, command.__doc__ = function.__name__, function.__doc__
    # click collects earlier parameters here; the wrapper stands in for the function.
    command.__click_params__ = list(getattr(function, "__click_params__", []))
    for option in reversed(options):
        command = option(command)
    result: F = command
    return result


def address_of(text: str) -> str:
    """Return an address with its checksum. Raises ArgumentInvalid."""
    from keeper.config.checksum import checksum_address

    try:
        return checksum_address(text)
    except ValueError as error:
        raise ArgumentInvalid(f"{text}: {error}", next_step="copy the whole address") from error


def place_of(reach: Reach) -> Place:
    """Make out where the vault is; a configuration file is read only if the flags do not say.

    Raises ConfigError, ArgumentInvalid.
    """
    rpc_url, vault, chain_id, account = reach.rpc_url, reach.vault, reach.chain_id, ""
    if rpc_url is None or vault is None:
        config = load(reach.file, reach.overrides).config
        rpc_url, vault = rpc_url or config.evm.rpc_url, vault or config.vault.address
        chain_id, account = chain_id or config.evm.chain_id, config.venue.address
    return Place(rpc_url, address_of(vault), chain_id, account)


def with_wallet(
    place: Place, signing: Signing | None, work: Callable[["Wallet"], Awaitable[T]]
) -> T:
    """Open a wallet, run `work` with it, close it; without `signing` it only reads.

    Raises what the key and the node raise.
    """
    with collector_paused():
        from keeper.bootstrap.wallet import Access, open_wallet
    access = Access(
        rpc_url=place.rpc_url,
        chain_id=place.chain_id,
        vault=place.vault,
        key=_key(signing) if signing is not None and signing.sends else None,
        wait_seconds=signing.wait_seconds if signing is not None else 0,
        timeout_seconds=RPC_TIMEOUT_SECONDS,
        max_fee_per_gas_wei=signing.max_fee_gwei * WEI_PER_GWEI if signing is not None else 0,
    )

    async def run() -> T:
        async with open_wallet(access, os.environ) as wallet:
            return await work(wallet)

    return asyncio.run(run())


def _key(signing: Signing) -> "Key":
    from keeper.config.sections.keys import Key

    if signing.keystore is None:
        return Key(env=signing.key_env)
    return Key(keystore_file=str(signing.keystore), password_env=signing.password_env)
