"""The keeper's log as a reporter checks it: replayed up to the cut, then summed up in one root."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from keeper.core.state import state_bytes
from keeper.domain.errors import AthanorError, JournalCorrupt, ReplayMismatch, WrongRelease
from keeper.domain.events import Event, VaultObserved
from keeper.domain.reports import ZERO32
from keeper.journal import JournalReader, Step, data_root
from keeper.journal.checking import StreamCheck
from keeper.journal.framing import FrameReader, body_of
from keeper.journal.layout import sealed_path, segment_numbers, unpack_sealed, wal_path
from keeper.journal.records import CommandRecord, EventRecord, Record, Stream, decode_record
from keeper.journal.rerun import CORE, Core, Rerun
from keeper.reporter.model import Refusal

__all__ = ["JournalCheck", "no_journal"]

_CODES: Final[tuple[tuple[type[AthanorError], str], ...]] = (
    (ReplayMismatch, "JOURNAL_REPLAY_DIFFERS"),
    (WrongRelease, "JOURNAL_OTHER_RELEASE"),
    (JournalCorrupt, "JOURNAL_CORRUPT"),
)


class JournalCheck:
    """Replays one keeper's journal folder; `core` is the step function the log claims to hold."""

    def __init__(self, folder: Path, core: Core = CORE) -> None:
        self._folder = folder
        self._core = core
        self._known: dict[int, str] = {}

    def root_at_cut(self, epoch: int) -> str | Refusal:
        """Root (0x hex) over everything logged up to the first sight of that cut.

        The root is H(account root, market root, state hash) of the log's prefix, so it stays the
        same however much is logged afterwards, and is computed once. Refuses a log that does
        not verify, does not replay, is a shadow's, or has not seen the cut. Raises OSError.
        """
        if epoch in self._known:
            return self._known[epoch]
        try:
            root = self._root(epoch)
            if isinstance(root, str):
                self._known[epoch] = root
            return root
        except (JournalCorrupt, ReplayMismatch, WrongRelease) as error:
            code = next(code for kind, code in _CODES if isinstance(error, kind))
            return Refusal(
                code=code, subject="dataRoot", ours="none", theirs="journal", detail=str(error)
            )

    def _root(self, epoch: int) -> str | Refusal:
        rerun = Rerun(self._core)
        reader = JournalReader(self._folder)
        for entry in reader.entries():
            rerun.take(entry)
            mode = rerun.state.mode
            if mode != "live":
                return Refusal(code="JOURNAL_SHADOW", subject="dataRoot", ours="live", theirs=mode)
            if isinstance(entry, Step) and _shows_cut(entry.event, epoch):
                rerun.require_ours()
                state_hash = hashlib.sha256(state_bytes(rerun.state)).digest()
                account, market = (_stream_root(self._folder, s, entry.seq) for s in Stream)
                return "0x" + data_root(account, market, state_hash).hex()
        return Refusal(
            code="JOURNAL_BEHIND", subject="dataRoot", ours=epoch, theirs=reader.last_seq
        )


def no_journal(_epoch: int) -> str:
    """What a reporter without a journal folder says about the data: nothing."""
    return ZERO32


def _shows_cut(event: Event, epoch: int) -> bool:
    return isinstance(event, VaultObserved) and event.state == "CUT" and event.epoch == epoch


def _stream_root(folder: Path, stream: Stream, last_seq: int) -> bytes:
    """The stream's root over its records up to a step; seals and headers after it do not count."""
    check = StreamCheck(stream)
    waiting: list[tuple[Record, bytes]] = []
    for framed in _frames(folder, stream):
        record = decode_record(body_of(framed))
        if record.stream is not stream:
            continue
        waiting.append((record, framed))
        if isinstance(record, EventRecord | CommandRecord):
            if record.seq > last_seq:
                break
            for entry in waiting:
                check.accept(*entry)
            waiting.clear()
    return check.chain.root()


def _frames(folder: Path, stream: Stream) -> Iterator[bytes]:
    for number in segment_numbers(folder):
        path = wal_path(folder, number)
        if not path.exists():
            yield from (framed for _, framed in unpack_sealed(sealed_path(folder, stream, number)))
            continue
        frames = FrameReader(path.name, path.read_bytes())
        while (framed := frames.next()) is not None:
            yield framed
