"""Compares an address book with what a node has at its addresses."""

from dataclasses import dataclass, replace
from typing import Any, Final

from keeper import abi
from keeper.addresses import AddressBook, Deployed, abi_hash, code_hash
from keeper.chain.calls import CallReverted, read_at, view
from keeper.chain.rpc import JsonRpc, RpcFailure, quantity
from keeper.domain.errors import ChainUnavailable, WireError

__all__ = ["Finding", "verify_book"]

_VAULT: Final = "vault"
_FACTORY: Final = "factory"
_NO_CODE: Final = code_hash(b"")


@dataclass(frozen=True, slots=True)
class Finding:
    """One entry against the node; `differences` are sentences, empty when all agrees.

    `abi` is "same", "differs" or "not ours"; `transaction` is "same", "differs" or "not kept by
    this node". `listed` is whether the book's factory says that it made the vault, None for
    every other contract and in a book without a factory.
    """

    name: str
    contract: str
    address: str
    code_hash_recorded: str
    code_hash_found: str
    abi: str
    transaction: str
    differences: tuple[str, ...]
    listed: bool | None = None

    @property
    def agrees(self) -> bool:
        return not self.differences


async def verify_book(rpc: JsonRpc, book: AddressBook) -> list[Finding]:
    """Compare every entry; ask the factory for the vault. Raises ChainUnavailable, WireError."""
    entries = list(book.contracts.items())
    asked: list[tuple[str, list[Any]]] = []
    for _, entry in entries:
        asked.append(("eth_getCode", [entry.address, "latest"]))
        asked.append(("eth_getTransactionReceipt", [entry.tx]))
    answers = await rpc.batch(asked)
    found = [
        _finding(name, entry, answers[2 * number], answers[2 * number + 1])
        for number, (name, entry) in enumerate(entries)
    ]
    listed = await _is_listed(rpc, book)
    return [it if it.name != _VAULT else _with_listing(it, book, listed) for it in found]


async def _is_listed(rpc: JsonRpc, book: AddressBook) -> bool | None:
    """Whether the book's factory names its vault; None where one of them is not in the book."""
    factory, vault = book.contracts.get(_FACTORY), book.contracts.get(_VAULT)
    if factory is None or vault is None:
        return None
    call = view("VaultFactory", factory.address, "isVault", vault.address)
    try:
        ((listed,),) = await read_at(rpc, "latest", [call])
    except (CallReverted, WireError):  # what stands there is no factory, as its own row says
        return False
    return bool(listed)


def _with_listing(finding: Finding, book: AddressBook, listed: bool | None) -> Finding:
    if listed is not False:
        return replace(finding, listed=listed)
    factory = book.contracts[_FACTORY].address
    said = f"the factory {factory} does not list it: its last stage was not run"
    return replace(finding, listed=False, differences=(*finding.differences, said))


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
