"""Recordings are read exactly, chained, put on exchange time; unusable ones are refused by name."""

import gzip
from pathlib import Path

import pytest

from keeper.domain.errors import RecordingInvalid
from keeper.domain.orders import Side
from keeper.feeds.binance.wire import BinanceMarket
from keeper.recordings import BookAt, TradeAt, load_recordings
from tests.keeper.recorded import T0_MS, Lines, small

MS = 1_000_000
E8 = 100_000_000


def refused(path: Path, *symbols: str) -> RecordingInvalid:
    with pytest.raises(RecordingInvalid) as caught:
        load_recordings(path, symbols)
    assert caught.value.next_step
    return caught.value


def test_load_recordings__sound_file__moments_at_exchange_time_in_e8(tmp_path: Path) -> None:
    (recording,) = load_recordings(small().write(tmp_path / "usdm_ethusdt_20240719.gz"))

    moments = list(recording.moments())

    at = [(T0_MS + ms) * MS for ms in (20, 30, 50, 60)]
    bids = ((10010000000, 50000000), (10000000000, 150000000), (9900000000, 4 * E8))
    assert moments == [
        BookAt(at[0], bids, ((102 * E8, 3 * E8),)),
        TradeAt(at[1], Side.BUY, 10150000000, 25000000),
        BookAt(at[2], bids, ((10120000000, 12500000), (102 * E8, 3 * E8))),
        TradeAt(at[3], Side.SELL, 10010000000, 50000000),
    ]
    assert (recording.symbol, recording.market) == ("ETHUSDT", BinanceMarket.USDM)
    assert (recording.start_ns, recording.end_ns) == (at[0], at[3])
    assert (recording.books, recording.trades) == (2, 2)


def test_moments__levels_given__holds_no_more_a_side(tmp_path: Path) -> None:
    (recording,) = load_recordings(small().write(tmp_path / "a.gz"))

    first = next(recording.moments(levels=1))

    assert first == BookAt((T0_MS + 20) * MS, ((10010000000, 50000000),), ((102 * E8, 3 * E8),))


def test_load_recordings__clock_behind__offset_is_least_lag(tmp_path: Path) -> None:
    lines = small(clock_off_ms=1_500)

    (recording,) = load_recordings(lines.write(tmp_path / "a.gz"))

    assert recording.clock_offset_ns == 1_495 * MS
    arrivals = [at_ns for at_ns, _ in recording.lines()]
    assert arrivals == sorted(arrivals)
    assert arrivals[-1] == (T0_MS + 60) * MS


@pytest.mark.parametrize("digits", [13, 16, 19])
def test_lines__any_unit_of_local_time__same_nanoseconds(tmp_path: Path, digits: int) -> None:
    lines = small()
    lines.texts = [
        f"{(stamp + '000000')[:digits]} {text}"
        for stamp, _, text in (each.partition(" ") for each in lines.texts)
    ]

    (recording,) = load_recordings(lines.write(tmp_path / "a.txt"))

    assert [at_ns for at_ns, _ in recording.lines()][-1] == (T0_MS + 60) * MS


def test_moments__streams_interleave__sorted_by_exchange_time(tmp_path: Path) -> None:
    lines = small()
    lines.trade(40, "101.20", "1", sold=False)

    (recording,) = load_recordings(lines.write(tmp_path / "a.gz"))

    times = [moment.t_ns // MS - T0_MS for moment in recording.moments()]
    assert times == [20, 30, 40, 50, 60]


def test_moments__trade_of_insurance_fund__passed_over_and_counted(tmp_path: Path) -> None:
    lines = small()
    lines.trade(70, "101.20", "1", sold=False, kind="INSURANCE_FUND")

    (recording,) = load_recordings(lines.write(tmp_path / "a.gz"))

    assert sum(isinstance(moment, TradeAt) for moment in recording.moments()) == 2
    assert recording.trades_passed_over == 1


def test_load_recordings__file_goes_on_where_another_ended__chained(tmp_path: Path) -> None:
    small().write(tmp_path / "usdm_ethusdt_20240718.gz")
    later = Lines()
    later.depth(80, (120, 500, 510), bids=[("100.10", "0")])
    later.write(tmp_path / "usdm_ethusdt_20240719.gz")

    (recording,) = load_recordings(tmp_path)

    assert [file.name for file in recording.files] == [
        "usdm_ethusdt_20240718.gz",
        "usdm_ethusdt_20240719.gz",
    ]
    *_, last = recording.moments(levels=1)
    assert last == BookAt((T0_MS + 80) * MS, ((100 * E8, 150000000),), ((10120000000, 12500000),))


def test_load_recordings__spot__chains_by_next_id(tmp_path: Path) -> None:
    lines = Lines("BTCUSDT")
    lines.snapshot(0, 100, [("100", "1")], [("101", "1")])
    lines.spot_depth(10, (99, 104), bids=[("100.5", "2")])
    lines.trade(11, "100.5", "1", sold=True, kind=None)
    lines.spot_depth(20, (105, 105), asks=[("101", "3")])

    (recording,) = load_recordings(lines.write(tmp_path / "a.gz"))

    assert recording.market is BinanceMarket.SPOT
    assert (recording.books, recording.trades) == (2, 1)


def test_load_recordings__symbols_given__others_and_foreign_files_passed_over(
    tmp_path: Path,
) -> None:
    for symbol in ("ETHUSDT", "BTCUSDT"):
        small(symbol).write(tmp_path / f"usdm_{symbol}.gz")
    (tmp_path / "other.txt").write_text('1721347200000 {"channel":"l2Book"}\n')

    found = load_recordings(tmp_path, ["BTCUSDT"])

    assert [recording.symbol for recording in found] == ["BTCUSDT"]


def test_load_recordings__several_in_common__longest_taken(tmp_path: Path) -> None:
    small().write(tmp_path / "a.gz")
    longer = Lines()
    longer.snapshot(1_000, 900, [("100", "1")], [("101", "1")])
    longer.depth(1_010, (900, 901, 910))
    longer.depth(1_900, (910, 911, 920))
    longer.write(tmp_path / "b.gz")

    (recording,) = load_recordings(tmp_path, ["ETHUSDT"])

    assert recording.files[0].name == "b.gz"


def test_load_recordings__never_in_common__refused(tmp_path: Path) -> None:
    small().write(tmp_path / "a.gz")
    later = Lines("BTCUSDT")
    later.snapshot(1_000, 900, [("100", "1")], [("101", "1")])
    later.depth(1_010, (900, 901, 910))
    later.write(tmp_path / "b.gz")

    assert "never cover the same time" in refused(tmp_path, "ETHUSDT", "BTCUSDT").what


def test_load_recordings__update_missing__refused_with_line_and_ids(tmp_path: Path) -> None:
    lines = small()
    del lines.texts[2]

    error = refused(lines.write(tmp_path / "gap.gz"))

    assert (error.file, error.line) == ("gap.gz", 5)
    assert error.what == "update gap: the snapshot stands at 100, the next starts at 110"


def test_load_recordings__gap_later__refused_with_line_and_ids(tmp_path: Path) -> None:
    lines = small()
    lines.depth(70, (125, 126, 130))

    error = refused(lines.write(tmp_path / "gap.gz"))

    assert (error.line, error.what) == (
        8,
        "update gap: the book stands at 120, the next follows 125",
    )


def test_load_recordings__gap_between_files__refused(tmp_path: Path) -> None:
    small().write(tmp_path / "a.gz")
    later = Lines()
    later.depth(80, (121, 500, 510))
    later.write(tmp_path / "b.gz")

    error = refused(tmp_path)

    assert error.file == "b.gz"
    assert "no depth snapshot and does not continue" in error.what


def test_load_recordings__snapshot_crossed__refused_with_both_prices(tmp_path: Path) -> None:
    lines = small()
    lines.texts[1] = lines.texts[1].replace('"101.00"', '"99.90"')

    error = refused(lines.write(tmp_path / "crossed.gz"))

    assert (error.file, error.line) == ("crossed.gz", 2)
    assert error.what == (
        "crossed snapshot: best bid 10000000000e-8 is not below best ask 9990000000e-8"
    )


def test_load_recordings__book_crosses_later__refused(tmp_path: Path) -> None:
    lines = small()
    lines.depth(70, (120, 121, 130), bids=[("101.20", "1")])

    error = refused(lines.write(tmp_path / "a.gz"))

    assert (error.line, error.what.split(":")[0]) == (8, "crossed book")


def test_load_recordings__no_snapshot__refused(tmp_path: Path) -> None:
    lines = small()
    del lines.texts[1]

    assert "holds no depth snapshot" in refused(lines.write(tmp_path / "a.gz")).what


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("time,price,size", "not `<local time> <json>`"),
        ("17213472 {}", "not `<local time> <json>`"),
        ('1721347200000 {"channel":"l2Book","data":{}}', "not a Binance message"),
        ('1721347200000 {"stream":"ethusdt@depth","data":{}}', "not a Binance message"),
        ("1721347200000 {", "not a Binance message"),
    ],
)
def test_load_recordings__other_format__refused_with_line(
    tmp_path: Path, text: str, what: str
) -> None:
    file = tmp_path / "a.gz"
    file.write_bytes(gzip.compress(text.encode()))

    error = refused(file)

    assert (error.file, error.line) == ("a.gz", 1)
    assert error.what.startswith(what)


def test_load_recordings__too_many_decimals__refused(tmp_path: Path) -> None:
    lines = small()
    lines.depth(70, (120, 121, 130), bids=[("100.000000001", "1")])

    assert "more than 8 decimals" in refused(lines.write(tmp_path / "a.gz")).what


def test_load_recordings__clock_backwards__refused(tmp_path: Path) -> None:
    lines = small()
    lines.trade(-6_000, "100", "1", sold=True)

    error = refused(lines.write(tmp_path / "a.gz"))

    assert (error.line, error.what) == (8, "the local clock runs 6060 ms backwards")


def test_load_recordings__two_symbols_in_a_file__refused(tmp_path: Path) -> None:
    lines = small()
    lines.symbol = "BTCUSDT"
    lines.trade(70, "100", "1", sold=True)

    assert "a message of BTCUSDT" in refused(lines.write(tmp_path / "a.gz")).what


def test_load_recordings__archive_cut_off__refused(tmp_path: Path) -> None:
    file = small().write(tmp_path / "a.gz")
    file.write_bytes(file.read_bytes()[:-12])

    assert "cut off or damaged" in refused(file).what


def test_load_recordings__empty_folder__refused(tmp_path: Path) -> None:
    assert refused(tmp_path).what == "the folder is empty"


def test_load_recordings__folder_of_other_files__refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing here")

    assert refused(tmp_path).what == "none of its 1 files is a recording"


def test_load_recordings__no_such_folder__refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "absent").what == "no such file or folder"


def test_load_recordings__symbol_absent__refused_with_why_files_were_not_it(
    tmp_path: Path,
) -> None:
    small().write(tmp_path / "a.gz")
    (tmp_path / "b.gz").write_bytes(gzip.compress(b'1721347200000 {"channel":"x"}'))

    error = refused(tmp_path, "ETHUSDT", "BTCUSDT")

    assert error.what.startswith("holds no usdm recording of BTCUSDT (b.gz, line 1: not a Binance")
