"""Safe Transaction Builder files: calls for a multisig to sign, as its web app imports them (pure).

The format is version 1.0 of the app's own export. A call whose arguments are all single words is
written as method and values, so that signers read it; one with tuples or lists is written as data,
because the app's parser of nested values loses digits.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_utils.crypto import keccak

from keeper.chain.calls import Call
from keeper.chain.codec import checksum

__all__ = ["BatchMeta", "batch_checksum", "safe_batch"]

_VERSION: Final = "1.0"
_BUILDER_VERSION: Final = "1.16.5"
"""Release of the app whose import and checksum rules these files follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchMeta:
    """What a file says about itself; `created_at_ms` is unix milliseconds."""

    chain_id: int
    safe: str
    name: str
    description: str
    created_at_ms: int


def safe_batch(meta: BatchMeta, calls: Sequence[Call]) -> dict[str, Any]:
    """Lay calls out as one file, executed in order and all together. Raises ValueError."""
    batch: dict[str, Any] = {
        "version": _VERSION,
        "chainId": str(meta.chain_id),
        "createdAt": meta.created_at_ms,
        "meta": {
            "name": meta.name,
            "description": meta.description,
            "txBuilderVersion": _BUILDER_VERSION,
            "createdFromSafeAddress": checksum(meta.safe),
            "createdFromOwnerAddress": "",
        },
        "transactions": [_transaction(call) for call in calls],
    }
    batch["meta"]["checksum"] = batch_checksum(batch)
    return batch


def batch_checksum(batch: dict[str, Any]) -> str:
    """Compute the checksum the app compares on import: of everything but the name and itself."""
    meta = {key: value for key, value in batch["meta"].items() if key != "checksum"}
    return "0x" + keccak(text=_serialize({**batch, "meta": {**meta, "name": None}})).hex()


def _serialize(value: Any) -> str:
    """The app's own spelling: sorted keys as a list, then the values, each with a comma."""
    if isinstance(value, dict):
        keys = sorted(value)
        return "{" + _json(keys) + "".join(f"{_serialize(value[key])}," for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_serialize(item) for item in value) + "]"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _transaction(call: Call) -> dict[str, Any]:
    function = call.function
    base: dict[str, Any] = {"to": checksum(call.to), "value": "0"}
    if not function.entry or not all(_is_word(kind) for kind in function.inputs):
        data = function.encode(*call.arguments)
        return {**base, "data": data, "contractMethod": None, "contractInputsValues": None}
    inputs = function.entry["inputs"]
    names = [parameter["name"] for parameter in inputs]
    values = zip(names, function.inputs, call.arguments, strict=True)
    return {
        **base,
        "data": None,
        "contractMethod": {
            "inputs": [
                {key: parameter[key] for key in ("internalType", "name", "type")}
                for parameter in inputs
            ],
            "name": function.name,
            "payable": function.entry["stateMutability"] == "payable",
        },
        "contractInputsValues": {name: _value(kind, value) for name, kind, value in values},
    }


def _is_word(kind: str) -> bool:
    return not kind.startswith("(") and not kind.endswith("]")


def _value(kind: str, value: Any) -> str:
    """Every value is a string: the app refuses numbers, which JSON would round."""
    if kind == "address":
        return checksum(value)
    if kind == "bool":
        return "true" if value else "false"
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
