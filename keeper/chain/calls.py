"""Batched contract reads, all at one block."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from keeper.chain.codec import Function, contract, describe_revert
from keeper.chain.rpc import JsonRpc, RpcFailure, quantity
from keeper.domain.errors import AthanorError, ChainUnavailable

__all__ = ["Block", "Call", "CallReverted", "block_of", "read_at", "read_each", "view"]

_REVERTED_CODE: Final = 3


class CallReverted(AthanorError):
    """Raised when a read reverts; `error` is the Solidity error's name. Handled by the sources."""

    def __init__(self, call: str, error: str, detail: str) -> None:
        super().__init__(f"{call} reverted: {detail}")
        self.error = error
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Block:
    """A block's identity; timestamp in unix seconds."""

    number: int
    hash: str
    parent_hash: str
    timestamp: int
    base_fee_wei: int


@dataclass(frozen=True, slots=True)
class Call:
    """One read of a contract."""

    to: str
    function: Function
    arguments: tuple[Any, ...] = ()


def view(contract_name: str, address: str, function: str, *arguments: Any) -> Call:
    """Describe a read, e.g. view("MarketMakingVault", vault, "idle"). Raises KeyError."""
    return Call(
        address, contract(contract_name).function(function, len(arguments)), tuple(arguments)
    )


def block_of(answer: Any) -> Block:
    """Read a block header. Raises ChainUnavailable when the node does not have it."""
    if not isinstance(answer, dict):
        raise ChainUnavailable("the node does not have the block it was asked for")
    return Block(
        number=quantity(answer["number"]),
        hash=answer["hash"],
        parent_hash=answer["parentHash"],
        timestamp=quantity(answer["timestamp"]),
        base_fee_wei=quantity(answer.get("baseFeePerGas", "0x0")),
    )


def is_revert(failure: RpcFailure) -> bool:
    """Whether a node's "no" to a call is the contract's word and not the node's."""
    return bool(failure.data) or failure.code == _REVERTED_CODE or "revert" in failure.message


def _decode(call: Call, answer: Any) -> tuple[Any, ...] | CallReverted:
    if isinstance(answer, RpcFailure):
        if is_revert(answer):
            return CallReverted(f"{call.to}.{call.function.name}", *describe_revert(answer.data))
        raise ChainUnavailable(f"{call.function.name}: node answered {answer.message}")
    return call.function.decode(answer)


async def read_at(rpc: JsonRpc, block: Block | str, calls: Sequence[Call]) -> list[tuple[Any, ...]]:
    """Make the calls against one block (a header or a tag); answers in order, decoded.

    Raises ChainUnavailable, CallReverted (first call that reverts), WireError.
    """
    answers = await read_each(rpc, block, calls)
    for answer in answers:
        if isinstance(answer, CallReverted):
            raise answer
    return [answer for answer in answers if not isinstance(answer, CallReverted)]


async def read_each(
    rpc: JsonRpc, block: Block | str, calls: Sequence[Call], *, sender: str = ""
) -> list[tuple[Any, ...] | CallReverted]:
    """Make the calls like `read_at`, as `sender` if given; one that reverts is answered by why.

    Raises ChainUnavailable, WireError.
    """
    at: Any = block if isinstance(block, str) else {"blockHash": block.hash}
    who = {"from": sender} if sender else {}
    requests = [
        ("eth_call", [{**who, "to": c.to, "data": c.function.encode(*c.arguments)}, at])
        for c in calls
    ]
    answers = await rpc.batch(requests)
    return [_decode(call, answer) for call, answer in zip(calls, answers, strict=True)]
