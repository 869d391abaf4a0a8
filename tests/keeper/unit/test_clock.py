"""The world clock file: rate, pause, replacement, absence."""

import json
import os
import time
from pathlib import Path

import pytest

from keeper.clock import FileClock, SystemClock, WorldTime, clock_from_source
from keeper.domain.errors import ConfigError


def write_clock(path: Path, **changes: object) -> None:
    body = {"anchor_wall_ns": 0, "anchor_world_ns": 0, "rate_ppm": 1_000_000, "paused": False}
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({**body, **changes}))
    os.replace(temporary, path)


def test_at__rate_of_two__world_runs_twice_as_fast() -> None:
    world = WorldTime(anchor_wall_ns=1_000, anchor_world_ns=50, rate_ppm=2_000_000, paused=False)

    assert world.at(1_000) == 50
    assert world.at(1_500) == 1_050


def test_at__paused__stays_at_the_anchor() -> None:
    world = WorldTime(anchor_wall_ns=1_000, anchor_world_ns=50, rate_ppm=2_000_000, paused=True)

    assert world.at(9_999_999) == 50


def test_now_ns__file_replaced__follows_the_new_anchor(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    write_clock(path, anchor_world_ns=7, paused=True)
    clock = FileClock(path)
    assert clock.now_ns() == 7

    write_clock(path, anchor_world_ns=8, paused=True)

    assert clock.now_ns() == 8


def test_now_ns__running__lies_between_two_wall_readings(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    write_clock(path)
    clock = FileClock(path)

    before, now, after = time.time_ns(), clock.now_ns(), time.time_ns()

    assert before <= now <= after


@pytest.mark.parametrize("body", ["", "{}", '{"anchor_wall_ns": 1.5}', "[]"])
def test_now_ns__malformed_file__is_a_config_error(tmp_path: Path, body: str) -> None:
    path = tmp_path / "clock.json"
    path.write_text(body)

    with pytest.raises(ConfigError, match="malformed"):
        FileClock(path).now_ns()


def test_now_ns__file_gone_after_first_read__is_a_config_error(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    write_clock(path)
    clock = FileClock(path)
    clock.now_ns()

    path.unlink()

    with pytest.raises(ConfigError, match="cannot be read"):
        clock.now_ns()


def test_clock_from_source__system__is_the_machines_clock() -> None:
    assert isinstance(clock_from_source("system"), SystemClock)
