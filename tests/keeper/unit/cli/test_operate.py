"""A word to a running keeper that takes longer than its person waits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keeper.cli import operate
from keeper.cli.exits import ExitCode


class Time:
    """Passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Told:
    """A keeper that answers with the next of some positions, and again with the last of them."""

    def __init__(self, **market: Any) -> None:
        self.positions: Iterator[int] = iter(())
        self.market = {
            "market": "ETH-USD",
            "base_decimals": 9,
            "subticks_decimals": 6,
            "position_base_quantums": 927_000_000,
            "bids": 0,
            "asks": 1,
            "best_bid_subticks": 2_990_000_000,
            "best_ask_subticks": 3_000_000_000,
            "flattening_limit_subticks": 2_985_000_000,
            **market,
        }
        self.refusals = ["EXITING:ETH-USD"]

    def status(self, _folder: Path) -> dict[str, Any]:
        held = next(self.positions, self.market["position_base_quantums"])
        self.market["position_base_quantums"] = held
        market = {**self.market, "asks": 1 if held else 0}
        return {"markets": [market], "pools": [], "state": "EXITING", "refusals": self.refusals}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(operate, "time", time)
    return time


def flatten(told: Told, keeper: Any, config_file: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(operate, "ask", lambda _folder, _request: {})
    monkeypatch.setattr(operate, "ask_status", told.status)
    return keeper("flatten", "--wait", "60", "--config", config_file)


def test_flatten__not_flat_in_time__says_what_is_left_in_the_markets_own_unit(
    clock: Time, keeper: Any, config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = flatten(Told(), keeper, config_file, monkeypatch)

    assert result.code == ExitCode.PENDING
    assert "not in effect after 60 s: ETH-USD position 0.927, 1 orders\n" in result.err
    assert "keeper status" in result.err


def test_flatten__book_beyond_the_limit__says_so_and_how_to_take_a_worse_price(
    clock: Time, keeper: Any, config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(flattening_limit_subticks=2_991_000_000)

    result = flatten(told, keeper, config_file, monkeypatch)

    assert result.code == ExitCode.PENDING
    assert "(best bid 2,990.00, orders go as far as 2,991.00)" in result.err
    assert "hedge_max_slippage_ppm" in result.err


def test_flatten__short_and_nothing_offered__says_that_there_is_none(
    clock: Time, keeper: Any, config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(position_base_quantums=-927_000_000, best_ask_subticks=0)

    result = flatten(told, keeper, config_file, monkeypatch)

    assert "(best ask none, orders go as far as 2,985.00)" in result.err


def test_flatten__gate_closed__names_the_refusal(
    clock: Time, keeper: Any, config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()
    told.refusals += ["STALE_ORACLE:ETH-USD"]

    result = flatten(told, keeper, config_file, monkeypatch)

    assert "in force: STALE_ORACLE" in result.err
    assert "keeper explain STALE_ORACLE" in result.err


def test_flatten__something_is_closed_now_and_then__waits_for_the_end(
    clock: Time, keeper: Any, config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()
    slow = [held for held in (900, 600, 300) for _ in range(200)]  # 40 s each at 0.2 s a look
    told.positions = iter([*slow, 0])

    result = flatten(told, keeper, config_file, monkeypatch)

    assert result.code == ExitCode.OK
    assert clock.now - 100 > 60
    assert "open: positions none; 0 orders, 0 pool ranges" in result.out
