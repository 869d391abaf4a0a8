"""Reads contract events over any span of blocks: a node that refuses a span gets half of it."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from keeper import abi
from keeper.chain.codec import checksum, signature, type_of
from keeper.chain.rpc import JsonRpc, NodeRefused, RpcFailure, quantity
from keeper.domain.errors import ChainUnavailable, WireError

__all__ = ["Log", "Progress", "Span", "block_times", "logs_of_receipt", "read_logs"]

_BATCH: Final = 100
_DYNAMIC: Final = ("string", "bytes")

Progress = Callable[[int], None]
"""Told after each answer how many more blocks have been searched."""


@dataclass(frozen=True, slots=True)
class Span:
    """Blocks from `first` to `last`, both included."""

    first: int
    last: int

    @property
    def halves(self) -> "tuple[Span, Span]":
        """The same blocks in two parts. Only of a span of two blocks or more."""
        middle = (self.first + self.last) // 2
        return Span(self.first, middle), Span(middle + 1, self.last)


@dataclass(frozen=True, slots=True)
class Log:
    """One decoded event: its arguments by name, addresses with checksum, hashes as 0x text."""

    event: str
    block: int
    index: int
    tx_hash: str
    values: Mapping[str, Any]


async def read_logs(
    rpc: JsonRpc,
    contract_name: str,
    address: str,
    events: tuple[str, ...],
    span: Span,
    *,
    progress: Progress | None = None,
) -> list[Log]:
    """Read a contract's events in a span, oldest first.

    Raises ChainUnavailable, NodeRefused (of a single block), WireError, KeyError.
    """
    shapes = {_topic(entry): entry for entry in _entries(contract_name, events)}
    found: list[Log] = []
    waiting = [span]
    while waiting:
        part = waiting.pop()
        query = {
            "address": address,
            "fromBlock": hex(part.first),
            "toBlock": hex(part.last),
            "topics": [list(shapes)],
        }
        try:
            raw = await rpc.call("eth_getLogs", query)
        except NodeRefused:
            if part.first >= part.last:
                raise
            waiting.extend(reversed(part.halves))
            continue
        found += [_decode(shapes[item["topics"][0]], item) for item in raw]
        if progress is not None:
            progress(part.last - part.first + 1)
    return found


async def block_times(rpc: JsonRpc, numbers: set[int]) -> dict[int, int]:
    """Return the unix seconds of blocks. Raises ChainUnavailable."""
    ordered, times = sorted(numbers), {}
    for start in range(0, len(ordered), _BATCH):
        part = ordered[start : start + _BATCH]
        answers = await rpc.batch([("eth_getBlockByNumber", [hex(n), False]) for n in part])
        for number, answer in zip(part, answers, strict=True):
            if isinstance(answer, RpcFailure) or answer is None:
                raise ChainUnavailable(f"{rpc.shown_url} does not have block {number}")
            times[number] = quantity(answer["timestamp"])
    return times


def logs_of_receipt(
    receipt: Mapping[str, Any], contracts: tuple[str, ...], events: tuple[str, ...]
) -> list[tuple[str, Log]]:
    """Decode those logs of a receipt that are one of these contracts' events, with their address.

    An event that not every contract has is looked for in those that have it. Raises WireError.
    """
    shapes = _shapes(contracts, events)
    known = [item for item in receipt["logs"] if item["topics"] and item["topics"][0] in shapes]
    return [(item["address"], _decode(shapes[item["topics"][0]], item)) for item in known]


@functools.cache
def _shapes(contracts: tuple[str, ...], events: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    entries = [entry for name in contracts for entry in abi.load(name)]
    return {_topic(e): e for e in entries if e["type"] == "event" and e["name"] in events}


@functools.cache
def _entries(contract_name: str, events: tuple[str, ...]) -> tuple[dict[str, Any], ...]:
    known = {e["name"]: e for e in abi.load(contract_name) if e["type"] == "event"}
    return tuple(known[name] for name in events)


def _topic(entry: Mapping[str, Any]) -> str:
    return "0x" + keccak(text=signature(entry)).hex()


def _decode(entry: Mapping[str, Any], item: Mapping[str, Any]) -> Log:
    indexed = [p for p in entry["inputs"] if p["indexed"]]
    plain = [p for p in entry["inputs"] if not p["indexed"]]
    try:
        values = {
            parameter["name"]: _of_topic(parameter["type"], topic)
            for parameter, topic in zip(indexed, item["topics"][1:], strict=True)
        }
        body = decode([type_of(p) for p in plain], bytes.fromhex(item["data"][2:]))
    except (DecodingError, ValueError) as error:
        raise WireError(f"a log of {entry['name']} is not of its declared shape") from error
    values.update((p["name"], _readable(value)) for p, value in zip(plain, body, strict=True))
    return Log(
        event=entry["name"],
        block=quantity(item["blockNumber"]),
        index=quantity(item["logIndex"]),
        tx_hash=item["transactionHash"],
        values=values,
    )


def _of_topic(kind: str, topic: str) -> Any:
    """An indexed argument; of a dynamic one only its hash is logged."""
    if kind in _DYNAMIC or kind.endswith("]"):
        return topic
    (value,) = decode([kind], bytes.fromhex(topic[2:]))
    return _readable(value)


def _readable(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    is_address = isinstance(value, str) and value.startswith("0x") and len(value) == 42
    return checksum(value) if is_address else value
