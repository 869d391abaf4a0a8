"""The demonstration on recorded markets, and the recordings it refuses before anything starts."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from keeper.cli.exits import ExitCode
from keeper.domain.events import FillReceived
from keeper.domain.orders import Side
from keeper.journal import JournalReader
from tests.e2e.console import Run, keeper
from tests.e2e.local_world import Service, until
from tests.keeper.recorded import Lines, small

pytestmark = pytest.mark.e2e

QUOTED = ("ETH-USD", "BTC-USD")


@dataclass(frozen=True, slots=True)
class Demo:
    """A demonstration that was told to its end."""

    out: Path
    run: Run

    @property
    def told(self) -> dict[str, Any]:
        """What it says of itself; of one that failed only the exit code is judged."""
        return self.run.data


@pytest.fixture(scope="module")
def demo(market_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Play July 2024, both markets, once for all tests of this module."""
    out = tmp_path_factory.mktemp("recorded")
    data = market_data_dir / "l2_binance_hftbacktest"
    arguments = ("devnet", "demo", "--out", str(out), "--data", str(data), "--play-seconds", "30")
    return Demo(out, keeper(arguments, patience_seconds=900))


@pytest.mark.slow
def test_demo__on_recorded_markets__holds_row_by_row(demo: Demo) -> None:
    differing = [check for check in demo.told["checks"] if check["left"] != check["right"]]
    assert differing == []
    assert demo.told["holds"] is True
    names = {check["name"] for check in demo.told["checks"]}
    assert {"USDC held", "USDC on the exchange", "collateral pool", "ada's claim"} <= names


@pytest.mark.slow
def test_demo__on_recorded_markets__is_filled_on_both_sides_of_each(demo: Demo) -> None:
    assert demo.told["holds"] is True
    steps = JournalReader(demo.out / "world" / "journal").steps()
    fills = [step.event for step in steps if isinstance(step.event, FillReceived)]
    made = [(fill.market, fill.side) for fill in fills if fill.liquidity == "MAKER"]
    for market in QUOTED:
        for side in Side:
            assert made.count((market, side)) >= 1, (market, side, made)
    counted = {(row["market"], row["side"]): row["count"] for row in demo.told["maker_fills"]}
    assert counted == {
        (market, side.value): made.count((market, side)) for market in QUOTED for side in Side
    }


@pytest.mark.slow
def test_demo__on_recorded_markets__says_on_the_page_what_was_played_and_how(demo: Demo) -> None:
    page = Path(demo.told["report"]).read_text()
    for said in (
        "ETHUSDT -&gt; ETH-USD, BTCUSDT -&gt; BTC-USD",
        "2024-07-18 23:57:",
        "2024-07-19 00:05:",
        "ms behind, corrected",
        "usdm_ethusdt_20240719.gz",
        "maker fee 100 + half the recorded spread",
    ):
        assert said in page, said


def busy(symbol: str, price: int) -> Lines:
    """Ten seconds of a market that trades from its first moment on."""
    lines = Lines(symbol)
    lines.depth(0, (90, 91, 95))
    lines.snapshot(10, 100, [(f"{price}.00", "50")], [(f"{price + 1}.00", "50")])
    for number in range(100):
        at, last = 20 + 100 * number, 100 + 10 * number
        previous = 95 if number == 0 else last
        lines.depth(at, (previous, last - 9 if number == 0 else last + 1, last + 10))
        lines.trade(at + 1, f"{price + number % 2}.00", "0.5", sold=number % 2 == 0)
    return lines


@pytest.mark.slow
def test_up__on_a_recording_that_trades_at_once__plays_it_to_its_end_and_says_so(
    tmp_path: Path,
) -> None:
    data, out, log = tmp_path / "data", tmp_path / "out", tmp_path / "up.log"
    data.mkdir()
    busy("ETHUSDT", 3000).write(data / "eth.gz")
    busy("BTCUSDT", 64000).write(data / "btc.txt")
    service = Service(("devnet", "up", "--out", str(out), "--data", str(data)), log, {})
    try:
        record = json.loads(service.line(420))
        until(lambda: "the recording has ended" in log.read_text(), "the recording's end")
        indexer = record["venue"]["rest"]
        book = httpx.get(f"{indexer}/v4/orderbooks/perpetualMarket/BTC-USD").json()
        trades = httpx.get(f"{indexer}/v4/trades/perpetualMarket/ETH-USD").json()["trades"]
    finally:
        code = service.stop()

    assert code == 0, log.read_text()
    played = [(each["symbol"], each["market"]) for each in record["recorded"]["markets"]]
    assert played == [("ETHUSDT", "ETH-USD"), ("BTCUSDT", "BTC-USD")]
    assert book["bids"][0] == {"price": "64000", "size": "50"}
    assert book["asks"][0] == {"price": "64001", "size": "50"}
    assert len(trades) >= 90


def wrong_format(folder: Path) -> None:
    (folder / "trades.gz").write_bytes(b"price,size\n")


def gap(folder: Path) -> None:
    lines = small()
    lines.depth(70, (999, 1_000, 1_010), bids=[("99.50", "1")])
    lines.write(folder / "eth.gz")


def crossed_snapshot(folder: Path) -> None:
    lines = Lines("BTCUSDT")
    lines.depth(0, (90, 91, 95))
    lines.snapshot(10, 100, [("102.00", "1")], [("101.00", "2")])
    lines.write(folder / "btc.txt")


def other_symbol(folder: Path) -> None:
    small("SOLUSDT").write(folder / "sol.gz")


@pytest.mark.parametrize("command", ["demo", "up"])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (wrong_format, "trades.gz, line 1"),
        (gap, "eth.gz, line 8: update gap"),
        (crossed_snapshot, "btc.txt, line 2: crossed snapshot"),
        (other_symbol, "holds recordings of SOLUSDT"),
        (Path.exists, "empty"),
        (Path.rmdir, "no such file or folder"),
    ],
)
def test_data__that_cannot_be_played__is_refused_before_anything_starts(
    tmp_path: Path, command: str, make: Callable[[Path], None], said: str
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    make(data)

    run = keeper(("devnet", command, "--data", str(data), "--out", str(out)))

    assert (run.refusal.exit_code, run.refusal.code) == (ExitCode.CONFIG, "RECORDING_INVALID")
    assert said in run.refusal.message
    assert run.refusal.next_step != ""
    assert not out.exists()


def test_data__refused__leaves_the_world_of_before_alone(tmp_path: Path) -> None:
    clock = tmp_path / "out" / "world" / "clock.json"
    clock.parent.mkdir(parents=True)
    clock.write_text(json.dumps({}))
    data = tmp_path / "data"
    data.mkdir()

    run = keeper(("devnet", "demo", "--data", str(data), "--out", str(tmp_path / "out")))

    assert run.refusal.code == "RECORDING_INVALID"
    assert clock.exists()
