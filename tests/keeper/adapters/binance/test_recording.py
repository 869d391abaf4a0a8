"""What is recorded from a server loads as what the server played; breaks leave no half file."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from keeper.bootstrap.recording import Recorder, recording_settings
from keeper.clock import SystemClock
from keeper.domain.errors import ConfigError, FeedUnavailable
from keeper.recordings import BookAt, Moment, TradeAt, load_recordings
from tests.interrupts import hear_interrupts
from tests.keeper.adapters.binance.binance_world import World, playing, until
from tests.keeper.recorded import Lines, small

CLI = "from keeper.cli.main import main; main()"


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def busy(symbol: str = "ETHUSDT") -> Lines:
    """The small recording and ten more updates, with a trade after each."""
    lines = small(symbol)
    for number in range(10):
        at_ms, last = 100 + 20 * number, 120 + 10 * number
        lines.depth(at_ms, (last, last + 1, last + 10), bids=[("100.05", f"{number + 1}")])
        lines.trade(at_ms + 5, "100.10", f"0.{number + 1}", sold=True)
    return lines


@asynccontextmanager
async def recording(world: World, out: Path, *symbols: str) -> AsyncIterator[Recorder]:
    urls = (world.server.ws_url, world.server.rest_url)
    settings = recording_settings("binance-usdm", urls, symbols)
    recorder = Recorder(settings, out, SystemClock(), lambda _: None)
    task = asyncio.create_task(recorder.run())
    try:
        yield recorder
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def heard(world: World, symbol: str) -> None:
    """Wait until somebody listens to a symbol."""
    player = world.server._players[symbol]
    await until(lambda: any(player._listeners.values()))


async def begun(world: World, recorder: Recorder) -> None:
    """Play up to the first update, until it and a snapshot are written."""
    for symbol in recorder.recorded:
        await heard(world, symbol)
    world.play_to(world.at_ms + 30)
    before = 4 if world.at_ms == 55 else 2
    await until(lambda: all(found.messages >= before for found in recorder.recorded.values()))


def snapshots(world: World, symbol: str) -> asyncio.Event:
    """Return what is set once somebody has asked for a snapshot."""
    player, asked = world.server._players[symbol], asyncio.Event()
    given = player.snapshot

    def noted(levels: int) -> str | None:
        asked.set()
        return given(levels)

    setattr(player, "snapshot", noted)  # noqa: B010 - a method of the instance, replaced
    return asked


def after(moments: list[Moment], first: Moment) -> list[Moment]:
    return [moment for moment in moments if moment.t_ns >= first.t_ns]


@pytest.mark.parametrize("symbols", [("ETHUSDT",), ("BTCUSDT", "ETHUSDT")])
def test_run__recorded_from_the_server__same_books_and_trades(
    tmp_path: Path, symbols: tuple[str, ...]
) -> None:
    source, out = tmp_path / "played", tmp_path / "out"
    source.mkdir()

    async def story() -> None:
        async with (
            playing(source, *map(busy, symbols)) as world,
            recording(world, out, *symbols) as recorder,
        ):
            await begun(world, recorder)
            world.play_to(1_000)
            await until(lambda: all(r.messages == 25 for r in recorder.recorded.values()))

    run(story)

    played = {each.symbol: list(each.moments()) for each in load_recordings(source)}
    found = {each.symbol: list(each.moments()) for each in load_recordings(out)}
    assert sorted(found) == sorted(symbols)
    for symbol, moments in found.items():
        assert moments == after(played[symbol], moments[0])
        assert sum(isinstance(moment, BookAt) for moment in moments) >= 9
        assert sum(isinstance(moment, TradeAt) for moment in moments) >= 9


def test_run__connection_lost_and_back__two_files_that_both_load(tmp_path: Path) -> None:
    source, out = tmp_path / "played", tmp_path / "out"
    source.mkdir()

    async def story() -> None:
        async with playing(source, busy()) as world:
            async with recording(world, out, "ETHUSDT") as recorder:
                await begun(world, recorder)
                world.play_to(145)
                await until(lambda: recorder.recorded["ETHUSDT"].messages == 11)
                port = world.server.port
                await world.server.close()
                await until(lambda: recorder.recorded["ETHUSDT"].breaks >= 1)
                world.play_to(185)
                await world.server.open(port)
                await heard(world, "ETHUSDT")
                world.play_to(205)
                await until(lambda: recorder.recorded["ETHUSDT"].messages == 14)
                world.play_to(1_000)
                await until(lambda: recorder.recorded["ETHUSDT"].messages == 22)
            assert len(recorder.recorded["ETHUSDT"].files) == 2

    run(story)

    assert len(load_recordings(out)) == 2


def test_run__stopped_before_a_book_stood__leaves_no_file(tmp_path: Path) -> None:
    source, out = tmp_path / "played", tmp_path / "out"
    source.mkdir()

    async def story() -> None:
        async with (
            playing(source, busy()) as world,
            recording(world, out, "ETHUSDT") as recorder,
        ):
            await heard(world, "ETHUSDT")
            world.play_to(40)
            await until(lambda: recorder.recorded["ETHUSDT"].messages >= 1)

    run(story)

    assert list(out.iterdir()) == []


def test_run__nobody_there__error_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with playing(tmp_path, busy()) as world:
            await world.server.close()
            recorder = Recorder(
                world.settings("ETHUSDT", eager=False), tmp_path, SystemClock(), lambda _: None
            )
            with pytest.raises(FeedUnavailable):
                await recorder.run()

    run(story)


def test_run__folder_cannot_be_written__error_with_next_step(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    async def story() -> None:
        async with playing(tmp_path, busy()) as world:
            settings = world.settings("ETHUSDT", eager=False)
            recorder = Recorder(settings, tmp_path / "file", SystemClock(), lambda _: None)
            task = asyncio.create_task(recorder.run())
            await heard(world, "ETHUSDT")
            world.play_to(200)
            with pytest.raises(ConfigError, match="cannot be written") as caught:
                await task
            assert caught.value.next_step

    run(story)


@pytest.mark.parametrize("ending", ["seconds", "signal"])
def test_record__command__finishes_files_and_prints_them(tmp_path: Path, ending: str) -> None:
    source, out = tmp_path / "played", tmp_path / "out"
    source.mkdir()
    answer: dict[str, Any] = {}

    async def story() -> None:
        async with playing(source, busy()) as world:
            command = [sys.executable, "-c", CLI, "record", "--json", "--out", str(out)]
            command += ["--symbol", "ethusdt", "--ws-url", world.server.ws_url]
            command += ["--rest-url", world.server.rest_url]
            command += ["--seconds", "4"] if ending == "seconds" else []
            process = await asyncio.create_subprocess_exec(
                *command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=os.environ,
                preexec_fn=hear_interrupts,
            )
            asked = snapshots(world, "ETHUSDT")
            await heard(world, "ETHUSDT")
            world.play_to(60)
            await until(asked.is_set)
            await asyncio.sleep(1)  # what is played before it has the snapshot makes no moment
            world.play_to(400)
            if ending == "signal":
                await asyncio.sleep(0.5)
                process.send_signal(signal.SIGINT)
            stdout, stderr = await process.communicate()
            assert process.returncode == 0, stderr.decode()
            assert b"ETHUSDT" in stderr
            answer.update(json.loads(stdout))

    run(story)

    (symbol,) = answer["symbols"]
    assert symbol["symbol"] == "ETHUSDT"
    assert symbol["messages"] > 10
    (recording,) = load_recordings(out)
    assert [str(file) for file in recording.files] == symbol["files"]
    assert recording.trades > 0
