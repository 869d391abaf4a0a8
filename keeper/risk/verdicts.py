"""Commands that carry no risk of their own: notes and alerts pass as they are."""

from keeper.domain.approval import Approved
from keeper.domain.commands import NotePhase, NoteRefusal, RaiseAlert

__all__ = ["approve_notice"]


def approve_notice(
    notice: NoteRefusal | RaiseAlert | NotePhase,
) -> Approved[NoteRefusal | RaiseAlert | NotePhase]:
    """Pass a note or an alert: it reaches a person or the log, never a venue."""
    return Approved(notice)
