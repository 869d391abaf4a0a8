"""Appends steps to the journal, rotates and seals its segments, and recovers after a crash."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keeper.domain.commands import Command
from keeper.domain.errors import ConfigError
from keeper.domain.events import Event, ParamsChanged, RunStarted
from keeper.journal.checking import Step
from keeper.journal.framing import frame
from keeper.journal.hashing import BLOCK_RECORDS, Roots, StreamChain
from keeper.journal.layout import compress_segment, segment_numbers, sync_folder, wal_path
from keeper.journal.reader import JournalReader, TornTail
from keeper.journal.records import (
    FORMAT_VERSION,
    CommandRecord,
    EventRecord,
    HeaderRecord,
    Stream,
    encode_record,
    stream_of,
)
from keeper.journal.syncing import Syncer

__all__ = ["JournalOptions", "JournalWriter"]

_SEGMENT_STARTS: Final = frozenset({RunStarted, ParamsChanged})
"""A segment belongs to one wheel and one set of parameters: these events begin a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalOptions:
    """When a segment is closed, and how long a record may wait for stable storage."""

    max_segment_bytes: int = 16 * 1024 * 1024
    max_segment_age_ns: int = 3_600_000_000_000
    sync_interval_ms: int = 50


class JournalWriter:
    """The one writer of a journal folder, held by a lock until `close`.

    Order of use: `open`, exhaust `recover`, then `append` at will, `close`.
    """

    def __init__(self, folder: Path, options: JournalOptions, lock: int) -> None:
        self._folder = folder
        self._options = options
        self._lock = lock
        self._chains: dict[Stream, StreamChain] | None = None
        self._syncer = Syncer(options.sync_interval_ms)
        self._sealer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal-seal")
        self._sealing: list[Future[None]] = []
        self._descriptor: int | None = None
        self._is_broken = False
        self._segment = 0
        self._segment_bytes = 0
        self._segment_t_ns = 0
        self.last_seq = 0
        self.last_t_ns = 0
        self.last_run = 0
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

    def recover(self) -> Iterator[Step]:
        """Yield every step written before; at the end the journal is ready for `append`.

        An incomplete last write is cut off the file and reported in `torn`. Raises
        JournalCorrupt on anything else that does not verify, OSError.
        """
        reader = JournalReader(self._folder)
        for step in reader.steps():
            if isinstance(step.event, RunStarted):
                self.last_run = step.event.run
            yield step
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
        if self._must_rotate(t_ns, event):
            self._open_segment(t_ns)
        seq = self.last_seq + 1
        frames = _Frames(self._ready_chains())
        stream = stream_of(event)
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

    def sync(self) -> None:
        """Force what was written to stable storage. Raises OSError."""
        self._syncer.sync_now()

    def roots(self) -> Roots:
        """Return the roots over everything appended so far."""
        chains = self._ready_chains()
        return Roots(self.last_seq, chains[Stream.ACCOUNT].root(), chains[Stream.MARKET].root())

    def close(self) -> None:
        """Seal and compress what is open and let go of the folder. Raises OSError.

        After a failed write the segment stays as it is: the next `recover` cuts the torn step.
        """
        if self._is_broken:
            self._abandon_segment()
        elif self._descriptor is not None:
            self._seal_segment()
        self._sealer.shutdown(wait=True)
        self._syncer.close()
        os.close(self._lock)
        self._raise_sealing_errors()

    def _ready_chains(self) -> dict[Stream, StreamChain]:
        if self._chains is None:
            raise RuntimeError("recover() has to be exhausted before the journal is used")
        return self._chains

    def _must_rotate(self, t_ns: int, event: Event) -> bool:
        if self._descriptor is None or type(event) in _SEGMENT_STARTS:
            return True
        too_old = t_ns - self._segment_t_ns >= self._options.max_segment_age_ns
        return too_old or self._segment_bytes >= self._options.max_segment_bytes

    def _open_segment(self, t_ns: int) -> None:
        if self._descriptor is not None:
            self._seal_segment()
        self._raise_sealing_errors()
        chains = self._ready_chains()
        self._segment += 1
        path = wal_path(self._folder, self._segment)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._syncer.watch(self._descriptor)
        sync_folder(self._folder)
        self._segment_bytes, self._segment_t_ns = 0, t_ns
        self._write(self._header_frames(chains))

    def _header_frames(self, chains: dict[Stream, StreamChain]) -> bytes:
        frames: list[bytes] = []
        for stream, chain in chains.items():
            chain.segment = self._segment
            header = HeaderRecord(
                stream=stream,
                format=FORMAT_VERSION,
                segment=self._segment,
                first_seq=self.last_seq + 1,
                previous=chain.previous.hex(),
            )
            frames.append(frame(encode_record(header)))
            chain.add_header(frames[-1])
        return b"".join(frames)

    def _seal_segment(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        assert descriptor is not None  # noqa: S101 - callers hold an open segment
        self._syncer.release()
        try:
            os.write(descriptor, _seal_frames(self._ready_chains()))
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        self._compress_later(self._segment)

    def _abandon_segment(self) -> None:
        self._syncer.release()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, content: bytes) -> None:
        assert self._descriptor is not None  # noqa: S101 - a segment was opened
        self._syncer.raise_error()
        self._is_broken = True
        if os.write(self._descriptor, content) != len(content):
            raise OSError("the journal's disk took only part of a step")
        self._is_broken = False
        self._segment_bytes += len(content)
        self._syncer.mark()

    def _cut(self, torn: TornTail) -> None:
        path = self._folder / torn.segment
        if torn.offset == 0:
            path.unlink()
        else:
            os.truncate(path, torn.offset)
        sync_folder(self._folder)

    def _finish_segments(self, is_open: bool) -> None:
        numbers = segment_numbers(self._folder)
        self._segment = numbers[-1] if numbers else 0
        if is_open:
            with wal_path(self._folder, self._segment).open("ab") as file:
                file.write(_seal_frames(self._ready_chains()))
                file.flush()
                os.fsync(file.fileno())
        for number in numbers:
            if wal_path(self._folder, number).exists():
                self._compress_later(number)

    def _compress_later(self, number: int) -> None:
        self._sealing.append(self._sealer.submit(compress_segment, self._folder, number))

    def _raise_sealing_errors(self) -> None:
        finished = [future for future in self._sealing if future.done()]
        self._sealing = [future for future in self._sealing if not future.done()]
        for future in finished:
            future.result()


class _Frames:
    """Collects the frames of one write and puts block hashes where they are due."""

    __slots__ = ("_account", "_market", "content")

    def __init__(self, chains: dict[Stream, StreamChain]) -> None:
        self._account = chains[Stream.ACCOUNT]
        self._market = chains[Stream.MARKET]
        self.content: list[bytes] = []

    def add(self, stream: Stream, record: EventRecord | CommandRecord) -> None:
        framed = frame(encode_record(record))
        chain = self._market if stream is Stream.MARKET else self._account
        self.content.append(framed)
        chain.add(framed)
        if chain.count >= BLOCK_RECORDS:
            self.content.append(frame(encode_record(chain.close_block())))


def _seal_frames(chains: dict[Stream, StreamChain]) -> bytes:
    frames: list[bytes] = []
    for chain in chains.values():
        if chain.count:
            frames.append(frame(encode_record(chain.close_block())))
        frames.append(frame(encode_record(chain.seal())))
    return b"".join(frames)
