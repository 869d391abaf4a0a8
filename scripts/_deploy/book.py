"""The record of what is deployed where: the address book, read first, written at each step."""

from pathlib import Path
from typing import Any

from keeper.addresses import AddressBook, Deployed, load_book, save_book

__all__ = ["ArgumentsChanged", "Book", "ChainMismatch"]


class ArgumentsChanged(ValueError):
    """A contract stands at the recorded address but was built with other arguments."""


class ChainMismatch(ValueError):
    """The record belongs to another chain than the one connected to."""


class Book:
    """Entries by name, e.g. `vault`, `uniswap_v3.weth-usdc`; `path` is replaced at each change."""

    def __init__(self, path: Path, chain_id: int, entries: dict[str, Deployed]) -> None:
        self.path = path
        self.chain_id = chain_id
        self.entries = entries

    @classmethod
    def open(cls, path: Path, chain_id: int) -> "Book":
        """Read the record if there is one. Raises ChainMismatch, ConfigError."""
        if not path.exists():
            return cls(path, chain_id, {})
        book = load_book(path)
        if book.chain_id != chain_id:
            raise ChainMismatch(f"{path} is of chain {book.chain_id}, connected to {chain_id}")
        return cls(path, chain_id, book.contracts)

    def known(self, name: str, contract: str, args: list[Any]) -> Deployed | None:
        """Return the entry if it was made from this contract and these arguments.

        Raises ArgumentsChanged otherwise: the old contract may hold money, so a new one needs a new
        record.
        """
        entry = self.entries.get(name)
        if entry is not None and (entry.contract, entry.args) != (contract, args):
            raise ArgumentsChanged(f"{name} at {entry.address}: {entry.args}, now {args}")
        return entry

    def add(self, name: str, entry: Deployed) -> None:
        """Record an entry and write the file."""
        self.entries[name] = entry
        save_book(self.path, AddressBook(chain_id=self.chain_id, contracts=self.entries))
