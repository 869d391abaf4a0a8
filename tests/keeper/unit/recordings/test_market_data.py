"""The recordings of July 2024 and April 2023, whole: their books held against the tickers."""

import bisect
from collections import defaultdict
from pathlib import Path

import pytest

from keeper.domain.errors import RecordingInvalid
from keeper.feeds.binance.wire import BookTicker, decode, e8
from keeper.recordings import BookAt, Recording, load_recordings

_Best = tuple[int, int, int, int]


@pytest.fixture(scope="module")
def folder(market_data_dir: Path) -> Path:
    return market_data_dir / "l2_binance_hftbacktest"


@pytest.fixture(scope="module")
def july(folder: Path) -> tuple[Recording, ...]:
    return load_recordings(folder, ("BTCUSDT", "ETHUSDT"))


def test_load_recordings__two_symbols__the_window_both_cover(july: tuple[Recording, ...]) -> None:
    assert [[file.name for file in recording.files] for recording in july] == [
        ["usdm_btcusdt_20240718.gz", "usdm_btcusdt_20240719.gz"],
        ["usdm_ethusdt_20240718.gz", "usdm_ethusdt_20240719.gz"],
    ]
    assert [(recording.books, recording.trades) for recording in july] == [
        (9017, 10701),
        (8923, 13654),
    ]
    assert all(1_500 < recording.clock_offset_ns // 1_000_000 < 1_530 for recording in july)


def test_load_recordings__microseconds__april_chains(folder: Path) -> None:
    (april,) = load_recordings(folder, ("BTCUSDT",))

    assert [file.name for file in april.files] == [
        "usdm_btcusdt_20230404.gz",
        "usdm_btcusdt_20230405.gz",
    ]
    assert april.trades_passed_over == 1


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("spot_btcusdt_20230405.gz", "holds no depth snapshot"),
        ("hyperliquid_btcusd_20250126.gz", "not a Binance message"),
        ("usdm_ethusdt_20240719.gz", "holds no depth snapshot"),
    ],
)
def test_load_recordings__file_alone_of_no_use__refused(folder: Path, name: str, what: str) -> None:
    with pytest.raises(RecordingInvalid) as caught:
        load_recordings(folder / name)

    assert caught.value.what.startswith(what)


def test_moments__book_rebuilt__is_the_best_the_tickers_gave(july: tuple[Recording, ...]) -> None:
    """Every rebuilt top equals, in price and size, a ticker of its millisecond or the last before.

    Tolerance: none in price and size; one millisecond in time, the resolution of both streams.
    """
    for recording in july:
        tickers = tickers_by_time(recording)
        times = sorted(tickers)
        for moment in recording.moments(levels=1):
            if not isinstance(moment, BookAt):
                continue
            end = bisect.bisect_right(times, moment.t_ns)
            start = bisect.bisect_left(times, moment.t_ns) - 1
            seen = {best for time in times[start:end] for best in tickers[time]}
            assert (*moment.bids[0], *moment.asks[0]) in seen


def tickers_by_time(recording: Recording) -> dict[int, list[_Best]]:
    found: dict[int, list[_Best]] = defaultdict(list)
    for _, text in recording.lines():
        payload = decode(text)
        if isinstance(payload, BookTicker) and payload.matched_ms is not None:
            best = (e8(payload.bid), e8(payload.bid_size), e8(payload.ask), e8(payload.ask_size))
            found[payload.matched_ms * 1_000_000].append(best)
    return found
