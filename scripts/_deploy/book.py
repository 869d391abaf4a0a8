"""The record of what is deployed where: one JSON file, read first and written after each step."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["ArgumentsChanged", "Book", "ChainMismatch", "Entry"]


class ArgumentsChanged(ValueError):
    """A contract stands at the recorded address but was built with other arguments."""


class ChainMismatch(ValueError):
    """The record belongs to another chain than the one connected to."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One deployed contract: its name in the sources, and the transaction that made it."""

    contract: str
    address: str
    tx: str
    block: int
    args: list[Any]


class Book:
    """Entries by name, e.g. `vault`, `uniswap_v3.weth-usdc`; `path` is replaced at each change."""

    def __init__(self, path: Path, chain_id: int, entries: dict[str, Entry]) -> None:
        self.path = path
        self.chain_id = chain_id
        self.entries = entries

    @classmethod
    def open(cls, path: Path, chain_id: int) -> "Book":
        """Read the record if there is one. Raises ChainMismatch."""
        if not path.exists():
            return cls(path, chain_id, {})
        raw = json.loads(path.read_text())
        if raw["chain_id"] != chain_id:
            raise ChainMismatch(f"{path} is of chain {raw['chain_id']}, connected to {chain_id}")
        entries = {name: Entry(**entry) for name, entry in raw["contracts"].items()}
        return cls(path, chain_id, entries)

    def known(self, name: str, contract: str, args: list[Any]) -> Entry | None:
        """Return the entry if it was made from this contract and these arguments.

        Raises ArgumentsChanged otherwise: the old contract may hold money, so a new one needs a new
        record.
        """
        entry = self.entries.get(name)
        if entry is not None and (entry.contract, entry.args) != (contract, args):
            raise ArgumentsChanged(f"{name} at {entry.address}: {entry.args}, now {args}")
        return entry

    def add(self, name: str, entry: Entry) -> None:
        """Record an entry and write the file."""
        self.entries[name] = entry
        body = {
            "chain_id": self.chain_id,
            "contracts": {key: asdict(value) for key, value in self.entries.items()},
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(body, indent=2) + "\n")
        temporary.replace(self.path)
