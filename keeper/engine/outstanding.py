"""Which commands still wait for their end, so that a restart neither forgets nor repeats one."""

from typing import get_args

from keeper.domain.commands import ChainCommand, Command, CommandId, OrderCommand
from keeper.domain.events import CommandResult, Event, TransactionMined, TransactionSigned

__all__ = ["Outstanding", "keeper_result"]

_ORDERS = get_args(OrderCommand)
_OPERATIONS = get_args(ChainCommand)
_NO_TRACE = "the run ended before the result"
_NEVER_SIGNED = "the run ended before it was signed"


class Outstanding:
    """Follows each order command to its result and each chain command to its final receipt."""

    def __init__(self) -> None:
        self._orders: set[CommandId] = set()
        self._unsigned: set[CommandId] = set()
        self._signed: dict[CommandId, str] = {}

    def issue(self, command_id: CommandId, command: Command) -> None:
        """Start to follow a command that was logged."""
        if isinstance(command, _ORDERS):
            self._orders.add(command_id)
        elif isinstance(command, _OPERATIONS):
            self._unsigned.add(command_id)

    def note(self, event: Event) -> None:
        """Take in what an event says about a command."""
        if isinstance(event, CommandResult):
            self._note_result(event)
        elif isinstance(event, TransactionSigned):
            self._unsigned.discard(event.command)
            self._signed[event.command] = event.raw
        elif isinstance(event, TransactionMined) and event.final:
            self._signed.pop(event.command, None)

    @property
    def orders(self) -> int:
        """How many order commands have no result yet."""
        return len(self._orders)

    def lost(self) -> list[CommandResult]:
        """What to tell the core after a restart: UNKNOWN orders, chain commands never signed."""
        unknown = [keeper_result(each, "UNKNOWN", _NO_TRACE) for each in sorted(self._orders)]
        dropped = [keeper_result(each, "DROPPED", _NEVER_SIGNED) for each in sorted(self._unsigned)]
        return unknown + dropped

    def signed(self) -> list[tuple[CommandId, str]]:
        """Signed transactions without a final receipt, oldest first, to broadcast again."""
        return sorted(self._signed.items())

    def _note_result(self, result: CommandResult) -> None:
        self._orders.discard(result.command)
        if result.outcome in ("REJECTED", "DROPPED", "SHADOW"):
            self._unsigned.discard(result.command)
            self._signed.pop(result.command, None)


def keeper_result(command: CommandId, outcome: str, detail: str) -> CommandResult:
    """Return a result that the keeper itself, not a venue, gives."""
    return CommandResult(
        command=command, outcome=outcome, code=0, codespace="keeper", detail=detail, tx_hash=""
    )
