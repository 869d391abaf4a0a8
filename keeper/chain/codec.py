"""Encodes calls and decodes answers, events and typed errors by the contracts' ABIs."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from keeper import abi
from keeper.domain.errors import WireError

__all__ = ["Contract", "Function", "checksum", "describe_revert", "signature", "type_of"]

_WORD: Final = 32
_OTHER_RELEASE: Final = (
    "check the address, and that the contract is of this release: keeper addresses verify"
)
_PANIC: Final = keccak(text="Panic(uint256)")[:4]
_REVERT: Final = keccak(text="Error(string)")[:4]


@functools.lru_cache(maxsize=4096)
def checksum(address: str) -> str:
    """Spell an address with its EIP-55 checksum. Raises ValueError."""
    return to_checksum_address(address)


def type_of(parameter: Mapping[str, Any]) -> str:
    """Spell a parameter's type as signatures do, tuples by their components."""
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(type_of(component) for component in parameter["components"])
    return f"({inner}){kind.removeprefix('tuple')}"


def signature(entry: Mapping[str, Any]) -> str:
    """Canonical signature of a function, event or error, e.g. "idle()"."""
    return f"{entry['name']}({','.join(type_of(p) for p in entry['inputs'])})"


@dataclass(frozen=True, slots=True)
class Function:
    """One function of a contract: how its arguments and answers are laid out.

    `entry` is its ABI entry, empty for a function that has none of ours.
    """

    name: str
    selector: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    entry: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def encode(self, *arguments: Any) -> str:
        """Lay the arguments out as 0x-prefixed calldata. Raises eth_abi's EncodingError."""
        return "0x" + (self.selector + encode(self.inputs, arguments)).hex()

    def decode(self, data: str) -> tuple[Any, ...]:
        """Read an answer. Raises WireError when it is not of the declared shape."""
        try:
            raw = bytes.fromhex(data.removeprefix("0x"))
            if len(raw) < _WORD * len(self.outputs):
                raise ValueError("an account without code, or with another contract's")
            return tuple(decode(self.outputs, raw))
        except (DecodingError, ValueError) as error:
            raise WireError(
                f"answer of {self.name} is not {self.outputs}: {data[:80]}",
                next_step=_OTHER_RELEASE,
            ) from error


class Contract:
    """A contract's functions by name, from its ABI; overloads are told apart by argument count."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._functions = {
            (entry["name"], len(entry["inputs"])): Function(
                entry["name"],
                keccak(text=signature(entry))[:4],
                tuple(type_of(p) for p in entry["inputs"]),
                tuple(type_of(p) for p in entry["outputs"]),
                entry,
            )
            for entry in abi.load(name)
            if entry["type"] == "function"
        }

    def function(self, name: str, arity: int = 0) -> Function:
        """Find a function. Raises KeyError."""
        return self._functions[(name, arity)]


@functools.cache
def contract(name: str) -> Contract:
    """A contract by name, parsed once. Raises FileNotFoundError."""
    return Contract(name)


@functools.cache
def _errors() -> dict[bytes, tuple[str, tuple[str, ...]]]:
    known: dict[bytes, tuple[str, tuple[str, ...]]] = {}
    for name in abi.names():
        for entry in abi.load(name):
            if entry["type"] == "error":
                kinds = tuple(type_of(p) for p in entry["inputs"])
                known[keccak(text=signature(entry))[:4]] = (entry["name"], kinds)
    return known


def _spell(values: Iterable[Any]) -> str:
    return ", ".join(
        "0x" + v.hex() if isinstance(v, bytes) else f"({_spell(v)})" if _nested(v) else str(v)
        for v in values
    )


def _nested(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def describe_revert(data: str) -> tuple[str, str]:
    """Name a revert from its data: (error name, "Name(arg, ...)"); unknown data is shown raw."""
    raw = bytes.fromhex(data.removeprefix("0x"))
    if not raw:
        return "Reverted", "Reverted without data"
    selector, body = raw[:4], raw[4:]
    try:
        if selector == _REVERT:
            return "Error", f"Error({decode(['string'], body)[0]})"
        if selector == _PANIC:
            return "Panic", f"Panic({decode(['uint256'], body)[0]:#x})"
        if selector in _errors():
            name, kinds = _errors()[selector]
            return name, f"{name}({_spell(decode(kinds, body))})"
    except DecodingError:
        return "Reverted", f"undecodable revert data {data}"
    return "Reverted", f"unknown revert data {data}"
