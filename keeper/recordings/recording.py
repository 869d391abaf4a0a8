"""One symbol's unbroken recording: what it covers, its moments, and its raw lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keeper.feeds.binance.wire import BinanceMarket
from keeper.recordings.lines import read_lines
from keeper.recordings.moments import Moment, play

__all__ = ["Recording"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Consecutive files of one symbol, checked from end to end; times are Unix nanoseconds, UTC.

    `start_ns` and `end_ns` are the exchange times of the first and last moment.
    `clock_offset_ns` is what the recorder's clock lacked against the exchange's: the greatest
    difference seen of the exchange's time and the local one, since no message arrives before
    it was sent. Add it to a local time to get the exchange's.
    """

    symbol: str
    market: BinanceMarket
    files: tuple[Path, ...]
    start_ns: int
    end_ns: int
    clock_offset_ns: int
    books: int
    trades: int
    trades_passed_over: int

    def moments(self, levels: int = 20) -> Iterator[Moment]:
        """Yield books (best `levels` a side) and trades by exchange time, never backwards."""
        return play(self.files, levels)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield (arrival time corrected to the exchange's clock, raw JSON), never backwards."""
        latest = 0
        for file in self.files:
            for line in read_lines(file):
                latest = max(latest, line.local_ns + self.clock_offset_ns)
                yield latest, line.text
