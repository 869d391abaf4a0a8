"""What became of a transaction, as events."""

from collections.abc import Mapping
from typing import Any

from keeper.chain.calls import is_revert
from keeper.chain.codec import describe_revert
from keeper.chain.effects import effects_of
from keeper.chain.rpc import RpcFailure, quantity
from keeper.domain.commands import CommandId
from keeper.domain.events import CommandResult, TransactionMined

__all__ = ["foreign", "mined", "refusal", "replaced", "result"]


def result(
    command: CommandId,
    outcome: str,
    *,
    code: int = 0,
    codespace: str = "",
    detail: str = "",
    tx_hash: str = "",
) -> CommandResult:
    """A command's result; outcomes as `CommandResult` defines them."""
    return CommandResult(
        command=command,
        outcome=outcome,
        code=code,
        codespace=codespace,
        detail=detail,
        tx_hash=tx_hash,
    )


def replaced(command: CommandId, nonce: int, tx_hash: str) -> CommandResult:
    """The nonce went to a transaction we did not sign: ours can never be included."""
    detail = f"nonce {nonce} was used by another transaction"
    return result(command, "REJECTED", code=1, codespace="nonce", detail=detail, tx_hash=tx_hash)


def foreign(command: CommandId, signer: str, account: str, tx_hash: str) -> CommandResult:
    """An earlier run signed with another key: nothing of its nonce is ours to send or replace."""
    detail = f"signed by {signer}, not by {account}: neither sent again nor followed"
    return result(command, "UNKNOWN", codespace="signer", detail=detail, tx_hash=tx_hash)


def refusal(command: CommandId, failure: RpcFailure) -> CommandResult:
    """The contract's typed error, or the node's own word, as the command's result."""
    if not is_revert(failure):
        return result(
            command, "REJECTED", code=failure.code, codespace="node", detail=failure.message
        )
    _name, detail = describe_revert(failure.data)
    code = int(failure.data[2:10], 16) if len(failure.data) >= 10 else 1
    return result(command, "REJECTED", code=code, codespace="evm", detail=detail)


def mined(
    command: CommandId, receipt: dict[str, Any], adapters: Mapping[str, str], *, final: bool
) -> TransactionMined:
    """A receipt as an event; `adapters` as in `effects_of`. Raises WireError."""
    return TransactionMined(
        command=command,
        tx_hash=receipt["transactionHash"],
        block_number=quantity(receipt["blockNumber"]),
        block_hash=receipt["blockHash"],
        succeeded=quantity(receipt["status"]) == 1,
        gas_used=quantity(receipt["gasUsed"]),
        effective_gas_price=quantity(receipt["effectiveGasPrice"]),
        final=final,
        effects=effects_of(receipt, adapters),
    )
