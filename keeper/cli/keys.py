"""`keeper keys`: make, bring in, list and rotate encrypted keystores; no command shows a key."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from keeper.cli.options import collector_paused, json_option
from keeper.cli.output import emit, print_table

if TYPE_CHECKING:
    from keeper.config.keystores import Keystore, Keystores
    from keeper.config.secrets import Secret

__all__ = ["keys"]

F = TypeVar("F", bound=Callable[..., Any])
NAME = click.argument("name")
FOLDER = click.option(
    "--keystore-dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="KEEPER_KEYSTORE_DIR",
    show_envvar=True,
    help="Folder of the keystores; the user's data folder when not given.",
)


def password_options(function: F) -> F:
    """Add --password-env and --password-fd; without either the password is asked for."""
    variable = click.option(
        "--password-env", metavar="NAME", help="Variable with the password (or NAME_FILE)."
    )
    descriptor = click.option(
        "--password-fd",
        type=click.IntRange(min=0),
        help="File descriptor to read the password from, e.g. 3 with 3<file.",
    )
    return variable(descriptor(function))


@click.group()
def keys() -> None:
    """Make, bring in, list and rotate encrypted keys; none is ever shown."""


@keys.command()
@NAME
@FOLDER
@password_options
@json_option
def add(
    name: str, folder: Path | None, password_env: str | None, password_fd: int | None, as_json: bool
) -> None:
    """Make a key from the system's randomness and encrypt it.

    The same key has an EVM and a dYdX address; use one key for one purpose.
    """
    store = _keystores(folder)
    made = store.add(name, _password(password_env, password_fd))
    emit(as_json, _data(made), lambda: _print_made(made))


@keys.command("import")
@NAME
@FOLDER
@password_options
@click.option("--key-env", metavar="NAME", help="Variable with the key (or NAME_FILE).")
@click.option("--key-fd", type=click.IntRange(min=0), help="File descriptor to read the key from.")
@click.option(
    "--path",
    type=click.Choice(["evm", "dydx"]),
    default="dydx",
    show_default=True,
    help="Which account of a mnemonic: Ethereum's first, or dYdX's.",
)
@json_option
def import_key(
    name: str,
    folder: Path | None,
    password_env: str | None,
    password_fd: int | None,
    key_env: str | None,
    key_fd: int | None,
    path: str,
    as_json: bool,
) -> None:
    """Encrypt a key that exists already: 0x and 64 digits, or a mnemonic.

    Keys of vanity addresses are refused: generators of such have made keys that others could guess.
    """
    store = _keystores(folder)
    from keeper.config.secrets import private_key_of

    secret = _secret("key", key_env, key_fd)
    key = private_key_of(secret, "venue" if path == "dydx" else "keeper")
    made = store.put(name, key, _password(password_env, password_fd))
    emit(as_json, _data(made), lambda: _print_made(made))


@keys.command("list")
@FOLDER
@json_option
def list_keys(folder: Path | None, as_json: bool) -> None:
    """List the keystores of the folder with their addresses."""
    store = _keystores(folder)
    found = [_data(entry) for entry in store.all()]
    names = ("name", "state", "evm_address", "dydx_address", "mode", "created")
    data = {"folder": str(store.folder), "keys": found}
    emit(
        as_json,
        data,
        lambda: print_table([[entry[name] for name in names] for entry in found], head=names),
    )


@keys.command()
@NAME
@FOLDER
@password_options
@click.option("--activate", is_flag=True, help="Put the prepared key in the place of the old one.")
@json_option
def rotate(
    name: str,
    folder: Path | None,
    password_env: str | None,
    password_fd: int | None,
    activate: bool,
    as_json: bool,
) -> None:
    """Prepare the key that follows NAME, and say what remains to be done.

    The old key goes on until --activate swaps the files; it is then kept as retired.
    """
    store = _keystores(folder)
    if activate:
        new, old = store.activate(name)
        steps = _steps_after(old)
        data = {**_data(new), "retired": _data(old), "steps": steps}
    else:
        old = store.find(name)
        new = store.prepare(name, _password(password_env, password_fd))
        steps = _steps_before(name, old, new)
        data = {**_data(new), "follows": _data(old), "steps": steps}

    def human() -> None:
        _print_made(new, with_config=False)
        click.echo("\nwhat remains:")
        for number, step in enumerate(steps, start=1):
            click.echo(f"  {number}. {step}")

    emit(as_json, data, human)


def _steps_before(name: str, old: "Keystore", new: "Keystore") -> list[str]:
    ours, theirs = new.identity, old.identity
    return [
        "an EVM hot key: have the owner's multisig announce it, 7 days or more before the rest: "
        f"keeper admin propose set-keeper {ours.evm_address}",
        f"an EVM hot key: send ether for gas to {ours.evm_address}",
        "a venue hot key: with the owner's key register AllOf(SignatureVerification, "
        f"MessageFilter, SubaccountFilter, ClobPairIdFilter) for public key {ours.public_key}",
        "keeper halt; wait until keeper status shows no chain command under way; stop the keeper",
        f"keeper keys rotate {name} --activate",
        "an EVM hot key: keeper admin execute what was announced; "
        f"until then {theirs.evm_address} is the keeper",
        "a venue hot key: put the new authenticator's id into venue.authenticator_ids",
        "set the password variable to the new key's; keeper doctor; keeper run; keeper resume",
    ]


def _steps_after(old: "Keystore") -> list[str]:
    return [
        "finish the steps of keeper keys rotate that are left, then: keeper doctor; keeper run",
        f"remove the authenticator of public key {old.identity.public_key} with the owner's key",
        f"send what is left on {old.identity.evm_address} away, then delete {old.file}",
    ]


def _keystores(folder: Path | None) -> "Keystores":
    with collector_paused():
        from keeper.config.keystores import Keystores, default_folder

    return Keystores(folder or default_folder())


def _password(variable: str | None, descriptor: int | None) -> "Secret":
    return _secret("password", variable, descriptor, confirm=True)


def _secret(
    what: str, variable: str | None, descriptor: int | None, *, confirm: bool = False
) -> "Secret":
    """Read a secret from a variable, a descriptor or a person. Raises KeyUnavailable."""
    from keeper.config.secrets import KeyUnavailable, Secret, read_variable

    if variable is not None:
        return read_variable(variable, os.environ)
    if descriptor is not None:
        return Secret(_from_descriptor(descriptor))
    if not sys.stdin.isatty():
        raise KeyUnavailable(
            f"there is no terminal to ask for the {what}",
            next_step=f"name a variable or a descriptor: --{what}-env NAME or --{what}-fd 3",
        )
    text = click.prompt(what, hide_input=True, confirmation_prompt=confirm, err=True)
    return Secret(str(text))


def _from_descriptor(number: int) -> str:
    from keeper.config.secrets import KeyUnavailable

    try:
        with os.fdopen(number, encoding="utf-8", closefd=False) as stream:
            return stream.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyUnavailable(
            f"file descriptor {number} cannot be read",
            next_step="open it for the command, e.g. 3< file",
        ) from error


def _data(entry: "Keystore") -> dict[str, Any]:
    return {
        "name": entry.name,
        "state": entry.state,
        "evm_address": entry.identity.evm_address,
        "dydx_address": entry.identity.dydx_address,
        "public_key": entry.identity.public_key,
        "created": entry.created,
        "mode": f"{entry.file.stat().st_mode & 0o777:04o}",
        "file": str(entry.file),
    }


def _print_made(made: "Keystore", *, with_config: bool = True) -> None:
    data = _data(made)
    names = ("name", "state", "evm_address", "dydx_address", "public_key", "file")
    print_table([(name, data[name]) for name in names])
    if with_config:
        click.echo("\nin the configuration, for the role that uses it:")
        click.echo("[keys.keeper]    # or [keys.venue], [keys.reporter], ...")
        click.echo(f'keystore_file = "{made.file}"')
        click.echo('password_env = "KEEPER_KEYSTORE_PASSWORD"')
