"""The one place where a vault's phase changes, and the note of it that the log keeps."""

from keeper.core.state import State, Turn
from keeper.domain.approval import Refused
from keeper.domain.commands import NotePhase
from keeper.domain.events import OperatorCommand
from keeper.risk.phase import Phase

__all__ = ["OPERATOR", "halt", "obey", "phase_note", "trip"]

OPERATOR = "OPERATOR"
"""The code of a phase that a person's word made."""


def trip(state: State, why: Refused) -> bool:
    """Leave everything because of a stop; False when that is so already, or a person halted."""
    if state.guard.phase not in (Phase.ACTIVE, Phase.REDUCING):
        return False
    turn = Turn(t_ns=state.t_ns, code=why.code, limit=why.limit, value=why.value)
    _turn(state, Phase.EXITING, turn)
    return True


def halt(state: State, why: Refused) -> bool:
    """Send nothing more, not even an exit; False when that is so already."""
    if state.guard.phase is Phase.HALTED:
        return False
    turn = Turn(t_ns=state.t_ns, code=why.code, limit=why.limit, value=why.value)
    _turn(state, Phase.HALTED, turn)
    return True


def obey(state: State, phase: Phase, word: OperatorCommand) -> None:
    """Do as a person says. Who resumes accepts the loss so far: the stops begin anew."""
    if state.guard.phase is phase:
        return
    if phase is Phase.ACTIVE:
        state.guard.loss.started = False
        state.guard.loss.samples.clear()
        state.guard.loss.window.clear()
    turn = Turn(t_ns=state.t_ns, code=OPERATOR, operator=word.operator, reason=word.reason)
    _turn(state, phase, turn)


def phase_note(state: State, before: Phase) -> NotePhase | None:
    """Return what the log is told of a step that began in phase `before`; None for no change."""
    phase, turn = state.guard.phase, state.guard.turn
    if phase is before:
        return None
    return NotePhase(
        before=before.value,
        after=phase.value,
        code=turn.code,
        limit=turn.limit,
        value=turn.value,
        operator=turn.operator,
        reason=turn.reason,
    )


def _turn(state: State, phase: Phase, turn: Turn) -> None:
    state.guard.phase, state.guard.turn = phase, turn
