"""Which recordings of a folder are played, and every folder that cannot be."""

from collections.abc import Callable
from pathlib import Path

import pytest

from keeper.devnet.recorded_data import data_source, described, find_recordings, mapping
from keeper.devnet.tape import write_tape
from keeper.domain.errors import RecordingInvalid
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from tests.keeper.recorded import T0_MS, Lines, small


def spot() -> Lines:
    lines = Lines("ETHUSDT")
    lines.spot_depth(0, (91, 95))
    lines.snapshot(10, 100, [("100.00", "1.5")], [("101.00", "2")])
    lines.spot_depth(20, (96, 110), bids=[("100.10", "0.5")])
    lines.spot_depth(30, (111, 112), bids=[("100.20", "0.5")])
    return lines


def test_find_recordings__of_both_symbols__plays_both_ether_first(tmp_path: Path) -> None:
    small("BTCUSDT").write(tmp_path / "a.gz")
    small("ETHUSDT").write(tmp_path / "b.txt")
    found = find_recordings(tmp_path)
    assert [(route.market, recording.symbol) for route, recording in found] == [
        ("ETH-USD", "ETHUSDT"),
        ("BTC-USD", "BTCUSDT"),
    ]


@pytest.mark.parametrize(("symbol", "market"), [("ETHUSDT", "ETH-USD"), ("BTCUSDT", "BTC-USD")])
def test_find_recordings__of_one_symbol__plays_it(tmp_path: Path, symbol: str, market: str) -> None:
    small(symbol).write(tmp_path / "a.gz")
    small("SOLUSDT").write(tmp_path / "b.gz")
    ((route, recording),) = find_recordings(tmp_path)
    assert (route.market, recording.symbol) == (market, symbol)


def test_find_recordings__perpetual_and_spot__plays_the_perpetual(tmp_path: Path) -> None:
    spot().write(tmp_path / "a.gz")
    small("ETHUSDT").write(tmp_path / "b.gz")
    ((_, recording),) = find_recordings(tmp_path)
    assert recording.market == "usdm"


def test_find_recordings__spot_alone__plays_it(tmp_path: Path) -> None:
    spot().write(tmp_path / "a.gz")
    ((_, recording),) = find_recordings(tmp_path)
    assert recording.market == "spot"


def wrong_format(folder: Path) -> None:
    (folder / "bars.gz").write_bytes(b"not even gzip")


def other_symbols(folder: Path) -> None:
    small("SOLUSDT").write(folder / "a.gz")


def gap(folder: Path) -> None:
    lines = small()
    lines.depth(70, (999, 1_000, 1_010), bids=[("99.50", "1")])
    lines.write(folder / "a.gz")


def crossed_snapshot(folder: Path) -> None:
    lines = Lines("ETHUSDT")
    lines.depth(0, (90, 91, 95))
    lines.snapshot(10, 100, [("102.00", "1")], [("101.00", "2")])
    lines.write(folder / "a.gz")


def nothing(folder: Path) -> None:
    folder.mkdir(exist_ok=True)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (wrong_format, "bars.gz, line 1"),
        (other_symbols, "SOLUSDT"),
        (gap, "a.gz, line 8: update gap"),
        (crossed_snapshot, "a.gz, line 2: crossed snapshot"),
        (nothing, "empty"),
    ],
)
def test_find_recordings__nothing_sound__says_where_and_what_to_do(
    tmp_path: Path, make: Callable[[Path], None], said: str
) -> None:
    make(tmp_path)
    with pytest.raises(RecordingInvalid) as refused:
        find_recordings(tmp_path)
    assert said in str(refused.value)
    assert refused.value.next_step != ""


def test_data_source__of_a_played_tape__names_span_offset_and_mapping(tmp_path: Path) -> None:
    small("ETHUSDT", clock_off_ms=1_500).write(tmp_path / "usdm_ethusdt.gz")
    tape = write_tape(find_recordings(tmp_path), tmp_path / "tape.jsonl")

    source = data_source(tape, tape.from_ns + 10 * NS_PER_SECOND)

    assert source.name == "Binance USD-M perpetual: ETHUSDT -> ETH-USD"
    assert source.span.startswith("2024-07-19 00:00:00 to 2024-07-19 00:00:00 UTC; played from")
    assert source.clock_offset == "ETHUSDT: the recorder's clock was 1,495 ms behind, corrected"
    assert "usdm_ethusdt.gz" in source.note
    assert mapping(tape) == "ETHUSDT -> ETH-USD"
    assert described(tape)["start_ns"] == T0_MS * NS_PER_MS + 20 * NS_PER_MS
