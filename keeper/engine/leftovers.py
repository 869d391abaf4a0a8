"""What a run tells the core about the one before: commands without an end, its own pauses."""

from keeper.domain.commands import CommandId
from keeper.domain.events import CommandResult, Event, OperatorCommand
from keeper.journal.carried import OPERATOR, Carried

__all__ = ["keeper_result", "left_over", "own_command"]

_NO_TRACE = "the run ended before the result"
_NEVER_SIGNED = "the run ended before it was signed"


def left_over(carried: Carried) -> list[Event]:
    """Return the first events of a run: UNKNOWN orders, chain commands never signed, resumes."""
    unknown = [keeper_result(each, "UNKNOWN", _NO_TRACE) for each in carried.orders]
    dropped = [keeper_result(each, "DROPPED", _NEVER_SIGNED) for each in carried.unsigned]
    resumed = [own_command("resume", market) for market in carried.paused]
    return [*unknown, *dropped, *resumed]


def keeper_result(command: CommandId, outcome: str, detail: str) -> CommandResult:
    """Return a result that the keeper itself, not a venue, gives."""
    return CommandResult(
        command=command, outcome=outcome, code=0, codespace="keeper", detail=detail, tx_hash=""
    )


def own_command(verb: str, market: str) -> OperatorCommand:
    """Return an operator command in the engine's own name."""
    return OperatorCommand(verb=verb, argument=market, operator=OPERATOR)
