"""Ends one release's era of a journal and begins the next: close, back up, migrate, go on."""

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keeper.core.migration import MigrationError, migrate
from keeper.core.state import State, copy_state, state_bytes
from keeper.domain.errors import ConfigError, WrongRelease
from keeper.domain.events import SCHEMA_VERSION
from keeper.journal.layout import sync_folder
from keeper.journal.reader import SegmentBegun
from keeper.journal.records import EraRecord, Stream
from keeper.journal.rerun import CORE, Core, Rerun
from keeper.journal.snapshots import (
    Capture,
    Snapshot,
    decode_snapshot,
    encode_snapshot,
    newest_snapshot,
    read_snapshot,
)
from keeper.journal.writer import JournalOptions, JournalWriter
from keeper.release import Release, running_release

__all__ = ["Upgrade", "close_journal", "upgrade_journal"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did: `former`'s eras end at `seq`; `backup` holds the journal before it."""

    former: Release
    seq: int
    era: int
    state_hash: str
    backup: Path


def close_journal(folder: Path, *, core: Core = CORE) -> int | None:
    """End a journal whose keeper did not stop cleanly; return the last step, None if it had.

    Decides the steps after the newest snapshot again and writes the closing one. Raises
    JournalCorrupt, ReplayMismatch, WrongRelease, ConfigError when a keeper runs on it, OSError.
    """
    writer = JournalWriter.open(folder, JournalOptions())
    closing = None
    try:
        start = newest_snapshot(folder, _unmentioned)
        rerun = Rerun(core, start)
        for entry in writer.entries(start):
            rerun.take(entry)
        rerun.require_ours()
        if not rerun.is_closed and rerun.seq:
            closing = Capture(
                start=writer.next_start,
                positions=writer.positions,
                carried=rerun.carried.frozen(),
                state=copy_state(rerun.state),
            )
    finally:
        writer.close(closing)
    return rerun.seq if closing is not None else None


def upgrade_journal(
    folder: Path, backup: Path | None, progress: Progress, *, core: Core = CORE
) -> Upgrade | None:
    """Go on with another release's journal under this one; None when it is this one's already.

    Verifies every record, copies the journal to `backup` (by default beside it), migrates the
    state the former release closed with, and adds the record that begins the new era. Safe to
    repeat after a crash at any point. Raises JournalCorrupt, WrongRelease when the former era has
    no clean end or its state cannot be migrated, ConfigError when a keeper runs on it or `backup`
    is in use, OSError.
    """
    writer = JournalWriter.open(folder, JournalOptions())
    try:
        rerun = _verified(writer, core, progress)
        if rerun.is_ours:
            return None
        former = _closing_snapshot(folder, rerun)
        state = _migrated(decode_snapshot(former))
        writer.settle()
        copy = backup or _backup_of(folder, rerun)
        _copy(folder, copy)
        return _begin(writer, rerun, former, state, copy)
    finally:
        writer.close()


def _verified(writer: JournalWriter, core: Core, progress: Progress) -> Rerun:
    rerun = Rerun(core)
    segments = len(list(writer.folder.glob("account-*.sealed"))) + 1
    for entry in writer.entries():
        rerun.take(entry)
        if isinstance(entry, SegmentBegun):
            progress(min(entry.start.segment, segments), segments)
    return rerun


def _closing_snapshot(folder: Path, rerun: Rerun) -> bytes:
    """Return the bytes of the snapshot with which the former era ended."""
    if rerun.closing is not None:
        raw = read_snapshot(folder, rerun.closing.segment)
        if isinstance(raw, bytes):
            return raw
    raise rerun.wrong_release(is_closed=False)


def _migrated(former: Snapshot) -> State:
    try:
        return migrate(former.schema, bytes(former.state))
    except MigrationError as error:
        raise WrongRelease(
            f"the state athanor-keeper {former.package_version} ended with does not fit: {error}",
            next_step="install a release between the two and upgrade to it first",
        ) from error


def _begin(
    writer: JournalWriter, rerun: Rerun, former: bytes, state: State, backup: Path
) -> Upgrade:
    release, before, raw = running_release(), decode_snapshot(former), state_bytes(state)
    roots = writer.roots()
    era = EraRecord(
        stream=Stream.ACCOUNT,
        era=len(rerun.eras) + 1,
        seq=before.seq,
        schema=SCHEMA_VERSION,
        package_version=release.version,
        wheel_hash=release.wheel_hash,
        account_root=roots.account.hex(),
        market_root=roots.market.hex(),
        state_hash=hashlib.sha256(raw).hexdigest(),
        former=msgspec.Raw(former),
    )
    snapshot = encode_snapshot(writer.next_start, writer.positions, before.carried, raw)
    writer.begin_era(era, snapshot)
    return Upgrade(before.release, before.seq, era.era, era.state_hash, backup)


def _backup_of(folder: Path, rerun: Rerun) -> Path:
    name = f"{folder.name}-before-era-{len(rerun.eras) + 1}"
    return folder.resolve().with_name(name)


def _copy(folder: Path, backup: Path) -> None:
    """Copy the journal's files, whole or not at all; a copy made before is left as it is."""
    files = sorted(path for path in folder.iterdir() if path.suffix in (".sealed", ".wal", ".zst"))
    if backup.exists():
        if _segments(folder) != _segments(backup):
            raise ConfigError(
                f"{backup} exists and is not a copy of {folder}",
                next_step="name another folder with --backup",
            )
        return
    partial = backup.with_name(backup.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for path in files:
        with path.open("rb") as source, (partial / path.name).open("wb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
    sync_folder(partial)
    partial.rename(backup)
    sync_folder(backup.parent)


def _segments(folder: Path) -> dict[str, int]:
    sealed = (path for path in folder.iterdir() if path.suffix in (".sealed", ".wal"))
    return {path.name: path.stat().st_size for path in sealed}


def _unmentioned(_: str) -> None:
    """An older snapshot does as well here; the steps after it are decided again either way."""
