"""Recordings into a tape: rounding, order of lines, the time they share, and what is measured."""

import json
from pathlib import Path
from typing import Any

import pytest

from keeper.devnet.clock import WorldClock
from keeper.devnet.markets import BTC_USD, ETH_USD, SYMBOLS
from keeper.devnet.prices import RecordedPath
from keeper.devnet.tape import LEVELS, Tape, write_tape
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from keeper.recordings import load_recordings
from tests.keeper.recorded import T0_MS, Lines

ETH_TICK, ETH_STEP = 100_000, 1_000_000
T0_NS = T0_MS * NS_PER_MS


def eth(cents: int) -> int:
    """Subticks of a price in ticks of ten cents."""
    return cents * ETH_TICK


class Recorded:
    """A recording under construction: a book of one level a side that is moved about."""

    def __init__(self, symbol: str = "ETHUSDT", bid: str = "3000.07", ask: str = "3000.11") -> None:
        self.lines = Lines(symbol)
        self._last = 100
        self._best = (bid, ask)
        self.lines.depth(0, (90, 91, 95))
        self.lines.snapshot(1, 100, [(bid, "2")], [(ask, "3")])

    def book(self, at_ms: int, bid: str, ask: str, *, more: tuple[Any, ...] = ()) -> None:
        """Move both sides; `more` are further bids."""
        gone = ([(self._best[0], "0")], [(self._best[1], "0")])
        ids = (self._last, self._last + 1, self._last + 10)
        self.lines.depth(
            at_ms, ids, [*gone[0], (bid, "2.0004"), *more], [*gone[1], (ask, "3.0009")]
        )
        self._last, self._best = self._last + 10, (bid, ask)

    def trade(self, at_ms: int, price: str, size: str, *, sold: bool) -> None:
        self.lines.trade(at_ms, price, size, sold=sold)


def taped(folder: Path, *recorded: Recorded) -> Tape:
    for each in recorded:
        each.lines.write(folder / f"usdm_{each.lines.symbol.lower()}_1.gz")
    found = load_recordings(folder, [each.lines.symbol for each in recorded])
    return write_tape(tuple((SYMBOLS[each.symbol], each) for each in found), folder / "tape.jsonl")


def lines_of(tape: Tape) -> list[dict[str, Any]]:
    header, *lines = [json.loads(line) for line in tape.path.read_text().splitlines()]
    assert header == {"tape": 1}
    return lines


def test_write_tape__prices_and_sizes__go_outward_to_the_tick_and_down_to_the_step(
    tmp_path: Path,
) -> None:
    recorded = Recorded()
    recorded.book(1_000, "3000.07", "3000.11")
    recorded.trade(2_000, "3000.11", "0.0019", sold=False)
    recorded.trade(3_000, "3000.07", "0.5", sold=True)
    recorded.book(4_000, "3000.07", "3000.11")

    frame, bought, sold, *_ = lines_of(taped(tmp_path, recorded))

    assert frame["b"] == [[eth(30_000), 2_000 * ETH_STEP]]
    assert frame["a"] == [[eth(30_002), 3_000 * ETH_STEP]]
    assert (bought["s"], bought["p"], bought["q"]) == (1, eth(30_002), 1 * ETH_STEP)
    assert (sold["s"], sold["p"], sold["q"]) == (2, eth(30_000), 500 * ETH_STEP)


def test_write_tape__levels_of_one_tick__are_added_up_and_the_best_twenty_kept(
    tmp_path: Path,
) -> None:
    finer = [(f"{3000 - n * 0.05:.2f}", "1") for n in range(1, 90)]
    recorded = Recorded()
    recorded.book(1_000, "3000.07", "3000.11", more=tuple(finer))
    recorded.trade(2_000, "3000.11", "1", sold=False)

    frame = lines_of(taped(tmp_path, recorded))[0]

    assert len(frame["b"]) == LEVELS
    assert frame["b"][1] == [eth(29_999), 2_000 * ETH_STEP]
    prices = [price for price, _ in frame["b"]]
    assert prices == sorted(prices, reverse=True)


def test_write_tape__trades_of_one_instant_side_and_price__become_one_order(
    tmp_path: Path,
) -> None:
    recorded = Recorded()
    recorded.book(1_000, "3000.07", "3000.11")
    for size in ("0.0004", "0.0004", "0.0004"):
        recorded.trade(2_000, "3000.11", size, sold=False)
    recorded.trade(2_000, "3000.31", "1", sold=False)
    recorded.trade(2_001, "3000.31", "2", sold=False)
    recorded.book(3_000, "3000.07", "3000.11")

    tape = taped(tmp_path, recorded)
    orders = [line for line in lines_of(tape) if "s" in line]

    assert [(o["p"], o["q"] // ETH_STEP) for o in orders] == [
        (eth(30_002), 1),
        (eth(30_004), 1_000),
        (eth(30_004), 2_000),
    ]
    assert tape.markets[0].orders == 3


def test_write_tape__books_and_trades__stand_in_order_of_time(tmp_path: Path) -> None:
    recorded = Recorded()
    for number in range(40):
        recorded.book(1_000 + 70 * number, f"{3000 + number % 3}.07", f"{3010 + number % 2}.11")
        recorded.trade(1_010 + 70 * number, "3005.00", "0.1", sold=number % 2 == 0)

    lines = lines_of(taped(tmp_path, recorded))

    times = [line["t"] for line in lines]
    assert times == sorted(times)
    frames = [line for line in lines if "b" in line]
    assert 10 <= len(frames) <= 20


def test_write_tape__two_recordings__covers_what_they_share(tmp_path: Path) -> None:
    ether, bitcoin = Recorded(), Recorded("BTCUSDT", "64000.10", "64000.30")
    ether.book(1_000, "3000.07", "3000.11")
    ether.book(2_000, "3001.07", "3001.11")
    ether.book(9_000, "3002.07", "3002.11")
    bitcoin.book(3_000, "64000.10", "64000.30")
    bitcoin.trade(4_000, "64000.30", "0.00019", sold=False)
    bitcoin.book(7_000, "64001.10", "64001.30")

    tape = taped(tmp_path, ether, bitcoin)
    lines = lines_of(tape)

    assert (tape.start_ns, tape.end_ns) == (T0_NS + 3_000 * NS_PER_MS, T0_NS + 7_000 * NS_PER_MS)
    assert tape.seconds == 4
    assert {line["t"] for line in lines if line["m"] == ETH_USD.clob_pair_id} == {tape.start_ns}
    assert [line["b"][0][0] for line in lines if line["m"] == 1] == [eth(30_010)]
    (order,) = [line for line in lines if "s" in line]
    assert (order["m"], order["p"]) == (BTC_USD.clob_pair_id, 64_001 * ETH_TICK)
    assert order["q"] == 1_000_000
    assert tape.market("ETH-USD") is not None
    assert tape.market("SOL-USD") is None


def test_mid__between_books__is_that_of_the_last_one(tmp_path: Path) -> None:
    recorded = Recorded()
    recorded.book(1_000, "3000.00", "3000.10")
    recorded.book(2_000, "3001.00", "3001.10")
    market = taped(tmp_path, recorded).markets[0]

    at = [market.mid(T0_NS + ms * NS_PER_MS) for ms in (0, 1_000, 1_999, 2_000, 99_000)]

    assert at == [300_005 * 10**6] * 3 + [300_105 * 10**6] * 2


def test_write_tape__a_moving_mid__is_measured(tmp_path: Path) -> None:
    recorded = Recorded()
    for second in range(1, 12):
        middle = 3000 + (second % 2) * 3
        recorded.book(1_000 * second, f"{middle}.00", f"{middle + 1}.00")

    market = taped(tmp_path, recorded).markets[0]

    assert market.half_spread_ppm == 166
    assert market.move_ppm == pytest.approx(1_000, abs=10)


def test_recorded_path__while_its_clock_stands__stands(tmp_path: Path) -> None:
    recorded = Recorded()
    recorded.book(1_000, "3000.00", "3000.10")
    recorded.book(2_000, "3001.00", "3001.10")
    market = taped(tmp_path, recorded).markets[0]
    clock = WorldClock(tmp_path / "tape.clock.json")
    clock.start(T0_NS + NS_PER_SECOND, paused=True)
    path = RecordedPath(market, clock)

    before = path.price
    path.step()
    assert path.price == before == 300_005 * 10**6

    clock.step(1)
    assert path.price == 300_105 * 10**6
