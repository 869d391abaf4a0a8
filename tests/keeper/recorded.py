"""Small recordings in Binance's format, written line by line for tests."""

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path

T0_MS = 1_721_347_200_000
Level = tuple[str, str]


class Lines:
    """Collects lines; every message arrives `lag_ms` after it happened, by a clock that is off."""

    def __init__(self, symbol: str = "ETHUSDT", *, clock_off_ms: int = 0, lag_ms: int = 5) -> None:
        self.symbol = symbol
        self.texts: list[str] = []
        self._shift_ms = lag_ms - clock_off_ms

    def snapshot(
        self, at_ms: int, last_id: int, bids: Sequence[Level], asks: Sequence[Level]
    ) -> None:
        self._add(at_ms, {"lastUpdateId": last_id, "E": T0_MS + at_ms, "bids": bids, "asks": asks})

    def depth(
        self,
        at_ms: int,
        ids: tuple[int, int, int],
        bids: Sequence[Level] = (),
        asks: Sequence[Level] = (),
    ) -> None:
        """Add a futures update; `ids` are the previous last id, the first and the last id."""
        previous, first, last = ids
        own = {"T": T0_MS + at_ms, "U": first, "u": last, "pu": previous, "b": bids, "a": asks}
        self._stream("depth@100ms", at_ms, {"e": "depthUpdate", **own})

    def spot_depth(
        self,
        at_ms: int,
        ids: tuple[int, int],
        bids: Sequence[Level] = (),
        asks: Sequence[Level] = (),
    ) -> None:
        own = {"U": ids[0], "u": ids[1], "b": bids, "a": asks}
        self._stream("depth@100ms", at_ms, {"e": "depthUpdate", **own})

    def trade(
        self, at_ms: int, price: str, size: str, *, sold: bool, kind: str | None = "MARKET"
    ) -> None:
        own = {"T": T0_MS + at_ms, "p": price, "q": size, "m": sold}
        self._stream("trade", at_ms, {"e": "trade", **own, **({"X": kind} if kind else {})})

    def ticker(self, at_ms: int, last_id: int, bid: Level, ask: Level) -> None:
        own = {"T": T0_MS + at_ms, "u": last_id}
        best = {"b": bid[0], "B": bid[1], "a": ask[0], "A": ask[1]}
        self._stream("bookTicker", at_ms, {"e": "bookTicker", **own, **best})

    def write(self, file: Path) -> Path:
        content = "".join(f"{text}\n" for text in self.texts).encode()
        file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)
        return file

    def _stream(self, channel: str, at_ms: int, data: dict[str, object]) -> None:
        data = {**data, "E": T0_MS + at_ms, "s": self.symbol}
        self._add(at_ms, {"stream": f"{self.symbol.lower()}@{channel}", "data": data})

    def _add(self, at_ms: int, message: dict[str, object]) -> None:
        local_us = (T0_MS + at_ms + self._shift_ms) * 1_000
        self.texts.append(f"{local_us} {json.dumps(message)}")


def small(symbol: str = "ETHUSDT", *, clock_off_ms: int = 0) -> Lines:
    """A sound recording: an update too early, the snapshot, two updates, two trades, a ticker."""
    lines = Lines(symbol, clock_off_ms=clock_off_ms)
    lines.depth(0, (90, 91, 95), bids=[("99.00", "9")])
    lines.snapshot(10, 100, [("100.00", "1.5"), ("99.00", "4")], [("101.00", "2"), ("102.00", "3")])
    lines.depth(20, (95, 96, 110), bids=[("100.10", "0.5")], asks=[("101.00", "0")])
    lines.trade(30, "101.50", "0.25", sold=False)
    lines.ticker(40, 110, ("100.10", "0.5"), ("102.00", "3"))
    lines.depth(50, (110, 112, 120), asks=[("101.20", "0.125")])
    lines.trade(60, "100.10", "0.5", sold=True)
    return lines


def lively(seconds: int = 40, seed: int = 1) -> Lines:
    """A market that walks by a cent or two twice a second, with a sweep of some depth at each."""
    dice, lines, middle = random.Random(seed), Lines(), 300_000
    lines.snapshot(0, 10, [(_cents(middle - 1), "5.001")], [(_cents(middle + 1), "5.001")])
    for step in range(2 * seconds):
        at_ms, last, moved = 500 * step + 10, middle, dice.randrange(-60, 61)
        sold = moved < 0
        reach = dice.choice((3, 6, 15, 30, 45, 60))
        lines.trade(at_ms, _cents(middle - reach if sold else middle + reach), "2.5", sold=sold)
        middle += moved
        lines.depth(
            at_ms + 100,
            (9 if step == 0 else 10 + step, 11 + step - (step == 0), 11 + step),
            bids=[(_cents(last - 1), "0"), (_cents(middle - 1), "5.001")],
            asks=[(_cents(last + 1), "0"), (_cents(middle + 1), "5.001")],
        )
    return lines


def _cents(price: int) -> str:
    return f"{price // 100}.{price % 100:02}"
