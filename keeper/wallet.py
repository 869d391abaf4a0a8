"""A person's own account on the vault's chain: reads, and one transaction at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from keeper.chain.bond_refusals import BOND_STEPS
from keeper.chain.calls import Block, Call, CallReverted, block_of, read_at, read_each, view
from keeper.chain.event_logs import Log, Progress, Span, read_logs
from keeper.chain.operations import Operation, operation_of
from keeper.chain.overview import Overview, read_overview
from keeper.chain.rehearsal import rehearse
from keeper.chain.rpc import JsonRpc, RpcFailure, quantity
from keeper.chain.sending import OperationFailed, OperationSender
from keeper.chain.stake import Penalty, read_penalties
from keeper.chain.timelock import Operation as TimelockOperation
from keeper.chain.timelock import read_pending
from keeper.chain.vault_history import HistoryReader
from keeper.domain.errors import AthanorError, ChainUnavailable
from keeper.domain.history import VaultHistory

__all__ = [
    "ContractMissing",
    "FundsMissing",
    "Receipt",
    "TransactionPending",
    "TransactionRefused",
    "Wallet",
    "refusal",
]

T = TypeVar("T")

_NEXT_STEPS: Final = {
    "TooEarly": "wait until the time named (unix seconds): keeper vault show says how long that is",
    "WrongState": "a cut awaits its report: settle it with keeper report post, or wait until its "
    "report window of 6 hours has passed",
    "NothingToCancel": "see what waits: keeper vault requests ACCOUNT; what is in the cut cannot "
    "be cancelled until the cut settles, lapses or is held",
    "ClaimTooLarge": "see what is claimable: keeper vault requests ACCOUNT",
    "NotAuthorised": "the account must name you its operator (keeper vault operator ADDRESS), or "
    "approve you for its note",
    "RequestTooSmall": "the second number is the smallest request: keeper vault show",
    "ERC20InsufficientAllowance": "approve exactly the amount first: add --approve",
    "NotGuardian": "only the guardian may: keeper admin show names it; --from it with --unsigned",
    "NotVaultGuardian": "only the guardian may: keeper admin show names it",
    "NotOwner": "only the owner may, through its timelock: keeper admin propose",
    "NotVaultOwner": "only the owner may, through its timelock: keeper admin propose",
    "MayNotObject": "only the guardian or a current reporter may: keeper admin show names them",
    "ObjectionSpent": "the time named (unix seconds) is this account's next; another may object",
    "NoOpenCut": "there is nothing to object to: keeper vault show says when the next cut is due",
    "SlotEmpty": "no gain waits: keeper vault show",
    "PauseTooLong": "the second number is the longest pause, in seconds",
    "PauseTooSoon": "the time named (unix seconds) is the next at which a pause may begin; what "
    "else takes risk away: keeper admin tighten, object, end",
    "NotPaused": "nothing is paused: keeper admin show",
    "LimitLoosened": "the guardian only tightens; to loosen: keeper admin propose set-limits",
    "LimitTooLoose": "the second number is the bound of every vault: keeper admin show",
    "RoleConflict": "this account has another office of the vault: name one that has none",
    "AccessControlUnauthorizedAccount": "only the owner's multisig proposes; it and the guardian "
    "cancel: keeper admin show",
    "TimelockInsufficientDelay": "the second number is the shortest delay, in seconds",
    "TimelockUnexpectedOperationState": "it is not ready, or already done: keeper admin show",
    "RedemptionUnpaid": "redemptions up to that epoch were asked for before it was proposed: it "
    "can be executed once they are paid: keeper vault show",
    "StakeMissing": "nobody holds shares yet: the first deposit is the keeper's, which then locks "
    "them (keeper vault stake lock all)",
    "StakeTooSmall": "the second number is what counts of it: keeper vault stake show",
    "NothingWaits": "ask for it first, 7 days ahead: keeper vault stake request-withdrawal SHARES",
    "StillLocked": "wait until the time named (unix seconds): keeper vault stake show",
    "CohortPaid": "nothing is unpaid in that cut: keeper vault stake show says what is",
    "NotDue": "the time named (unix seconds) is the next at which a day is full",
    "Blacklisted": "the asset's issuer refuses this account: ask the issuer, nothing was sent",
    **BOND_STEPS,
}
"""By the name of the contract's error; what to do where the error alone does not say it."""


class FundsMissing(AthanorError):
    """Raised when an account lacks a balance or an allowance for what was asked."""


class TransactionRefused(AthanorError):
    """Raised when a transaction would revert, or did; names the contract's own error."""


class TransactionPending(AthanorError):
    """Raised when a transaction was sent but is not in a block within the time given."""


class ContractMissing(ChainUnavailable):
    """Raised when there is no contract where the vault should be."""


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
                f"{self._rpc.shown_url} serves chain {self.chain_id}, expected {chain_id}",
                next_step="correct the RPC URL or the chain id",
            )
        if _value(code) in ("0x", ""):
            raise ContractMissing(
                f"there is no contract at {self.vault} on chain {self.chain_id}",
                next_step="correct the address (keeper addresses list) or the RPC URL",
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

    async def consistent(self, read: Callable[[Block], Awaitable[T]]) -> T:
        """Read at the head, and again at that block if another came on top meanwhile.

        Development nodes answer for a head that is being replaced with parts of both blocks.
        """
        block = await self.head()
        found = await read(block)
        return found if (await self.head()).hash == block.hash else await read(block)

    async def overview(self) -> Overview:
        """Read the whole vault at one block. Raises what `read_overview` raises."""
        return await self.consistent(self.overview_at)

    async def overview_at(self, block: Block) -> Overview:
        """Read the whole vault at that block. Raises what `read_overview` raises."""
        return await read_overview(self._rpc, self.vault, block)

    async def history(
        self, reporter: str, first_block: int, progress: Progress | None = None
    ) -> VaultHistory:
        """Read the vault's events. Raises ChainUnavailable, NodeRefused, WireError."""
        return await HistoryReader(self._rpc, self.vault, reporter, progress).read(first_block)

    async def logs(
        self,
        contract_name: str,
        address: str,
        events: tuple[str, ...],
        span: Span,
        progress: Progress | None = None,
    ) -> list[Log]:
        """Read a contract's events, oldest first. Raises what `read_logs` raises."""
        return await read_logs(self._rpc, contract_name, address, events, span, progress=progress)

    async def pending(
        self, lock: str, first_block: int, block: Block, progress: Progress | None = None
    ) -> tuple[TimelockOperation, ...]:
        """Read what waits in the vault's timelock. Raises what `read_pending` raises."""
        return await read_pending(
            self._rpc, lock, self.vault, first_block=first_block, block=block, progress=progress
        )

    async def penalties(
        self, stake: str, first_block: int, block: Block, progress: Progress | None = None
    ) -> tuple[Penalty, ...]:
        """Read what was burnt of a keeper's stake. Raises what `read_penalties` raises."""
        return await read_penalties(
            self._rpc, stake, first_block=first_block, block=block, progress=progress
        )

    async def has_code(self, address: str, block: Block) -> bool:
        """Whether there is a contract at the address. Raises ChainUnavailable."""
        code = await self._rpc.call("eth_getCode", address, hex(block.number))
        return code not in ("0x", "")

    async def try_as(
        self, sender: str, calls: Sequence[Call], block: Block
    ) -> list[tuple[Any, ...] | CallReverted]:
        """Call as `sender` without sending; a call that reverts is answered by why."""
        return await read_each(self._rpc, block, calls, sender=sender)

    async def rehearse(self, sender: str, calls: Sequence[Call], probe: Call | None = None) -> None:
        """Try calls in order as transactions of `sender`; nothing is sent.

        `probe` is for nodes that cannot: see `keeper.chain.rehearsal`. Raises TransactionRefused,
        ChainUnavailable.
        """
        refused = await rehearse(
            self._rpc,
            sender,
            [operation_of(call) for call in calls],
            operation_of(probe) if probe is not None else None,
        )
        if refused is not None:
            number, error, detail = refused
            raise refusal(error, f"{calls[number].function.name}: {detail}")

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
            raise refusal(error.error.partition("(")[0], str(error)) from error
        except TimeoutError as error:
            raise TransactionPending(
                f"a transaction of {self.address} is not in a block after {self._wait_seconds} s",
                next_step="it may still be included: look the account up before sending again",
            ) from error
        return Receipt(mined.tx_hash, mined.block_number, mined.gas_used, mined.effective_gas_price)


def refusal(error: str, detail: str) -> TransactionRefused:
    """A contract's refusal by its error's name, with what to do about it."""
    return TransactionRefused(
        f"the transaction was refused: {detail}",
        next_step=_NEXT_STEPS.get(error, "see: keeper vault show"),
    )


def _value(answer: Any) -> Any:
    if isinstance(answer, RpcFailure):
        raise ChainUnavailable(f"node answered {answer.code}: {answer.message}")
    return answer
