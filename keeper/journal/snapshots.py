"""Snapshots beside the segments: a start reads the newest one and the records after it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import zstandard

from keeper.core.state import StateCopy
from keeper.domain.errors import JournalCorrupt
from keeper.domain.events import SCHEMA_VERSION
from keeper.journal.carried import Carried
from keeper.journal.framing import FrameReader, body_of
from keeper.journal.hashing import ChainPosition
from keeper.journal.layout import (
    sealed_path,
    segment_numbers,
    sync_folder,
    unpack_sealed,
    wal_path,
    write_durably,
)
from keeper.journal.reader import SegmentStart
from keeper.journal.records import SnapshotRecord, Stream, decode_record
from keeper.release import Release, running_release

__all__ = [
    "Capture",
    "Snapshot",
    "encode_snapshot",
    "newest_snapshot",
    "prune_snapshots",
    "read_snapshot",
    "snapshot_hash",
    "snapshot_path",
    "snapshot_segments",
    "write_snapshot",
]

_KEPT: Final = 4
"""How many snapshots stay beside the segments: the newest, and some to fall back to."""

_MARK: Final = b'{"record":"snapshot"'
_LEVEL: Final = 3


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known when `segment` begins, after step `seq` at `t_ns` (unix ns).

    `state` is the core's state as `state_bytes` gives it, of event schema `schema`, decided by
    the named release; the chains' positions are what the segment's headers are chained to.
    """

    schema: int
    package_version: str
    wheel_hash: str
    segment: int
    seq: int
    t_ns: int
    account: ChainPosition
    market: ChainPosition
    carried: Carried
    state: msgspec.Raw

    @property
    def release(self) -> Release:
        """Return the release that decided up to here."""
        return Release(version=self.package_version, wheel_hash=self.wheel_hash)

    @property
    def start(self) -> SegmentStart:
        """Return where a reader goes on."""
        return SegmentStart(
            segment=self.segment,
            last_seq=self.seq,
            last_t_ns=self.t_ns,
            account_hash=self.account.previous,
            market_hash=self.market.previous,
        )

    @property
    def positions(self) -> dict[Stream, ChainPosition]:
        """Return where each stream's chain stands."""
        return {Stream.ACCOUNT: self.account, Stream.MARKET: self.market}


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A snapshot before it is written out: immutable, and quick to take between two steps."""

    start: SegmentStart
    positions: dict[Stream, ChainPosition]
    carried: Carried
    state: StateCopy

    def encoded(self, pause: Callable[[], None]) -> bytes:
        """Return the snapshot's bytes; `pause` is called between short pieces of work."""
        return encode_snapshot(self.start, self.positions, self.carried, self.state.to_bytes(pause))


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Snapshot)


def encode_snapshot(
    start: SegmentStart, positions: dict[Stream, ChainPosition], carried: Carried, state: bytes
) -> bytes:
    """Return the canonical bytes of a snapshot made by the running release."""
    release = running_release()
    snapshot = Snapshot(
        schema=SCHEMA_VERSION,
        package_version=release.version,
        wheel_hash=release.wheel_hash,
        segment=start.segment,
        seq=start.last_seq,
        t_ns=start.last_t_ns,
        account=positions[Stream.ACCOUNT],
        market=positions[Stream.MARKET],
        carried=carried,
        state=msgspec.Raw(state),
    )
    return _ENCODER.encode(snapshot)


def decode_snapshot(raw: bytes) -> Snapshot:
    """Return the snapshot of bytes. Raises msgspec.DecodeError."""
    return _DECODER.decode(raw)


def snapshot_hash(raw: bytes) -> str:
    """Return the hash (hex sha256) under which the log knows a snapshot."""
    return hashlib.sha256(raw).hexdigest()


def snapshot_path(folder: Path, segment: int) -> Path:
    """Return the path of the snapshot with which a segment begins."""
    return folder / f"snapshot-{segment:08d}.zst"


def snapshot_segments(folder: Path) -> list[int]:
    """Return the segments that have a snapshot's file, newest first."""
    found = (int(path.stem.rsplit("-", 1)[1]) for path in folder.glob("snapshot-*.zst"))
    return sorted(found, reverse=True)


def write_snapshot(folder: Path, segment: int, raw: bytes) -> None:
    """Write a snapshot durably, whole or not at all. Raises OSError."""
    write_durably(
        snapshot_path(folder, segment), zstandard.ZstdCompressor(level=_LEVEL).compress(raw)
    )


def prune_snapshots(folder: Path) -> None:
    """Remove all but the newest few snapshots. Raises OSError."""
    for segment in snapshot_segments(folder)[_KEPT:]:
        snapshot_path(folder, segment).unlink()
    sync_folder(folder)


def read_snapshot(folder: Path, segment: int) -> bytes | str:
    """Return a snapshot's bytes if the log holds their hash, else why they are of no use."""
    name = snapshot_path(folder, segment).name
    try:
        raw = zstandard.ZstdDecompressor().decompress(snapshot_path(folder, segment).read_bytes())
    except (OSError, zstandard.ZstdError) as error:
        return f"{name} cannot be read: {error}"
    logged = _logged_hash(folder, segment)
    if logged is None:
        return f"{name} is not in the log: the run ended before its hash was written"
    if snapshot_hash(raw) != logged:
        return f"{name} is not what the log says: its hash is {snapshot_hash(raw)[:12]}"
    return raw


def newest_snapshot(folder: Path, passed_over: Callable[[str], None]) -> Snapshot | None:
    """Return the newest snapshot whose hash is in the log; None when there is none to use.

    Each newer one is told to `passed_over` with the reason.
    """
    for segment in snapshot_segments(folder):
        raw = read_snapshot(folder, segment)
        if isinstance(raw, str):
            passed_over(raw)
            continue
        try:
            return decode_snapshot(raw)
        except msgspec.DecodeError as error:
            passed_over(f"{snapshot_path(folder, segment).name} is of another format: {error}")
    return None


def _logged_hash(folder: Path, segment: int) -> str | None:
    """Find the record of a snapshot's hash in the segments it may be in; None without one."""
    try:
        for number in segment_numbers(folder):
            if number >= segment:
                for body in _snapshot_bodies(folder, number):
                    record = decode_record(body)
                    if isinstance(record, SnapshotRecord) and record.segment == segment:
                        return record.hash
    except (JournalCorrupt, msgspec.DecodeError):
        return None  # reading the segments for good names what is wrong with them
    return None


def _snapshot_bodies(folder: Path, number: int) -> list[bytes]:
    path = wal_path(folder, number)
    if not path.exists():
        framed = (each for _, each in unpack_sealed(sealed_path(folder, Stream.ACCOUNT, number)))
        return [body for body in map(body_of, framed) if body.startswith(_MARK)]
    frames, bodies = FrameReader(path.name, path.read_bytes()), []
    while (each := frames.next()) is not None:
        if (body := body_of(each)).startswith(_MARK):
            bodies.append(body)
    return bodies
