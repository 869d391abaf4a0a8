"""Writes recordings: one file a symbol and day (UTC), gzip, finished cleanly or not at all used."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

from keeper.domain.units import NS_PER_SECOND
from keeper.feeds.binance.wire import BinanceMarket

__all__ = ["RecordingWriter"]


class RecordingWriter:
    """Appends `<local ns> <json>` lines of one symbol; starts a new file each day and each break.

    Files are `<market>_<symbol>_<day>.gz`; one begun later the same day has its time added, so
    that nothing recorded before is ever overwritten.
    """

    def __init__(self, folder: Path, market: BinanceMarket, symbol: str) -> None:
        self._folder = folder
        self._name = f"{market}_{symbol.lower()}"
        self._stream: gzip.GzipFile | None = None
        self._day = ""
        self.files: list[Path] = []

    def write(self, local_ns: int, text: bytes) -> None:
        """Append one message received at `local_ns` (Unix nanoseconds). Raises OSError."""
        day = _utc(local_ns).strftime("%Y%m%d")
        if self._stream is None or day != self._day:
            self.close()
            self._stream = self._begin(local_ns, day)
        self._stream.write(b"%d %s\n" % (local_ns, text))

    def close(self) -> None:
        """Finish the file; the next line starts another one. Raises OSError."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _begin(self, local_ns: int, day: str) -> gzip.GzipFile:
        self._day = day
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{self._name}_{day}.gz"
        if file.exists():
            time = _utc(local_ns).strftime("%H%M%S")
            file = self._folder / f"{self._name}_{day}T{time}{local_ns % NS_PER_SECOND:09}.gz"
        self.files.append(file)
        return gzip.GzipFile(file, "xb")


def _utc(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns // NS_PER_SECOND, UTC)
