"""What a person waits for: `keeper --help`, `config check` and `status`, from exec to exit.

Each run starts a process of its own; `status` is answered over the control socket of a keeper that
holds the tape's orders and positions, and serves it from this process.
"""

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure, Samples, median_of
from benchmarks.tape import TapeClock, play
from keeper.cli.status import folder_of
from keeper.config.load import load_config
from keeper.control.asking import socket_path
from keeper.control.server import ControlServer
from keeper.domain.events import Event
from keeper.engine.sequencer import Sequencer
from keeper.journal import JournalOptions, JournalWriter
from keeper.journal.rerun import CORE
from keeper.pages.status import status_of

__all__ = ["figures"]

GOAL: Final = "<= 400 ms"
PATIENCE_SECONDS: Final = 10
_ADDRESS: Final = "0x" + "11" * 20
_VENUE_ACCOUNT: Final = "dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4"
_VALUES: Final = (
    *(f"vault.address={_ADDRESS}", f"vault.reporter={_ADDRESS}", f"venue.adapter={_ADDRESS}"),
    *(f"venue.address={_VENUE_ACCOUNT}", f"venue.bridge_address={_VENUE_ACCOUNT}"),
    "evm.rpc_url=http://127.0.0.1:1",
)


def figures(*, runs: int, times: int) -> list[Figure]:
    """Measure each command `times` times a run, after one that leaves its bytecode behind."""
    with tempfile.TemporaryDirectory(prefix="athanor-bench-") as name:
        folder = Path(name)
        file = folder / "keeper.toml"
        changes = [part for value in _VALUES for part in ("--set", value)]
        _keeper(folder, "config", "init", "--venue", "local", "--out", str(file), *changes)
        with _serving(folder, folder_of(load_config(file))):
            return [
                _measured(folder, "keeper --help", ("--help",), runs, times),
                _measured(
                    folder, "keeper config check", ("config", "check", str(file)), runs, times
                ),
                _measured(folder, "keeper status", ("status", "--config", str(file)), runs, times),
            ]


def _measured(folder: Path, name: str, arguments: tuple[str, ...], runs: int, times: int) -> Figure:
    _keeper(folder, *arguments)
    found: list[Samples] = []
    for _ in range(runs):
        samples = Samples()
        for _ in range(times):
            cpu, wall = _children_ns(), time.perf_counter_ns()
            _keeper(folder, *arguments)
            samples.wall_ns.append(time.perf_counter_ns() - wall)
            samples.cpu_ns.append(_children_ns() - cpu)
        found.append(samples)
    return median_of(name, found, GOAL)


def _keeper(folder: Path, *arguments: str) -> None:
    """Run a command. Raises CalledProcessError where it does not succeed."""
    script = "from keeper.cli.main import main; main()"
    subprocess.run(
        [sys.executable, "-c", script, *arguments],
        check=True,
        capture_output=True,
        cwd=folder,
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
    )


def _children_ns() -> int:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int((used.ru_utime + used.ru_stime) * 1e9)


@contextmanager
def _serving(folder: Path, journal: Path) -> Iterator[None]:
    """Answer `status` for a journal's keeper as it stands after a hundred blocks of the tape."""
    with _runtime_folder(folder):
        server = ControlServer(journal, _refuse, {"status": _standing(journal)}, ())
        loop = asyncio.new_event_loop()
        task = loop.create_task(server.run())
        thread = threading.Thread(target=_until_cancelled, args=(loop, task))
        thread.start()
        try:
            _wait_for(socket_path(journal))
            yield
        finally:
            loop.call_soon_threadsafe(task.cancel)
            thread.join()


def _standing(journal: Path) -> Callable[[], dict[str, Any]]:
    clock, writer = TapeClock(), JournalWriter.open(journal, JournalOptions())
    sequencer = Sequencer(CORE, writer, clock)
    sequencer.recover()
    play(sequencer.process, clock, layers=3, blocks=100)
    writer.close()
    return lambda: status_of(sequencer.state, clock.now)


def _until_cancelled(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
    try:
        loop.run_until_complete(task)
    except asyncio.CancelledError:
        loop.close()


@contextmanager
def _runtime_folder(folder: Path) -> Iterator[None]:
    former = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    try:
        yield
    finally:
        if former is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = former


def _wait_for(path: Path) -> None:
    """Wait for a socket. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not path.exists():
        if time.monotonic() > end:
            raise TimeoutError(f"nobody listens at {path}")
        time.sleep(0.01)


def _refuse(event: Event) -> None:
    raise ValueError(f"nobody commands this keeper: {type(event).__name__}")
