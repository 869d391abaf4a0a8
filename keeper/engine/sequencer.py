"""Gives events their order and time, steps the core and logs both before anything leaves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keeper.core.state import State
from keeper.domain.approval import Approved
from keeper.domain.commands import Command, CommandId
from keeper.domain.events import Event, RunStarted
from keeper.journal import JournalWriter, Step
from keeper.journal.rerun import Core, rerun
from keeper.ports import Clock

__all__ = ["Issued", "NotLoggedError", "Sequencer", "StepFailedError"]


class StepFailedError(Exception):
    """Raised when the core failed on an event that is in the log; handled by the engine alone."""


class NotLoggedError(Exception):
    """Raised when the journal cannot be written: from here on no command may leave."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A command that is in the log and may leave; `t_ns` is when it was decided."""

    command_id: CommandId
    approved: Approved[Command]
    t_ns: int


class Sequencer:
    """Owns the state, the sequence and the journal; everything it does is synchronous."""

    def __init__(self, core: Core, journal: JournalWriter, clock: Clock) -> None:
        self._core = core
        self._journal = journal
        self._clock = clock
        self._run = 0
        self._seq = 0
        self._t_ns = 0
        self.state: State = core.initial_state()

    @property
    def seq(self) -> int:
        """Sequence of the last event."""
        return self._seq

    def recover(self) -> Iterator[Step]:
        """Rebuild the state from the journal, yielding each step once it is applied.

        Raises JournalCorrupt, ReplayMismatch, WrongRelease.
        """
        for recorded in self._journal.recover():
            rerun(self._core, self.state, recorded)
            self._seq, self._t_ns = recorded.seq, recorded.t_ns
            if isinstance(recorded.event, RunStarted):
                self._run = recorded.event.run
            yield recorded

    @property
    def run(self) -> int:
        """Number of the run the last event belongs to; 0 before the first."""
        return self._run

    def process(self, event: Event) -> list[Issued]:
        """Sequence one event; return its commands, which are in the log by then.

        Raises StepFailedError (the event is logged with the error), NotLoggedError.
        """
        t_ns = max(self._t_ns, self._clock.now_ns())
        seq = self._seq + 1
        if isinstance(event, RunStarted):
            self._run = event.run
        try:
            approved = self._core.step(self.state, t_ns, seq, event)
        except Exception as error:
            self._log(t_ns, event, (), type(error).__name__)
            raise StepFailedError(f"step {seq} failed on {type(event).__name__}") from error
        self._log(t_ns, event, [item.value for item in approved], "")
        return [
            Issued(CommandId(self._run, seq, ordinal), item, t_ns)
            for ordinal, item in enumerate(approved)
        ]

    def _log(self, t_ns: int, event: Event, commands: Sequence[Command], error: str) -> None:
        try:
            self._seq = self._journal.append(t_ns, event, commands, error=error)
        except OSError as os_error:
            raise NotLoggedError(f"the journal cannot be written: {os_error}") from os_error
        self._t_ns = t_ns
