"""What the live page remembers is bounded, and starts again with the keeper's clock."""

from typing import Any

import pytest

from keeper.pages.report_data import FillPoint
from keeper.pages.status import status_of
from keeper.web.traces import KEPT_FILLS, KEPT_SAMPLES, Traces
from tests.keeper.builders import Keeper, pool_seen, pool_settings, settings, vault


@pytest.fixture
def status() -> dict[str, Any]:
    keeper = Keeper(settings(pools=(pool_settings(),)))
    keeper.start(ETH=2_000_000_000)
    keeper.feed(vault(1))
    keeper.feed(pool_seen(1, amount1=3 * 10**18))
    keeper.block()
    return status_of(keeper.state, keeper.now)


def later(status: dict[str, Any], seconds: int) -> dict[str, Any]:
    return {**status, "t_ns": status["t_ns"] + seconds * 10**9}


def test_add__a_status__is_in_the_page_s_units(status: dict[str, Any]) -> None:
    traces = Traces()

    traces.add(status)

    (market,) = traces.markets()
    assert market.oracle[-1][1] == 3_000_000_000
    assert market.bid[-1][1] is not None
    assert market.ask[-1][1] is not None
    assert market.bid[-1][1] < 3_000_000_000 < market.ask[-1][1]
    assert (market.position[-1][1], market.pool[-1][1]) == (2_000_000_000, 3_000_000_000)
    assert market.net[-1][1] == 5_000_000_000
    assert traces.pools()[0].price[-1][1] > 0


def test_add__the_same_moment_again__is_one_sample(status: dict[str, Any]) -> None:
    traces = Traces()

    for _ in range(3):
        traces.add(status)
    traces.add(later(status, 5))

    assert [at for at, _ in traces.markets()[0].oracle] == [
        status["t_ns"] // 10**6,
        status["t_ns"] // 10**6 + 5_000,
    ]


def test_add__more_than_an_hour__forgets_the_oldest(status: dict[str, Any]) -> None:
    traces = Traces()

    for second in range(KEPT_SAMPLES + 100):
        moved = later(status, second)
        moved["markets"] = [{**status["markets"][0], "oracle_price": 3_000_000_000 + second}]
        traces.add(moved)

    (market,) = traces.markets()
    assert len(market.oracle) == KEPT_SAMPLES
    assert market.oracle[0][0] == status["t_ns"] // 10**6 + 100_000


def test_fill__many__keeps_the_newest(status: dict[str, Any]) -> None:
    traces = Traces()
    traces.add(status)
    start_ms = status["t_ns"] // 10**6

    for number in range(KEPT_FILLS + 10):
        point = FillPoint(at_ms=start_ms + number, side="BUY", price_usdc_e6=1, base_e9=1)
        traces.fill("ETH-USD", point)

    newest = traces.newest_fills()
    assert len(newest) == KEPT_FILLS
    assert newest[0][1].at_ms == start_ms + KEPT_FILLS + 9


def test_markets__fills_before_the_first_sample__are_listed_and_not_drawn(
    status: dict[str, Any],
) -> None:
    traces = Traces()
    traces.add(status)

    traces.fill("ETH-USD", FillPoint(at_ms=5, side="BUY", price_usdc_e6=1, base_e9=1))

    assert traces.markets()[0].fills == ()
    assert len(traces.newest_fills()) == 1
