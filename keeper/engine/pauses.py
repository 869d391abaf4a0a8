"""The pauses the engine itself ordered at a stop, which the next start undoes; no one else's."""

from typing import Final

from keeper.domain.events import Event, OperatorCommand

__all__ = ["OPERATOR", "OwnPauses", "own_command"]

OPERATOR: Final = "engine"


class OwnPauses:
    """Markets whose last word is a pause by the engine; a person's word on them ends that."""

    def __init__(self) -> None:
        self._markets: dict[str, None] = {}

    def note(self, event: Event) -> None:
        """Take in an event of the log."""
        if not isinstance(event, OperatorCommand) or event.verb not in ("pause", "resume"):
            return
        if event.operator == OPERATOR and event.verb == "pause":
            self._markets[event.argument] = None
        elif event.argument == "":
            self._markets.clear()
        else:
            self._markets.pop(event.argument, None)

    def undone(self) -> list[OperatorCommand]:
        """Return the commands that resume those markets."""
        return [own_command("resume", market) for market in self._markets]


def own_command(verb: str, market: str) -> OperatorCommand:
    """Return an operator command in the engine's own name."""
    return OperatorCommand(verb=verb, argument=market, operator=OPERATOR)
