"""Secrets: read from the environment, a file it names, or a keystore; masked everywhere else."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from keeper.config.sections.keys import Key
from keeper.domain.errors import ConfigError

__all__ = ["KeyUnavailable", "Secret", "private_key_of", "read_key", "read_variable"]

CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
DYDX_PATH: Final = "m/44'/118'/0'/0/0"
MNEMONIC_WORDS: Final = (12, 15, 18, 21, 24)


class KeyUnavailable(ConfigError):
    """Raised when a key is not configured, not in the environment, or not a key; never shows it."""


class Secret:
    """A secret text; shows as asterisks, compares by identity, pickles not at all."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself: call it where it is used, never where it is logged."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(****)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not serialised")


def read_variable(name: str, environ: Mapping[str, str]) -> Secret:
    """Return the value of NAME, or the content of the file that NAME_FILE names.

    Raises KeyUnavailable when neither is set, both are, or the file cannot be read.
    """
    value, file = environ.get(name), environ.get(f"{name}_FILE")
    if value and file:
        raise KeyUnavailable(
            f"both {name} and {name}_FILE are set", next_step=f"unset one: unset {name}"
        )
    if file:
        try:
            value = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise KeyUnavailable(
                f"{name}_FILE names {file}, which cannot be read",
                next_step=f"check the path and its permissions: ls -l {file}",
            ) from error
    if not value or not value.strip():
        raise KeyUnavailable(
            f"environment variable {name} is not set",
            next_step=f"export {name}=... or {name}_FILE=/path/to/a/file/with/it",
        )
    return Secret(value.strip())


def read_key(key: Key | None, role: str, *, environ: Mapping[str, str], folder: Path) -> Secret:
    """Return the private key (0x hex) or mnemonic that a [keys] entry points to.

    `folder` is where relative keystore paths start. Raises KeyUnavailable.
    """
    if key is None:
        raise KeyUnavailable(
            f"no key is configured for {role}",
            next_step=f'add to the configuration: [keys.{role}] env = "KEEPER_{role.upper()}_KEY"',
        )
    if key.env is not None:
        return read_variable(key.env, environ)
    if key.command:
        raise KeyUnavailable(
            f"the key for {role} is held by {key.command[0]}, which signs but never shows it",
            next_step=f"where the key itself is needed: env or keystore_file in [keys.{role}]",
        )
    if key.keystore_file is None or key.password_env is None:
        raise KeyUnavailable(f"[keys.{role}] names no source", next_step="run keeper config check")
    password = read_variable(key.password_env, environ)
    return _decrypt(folder / Path(key.keystore_file).expanduser(), password)


def _decrypt(file: Path, password: Secret) -> Secret:
    from eth_keyfile.keyfile import decode_keyfile_json

    try:
        keystore = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise KeyUnavailable(
            f"keystore {file} cannot be read",
            next_step="check the path and that it is a v3 keystore",
        ) from error
    try:
        # The stub says str; bytes is what both key derivations take (str breaks pbkdf2).
        key = decode_keyfile_json(keystore, password.reveal().encode())  # type: ignore[arg-type]
        return Secret("0x" + key.hex())
    except (ValueError, KeyError, TypeError, NotImplementedError) as error:
        raise KeyUnavailable(
            f"keystore {file} does not open with that password",
            next_step="check the password variable",
        ) from error


def private_key_of(secret: Secret, role: str) -> bytes:
    """Return the 32 bytes of a hex key or of a mnemonic's first account. Raises KeyUnavailable."""
    text = secret.reveal().strip()
    if len(text.split()) in MNEMONIC_WORDS:
        return _from_mnemonic(text, role)
    digits = text[2:] if text[:2].lower() == "0x" else text
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        key = b""
    if len(key) != 32 or not 0 < int.from_bytes(key, "big") < CURVE_ORDER:
        raise KeyUnavailable(
            f"the secret for {role} is not a private key",
            next_step="it must be 0x and 64 hexadecimal digits (or, for the venue, a mnemonic)",
        )
    return key


def _from_mnemonic(words: str, role: str) -> bytes:
    from eth_account.hdaccount import ETHEREUM_DEFAULT_PATH, key_from_seed, seed_from_mnemonic
    from eth_utils.exceptions import ValidationError

    path = DYDX_PATH if role in ("venue", "treasurer_venue") else ETHEREUM_DEFAULT_PATH
    try:
        return bytes(key_from_seed(seed_from_mnemonic(words, ""), path))
    except (ValidationError, ValueError) as error:
        raise KeyUnavailable(
            f"the mnemonic for {role} is not valid", next_step="check the words and their order"
        ) from error
