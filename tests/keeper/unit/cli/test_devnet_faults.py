"""`keeper devnet fault` against an exchange that serves in a thread."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from keeper.cli.exits import ExitCode
from keeper.devnet.exchange import Exchange, ExchangeConfig
from keeper.devnet.exchange.faults import CATALOGUE

Keeper = Callable[..., Any]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A world's folder whose record names a running exchange."""
    folder = tmp_path_factory.mktemp("world-of-faults")
    (folder / "world").mkdir()
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with Exchange(ExchangeConfig()) as exchange:
            admin = f"http://127.0.0.1:{exchange.ports.admin}"
            record = {"venue": {"admin": admin}}
            (folder / "world" / "world.json").write_text(json.dumps(record))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    yield folder
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


def test_fault__set_listed_cleared__says_so(keeper: Keeper, out: Path) -> None:
    folder = ("--out", str(out))
    was_set = keeper(
        "devnet", "fault", "set", "order-lost", "--count", "3", "--permille", "500", *folder
    )
    shown = keeper("devnet", "fault", "list", *folder)
    listed = json.loads(keeper("devnet", "fault", "list", "--json", *folder).out)
    cleared = json.loads(keeper("devnet", "fault", "clear", "--json", *folder).out)

    assert "order-lost is set at height" in was_set.err
    assert [fault["name"] for fault in listed["faults"]] == list(CATALOGUE)
    assert [(fault["name"], fault["left"]) for fault in listed["active"]] == [("order-lost", 3)]
    line = next(line for line in shown.out.splitlines() if line.startswith("order-lost "))
    assert "3 left, 500/1000" in line
    assert cleared["cleared"] == ["order-lost"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("set", "meteor"), "no fault 'meteor'"),
        (("set", "crossed-book"), "crossed-book needs market"),
        (("clear", "meteor"), "no fault 'meteor'"),
    ],
)
def test_fault__malformed__names_the_list(
    keeper: Keeper, out: Path, words: tuple[str, ...], message: str
) -> None:
    result = keeper("devnet", "fault", *words, "--out", str(out))

    assert result.code == ExitCode.CONFIG
    assert message in result.err
    assert "keeper devnet fault list" in result.err


def test_fault__no_world_in_folder__says_how_to_start_one(keeper: Keeper, tmp_path: Path) -> None:
    result = keeper("devnet", "fault", "list", "--out", str(tmp_path))

    assert result.code == ExitCode.CONFIG
    assert "keeper devnet up" in result.err


def test_fault__world_has_stopped__is_a_venue_error(keeper: Keeper, tmp_path: Path) -> None:
    (tmp_path / "world").mkdir()
    record = {"venue": {"admin": "http://127.0.0.1:9"}}
    (tmp_path / "world" / "world.json").write_text(json.dumps(record))

    result = keeper("devnet", "fault", "list", "--out", str(tmp_path))

    assert result.code == ExitCode.VENUE
    assert "no exchange answers" in result.err
