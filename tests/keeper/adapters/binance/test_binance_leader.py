"""The leader's source against the loopback server: quotes, losses, gaps, pace, refusals."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keeper.clock import SystemClock
from keeper.domain.errors import ConfigError
from keeper.domain.events import Event, LeaderQuoted, SourceDown, SourceGap, SourceUp
from keeper.feeds.binance.leader import BinanceLeader
from keeper.feeds.binance.wire import BinanceMarket
from tests.keeper.adapters.binance.binance_world import E8, following, playing, until
from tests.keeper.recorded import Lines, small

SOURCE = "leader:binance-usdm"
ETH = {"ETHUSDT": "ETH-USD"}


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def kinds(events: list[Event]) -> list[type]:
    return [type(event) for event in events]


def test_run__connected_to_a_quiet_market__best_of_the_snapshot_then_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with playing(tmp_path, small()) as world, following(world, ETH):
            await until(lambda: SourceUp(source=SOURCE) in world.events)

        assert world.events[0] == LeaderQuoted(
            market="ETH-USD",
            source=SOURCE,
            source_seq=110,
            bid_e8=10_010_000_000,
            bid_size_e8=50_000_000,
            ask_e8=102 * E8,
            ask_size_e8=3 * E8,
        )

    run(story)


def test_run__update_arrives__newest_best_of_ticker_and_book(tmp_path: Path) -> None:
    async def story() -> None:
        async with playing(tmp_path, small()) as world, following(world, ETH):
            await until(lambda: SourceUp(source=SOURCE) in world.events)
            world.play_to(100)
            await until(lambda: world.quotes()[-1].source_seq == 120)

        last = world.quotes()[-1]
        assert (last.bid_e8, last.ask_e8) == (10_010_000_000, 10_120_000_000)
        assert last.ask_size_e8 == 12_500_000

    run(story)


def test_run__two_symbols__up_once_both_are_known(tmp_path: Path) -> None:
    both = {"ETHUSDT": "ETH-USD", "BTCUSDT": "BTC-USD"}

    async def story() -> None:
        async with (
            playing(tmp_path, small(), small("BTCUSDT")) as world,
            following(world, both),
        ):
            await until(lambda: SourceUp(source=SOURCE) in world.events)

        before = world.events[: world.events.index(SourceUp(source=SOURCE))]
        assert {event.market for event in before if isinstance(event, LeaderQuoted)} == {
            "ETH-USD",
            "BTC-USD",
        }

    run(story)


def test_run__nothing_new__same_quote_is_confirmed(tmp_path: Path) -> None:
    async def story() -> None:
        async with playing(tmp_path, small()) as world, following(world, ETH):
            await until(lambda: len(world.quotes()) >= 3)

        assert len(set(world.quotes())) == 1

    run(story)


def test_run__server_gone_and_back__down_then_up_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with playing(tmp_path, small()) as world, following(world, ETH):
            await until(lambda: SourceUp(source=SOURCE) in world.events)
            port = world.server.port
            await world.server.close()
            await until(lambda: any(isinstance(e, SourceDown) for e in world.events))
            told = len(world.events)
            await world.server.open(port)
            await until(lambda: SourceUp(source=SOURCE) in world.events[told:])

        downs = [event for event in world.events if isinstance(event, SourceDown)]
        assert len(downs) == 1
        assert downs[0].source == SOURCE
        assert downs[0].detail

    run(story)


def test_run__nobody_there_at_the_start__down_once_and_tries_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with playing(tmp_path, small()) as world:
            port = world.server.port
            await world.server.close()
            async with following(world, ETH):
                await until(lambda: bool(world.events))
                await asyncio.sleep(0.1)
                assert kinds(world.events) == [SourceDown]
                await world.server.open(port)
                await until(lambda: SourceUp(source=SOURCE) in world.events)

    run(story)


def longer() -> Lines:
    """Two more updates than the small recording has."""
    lines = small()
    lines.depth(200, (120, 121, 130), bids=[("100.20", "1")])
    lines.depth(300, (130, 131, 140), bids=[("100.30", "1")])
    return lines


def test_run__message_lost_on_the_way__gap_with_both_ids_down_and_up_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with playing(tmp_path, longer()) as world, following(world, ETH):
            await until(lambda: SourceUp(source=SOURCE) in world.events)
            world.play_to(100)
            await until(lambda: world.quotes()[-1].source_seq == 120)
            await world.play_unheard("ETHUSDT", 250)
            told = len(world.events)
            world.play_to(400)
            await until(lambda: SourceUp(source=SOURCE) in world.events[told:])

        after = [event for event in world.events[told:] if not isinstance(event, LeaderQuoted)]
        assert after[0] == SourceGap(source=SOURCE, expected=120, received=130)
        assert kinds(after) == [SourceGap, SourceDown, SourceUp]
        assert world.quotes()[-1].bid_e8 == 10_030_000_000

    run(story)


def test_run__message_lost_before_the_first_update__snapshot_taken_again(tmp_path: Path) -> None:
    """Nothing was told wrong yet: the book of the older snapshot is replaced, without a gap."""

    async def story() -> None:
        async with playing(tmp_path, longer()) as world, following(world, ETH):
            await until(lambda: SourceUp(source=SOURCE) in world.events)
            await world.play_unheard("ETHUSDT", 250)
            world.play_to(400)
            await until(lambda: world.quotes()[-1].source_seq == 140)

        assert kinds(world.events).count(SourceGap) == 0
        assert kinds(world.events).count(SourceDown) == 0

    run(story)


def test_run__unknown_symbol__config_error_with_next_step(tmp_path: Path) -> None:
    async def story() -> None:
        async with playing(tmp_path, small()) as world:
            source = BinanceLeader(
                world.settings("DOGEUSDT"), {"DOGEUSDT": "DOGE-USD"}, 1, SystemClock()
            )
            with pytest.raises(ConfigError, match="does not know the symbol DOGEUSDT") as caught:
                await source.run(world.events.append)
            await source.close()

        assert caught.value.next_step

    run(story)


def test_run__many_updates__at_most_one_quote_a_pace_and_the_newest_last(tmp_path: Path) -> None:
    busy = small()
    for number in range(200):
        busy.ticker(60 + number, 121 + number, ("100.10", f"{number + 1}"), ("101.20", "1"))

    async def story() -> None:
        async with playing(tmp_path, busy) as world, following(world, ETH, pace_ms=200):
            await until(lambda: SourceUp(source=SOURCE) in world.events)
            world.play_to(1_000)
            await until(lambda: world.quotes()[-1].bid_size_e8 == 200 * E8)

        assert len(world.quotes()) <= 12

    run(story)


def test_run__spot__its_own_endpoint_and_sequence(tmp_path: Path) -> None:
    lines = Lines("ETHUSDT")
    lines.snapshot(0, 100, [("100", "1")], [("101", "1")])
    lines.spot_depth(10, (99, 104), bids=[("100.5", "2")])
    lines.spot_depth(50, (105, 107), asks=[("100.9", "3")])
    lines.spot_depth(60, (108, 109), asks=[("100.8", "4")])

    async def story() -> None:
        async with playing(tmp_path, lines) as world:
            settings = replace(world.settings("ETHUSDT"), market=BinanceMarket.SPOT)
            source = BinanceLeader(settings, ETH, 1, SystemClock())
            task = asyncio.create_task(source.run(world.events.append))
            await until(lambda: len(world.quotes()) >= 1)
            world.play_to(100)
            await until(lambda: world.quotes()[-1].source_seq == 109)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await source.close()

        assert world.quotes()[-1].ask_e8 == 10_080_000_000
        assert world.quotes()[-1].source == "leader:binance-spot"

    run(story)
