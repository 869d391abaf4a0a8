"""What a run hands to the next besides the core's state; derived from the log alone."""

from typing import Final, get_args

import msgspec

from keeper.domain.commands import ChainCommand, Command, CommandId, OrderCommand
from keeper.domain.events import (
    CommandResult,
    Event,
    OperatorCommand,
    Reconciled,
    RunStarted,
    SubaccountObserved,
    TransactionMined,
    TransactionSigned,
)

__all__ = ["OPERATOR", "Carried", "CarryOver"]

OPERATOR: Final = "engine"
"""In whose name the engine pauses markets when it stops."""

_ORDERS = get_args(OrderCommand)
_OPERATIONS = get_args(ChainCommand)
_ACCOUNTS: Final = (SubaccountObserved, Reconciled)


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """A CarryOver at one step, to be stored.

    Commands still waiting for their end: orders without a result, chain commands not signed yet,
    and signed ones without a final receipt, with their bytes. `paused` are markets whose last word
    is a pause by the engine, in order. `account_height` is the venue height the log last knew the
    account at, -1 for none.
    """

    run: int = 0
    orders: tuple[CommandId, ...] = ()
    unsigned: tuple[CommandId, ...] = ()
    signed: tuple[tuple[CommandId, str], ...] = ()
    paused: tuple[str, ...] = ()
    account_height: int = -1


class CarryOver:
    """Follows the log, step by step."""

    def __init__(self, start: Carried) -> None:
        """Go on from where another one was."""
        self.run = start.run
        self.account_height = start.account_height
        self._orders = set(start.orders)
        self._unsigned = set(start.unsigned)
        self._signed = dict(start.signed)
        self._paused = dict.fromkeys(start.paused)

    def note(self, event: Event) -> None:
        """Take in an event of the log."""
        if isinstance(event, CommandResult):
            self._note_result(event)
        elif isinstance(event, _ACCOUNTS):
            self.account_height = event.height
        elif isinstance(event, TransactionSigned):
            self._unsigned.discard(event.command)
            self._signed[event.command] = event.raw
        elif isinstance(event, TransactionMined):
            if event.final:
                self._signed.pop(event.command, None)
        elif isinstance(event, OperatorCommand):
            self._note_word(event)
        elif isinstance(event, RunStarted):
            self.run = event.run

    def issue(self, command_id: CommandId, command: Command) -> None:
        """Start to follow a command of the log."""
        if isinstance(command, _ORDERS):
            self._orders.add(command_id)
        elif isinstance(command, _OPERATIONS):
            self._unsigned.add(command_id)

    @property
    def open_orders(self) -> int:
        """How many order commands have no result yet."""
        return len(self._orders)

    def frozen(self) -> Carried:
        """Return what is carried over at this step."""
        return Carried(
            run=self.run,
            orders=tuple(sorted(self._orders)),
            unsigned=tuple(sorted(self._unsigned)),
            signed=tuple(sorted(self._signed.items())),
            paused=tuple(self._paused),
            account_height=self.account_height,
        )

    def _note_result(self, result: CommandResult) -> None:
        self._orders.discard(result.command)
        if result.outcome in ("REJECTED", "DROPPED", "SHADOW"):
            self._unsigned.discard(result.command)
            self._signed.pop(result.command, None)

    def _note_word(self, word: OperatorCommand) -> None:
        if word.verb not in ("pause", "resume"):
            return
        if word.operator == OPERATOR and word.verb == "pause":
            self._paused[word.argument] = None
        elif word.argument == "":
            self._paused.clear()
        else:
            self._paused.pop(word.argument, None)
