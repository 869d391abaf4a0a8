"""Reads what waits in a vault's timelock, and names operations as the timelock does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from keeper import abi
from keeper.chain.calls import Block, read_at, view
from keeper.chain.codec import checksum, contract
from keeper.chain.event_logs import Log, Progress, Span, read_logs
from keeper.chain.rpc import JsonRpc

__all__ = ["ZERO_HASH", "Inner", "Operation", "describe_call", "operation_id", "read_pending"]

ZERO_HASH: Final = "0x" + "00" * 32
_CONTRACT: Final = "VaultTimelock"
_DECODED: Final = ("Mandate", "NavReporter", "VaultTimelock", "MarketMakingVault")
_SINGLE: Final = ("address", "uint256", "bytes", "bytes32", "bytes32")
_DONE: Final = 1
_SELECTOR: Final = 4


@dataclass(frozen=True, slots=True)
class Inner:
    """A call that the timelock makes: target, wei, 0x-prefixed calldata."""

    target: str
    value: int
    data: str


@dataclass(frozen=True, slots=True)
class Operation:
    """What was scheduled and is neither executed nor cancelled; times in unix seconds.

    `redemptions_up_to` is the newest epoch whose redemptions have to be paid before, and `unpaid`
    whether they are not.
    """

    id: str
    calls: tuple[Inner, ...]
    predecessor: str
    salt: str
    ready_at: int
    redemptions_up_to: int
    unpaid: bool

    @property
    def is_batch(self) -> bool:
        return len(self.calls) > 1


def operation_id(call: Inner, predecessor: str, salt: str) -> str:
    """Name a single operation, as the contract's `hashOperation`."""
    values = (call.target, call.value, _raw(call.data), _raw(predecessor), _raw(salt))
    return "0x" + keccak(encode(_SINGLE, values)).hex()


async def read_pending(
    rpc: JsonRpc,
    lock: str,
    vault: str,
    *,
    first_block: int,
    block: Block,
    progress: Progress | None = None,
) -> tuple[Operation, ...]:
    """Read what waits in a timelock at a block, soonest first, from its events since `first_block`.

    Raises ChainUnavailable, NodeRefused, CallReverted, WireError.
    """
    span = Span(first_block, block.number)
    events = ("CallScheduled", "CallSalt")
    logs = await read_logs(rpc, _CONTRACT, lock, events, span, progress=progress)
    salts = {log.values["id"]: log.values["salt"] for log in logs if log.event == "CallSalt"}
    calls = _scheduled(log for log in logs if log.event == "CallScheduled")
    found = list(calls)
    views = [(name, id_) for id_ in found for name in ("getTimestamp", "redemptionsUpTo")]
    answers = await read_at(
        rpc, block, [view(_CONTRACT, lock, name, _raw(id_)) for name, id_ in views]
    )
    waiting = [
        (id_, ready_at, epoch)
        for id_, (ready_at,), (epoch,) in zip(found, answers[::2], answers[1::2], strict=True)
        if ready_at > _DONE
    ]
    unpaid = await _unpaid(rpc, vault, block, sorted({epoch for _, _, epoch in waiting}))
    return tuple(
        Operation(
            id=id_,
            calls=tuple(inner for _, inner in sorted(calls[id_].calls.items())),
            predecessor=calls[id_].predecessor,
            salt=salts.get(id_, ZERO_HASH),
            ready_at=ready_at,
            redemptions_up_to=epoch,
            unpaid=unpaid[epoch],
        )
        for id_, ready_at, epoch in sorted(waiting, key=lambda entry: entry[1])
    )


@dataclass(slots=True)
class _Scheduled:
    predecessor: str
    calls: dict[int, Inner]


def _scheduled(logs: Iterable[Log]) -> dict[str, _Scheduled]:
    """What was ever scheduled, by id; scheduled again after a cancel it is the same."""
    found: dict[str, _Scheduled] = {}
    for log in logs:
        values = log.values
        entry = found.setdefault(values["id"], _Scheduled(values["predecessor"], {}))
        target = checksum(values["target"])
        entry.calls[values["index"]] = Inner(target, values["value"], values["data"])
    return found


async def _unpaid(rpc: JsonRpc, vault: str, block: Block, epochs: list[int]) -> Mapping[int, bool]:
    """Whether redemptions up to an epoch still wait, its cut included."""
    ((open_epoch,), *answers) = await read_at(
        rpc,
        block,
        [
            view("MarketMakingVault", vault, "openEpoch"),
            *(view("MarketMakingVault", vault, "isUnpaid", epoch) for epoch in epochs),
        ],
    )
    return {
        epoch: unpaid or epoch >= open_epoch
        for epoch, (unpaid,) in zip(epochs, answers, strict=True)
    }


def describe_call(call: Inner) -> tuple[str, tuple[Any, ...]]:
    """Name a call of ours and its arguments; of a foreign one the name is its selector."""
    raw = _raw(call.data)
    for name in _DECODED:
        for entry in abi.load(name):
            if entry["type"] != "function":
                continue
            function = contract(name).function(entry["name"], len(entry["inputs"]))
            if function.selector == raw[:_SELECTOR]:
                try:
                    return function.name, tuple(decode(function.inputs, raw[_SELECTOR:]))
                except DecodingError:
                    return call.data[:10], (call.data,)
    return call.data[:10], (call.data,)


def _raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
