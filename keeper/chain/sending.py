"""Sends one operation and waits for it: what commands and relayers need, on the same machinery."""

from dataclasses import dataclass

from eth_account.signers.local import LocalAccount

from keeper.chain.operations import Operation
from keeper.chain.rpc import JsonRpc
from keeper.chain.signing import GasPolicy
from keeper.chain.transactions import TransactionSender
from keeper.domain.commands import CommandId
from keeper.domain.errors import AthanorError
from keeper.domain.events import CommandResult, Event, TransactionMined
from keeper.ports import Clock

__all__ = ["OperationFailed", "OperationSender"]

_POLL_SECONDS = 0.25


class OperationFailed(AthanorError):
    """Raised when an operation would revert, did revert, or was refused; `error` is its name.

    Handled by the command line.
    """

    def __init__(self, error: str, tx_hash: str = "") -> None:
        super().__init__(f"{error} (transaction {tx_hash})" if tx_hash else error)
        self.error = error
        self.tx_hash = tx_hash


@dataclass(frozen=True, slots=True)
class OperationSender:
    """One account that sends operations one by one."""

    rpc: JsonRpc
    account: LocalAccount
    gas: GasPolicy
    chain_id: int
    clock: Clock

    @property
    def address(self) -> str:
        return str(self.account.address)

    async def send(self, operation: Operation) -> TransactionMined:
        """Send and wait for inclusion; there is no deadline, a caller that has one cancels.

        Raises ChainUnavailable (wrong chain), OperationFailed.
        """
        await self.rpc.check_chain(self.chain_id)
        events: list[Event] = []
        sender = TransactionSender(
            self.rpc,
            self.account,
            self.gas,
            chain_id=self.chain_id,
            clock=self.clock,
            logged=_nothing_to_log,
        )
        sender.enqueue(CommandId(0, 0, 0), operation)
        while True:
            await sender.advance(events.append)
            found = _settled(events)
            if found is not None:
                return found
            await self.clock.sleep(_POLL_SECONDS)


async def _nothing_to_log() -> None:
    """A single operation keeps no log: its caller sees how it ended, or asks the chain."""


def _settled(events: list[Event]) -> TransactionMined | None:
    for event in events:
        if isinstance(event, CommandResult) and event.outcome in ("REJECTED", "DROPPED"):
            raise OperationFailed(event.detail, event.tx_hash)
        if isinstance(event, TransactionMined):
            if not event.succeeded:
                raise OperationFailed("the transaction reverted on inclusion", event.tx_hash)
            return event
    return None
