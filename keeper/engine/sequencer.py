"""Gives events their order and time, steps the core and logs both before anything leaves."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from keeper.core.state import State, copy_state
from keeper.domain.approval import Approved
from keeper.domain.commands import Command, CommandId
from keeper.domain.events import Event, VaultObserved
from keeper.journal import JournalWriter
from keeper.journal.carried import Carried, CarryOver
from keeper.journal.rerun import Core, Rerun
from keeper.journal.snapshots import Capture, newest_snapshot
from keeper.ports import Clock

__all__ = ["Issued", "NotLoggedError", "Recovery", "Sequencer", "StepFailedError"]


class StepFailedError(Exception):
    """Raised when the core failed on an event that is in the log; handled by the engine alone."""


class NotLoggedError(Exception):
    """Raised when the journal cannot be written: from here on no command may leave."""


class Issued(msgspec.Struct, frozen=True):
    """A command that is in the log and may leave; `t_ns` is when it was decided."""

    command_id: CommandId
    approved: Approved[Command]
    t_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What a start read: the step its snapshot was of (0: none), how many it decided again.

    `passed_over` says of each newer snapshot why it was of no use; `dropped_bytes` are those of an
    incomplete last write.
    """

    snapshot_seq: int
    decided: int
    passed_over: tuple[str, ...]
    dropped_bytes: int


class Sequencer:
    """Owns the state, the sequence and the journal; everything it does is synchronous."""

    def __init__(self, core: Core, journal: JournalWriter, clock: Clock) -> None:
        self._core = core
        self._journal = journal
        self._clock = clock
        self._seq = 0
        self._t_ns = 0
        self._kept_seq = 0
        self._wants_snapshot = False
        self._is_ahead_of_log = False
        self.recovery: Recovery | None = None
        self.carried = CarryOver(Carried())
        self.state: State = core.initial_state()

    @property
    def seq(self) -> int:
        """Sequence of the last event."""
        return self._seq

    @property
    def run(self) -> int:
        """Number of the run the last event belongs to; 0 before the first."""
        return self.carried.run

    def recover(self) -> Recovery:
        """Rebuild the state from the newest snapshot and the records after it, once.

        Raises JournalCorrupt, ReplayMismatch, WrongRelease.
        """
        if self.recovery is None:
            self.recovery = self._recovered()
        return self.recovery

    def process(self, event: Event) -> list[Issued]:
        """Sequence one event; return its commands, which are in the log by then.

        Raises StepFailedError (the event is logged with the error), NotLoggedError.
        """
        t_ns = max(self._t_ns, self._clock.now_ns())
        seq = self._seq + 1
        if self._journal.is_due(t_ns, event):
            self._end_segment()
        epoch = _epoch(self.state) if isinstance(event, VaultObserved) else None
        try:
            approved = self._core.step(self.state, t_ns, seq, event)
        except Exception as error:
            self._log(t_ns, event, (), type(error).__name__)
            raise StepFailedError(f"step {seq} failed on {type(event).__name__}") from error
        self._log(t_ns, event, [item.value for item in approved], "")
        if epoch is not None and epoch != _epoch(self.state):
            self._wants_snapshot = True
        issued = [
            Issued(CommandId(self.run, seq, ordinal), item, t_ns)
            for ordinal, item in enumerate(approved)
        ]
        for item in issued:
            self.carried.issue(item.command_id, item.approved.value)
        return issued

    def rest(self) -> None:
        """Use a quiet moment: end a segment that is nearly full, or after a cut or settlement.

        Raises NotLoggedError.
        """
        if self._wants_snapshot or self._journal.is_nearly_due(self._t_ns):
            self._end_segment()

    def close(self) -> None:
        """End the journal with a snapshot, for the next start to read nothing else. Raises OSError.

        A state that is ahead of the log leaves none.
        """
        if self._is_ahead_of_log or self.recovery is None or self._is_closed():
            self._journal.close()
            return
        try:
            self._journal.seal()
        except OSError:
            self._journal.close()
            raise
        self._journal.close(self._capture())

    def _recovered(self) -> Recovery:
        passed_over: list[str] = []
        start = newest_snapshot(self._journal.folder, passed_over.append)
        rerun = Rerun(self._core, start)
        for entry in self._journal.entries(start):
            rerun.take(entry)
        rerun.require_ours()
        self.state, self.carried = rerun.state, rerun.carried
        self._seq, self._t_ns = self._journal.last_seq, self._journal.last_t_ns
        self._kept_seq = self._seq if rerun.is_closed else 0
        torn = self._journal.torn
        return Recovery(
            snapshot_seq=start.seq if start is not None else 0,
            decided=rerun.decided,
            passed_over=tuple(passed_over),
            dropped_bytes=torn.dropped if torn is not None else 0,
        )

    def _is_closed(self) -> bool:
        """Whether the log ends with a snapshot already, and nothing came after it."""
        return self._seq == 0 or (self._seq == self._kept_seq and not self._journal.is_pending)

    def _end_segment(self) -> None:
        """Seal the open segment and keep a snapshot of its end, unless one is kept already."""
        self._wants_snapshot = False
        try:
            self._journal.seal()
        except OSError as error:
            self._is_ahead_of_log = True
            raise NotLoggedError(f"the journal cannot be written: {error}") from error
        if self._seq != self._kept_seq:
            self._journal.keep(self._capture())
            self._kept_seq = self._seq

    def _capture(self) -> Capture:
        return Capture(
            start=self._journal.next_start,
            positions=self._journal.positions,
            carried=self.carried.frozen(),
            state=copy_state(self.state),
        )

    def _log(self, t_ns: int, event: Event, commands: Sequence[Command], error: str) -> None:
        try:
            self._seq = self._journal.append(t_ns, event, commands, error=error)
        except OSError as os_error:
            self._is_ahead_of_log = True
            raise NotLoggedError(f"the journal cannot be written: {os_error}") from os_error
        self._t_ns = t_ns
        self.carried.note(event)


def _epoch(state: State) -> tuple[str, int] | None:
    """Which epoch of the vault is open or cut, as last observed."""
    vault = state.chain.vault
    return (vault.state, vault.epoch) if vault is not None else None
