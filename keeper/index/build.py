"""Builds the index and keeps it up to date: reads what was appended, or everything anew.

The index remembers the last record it holds and the segment that record is in. It goes on only
where that segment still has its place in the chain and that record its bytes; anything else is
another journal, or one cut back by a power failure, and is read from the beginning; so is one
that another release of this code had indexed.
"""

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from keeper.domain.errors import AthanorError, JournalCorrupt
from keeper.index.facts import FactWriter, RunOf, run_of
from keeper.index.schema import TABLES, VERSION
from keeper.journal import BEGINNING, JournalReader, SegmentStart, Step
from keeper.release import running_release

__all__ = ["Index", "IndexUnavailable", "Position", "Progress", "RunStart", "open_index"]

Progress = Callable[[int, int], None]
"""Told (segments read, segments in all) as a build goes on."""

_COMMIT_EVERY: Final = 50_000
_BUSY_SECONDS: Final = 120.0


class IndexUnavailable(AthanorError):
    """Raised when the index file cannot be written or read; the command line handles it."""


class _OtherJournalError(Exception):
    """Raised inside this module when what is indexed is not the journal's beginning."""


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where the index ends: the last record's place and digest, and the folder's look then.

    `release` is the code that made the rows: another one may read the same records otherwise.
    """

    release: str
    start: SegmentStart = BEGINNING
    last_seq: int = 0
    last_t_ns: int = 0
    digest: str = ""
    stamp: str = ""


class RunStart(NamedTuple):
    """Where a segment begins, and the run that was going on there."""

    run: int
    segment: SegmentStart


class Index:
    """An index that was brought up to date with its journal, read as it was then; to be closed."""

    def __init__(self, database: sqlite3.Connection, journal: Path) -> None:
        self.database = database
        self.journal = journal
        database.execute("BEGIN")

    def close(self) -> None:
        self.database.close()

    @property
    def position(self) -> Position:
        """The last record the index holds."""
        return _position(self.database)

    @property
    def run(self) -> RunOf:
        """What the journal's newest run is."""
        return run_of(self.database)

    def segment_before(self, time_ns: int) -> RunStart:
        """Return where to start reading for everything from a time on."""
        row = self.database.execute(
            "SELECT run, start FROM segments WHERE first_ns <= ? ORDER BY number DESC LIMIT 1",
            (time_ns,),
        ).fetchone()
        return RunStart(0, BEGINNING) if row is None else _run_start(row)

    def last_segments(self) -> list[RunStart]:
        """Return where to start for the last segment, the last two, four and so on, and for all."""
        rows = self.database.execute(
            "SELECT run, start FROM segments ORDER BY number DESC"
        ).fetchall()
        chosen, step = [], 0
        while step < len(rows):
            chosen.append(_run_start(rows[step]))
            step = step * 2 + 1
        return [*chosen, RunStart(0, BEGINNING)]


def open_index(journal: Path, path: Path, progress: Progress | None = None) -> Index:
    """Open the index of a journal folder and bring it up to date.

    Raises IndexUnavailable, JournalCorrupt.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        database = _connect(path)
    except (OSError, sqlite3.Error) as error:
        raise _unavailable(path, error) from error
    try:
        _refresh(database, journal, progress or _silent)
    except (OSError, sqlite3.Error) as error:
        database.close()
        raise _unavailable(path, error) from error
    except BaseException:
        database.close()
        raise
    return Index(database, journal)


def _connect(path: Path) -> sqlite3.Connection:
    """Connect; a file that is no index of this version is replaced by an empty one."""
    database = _opened(path)
    if _is_ours(database):
        return database
    database.close()
    path.unlink()
    return _opened(path)


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)


def _is_ours(database: sqlite3.Connection) -> bool:
    try:
        version: int = database.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError:
        return False
    return version in (0, VERSION)


def _refresh(database: sqlite3.Connection, journal: Path, progress: Progress) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        if database.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            _create(database)
        stamp = _stamp(journal)
        known, release = _position(database), running_release().wheel_hash
        if known.release != release:
            _start_over(database)
            known = Position(release=release)
        if known.stamp != stamp:
            try:
                _Build(database, journal, progress, stamp).run(known)
            except (_OtherJournalError, JournalCorrupt):
                if known.last_seq == 0:
                    raise
                _start_over(database)
                _Build(database, journal, progress, stamp).run(Position(release=release))
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


class _Build:
    """One pass over what the index does not hold yet."""

    def __init__(
        self, database: sqlite3.Connection, journal: Path, progress: Progress, stamp: str
    ) -> None:
        self._database = database
        self._journal = journal
        self._progress = progress
        self._stamp = stamp
        self._facts = FactWriter(database)
        self._start = BEGINNING
        self._segment = 0

    def run(self, known: Position) -> None:
        """Raises JournalCorrupt; _OtherJournalError when `known` is not in this journal."""
        reader = JournalReader(self._journal, known.start)
        last: Step | None = None
        for last in self._unknown_steps(reader, known):
            self._facts.take(last)
            if last.seq % _COMMIT_EVERY == 0:
                self._save(last)
                self._database.execute("COMMIT")
                self._database.execute("BEGIN IMMEDIATE")
        if last is not None:
            self._save(last, self._stamp)
        elif known.last_seq:
            _write_position(self._database, msgspec.structs.replace(known, stamp=self._stamp))

    def _unknown_steps(self, reader: JournalReader, known: Position) -> Iterator[Step]:
        """Yield the steps behind the known ones, once the last known one was met again."""
        met = known.last_seq == 0
        for step in reader.steps():
            if reader.start.segment != self._segment:
                self._enter(reader, step)
            if step.seq > known.last_seq:
                if not met:
                    raise _OtherJournalError
                yield step
            elif step.seq == known.last_seq:
                if _digest(step) != known.digest:
                    raise _OtherJournalError
                met = True
        if not met:
            raise _OtherJournalError

    def _enter(self, reader: JournalReader, step: Step) -> None:
        self._segment, self._start = reader.start.segment, reader.start
        self._progress(self._segment - 1, len(reader.segments))
        start = msgspec.json.encode(reader.start)
        row = (self._segment, step.t_ns, self._facts.run, start)
        self._database.execute("INSERT OR IGNORE INTO segments VALUES (?, ?, ?, ?)", row)

    def _save(self, step: Step, stamp: str = "") -> None:
        """Remember a step and its own segment's start: segments behind it may hold no step."""
        self._facts.flush()
        position = Position(
            release=running_release().wheel_hash,
            start=self._start,
            last_seq=step.seq,
            last_t_ns=step.t_ns,
            digest=_digest(step),
            stamp=stamp,
        )
        _write_position(self._database, position)


def _create(database: sqlite3.Connection) -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")


def _start_over(database: sqlite3.Connection) -> None:
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (name,) in tables:
        database.execute(f"DROP TABLE {name}")
    _create(database)


def _run_start(row: tuple[Any, ...]) -> RunStart:
    return RunStart(row[0], msgspec.json.decode(row[1], type=SegmentStart))


def _position(database: sqlite3.Connection) -> Position:
    row = database.execute("SELECT value FROM meta WHERE key = 'position'").fetchone()
    return Position(release="") if row is None else msgspec.json.decode(row[0], type=Position)


def _write_position(database: sqlite3.Connection, position: Position) -> None:
    row = ("position", msgspec.json.encode(position))
    database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", row)


def _digest(step: Step) -> str:
    hasher = hashlib.sha256(msgspec.json.encode((step.seq, step.t_ns, step.error, step.event)))
    for body in step.command_bodies:
        hasher.update(body)
    return hasher.hexdigest()


def _stamp(journal: Path) -> str:
    """What the folder looks like: nothing was written as long as it stays the same."""
    looks = []
    for path in sorted([*journal.glob("*.wal"), *journal.glob("*.sealed")]):
        with contextlib.suppress(FileNotFoundError):  # sealed and compressed meanwhile
            looks.append((path.name, path.stat().st_size, path.stat().st_mtime_ns))
    return hashlib.sha256(repr((str(journal.resolve()), looks)).encode()).hexdigest()


def _unavailable(path: Path, error: Exception) -> IndexUnavailable:
    return IndexUnavailable(
        f"the index {path} cannot be used: {error}",
        next_step="make its folder writable, or name another by KEEPER_CACHE_DIR",
    )


def _silent(_done: int, _total: int) -> None:
    """Nobody wants to know."""
