"""The exchange as a process of its own: configuration, world clock, ports file, SIGTERM."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from keeper.devnet.exchange.config import load_config
from keeper.devnet.exchange.worldclock import WorldClock

START_NS = 1_760_000_000 * 10**9


def write_clock(path: Path, **changes: Any) -> None:
    shape = {
        "anchor_wall_ns": time.time_ns(),
        "anchor_world_ns": START_NS,
        "rate_ppm": 1_000_000,
        "paused": False,
    } | changes
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(shape))
    fresh.replace(path)


def read(path: Path) -> Any:
    return json.loads(path.read_text())


async def height_and_time(client: httpx.AsyncClient) -> tuple[int, int]:
    state = (await client.get("/admin/state")).json()
    return state["height"], state["time_ns"]


def test_command__follows_world_clock_and_stops_on_sigterm(tmp_path: Path) -> None:
    asyncio.run(_follow(tmp_path))


async def _follow(folder: Path) -> None:
    clock = folder / "clock.json"
    write_clock(clock, paused=True)
    settings = {
        "clock_path": str(clock),
        "ports_file": str(folder / "ports.json"),
        "block_interval_ms": 100,
    }
    (folder / "exchange.json").write_text(json.dumps(settings))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "keeper.devnet.exchange",
        "--config",
        folder / "exchange.json",
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        ports = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports['admin']}") as client:
            await asyncio.sleep(0.5)
            assert await height_and_time(client) == (1, START_NS)
            jumped = START_NS + 3 * 86_400 * 10**9
            write_clock(clock, anchor_world_ns=jumped, paused=True)
            await asyncio.sleep(0.5)
            assert await height_and_time(client) == (2, jumped)
            write_clock(clock, anchor_world_ns=jumped)
            await asyncio.sleep(1)
            height, time_ns = await height_and_time(client)
        assert 5 <= height <= 14
        assert jumped < time_ns < jumped + 3 * 10**9
    finally:
        process.terminate()
        await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    assert read(folder / "ports.json") == ports


@pytest.mark.parametrize(
    ("rate", "paused", "expected"),
    [(1_000_000, False, 5_000), (2_000_000, False, 10_000), (1_000_000, True, 0)],
)
def test_world_clock__rate_and_pause__scale_wall_time(
    tmp_path: Path, rate: int, paused: bool, expected: int
) -> None:
    path = tmp_path / "clock.json"
    write_clock(path, anchor_wall_ns=1_000, rate_ppm=rate, paused=paused)

    assert WorldClock(path).now_ns(6_000) == START_NS + expected


def test_load_config__all_sections__reads_them(tmp_path: Path) -> None:
    path = tmp_path / "exchange.json"
    market = {
        "id": 4,
        "ticker": "X-USD",
        "atomic_resolution": -5,
        "oracle_exponent": -9,
        "oracle_price": 7,
    }
    settings = {
        "markets": [market],
        "ports": {"grpc": 9_090},
        "place_cancel_limits": [{"blocks": 5, "limit": 9}],
    }
    path.write_text(json.dumps(settings))

    config = load_config(path)

    assert config.ticker("X-USD") == config.market(4)
    assert config.ports.grpc == 9_090
    assert config.place_cancel_limits[0].limit == 9


@pytest.mark.parametrize(
    "settings", [{"prots": {}}, {"ports": {"tcp": 1}}, {"markets": [{"name": "X"}]}]
)
def test_load_config__unknown_key__is_refused(tmp_path: Path, settings: dict[str, Any]) -> None:
    path = tmp_path / "exchange.json"
    path.write_text(json.dumps(settings))

    with pytest.raises(ValueError, match="unknown"):
        load_config(path)
