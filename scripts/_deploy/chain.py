"""Steps on a chain through Ape: deploy once, call once, contracts from npm artifacts."""

import json
from pathlib import Path
from typing import Any

from ape import chain, networks
from ape.api import AccountAPI, ReceiptAPI
from ape.contracts import ContractContainer, ContractInstance
from ethpm_types import Bytecode, ContractType

from keeper.addresses import Deployed, abi_hash, code_hash
from scripts._deploy.book import Book
from scripts._deploy.source import source_commit

__all__ = ["CodeMissing", "Deployer", "npm_contract"]

NPM = Path(__file__).resolve().parents[2] / "node_modules"


class CodeMissing(RuntimeError):
    """The record names an address without code: the chain was reset, start a new record."""


def npm_contract(artifact: str) -> ContractContainer:
    """Return a contract from an artifact's path under node_modules, bytecode as published."""
    raw = json.loads((NPM / artifact).read_text())
    return ContractContainer(
        ContractType(
            contractName=raw["contractName"],
            abi=raw["abi"],
            deploymentBytecode=Bytecode(bytecode=raw["bytecode"]),
        )
    )


class Deployer:
    """Deploys through one account and keeps the record; repeating a step changes nothing."""

    def __init__(self, account: AccountAPI, book: Book) -> None:
        self.account = account
        self.book = book

    @classmethod
    def connected(cls, account: AccountAPI, record: Path) -> "Deployer":
        """Return a deployer on the connected chain. Raises ChainMismatch."""
        return cls(account, Book.open(record, chain.chain_id))

    def contract(self, name: str, container: ContractContainer, *args: Any) -> ContractInstance:
        """Deploy a contract, or return the one that the record names.

        Raises ArgumentsChanged, CodeMissing.
        """
        kind = container.contract_type.name or name
        plain = _plain(list(args))
        known = self.book.known(name, kind, plain)
        if known is not None:
            return self.at(container, known.address)
        transaction = container(*args)
        transaction.sender = self.account.address
        receipt = self.account.call(transaction)
        self.created(name, container, str(receipt.contract_address), receipt, plain)
        return self.at(container, self.book.entries[name].address)

    def created(
        self,
        name: str,
        container: ContractContainer,
        address: str,
        receipt: ReceiptAPI,
        args: list[Any],
    ) -> None:
        """Record a contract that a transaction of this run created. Raises CodeMissing."""
        self.record(name, container, address, (receipt.txn_hash, receipt.block_number), args)

    def record(
        self,
        name: str,
        container: ContractContainer,
        address: str,
        made_by: tuple[str, int],
        args: list[Any],
    ) -> None:
        """Record a contract with the code it has now; `made_by` is its transaction and block.

        Raises CodeMissing.
        """
        kind = container.contract_type
        entry = Deployed(
            contract=kind.name or name,
            address=address,
            tx=made_by[0],
            block=made_by[1],
            args=args,
            abi_hash=abi_hash([item.model_dump(mode="json", by_alias=True) for item in kind.abi]),
            code_hash=code_hash(self._code(address)),
            source_commit=source_commit(),
        )
        self.book.add(name, entry)

    def at(self, container: ContractContainer, address: str) -> ContractInstance:
        """Return a contract that must exist. Raises CodeMissing."""
        self._code(address)
        # `container.at` prefers the type that Ape remembers there, even of a chain since reset.
        return ContractInstance(address, container.contract_type)

    def _code(self, address: str) -> bytes:
        code = bytes(networks.provider.get_code(address))
        if not code:
            raise CodeMissing(f"no code at {address}, recorded in {self.book.path}")
        return code


def _plain(value: Any) -> Any:
    """Return arguments as JSON would give them back, so that records compare equal."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (int, str, bool)) else str(value)
