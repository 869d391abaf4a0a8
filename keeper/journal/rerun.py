"""Decides a journal again and compares what the core says with what was logged.

Each era is decided by its own release alone: steps of another one are passed over, their hashes
still checked, and ours goes on from the state that its first record carries.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from keeper.core.migration import MigrationError, migrate
from keeper.core.state import State, initial_state, state_bytes, state_from_bytes
from keeper.core.step import step
from keeper.domain.approval import Approved
from keeper.domain.commands import Command, CommandId
from keeper.domain.errors import ReplayMismatch, WrongRelease
from keeper.domain.events import Event, RunStarted
from keeper.journal.carried import Carried, CarryOver
from keeper.journal.checking import Step
from keeper.journal.reader import Entry, EraBegun, SegmentBegun
from keeper.journal.records import (
    CommandRecord,
    EraRecord,
    SnapshotRecord,
    Stream,
    encode_record,
)
from keeper.journal.snapshots import Snapshot, decode_snapshot, encode_snapshot, snapshot_hash
from keeper.release import Release, running_release

__all__ = ["CORE", "Core", "Era", "Rerun", "StepFunction"]

StepFunction = Callable[[State, int, int, Event], tuple[Approved[Command], ...]]


@dataclass(frozen=True, slots=True)
class Core:
    """The deterministic heart: where it starts and how it advances."""

    initial_state: Callable[[], State]
    step: StepFunction


CORE = Core(initial_state, step)


@dataclass(frozen=True, slots=True)
class Era:
    """A stretch of the log that one release decided, from `first_seq` on; None: not known yet."""

    first_seq: int
    release: Release | None


class Rerun:
    """Takes a journal's entries in order; `state` and `carried` are those after the last step.

    `decided` counts steps decided again, `snapshots` the snapshots whose hash was found equal.
    """

    def __init__(self, core: Core, start: Snapshot | None = None) -> None:
        """Begin at the log's beginning, or at a snapshot that its hash in the log vouches for."""
        self._core = core
        self._segment: SegmentBegun | None = None
        self._expected: dict[int, str] = {}
        self._closing: SnapshotRecord | None = None
        self._start = start
        self.state = core.initial_state()
        self.carried = CarryOver(start.carried if start is not None else Carried())
        self.seq = start.seq if start is not None else 0
        self.eras = [Era(self.seq + 1, start.release if start is not None else None)]
        self.decided = self.snapshots = 0
        if start is not None and self.is_ours:
            self.state = state_from_bytes(bytes(start.state))

    @property
    def is_ours(self) -> bool:
        """Whether this release decides the era reached."""
        return self.eras[-1].release in (None, running_release())

    @property
    def is_closed(self) -> bool:
        """Whether the last entry is the hash of a snapshot of everything before it."""
        return self._closing is not None and self._closing.seq == self.seq

    def take(self, entry: Entry) -> None:
        """Advance by one entry.

        Raises ReplayMismatch naming the sequence, WrongRelease when a run of another release
        stands in this release's era.
        """
        if isinstance(entry, Step):
            self._step(entry)
        elif isinstance(entry, SegmentBegun):
            self._begin_segment(entry)
        elif isinstance(entry, SnapshotRecord):
            self._compare(entry)
        else:
            self._begin_era(entry)

    @property
    def closing(self) -> SnapshotRecord | None:
        """The last entry, if it is the hash of a snapshot of everything before it."""
        return self._closing if self.is_closed else None

    def require_ours(self) -> None:
        """Raise WrongRelease unless this release decides from here on."""
        if not self.is_ours:
            raise self.wrong_release(is_closed=self.is_closed)

    def wrong_release(self, *, is_closed: bool) -> WrongRelease:
        """Return the error that names who decides the era reached, and what leads to this one."""
        return _wrong_release(self.eras[-1].release or running_release(), is_closed=is_closed)

    def _step(self, recorded: Step) -> None:
        if isinstance(recorded.event, RunStarted):
            self._require_era_of(recorded.event)
        if self.is_ours:
            _decide_again(self._core, self.state, recorded)
            self.decided += 1
        self.seq, self._closing = recorded.seq, None
        self.carried.note(recorded.event)
        for ordinal, command in enumerate(recorded.commands):
            self.carried.issue(CommandId(self.carried.run, recorded.seq, ordinal), command)

    def _require_era_of(self, run: RunStarted) -> None:
        release = Release(version=run.package_version, wheel_hash=run.wheel_hash)
        era = self.eras[-1]
        if era.release is None:
            self.eras[-1] = Era(era.first_seq, release)
        elif era.release != release:
            raise WrongRelease(
                f"run {run.run} was made by {_named(release)} in the era of {_named(era.release)}",
                next_step="the journal was not made by this keeper; do not trade on it",
            )

    def _begin_segment(self, begun: SegmentBegun) -> None:
        self._segment = begun
        if self.is_ours:
            self._expect(begun)

    def _expect(self, begun: SegmentBegun) -> None:
        raw = encode_snapshot(
            begun.start, dict(begun.positions), self.carried.frozen(), state_bytes(self.state)
        )
        self._expected[begun.start.segment] = snapshot_hash(raw)

    def _compare(self, record: SnapshotRecord) -> None:
        self._closing = record
        expected = self._expected.pop(record.segment, None)
        if expected is None:
            return
        if expected != record.hash:
            raise _mismatch(record.seq, "the snapshot differs from the one whose hash is logged")
        self.snapshots += 1

    def _begin_era(self, begun: EraBegun) -> None:
        record = begun.record
        release = Release(version=record.package_version, wheel_hash=record.wheel_hash)
        if self._start is not None and self._start.segment == begun.segment:
            return  # the snapshot read is of after this record
        self._require_end_of_former(begun)
        self.eras.append(Era(record.seq + 1, release))
        self._expected.clear()
        if self.is_ours:
            former = _former(record)
            self.state = _migrated(former, record)
            self.carried = CarryOver(former.carried)
            if self._segment is not None:
                self._expect(self._segment)

    def _require_end_of_former(self, begun: EraBegun) -> None:
        record, closing = begun.record, self._closing
        former_hash = snapshot_hash(bytes(record.former))
        if closing is None or (closing.seq, closing.hash) != (record.seq, former_hash):
            raise _mismatch(record.seq, "the era before did not end with the state that follows")
        roots = (record.account_root, record.market_root)
        if roots != (begun.roots.account.hex(), begun.roots.market.hex()):
            raise _mismatch(record.seq, "the new era names other roots than the era before has")


def _former(record: EraRecord) -> Snapshot:
    try:
        return decode_snapshot(bytes(record.former))
    except msgspec.DecodeError as error:
        raise _mismatch(record.seq, f"the state before cannot be read: {error}") from error


def _migrated(former: Snapshot, record: EraRecord) -> State:
    try:
        state = migrate(former.schema, bytes(former.state))
    except MigrationError as error:
        raise _mismatch(record.seq, f"the state before cannot be migrated: {error}") from error
    if hashlib.sha256(state_bytes(state)).hexdigest() != record.state_hash:
        raise _mismatch(record.seq, "the migrated state differs from the one whose hash is logged")
    return state


def _decide_again(core: Core, state: State, recorded: Step) -> None:
    """Advance `state`; a step that failed has to fail the same way again."""
    error, commands = _attempt(core, state, recorded)
    if error != recorded.error:
        said, now = recorded.error or "no error", error or "no error"
        raise _mismatch(recorded.seq, f"the log holds {said}, step gives {now}")
    if len(commands) != len(recorded.commands):
        counts = f"the log holds {len(recorded.commands)} commands, step gives {len(commands)}"
        raise _mismatch(recorded.seq, counts)
    for ordinal, command in enumerate(commands):
        body = _body(recorded, ordinal, command)
        if body != recorded.command_bodies[ordinal]:
            raise _mismatch(recorded.seq, f"command {ordinal} differs")


def _attempt(core: Core, state: State, recorded: Step) -> tuple[str, tuple[Command, ...]]:
    try:
        approved = core.step(state, recorded.t_ns, recorded.seq, recorded.event)
    except Exception as error:  # noqa: BLE001 - the live loop recorded whatever step raised
        return type(error).__name__, ()
    return "", tuple(item.value for item in approved)


def _body(recorded: Step, ordinal: int, command: Command) -> bytes:
    return encode_record(
        CommandRecord(
            stream=Stream.ACCOUNT,
            seq=recorded.seq,
            ordinal=ordinal,
            t_ns=recorded.t_ns,
            command=command,
        )
    )


def _named(release: Release) -> str:
    return f"athanor-keeper {release.version} ({release.wheel_hash[:12]})"


def _wrong_release(theirs: Release, *, is_closed: bool) -> WrongRelease:
    install = f"install athanor-keeper=={theirs.version} with wheel hash {theirs.wheel_hash}"
    if is_closed:
        next_step = f"`keeper journal upgrade FOLDER` moves it to this release; or {install}"
    else:
        next_step = (
            f"{install} and run `keeper journal close FOLDER` with it: the last run did not end "
            "cleanly; then `keeper journal upgrade FOLDER` with this one"
        )
    message = f"the journal was written by {_named(theirs)}, this is {_named(running_release())}"
    return WrongRelease(message, next_step=next_step)


def _mismatch(seq: int, reason: str) -> ReplayMismatch:
    return ReplayMismatch(
        f"step {seq}: {reason}",
        next_step="the journal was not made by this code from these inputs; do not trade on it",
    )
