"""Reading a recording: every line parsed, the book rebuilt and checked, moments put in order.

The lines are seeded and of the shape of a busy perpetual's: updates of some dozen levels, tickers,
trades. With MARKET_DATA_DIR set, the recordings in it are read as well.
"""

import json
import os
import random
import tempfile
from pathlib import Path

from benchmarks.figures import Figure, Samples, median_of, now
from keeper.feeds.binance.wire import BinanceMarket
from keeper.recordings import RecordingWriter, load_recordings

__all__ = ["figures"]

START_MS = 1_721_347_200_000
RECORDED = "l2_binance_hftbacktest"
SYMBOLS = ("BTCUSDT", "ETHUSDT")


def figures(*, runs: int, lines: int) -> list[Figure]:
    """Measure loading (and checking) and playing, per line, in the mean of each run."""
    with tempfile.TemporaryDirectory(prefix="athanor-bench-") as name:
        _write(Path(name), lines)
        found = _measured("generated recording", Path(name), lines, ("ETHUSDT",), runs)
    folder = Path(os.environ.get("MARKET_DATA_DIR", "")) / RECORDED
    if folder.is_dir():
        recordings = load_recordings(folder, SYMBOLS)
        count = sum(1 for recording in recordings for _ in recording.lines())
        found += _measured("recorded BTC and ETH", folder, count, SYMBOLS, runs)
    return found


def _measured(
    name: str, folder: Path, lines: int, symbols: tuple[str, ...], runs: int
) -> list[Figure]:
    playing: list[Samples] = []
    for _ in range(runs):
        recordings = load_recordings(folder, symbols)
        samples, since = Samples(), now()
        for recording in recordings:
            for _moment in recording.moments():
                pass
        samples.add(since)
        playing.append(_per_line(samples, lines))
    return [median_of(f"{name}, a line of {lines:,}", playing, "none set")]


def _per_line(samples: Samples, lines: int) -> Samples:
    return Samples(
        [each // lines for each in samples.wall_ns], [each // lines for each in samples.cpu_ns]
    )


def _write(folder: Path, lines: int) -> None:
    """Write a sound recording: a snapshot of 1,000 levels, then updates, tickers and trades."""
    rng, writer = random.Random(1), RecordingWriter(folder, BinanceMarket.USDM, "ETHUSDT")
    bids = [[f"{3_000 - n / 100:.2f}", "5.000"] for n in range(1, 1_001)]
    asks = [[f"{3_000 + n / 100:.2f}", "5.000"] for n in range(1, 1_001)]
    snapshot = {"lastUpdateId": 1, "E": START_MS, "T": START_MS, "bids": bids, "asks": asks}
    _line(writer, 0, snapshot)
    last = 1
    for number in range(1, lines):
        kind = "depth@100ms" if number % 7 == 0 else "trade" if number % 7 == 1 else "bookTicker"
        if kind == "depth@100ms":
            data = _update(rng, last)
            last += 10
        elif kind == "trade":
            data = {"e": "trade", "p": "3000.00", "q": "0.5", "X": "MARKET", "m": bool(number % 2)}
        else:
            data = {
                "e": "bookTicker",
                "u": last,
                "b": "2999.99",
                "B": "5",
                "a": "3000.01",
                "A": "5",
            }
        times = {"E": START_MS + number, "T": START_MS + number, "s": "ETHUSDT"}
        _line(writer, number, {"stream": f"ethusdt@{kind}", "data": {**data, **times}})
    writer.close()


def _update(rng: random.Random, last: int) -> dict[str, object]:
    def side(sign: int) -> list[list[str]]:
        return [
            [f"{3_000 + sign * rng.randint(2, 900) / 100:.2f}", f"{rng.randint(0, 9)}.250"]
            for _ in range(12)
        ]

    own = {"e": "depthUpdate", "U": last + 1, "u": last + 10, "pu": last}
    return {**own, "b": side(-1), "a": side(1)}


def _line(writer: RecordingWriter, number: int, message: dict[str, object]) -> None:
    text = json.dumps(message, separators=(",", ":")).encode()
    writer.write((START_MS + number) * 1_000_000, text)
