"""A person's own account on the vault's chain: reads, and one transaction at a time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keeper.chain.calls import Block, Call, block_of, read_at, view
from keeper.chain.codec import contract
from keeper.chain.operations import Operation
from keeper.chain.rpc import JsonRpc, RpcFailure, quantity
from keeper.chain.sending import OperationFailed, OperationSender
from keeper.domain.errors import AthanorError, ChainUnavailable

__all__ = ["FundsMissing", "Receipt", "TransactionPending", "TransactionRefused", "Wallet"]


class FundsMissing(AthanorError):
    """Raised when an account lacks a balance or an allowance for what was asked."""


class TransactionRefused(AthanorError):
    """Raised when a transaction would revert, or did; names the contract's own error."""


class TransactionPending(AthanorError):
    """Raised when a transaction was sent but is not in a block within the time given."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction that succeeded; gas in gas units, its price in wei."""

    tx_hash: str
    block_number: int
    gas_used: int
    gas_price_wei: int


class Wallet:
    """One node, one vault, and the account that acts (None: reads only)."""

    def __init__(
        self, rpc: JsonRpc, vault: str, sender: OperationSender | None, *, wait_seconds: int
    ) -> None:
        self._rpc = rpc
        self._sender = sender
        self._wait_seconds = wait_seconds
        self.vault = vault
        self.chain_id = 0

    @property
    def address(self) -> str:
        """Address of the acting account; empty when it only reads."""
        return self._sender.address if self._sender is not None else ""

    async def open(self, chain_id: int | None) -> None:
        """Check the node and that the vault has code. Raises ChainUnavailable."""
        found, code = await self._rpc.batch(
            [("eth_chainId", []), ("eth_getCode", [self.vault, "latest"])]
        )
        self.chain_id = quantity(_value(found))
        if chain_id is not None and self.chain_id != chain_id:
            raise ChainUnavailable(
                f"{self._rpc.url} serves chain {self.chain_id}, expected {chain_id}",
                next_step="correct the RPC URL or the chain id",
            )
        if _value(code) in ("0x", ""):
            raise ChainUnavailable(
                f"there is no contract at {self.vault} on chain {self.chain_id}",
                next_step="correct the vault's address or the RPC URL",
            )

    async def close(self) -> None:
        await self._rpc.close()

    async def head(self) -> Block:
        """Return the newest block. Raises ChainUnavailable."""
        return block_of(await self._rpc.call("eth_getBlockByNumber", "latest", False))

    async def read(self, calls: Sequence[Call], block: Block | str = "latest") -> list[Any]:
        """Make reads at one block; a single answer comes unwrapped.

        Raises ChainUnavailable, CallReverted, WireError.
        """
        answers = await read_at(self._rpc, block, calls)
        return [answer[0] if len(answer) == 1 else answer for answer in answers]

    async def vault_views(self, names: Sequence[str], block: Block | str = "latest") -> list[Any]:
        """Read several argument-less views of the vault at one block."""
        return await self.read(
            [view("MarketMakingVault", self.vault, name) for name in names], block
        )

    async def ether_of(self, address: str) -> int:
        """Return an account's balance in wei. Raises ChainUnavailable."""
        return quantity(await self._rpc.call("eth_getBalance", address, "latest"))

    def operation(self, contract_name: str, to: str, name: str, *arguments: Any) -> Operation:
        """Lay out a call of a contract of ours. Raises KeyError."""
        return Operation(
            to, contract(contract_name).function(name, len(arguments)).encode(*arguments)
        )

    async def send(self, operation: Operation) -> Receipt:
        """Dry-run, sign, send, and wait for a block.

        Raises FundsMissing (ether for gas), TransactionRefused, TransactionPending,
        ChainUnavailable.
        """
        if self._sender is None:
            raise RuntimeError("a wallet without an account reads only")
        if await self.ether_of(self.address) == 0:
            raise FundsMissing(
                f"account {self.address} has no ether for gas",
                next_step="send it some ether on this chain",
            )
        try:
            async with asyncio.timeout(self._wait_seconds):
                mined = await self._sender.send(operation)
        except OperationFailed as error:
            raise TransactionRefused(
                f"the transaction was refused: {error}", next_step="see: keeper vault show"
            ) from error
        except TimeoutError as error:
            raise TransactionPending(
                f"a transaction of {self.address} is not in a block after {self._wait_seconds} s",
                next_step="it may still be included: look the account up before sending again",
            ) from error
        return Receipt(mined.tx_hash, mined.block_number, mined.gas_used, mined.effective_gas_price)


def _value(answer: Any) -> Any:
    if isinstance(answer, RpcFailure):
        raise ChainUnavailable(f"node answered {answer.code}: {answer.message}")
    return answer
