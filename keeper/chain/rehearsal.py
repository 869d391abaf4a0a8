"""Tries transactions one after the other on a node's own state, before anybody signs the first."""

from collections.abc import Sequence
from typing import Any, Final

from keeper.chain.calls import is_revert
from keeper.chain.codec import describe_revert
from keeper.chain.operations import Operation
from keeper.chain.rpc import JsonRpc, NodeRefused, RpcFailure, quantity

__all__ = ["Refused", "rehearse"]

_NO_SUCH_METHOD: Final = (-32601, -32602, -32600, -32004)
"""A node without eth_simulateV1 says so with one of these."""

Refused = tuple[int, str, str]
"""Which transaction would fail, the Solidity error's name, and the error with its arguments."""


async def rehearse(
    rpc: JsonRpc, sender: str, operations: Sequence[Operation], probe: Operation | None = None
) -> Refused | None:
    """Say which of the transactions would fail if they were sent in this order; None if none.

    On a node without eth_simulateV1 only the first is tried, and `probe`: a call that needs none
    of the earlier ones and fails for the same reasons as the last. Raises ChainUnavailable.
    """
    if not operations:
        return None
    try:
        return await _simulated(rpc, sender, operations)
    except NodeRefused as error:
        if error.failure.code not in _NO_SUCH_METHOD:
            raise
    tried = [(0, operations[0])]
    if probe is not None and len(operations) > 1:
        tried.append((len(operations) - 1, probe))
    return await _called(rpc, sender, tried)


async def _simulated(rpc: JsonRpc, sender: str, operations: Sequence[Operation]) -> Refused | None:
    calls = [_call(sender, operation) for operation in operations]
    body = {"blockStateCalls": [{"calls": calls}], "validation": False}
    (block,) = await rpc.call("eth_simulateV1", body, "latest")
    for index, outcome in enumerate(block["calls"]):
        if quantity(outcome["status"]) != 1:
            data = (outcome.get("error") or {}).get("data") or outcome.get("returnData", "0x")
            return (index, *describe_revert(data))
    return None


async def _called(
    rpc: JsonRpc, sender: str, tried: Sequence[tuple[int, Operation]]
) -> Refused | None:
    answers = await rpc.batch(
        [("eth_call", [_call(sender, operation), "latest"]) for _, operation in tried]
    )
    for (index, _), answer in zip(tried, answers, strict=True):
        if isinstance(answer, RpcFailure):
            if not is_revert(answer):
                raise NodeRefused(answer)
            return (index, *describe_revert(answer.data))
    return None


def _call(sender: str, operation: Operation) -> dict[str, Any]:
    return {"from": sender, "to": operation.to, "data": operation.data}
