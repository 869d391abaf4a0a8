"""What is written loads again as it was; days and breaks begin files; nothing is overwritten."""

from pathlib import Path

import pytest

from keeper.feeds.binance.wire import BinanceMarket
from keeper.recordings import RecordingWriter, load_recordings
from tests.keeper.recorded import T0_MS, small

DAY_NS = 86_400 * 10**9


def lines_of(texts: list[str]) -> list[tuple[int, bytes]]:
    parts = (each.partition(" ") for each in texts)
    return [(int(stamp) * 1_000, text.encode()) for stamp, _, text in parts]


def test_write__sound_lines__load_as_they_were(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "out", BinanceMarket.USDM, "ETHUSDT")
    written = lines_of(small().texts)

    for local_ns, text in written:
        writer.write(local_ns, text)
    writer.close()

    (recording,) = load_recordings(tmp_path / "out")
    assert recording.files == (tmp_path / "out" / "usdm_ethusdt_20240719.gz",)
    assert [text for _, text in recording.lines()] == [text for _, text in written]


def test_write__next_day__another_file_that_chains(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path, BinanceMarket.USDM, "ETHUSDT")
    *before, last_depth, _ = lines_of(small().texts)

    for local_ns, text in [*before, (last_depth[0] + DAY_NS, last_depth[1])]:
        writer.write(local_ns, text)
    writer.close()

    (recording,) = load_recordings(tmp_path)
    assert [file.name for file in recording.files] == [
        "usdm_ethusdt_20240719.gz",
        "usdm_ethusdt_20240720.gz",
    ]


def test_write__after_a_break_on_one_day__never_overwrites(tmp_path: Path) -> None:
    for _ in range(2):
        writer = RecordingWriter(tmp_path, BinanceMarket.USDM, "ETHUSDT")
        writer.write(T0_MS * 1_000_000, b"{}")
        writer.close()

    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["usdm_ethusdt_20240719.gz", "usdm_ethusdt_20240719T000000000000000.gz"]


def test_write__file_of_that_instant_exists__refused(tmp_path: Path) -> None:
    for _ in range(2):
        writer = RecordingWriter(tmp_path, BinanceMarket.USDM, "ETHUSDT")
        writer.write(T0_MS * 1_000_000, b"{}")
        writer.close()
    writer = RecordingWriter(tmp_path, BinanceMarket.USDM, "ETHUSDT")

    with pytest.raises(FileExistsError):
        writer.write(T0_MS * 1_000_000, b"{}")
