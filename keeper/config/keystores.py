"""Encrypted keystores (web3 v3) in a folder of the user's own; a private key is never shown.

Keys are 32 bytes of the operating system's randomness, nothing else: there is no search for an
address of a certain look, and an address that looks like the find of one is refused, because the
generators that people use for it have lost such keys their money. The check sees runs of one digit
at either end; it cannot see words.
"""

import itertools
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from keeper.config.secrets import CURVE_ORDER, KeyUnavailable, Secret

__all__ = ["Identity", "Keystore", "Keystores", "default_folder", "identity_of", "vanity_of"]

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
LEAST_PASSWORD: Final = 12
LEAST_HEX_RUN: Final = 6
LEAST_BECH32_RUN: Final = 5
CHECKSUM_CHARS: Final = 6
SCRYPT_COST: Final = 2**17
"""128 MiB and half a second for each guess, and once at each start of the keeper."""
PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
NEXT: Final = ".next"
RETIRED: Final = ".retired-"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a key is to others: its EVM address, dYdX address and compressed public key (hex)."""

    evm_address: str
    dydx_address: str
    public_key: str


@dataclass(frozen=True, slots=True)
class Keystore:
    """One file: its name, state (active, next or retired), age and identity."""

    name: str
    state: str
    created: str
    identity: Identity
    file: Path


def default_folder() -> Path:
    """Return the user's folder for keystores: the platform's own place for application data."""
    from platformdirs import user_data_path

    return user_data_path("athanor-keeper") / "keystores"


def identity_of(key: bytes) -> Identity:
    """Derive addresses and public key of a 32-byte private key."""
    from eth_account import Account

    from keeper.venues.dydx.keys import LocalSigner, SecretKey, address_of

    public_key = LocalSigner(SecretKey(key)).public_key
    return Identity(
        evm_address=str(Account.from_key(key).address),
        dydx_address=address_of(public_key),
        public_key=public_key.hex(),
    )


def vanity_of(identity: Identity) -> str:
    """Say what looks searched for in an address; empty when nothing does.

    One of about half a million honest keys is refused by mistake.
    """
    body = identity.evm_address[2:].lower()
    run = max(_run(body), _run(body[::-1]))
    if run >= LEAST_HEX_RUN:
        return f"{identity.evm_address} begins or ends with {run} equal digits"
    body = identity.dydx_address.removeprefix("dydx1")[:-CHECKSUM_CHARS]
    run = max(_run(body), _run(body[::-1]))
    if run >= LEAST_BECH32_RUN:
        return f"{identity.dydx_address} begins or ends with {run} equal characters"
    return ""


class Keystores:
    """The keystores of a folder; every file is written with mode 0600, the folder has 0700."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, password: Secret) -> Keystore:
        """Make a new key. Raises KeyUnavailable when the name is taken or the password short."""
        return self._store(name, "", _fresh_key(), password)

    def put(self, name: str, key: bytes, password: Secret) -> Keystore:
        """Encrypt a key made elsewhere. Raises KeyUnavailable, also on a vanity address."""
        if found := vanity_of(identity_of(key)):
            raise KeyUnavailable(
                f"{found}: keys of vanity addresses are refused",
                next_step="make a key from the system's randomness: keeper keys add NAME",
            )
        return self._store(name, "", key, password)

    def prepare(self, name: str, password: Secret) -> Keystore:
        """Make the key that is to follow one. Raises KeyUnavailable where there is none."""
        self.find(name)
        return self._store(name, NEXT, _fresh_key(), password)

    def activate(self, name: str) -> tuple[Keystore, Keystore]:
        """Put the prepared key in the place of the present one; return the new and the retired.

        Raises KeyUnavailable when none was prepared.
        """
        present, following = self._file(name, ""), self._file(name, NEXT)
        self.find(name)
        if not following.exists():
            raise KeyUnavailable(
                f"no key is prepared to follow {name}", next_step=f"keeper keys rotate {name}"
            )
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        retired = self._file(name, f"{RETIRED}{stamp}")
        os.link(present, retired)
        following.replace(present)
        return _read(present), _read(retired)

    def find(self, name: str) -> Keystore:
        """Return the active keystore of a name. Raises KeyUnavailable."""
        file = self._file(name, "")
        if not file.exists():
            raise KeyUnavailable(
                f"there is no keystore {name} in {self.folder}", next_step="keeper keys list"
            )
        return _read(file)

    def all(self) -> Iterator[Keystore]:
        """Yield every keystore, by name and state. Raises KeyUnavailable on a foreign file."""
        for file in sorted(self.folder.glob("*.json")):
            yield _read(file)

    def _store(self, name: str, state: str, key: bytes, password: Secret) -> Keystore:
        if not NAME.fullmatch(name):
            raise KeyUnavailable(
                f"{name!r} is no name for a key",
                next_step="lower-case letters, digits, - and _, for example: hot",
            )
        if len(password.reveal()) < LEAST_PASSWORD:
            raise KeyUnavailable(
                f"the password has fewer than {LEAST_PASSWORD} characters",
                next_step="use a generated one: openssl rand -base64 24",
            )
        file = self._file(name, state)
        self.folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        _write(file, json.dumps(_encrypted(key, password), indent=2) + "\n")
        return _read(file)

    def _file(self, name: str, state: str) -> Path:
        return self.folder / f"{name}{state}.json"


def _fresh_key() -> bytes:
    while True:
        key = secrets.token_bytes(32)
        if 0 < int.from_bytes(key, "big") < CURVE_ORDER and not vanity_of(identity_of(key)):
            return key


def _encrypted(key: bytes, password: Secret) -> dict[str, Any]:
    from eth_keyfile.keyfile import create_keyfile_json

    identity = identity_of(key)
    # The stub says str; bytes is what both key derivations take.
    secret: Any = password.reveal().encode()
    keyfile: dict[str, Any] = dict(
        create_keyfile_json(key, secret, kdf="scrypt", iterations=SCRYPT_COST)
    )
    keyfile["address"] = identity.evm_address[2:].lower()
    keyfile["athanor"] = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "evm_address": identity.evm_address,
        "dydx_address": identity.dydx_address,
        "public_key": identity.public_key,
    }
    return keyfile


def _write(file: Path, text: str) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    except FileExistsError as error:
        raise KeyUnavailable(
            f"{file} exists; a key is never overwritten",
            next_step="choose another name, or: keeper keys rotate NAME",
        ) from error
    except OSError as error:
        raise KeyUnavailable(
            f"{file} cannot be written: {error.strerror}", next_step="name another --keystore-dir"
        ) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _read(file: Path) -> Keystore:
    try:
        extra = json.loads(file.read_text(encoding="utf-8"))["athanor"]
        identity = Identity(extra["evm_address"], extra["dydx_address"], extra["public_key"])
        created = extra["created"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyUnavailable(
            f"{file} is no keystore of ours",
            next_step="move it elsewhere, or bring its key in: keeper keys import NAME",
        ) from error
    stem, state = file.stem, "active"
    for mark, word in ((NEXT, "next"), (RETIRED, "retired")):
        if mark in stem:
            stem, state = stem.partition(mark)[0], word
    return Keystore(stem, state, str(created), identity, file)


def _run(text: str) -> int:
    """Length of the run of one character at the start."""
    return len(list(itertools.takewhile(lambda char: char == text[0], text)))
