"""Refusals that leave a step: said when they begin, never repeated at the rate of ticks."""

from keeper.core.state import State
from keeper.domain.approval import Refused
from keeper.domain.commands import NoteRefusal
from keeper.domain.units import NS_PER_SECOND

__all__ = ["fresh_notes"]

_QUIET_NS = 10 * NS_PER_SECOND


def fresh_notes(state: State, scope: str, refused: list[Refused]) -> list[NoteRefusal]:
    """Replace a scope's standing refusals and return notes of those that just began.

    A refusal is its code and subject; the same one is noted at most once in ten seconds, however
    often it comes and goes.
    """
    former = state.guard.active.get(scope, ())
    if not refused and not former:
        return []
    current: dict[str, Refused] = {}
    for entry in refused:
        current.setdefault(f"{entry.code}:{entry.subject}", entry)
    notes: list[NoteRefusal] = []
    for key, entry in current.items():
        noted = state.guard.noted.get(key)
        if key in former or (noted is not None and state.t_ns - noted < _QUIET_NS):
            continue
        state.guard.noted[key] = state.t_ns
        notes.append(
            NoteRefusal(
                code=entry.code, subject=entry.subject, limit=entry.limit, value=entry.value
            )
        )
    state.guard.active[scope] = sorted(current)
    return notes
