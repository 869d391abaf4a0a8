"""Compares an address book with what a node has at its addresses."""

from dataclasses import dataclass
from typing import Any, Final

from keeper import abi
from keeper.addresses import AddressBook, Deployed, abi_hash, code_hash
from keeper.chain.rpc import JsonRpc, RpcFailure, quantity
from keeper.domain.errors import ChainUnavailable

__all__ = ["Finding", "verify_book"]

_NO_CODE: Final = code_hash(b"")


@dataclass(frozen=True, slots=True)
class Finding:
    """One entry against the node; `differences` are sentences, empty when all agrees.

    `abi` is "same", "differs" or "not ours"; `transaction` is "same", "differs" or "not kept by
    this node".
    """

    name: str
    contract: str
    address: str
    code_hash_recorded: str
    code_hash_found: str
    abi: str
    transaction: str
    differences: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        return not self.differences


async def verify_book(rpc: JsonRpc, book: AddressBook) -> list[Finding]:
    """Compare every entry, in one round trip. Raises ChainUnavailable."""
    entries = list(book.contracts.items())
    asked: list[tuple[str, list[Any]]] = []
    for _, entry in entries:
        asked.append(("eth_getCode", [entry.address, "latest"]))
        asked.append(("eth_getTransactionReceipt", [entry.tx]))
    answers = await rpc.batch(asked)
    return [
        _finding(name, entry, answers[2 * number], answers[2 * number + 1])
        for number, (name, entry) in enumerate(entries)
    ]


def _finding(name: str, entry: Deployed, code: Any, receipt: Any) -> Finding:
    if isinstance(code, RpcFailure):
        raise ChainUnavailable(f"node answered {code.code}: {code.message}")
    found = code_hash(bytes.fromhex(code.removeprefix("0x")))
    ours = entry.contract in abi.names()
    same_abi = not ours or abi_hash(abi.load(entry.contract)) == entry.abi_hash
    block = _block_of(receipt)
    differences = []
    if found == _NO_CODE:
        differences.append(f"there is no code at {entry.address}")
    elif found != entry.code_hash:
        differences.append(f"code hash {found}, recorded {entry.code_hash}")
    if not same_abi:
        differences.append("its ABI is not this keeper's: install the release it was made with")
    if block is not None and block != entry.block:
        differences.append(f"transaction {entry.tx} is in block {block}, recorded {entry.block}")
    return Finding(
        name=name,
        contract=entry.contract,
        address=entry.address,
        code_hash_recorded=entry.code_hash,
        code_hash_found=found,
        abi=("same" if same_abi else "differs") if ours else "not ours",
        transaction="not kept by this node"
        if block is None
        else ("same" if block == entry.block else "differs"),
        differences=tuple(differences),
    )


def _block_of(receipt: Any) -> int | None:
    """Block of a deployment; None where the node has pruned it."""
    if not isinstance(receipt, dict):
        return None
    return quantity(receipt["blockNumber"])
