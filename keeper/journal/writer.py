"""Appends steps to the journal, rotates and seals its segments, and recovers after a crash."""

import fcntl
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from keeper.domain.commands import Command
from keeper.domain.errors import ConfigError
from keeper.domain.events import Event, ParamsChanged, RunStarted
from keeper.journal.background import Background, give_way
from keeper.journal.checking import Step
from keeper.journal.frames import Frames, header_frames, seal_frames, whole_segment
from keeper.journal.hashing import ChainPosition, Roots, StreamChain
from keeper.journal.layout import (
    compress_segment,
    remove_temporaries,
    segment_numbers,
    sync_folder,
    wal_path,
    write_durably,
)
from keeper.journal.reader import BEGINNING, Entry, JournalReader, SegmentStart, TornTail
from keeper.journal.records import (
    CommandRecord,
    EraRecord,
    EventRecord,
    SnapshotRecord,
    Stream,
    stream_of,
)
from keeper.journal.snapshots import (
    Capture,
    Snapshot,
    prune_snapshots,
    snapshot_hash,
    write_snapshot,
)
from keeper.journal.soundness import require_sound_before
from keeper.journal.syncing import Syncer

__all__ = ["JournalOptions", "JournalWriter"]

_SEGMENT_STARTS: Final = frozenset({RunStarted, ParamsChanged})
"""A segment belongs to one wheel and one set of parameters: these events begin a new one."""

_NEARLY: Final = (9, 10)
"""Which part of a limit lets a quiet moment be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalOptions:
    """When a segment is closed, and how long a record may wait for stable storage.

    A start decides at most the steps of one segment again, and of the one before it when it ended
    in the first moments of a segment.
    """

    max_segment_bytes: int = 16 * 1024 * 1024
    max_segment_age_ns: int = 3_600_000_000_000
    max_segment_steps: int = 5_000
    sync_interval_ms: int = 50


class JournalWriter:
    """The one writer of a journal folder, held by a lock until `close`.

    Order of use: `open`, exhaust `recover` or `entries`, then `append` at will, `close`.
    """

    def __init__(self, folder: Path, options: JournalOptions, lock: int) -> None:
        self.folder = folder
        self._options = options
        self._lock = lock
        self._chains: dict[Stream, StreamChain] | None = None
        self._syncer = Syncer(options.sync_interval_ms, folder)
        self._background = Background()
        self._unrecorded: deque[tuple[SegmentStart, Future[str]]] = deque()
        self._descriptor: int | None = None
        self._is_broken = False
        self._segment = 0
        self._segment_bytes = 0
        self._segment_t_ns = 0
        self._segment_seq = 0
        self.last_seq = 0
        self.last_t_ns = 0
        self.torn: TornTail | None = None

    @classmethod
    def open(cls, folder: Path, options: JournalOptions) -> "JournalWriter":
        """Create the folder if absent and take its lock.

        Raises ConfigError when another process writes there, OSError.
        """
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise ConfigError(
                f"journal folder {folder} is in use by another keeper",
                next_step="stop the other keeper or name another folder",
            ) from error
        return cls(folder, options, lock)

    def recover(self, start: Snapshot | None = None) -> Iterator[Step]:
        """Yield every step written before, or after `start`; else as `entries`."""
        return (entry for entry in self.entries(start) if isinstance(entry, Step))

    def entries(self, start: Snapshot | None = None) -> Iterator[Entry]:
        """Yield what was written, from the beginning or from a snapshot on.

        What lies before a snapshot is checked for damage, not read.
        At the end the journal is ready for `append`. An incomplete last write is cut off the file
        and reported in `torn`. Raises JournalCorrupt on anything else that does not verify,
        OSError.
        """
        if start is None:
            reader = JournalReader(self.folder, BEGINNING)
        else:
            require_sound_before(self.folder, start.segment)
            reader = JournalReader(self.folder, start.start, start.positions)
        yield from reader.entries()
        self.last_seq, self.last_t_ns, self.torn = reader.last_seq, reader.last_t_ns, reader.torn
        self._chains = {stream: check.chain for stream, check in reader.checks.items()}
        if reader.torn is not None:
            self._cut(reader.torn)
        self._finish_segments(any(check.is_open for check in reader.checks.values()))

    def append(
        self, t_ns: int, event: Event, commands: Sequence[Command], *, error: str = ""
    ) -> int:
        """Write the event and its commands with one write(2); return the event's seq.

        `error` names the exception type when `step` failed on the event. Raises OSError: then
        nothing of this step may leave the process.
        """
        if self._is_broken:
            raise OSError("an earlier write failed: the journal takes nothing more")
        if self.is_due(t_ns, event):
            self._open_segment(t_ns)
        seq, stream = self.last_seq + 1, stream_of(event)
        frames = Frames(self._ready_chains())
        if stream is Stream.ACCOUNT:
            for hashed in self._snapshot_records():
                frames.note(hashed)
        event_record = EventRecord(
            stream=stream, seq=seq, t_ns=t_ns, commands=len(commands), error=error, event=event
        )
        frames.add(stream, event_record)
        for ordinal, command in enumerate(commands):
            record = CommandRecord(
                stream=Stream.ACCOUNT, seq=seq, ordinal=ordinal, t_ns=t_ns, command=command
            )
            frames.add(Stream.ACCOUNT, record)
        self._write(b"".join(frames.content))
        self.last_seq, self.last_t_ns = seq, t_ns
        return seq

    def is_due(self, t_ns: int, event: Event) -> bool:
        """Whether this event begins a new segment."""
        if self._descriptor is None or type(event) in _SEGMENT_STARTS:
            return True
        options = self._options
        return (
            self.last_seq - self._segment_seq >= options.max_segment_steps
            or t_ns - self._segment_t_ns >= options.max_segment_age_ns
            or self._segment_bytes >= options.max_segment_bytes
        )

    def is_nearly_due(self, t_ns: int) -> bool:
        """Whether a quiet moment should be used to end the open segment."""
        options, (above, below) = self._options, _NEARLY
        return self._descriptor is not None and (
            (self.last_seq - self._segment_seq) * below >= options.max_segment_steps * above
            or (t_ns - self._segment_t_ns) * below >= options.max_segment_age_ns * above
            or self._segment_bytes * below >= options.max_segment_bytes * above
        )

    def seal(self) -> None:
        """End the open segment, if any; the next append begins another. Raises OSError."""
        if self._descriptor is None:
            return
        self._write(seal_frames(self._ready_chains()))
        self._syncer.release()
        self._background.finish(self._descriptor, self._syncer.wait_idle)
        self._descriptor = None
        self._compress_later(self._segment)

    @property
    def next_segment(self) -> int:
        """Number of the segment after the one that is open or was last."""
        return self._segment + 1

    @property
    def next_start(self) -> SegmentStart:
        """Where the next segment begins; to be asked between two."""
        chains = self._ready_chains()
        return SegmentStart(
            segment=self.next_segment,
            last_seq=self.last_seq,
            last_t_ns=self.last_t_ns,
            account_hash=chains[Stream.ACCOUNT].previous.hex(),
            market_hash=chains[Stream.MARKET].previous.hex(),
        )

    @property
    def positions(self) -> dict[Stream, ChainPosition]:
        """Where each stream's chain stands; to be asked between two segments."""
        return {stream: chain.position for stream, chain in self._ready_chains().items()}

    def keep(self, capture: Capture) -> None:
        """Write a snapshot of this moment, between two segments, off the path.

        Its hash enters the log with the first event of the account stream after it is durable.
        """
        self._unrecorded.append(
            (capture.start, self._background.do(partial(_write_out, self.folder, capture)))
        )

    @property
    def is_pending(self) -> bool:
        """Whether a snapshot was kept whose hash is not in the log yet."""
        return bool(self._unrecorded)

    def sync(self) -> None:
        """Force what was written to stable storage. Raises OSError."""
        self._background.wait_finished()
        self._syncer.sync_now()

    def roots(self) -> Roots:
        """Return the roots over everything appended so far."""
        chains = self._ready_chains()
        return Roots(self.last_seq, chains[Stream.ACCOUNT].root(), chains[Stream.MARKET].root())

    def settle(self) -> None:
        """Wait until what is closed is compressed and what is kept is written. Raises OSError."""
        self._background.settle()

    def begin_era(self, era: EraRecord, snapshot: bytes) -> None:
        """Begin another release's era between two segments; `snapshot` is what it starts from.

        Raises OSError.
        """
        self._add_segment(self.next_start, snapshot, era)

    def close(self, closing: Capture | None = None) -> None:
        """Seal and compress what is open and let go of the folder. Raises OSError.

        With a capture of the last step, its snapshot and a segment that holds only its hash end
        the journal: the next start reads nothing else. After a failed write the segment stays as
        it is: the next `recover` cuts the torn step.
        """
        try:
            if self._is_broken:
                self._abandon_segment()
            else:
                self.seal()
                if closing is not None:
                    self._background.settle()
                    self._add_segment(closing.start, closing.encoded(_without_pause))
        finally:
            self._release()

    def _release(self) -> None:
        try:
            self._background.close()
        finally:
            self._syncer.close()
            os.close(self._lock)

    def _ready_chains(self) -> dict[Stream, StreamChain]:
        if self._chains is None:
            raise RuntimeError("recover() has to be exhausted before the journal is used")
        return self._chains

    def _open_segment(self, t_ns: int) -> None:
        self.seal()
        self._background.wait_finished()
        self._background.raise_errors()
        start = self.next_start
        path = wal_path(self.folder, start.segment)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._segment = start.segment
        self._syncer.watch(self._descriptor)
        self._segment_bytes, self._segment_t_ns, self._segment_seq = 0, t_ns, self.last_seq
        self._write(header_frames(self._ready_chains(), start))

    def _add_segment(self, start: SegmentStart, snapshot: bytes, *notes: EraRecord) -> None:
        """Add a sealed segment that holds no step but `notes` and a snapshot's hash."""
        write_snapshot(self.folder, start.segment, snapshot)
        hashed = SnapshotRecord(
            stream=Stream.ACCOUNT,
            segment=start.segment,
            seq=start.last_seq,
            hash=snapshot_hash(snapshot),
        )
        content = whole_segment(self._ready_chains(), start, [*notes, hashed])
        self._background.wait_finished()
        write_durably(wal_path(self.folder, start.segment), content)
        self._segment = start.segment
        self._compress_later(start.segment)

    def _snapshot_records(self) -> list[SnapshotRecord]:
        """Return the hashes of the snapshots that became durable since. Raises OSError."""
        records: list[SnapshotRecord] = []
        while self._unrecorded and self._unrecorded[0][1].done():
            start, written = self._unrecorded.popleft()
            record = SnapshotRecord(
                stream=Stream.ACCOUNT,
                segment=start.segment,
                seq=start.last_seq,
                hash=written.result(),
            )
            records.append(record)
        return records

    def _abandon_segment(self) -> None:
        self._syncer.release()
        self._syncer.wait_idle()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, content: bytes) -> None:
        assert self._descriptor is not None  # noqa: S101 - a segment was opened
        self._is_broken = True
        self._syncer.raise_error()
        if os.write(self._descriptor, content) != len(content):
            raise OSError("the journal's disk took only part of a step")
        self._is_broken = False
        self._segment_bytes += len(content)
        self._syncer.mark()

    def _cut(self, torn: TornTail) -> None:
        path = self.folder / torn.segment
        if torn.offset == 0:
            path.unlink()
        else:
            os.truncate(path, torn.offset)
        sync_folder(self.folder)

    def _finish_segments(self, is_open: bool) -> None:
        remove_temporaries(self.folder)
        numbers = segment_numbers(self.folder)
        self._segment = numbers[-1] if numbers else 0
        if is_open:
            with wal_path(self.folder, self._segment).open("ab") as file:
                file.write(seal_frames(self._ready_chains()))
                file.flush()
                os.fsync(file.fileno())
        for number in numbers:
            if wal_path(self.folder, number).exists():
                self._compress_later(number)

    def _compress_later(self, number: int) -> None:
        self._background.do(partial(compress_segment, self.folder, number, give_way))


def _write_out(folder: Path, capture: Capture) -> str:
    """Write a snapshot durably and return its hash. Raises OSError."""
    raw = capture.encoded(give_way)
    write_snapshot(folder, capture.start.segment, raw)
    prune_snapshots(folder)
    return snapshot_hash(raw)


def _without_pause() -> None:
    """Nothing waits for the interpreter."""
