"""The address book: which contract is deployed where, by which transaction, from which sources.

One file per chain, `deployments/<chain id>.json`, written by `ape run deploy`. Typed, so that
whoever integrates reads it with `load_book`; unknown fields are refused.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from eth_utils.crypto import keccak

from keeper.domain.errors import ConfigError

__all__ = ["AddressBook", "Deployed", "abi_hash", "code_hash", "load_book", "save_book"]


class Deployed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One deployed contract; hashes are keccak-256 as 0x and 64 hexadecimal digits.

    `args` are the constructor's; `abi_hash` see `abi_hash`; `code_hash` is of the runtime code at
    `address` right after the deployment. `source_commit` is the commit the sources were at, with
    "-dirty" behind it if contracts/ had changes, empty outside a checkout.
    """

    contract: str
    address: str
    tx: str
    block: int
    args: list[Any]
    abi_hash: str
    code_hash: str
    source_commit: str


class AddressBook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is deployed on one chain, by name, e.g. "vault" or "uniswap_v3.weth-usdc"."""

    chain_id: int
    contracts: dict[str, Deployed]

    def by_address(self, address: str) -> Deployed | None:
        """Find an entry by its address, however it is spelt."""
        wanted = address.lower()
        return next((e for e in self.contracts.values() if e.address.lower() == wanted), None)


def load_book(path: Path) -> AddressBook:
    """Read a book. Raises ConfigError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=AddressBook)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}",
            next_step="name the address book: --file deployments/<chain id>.json",
        ) from error
    except msgspec.MsgspecError as error:
        raise ConfigError(
            f"{path} is no address book: {error}",
            next_step="take the one that `ape run deploy` wrote",
        ) from error


def save_book(path: Path, book: AddressBook) -> None:
    """Write a book whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(msgspec.to_builtins(book), indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)


def abi_hash(abi: Sequence[Mapping[str, Any]]) -> str:
    """Hash what callers depend on: names, types and mutability, in no particular order.

    Compilers and tools write the same ABI in different orders and with different extra fields.
    """
    entries = sorted(json.dumps(_essence(entry), sort_keys=True) for entry in abi)
    return _hash("\n".join(entries).encode())


def code_hash(code: bytes) -> str:
    """Hash runtime code."""
    return _hash(code)


def _hash(data: bytes) -> str:
    return "0x" + keccak(data).hex()


def _essence(entry: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "type": entry["type"],
        "name": entry.get("name") or "",
        "inputs": [_parameter(item) for item in entry.get("inputs") or ()],
    }
    if entry["type"] in ("function", "constructor", "fallback", "receive"):
        found["mutability"] = entry.get("stateMutability") or "nonpayable"
        found["outputs"] = [_parameter(item) for item in entry.get("outputs") or ()]
    return found


def _parameter(item: Mapping[str, Any]) -> list[Any]:
    components = [_parameter(inner) for inner in item.get("components") or ()]
    return [item["type"], bool(item.get("indexed")), components]
