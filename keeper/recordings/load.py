"""Finds the recordings of a folder: which files are one symbol's, which follow each other."""

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from keeper.domain.errors import RecordingInvalid
from keeper.domain.units import NS_PER_MS
from keeper.feeds.binance.wire import BinanceMarket, DepthUpdate, Payload
from keeper.recordings.lines import Line, payload_of, read_lines, refuse
from keeper.recordings.moments import BookAt, Moment, Tape, in_order
from keeper.recordings.recording import Recording

__all__ = ["load_recordings", "recorded_symbols"]

_PEEKED_LINES: Final = 20_000
_RECORD: Final = "record one with `keeper record`, or name a folder that holds recordings"


@dataclass(frozen=True, slots=True)
class _Head:
    """What a file's beginning tells: whose it is and the first update of its book."""

    file: Path
    symbol: str
    market: BinanceMarket
    first_local_ns: int
    first_update: DepthUpdate


def load_recordings(
    path: Path,
    symbols: Collection[str] = (),
    market: BinanceMarket = BinanceMarket.USDM,
) -> tuple[Recording, ...]:
    """Read and check a recording file or a folder of them, each from end to end.

    Without `symbols`: every unbroken recording, by symbol, market and time; every file counts.
    With `symbols`: one recording each, in that order, of `market`, that cover the longest time
    in common; files of other symbols and formats are passed over.
    Raises RecordingInvalid: wrong format, gap, crossed snapshot or book, missing snapshot,
    clocks running backwards, an empty folder, a symbol that is not there or never in common.
    """
    heads, refused = _heads(path)
    if not symbols:
        if refused:
            raise refused[0]
        return tuple(itertools.chain.from_iterable(_stretches(group) for group in _groups(heads)))
    wanted = [head for head in heads if head.symbol in symbols and head.market is market]
    missing = set(symbols) - {head.symbol for head in wanted}
    if missing:
        raise _missing(path, missing, market, refused)
    return _longest_in_common(path, [_of_symbol(wanted, symbol) for symbol in symbols])


def _of_symbol(heads: list[_Head], symbol: str) -> list[Recording]:
    return _stretches([head for head in heads if head.symbol == symbol])


def _heads(path: Path) -> tuple[list[_Head], list[RecordingInvalid]]:
    files = [path] if path.is_file() else _files_of(path)
    heads: list[_Head] = []
    refused: list[RecordingInvalid] = []
    for file in files:
        try:
            heads.append(_head(file))
        except RecordingInvalid as error:
            refused.append(error)
    if not heads:
        raise refused[0]
    return sorted(heads, key=lambda head: (head.symbol, head.market, head.first_local_ns)), refused


def _files_of(folder: Path) -> list[Path]:
    """List a folder's recordings: archives, and plain files that start like one."""
    if not folder.is_dir():
        raise RecordingInvalid(str(folder), 0, "no such file or folder", next_step=_RECORD)
    files = sorted(file for file in folder.iterdir() if file.is_file())
    likely = [file for file in files if file.suffix == ".gz" or _starts_like_one(file)]
    if not likely:
        what = f"none of its {len(files)} files is a recording" if files else "the folder is empty"
        raise RecordingInvalid(str(folder), 0, what, next_step=_RECORD)
    return likely


def _starts_like_one(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(32).partition(b" ")[0].isdigit()


def _head(file: Path) -> _Head:
    first: Line | None = None
    for line in itertools.islice(read_lines(file), _PEEKED_LINES):
        first = first or line
        payload = payload_of(line)
        if isinstance(payload, DepthUpdate):
            return _Head(file, payload.symbol, payload.market, first.local_ns, payload)
    what = "holds no depth updates" if first else "the file is empty"
    raise RecordingInvalid(file.name, 0, what, next_step=_RECORD)


def _groups(heads: Sequence[_Head]) -> Iterator[list[_Head]]:
    for _, group in itertools.groupby(heads, key=lambda head: (head.symbol, head.market)):
        yield list(group)


def _stretches(heads: Sequence[_Head]) -> list[Recording]:
    """Chain one symbol's files, in time order, and check each to its end."""
    done: list[_Scan] = []
    for head in heads:
        if not done or not done[-1].tape.continues(head.first_update):
            done.append(_Scan(head.symbol, head.market))
        done[-1].read(head.file)
    return [scan.recording() for scan in done]


@dataclass(slots=True)
class _Scan:
    """One pass over files that chain: checks everything and counts."""

    symbol: str
    market: BinanceMarket
    tape: Tape = field(default_factory=lambda: Tape(levels=1))
    files: list[Path] = field(default_factory=list)
    offset_ns: int | None = None
    start_ns: int = 0
    end_ns: int = 0
    books: int = 0
    trades: int = 0

    def read(self, file: Path) -> None:
        """Read one more file. Raises RecordingInvalid."""
        self.files.append(file)
        for moment in in_order(self._found(file)):
            self.start_ns = self.start_ns or moment.t_ns
            self.end_ns = moment.t_ns
            if isinstance(moment, BookAt):
                self.books += 1
            else:
                self.trades += 1
        if not self.tape.has_book:
            raise RecordingInvalid(
                file.name,
                0,
                "holds no depth snapshot and does not continue an earlier file",
                next_step="add the file recorded before it, or record with a snapshot",
            )

    def recording(self) -> Recording:
        """Return what was found. Raises RecordingInvalid when no book ever stood."""
        if not self.books:
            raise RecordingInvalid(
                self.files[0].name, 0, "no update follows its depth snapshot", next_step=_RECORD
            )
        return Recording(
            symbol=self.symbol,
            market=self.market,
            files=tuple(self.files),
            start_ns=self.start_ns,
            end_ns=self.end_ns,
            clock_offset_ns=self.offset_ns or 0,
            books=self.books,
            trades=self.trades,
            trades_passed_over=self.tape.trades_passed_over,
        )

    def _found(self, file: Path) -> Iterator[tuple[Line, Moment | None]]:
        for line in read_lines(file):
            payload = payload_of(line)
            self._note(line, payload)
            yield line, self.tape.take(line, payload)

    def _note(self, line: Line, payload: Payload) -> None:
        symbol = getattr(payload, "symbol", "")
        if symbol and symbol != self.symbol:
            raise refuse(line, f"a message of {symbol} in a file of {self.symbol}")
        if isinstance(payload, DepthUpdate) and payload.market is not self.market:
            raise refuse(line, f"a {payload.market} update in a file of {self.market}")
        if payload.event_ms is not None:
            offset = payload.event_ms * NS_PER_MS - line.local_ns
            self.offset_ns = offset if self.offset_ns is None else max(self.offset_ns, offset)


def _missing(
    path: Path, missing: set[str], market: BinanceMarket, refused: list[RecordingInvalid]
) -> RecordingInvalid:
    what = f"holds no {market} recording of {', '.join(sorted(missing))}"
    if refused:
        what += f" ({refused[0]})"
    return RecordingInvalid(str(path), 0, what, next_step=_RECORD)


def _longest_in_common(path: Path, choices: list[list[Recording]]) -> tuple[Recording, ...]:
    best = max(itertools.product(*choices), key=_common_ns)
    if _common_ns(best) <= 0:
        names = ", ".join(recording.symbol for recording in best)
        raise RecordingInvalid(
            str(path),
            0,
            f"the recordings of {names} never cover the same time",
            next_step="give recordings made at the same time",
        )
    return best


def _common_ns(recordings: Sequence[Recording]) -> int:
    return min(each.end_ns for each in recordings) - max(each.start_ns for each in recordings)


def recorded_symbols(path: Path) -> frozenset[tuple[str, BinanceMarket]]:
    """Return the symbols and markets that a file's or folder's recordings are of.

    Looks at their beginnings alone. Raises RecordingInvalid when nothing there is a recording.
    """
    heads, _ = _heads(path)
    return frozenset((head.symbol, head.market) for head in heads)
