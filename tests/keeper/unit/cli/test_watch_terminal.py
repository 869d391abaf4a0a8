"""`keeper status --watch` in a real terminal: sizes, keys, restarts, and no terminal at all."""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interrupts import hear_interrupts
from tests.keeper.live_keeper import LiveKeeper
from tests.keeper.serving import KEEPER, config_in

PATIENCE_SECONDS = 20
ESCAPES = re.compile(rb"\x1b(\[[0-9;?]*[a-zA-Z]|[()][A-Z0-9]|[=>])")
WARM_LOOKS, LOOKS = 15, 30
MOST_GROWTH_KB = 2_048


class Terminal:
    """A command in a pseudo terminal, and everything it has drawn since one last looked."""

    def __init__(self, command: list[str], columns: int, rows: int) -> None:
        self._master, slave = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(slave)
        self._slave = slave
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read(self) -> str:
        """What was drawn within the next moment, without colours and movements."""
        found = b""
        while select.select([self._master], [], [], 0.05)[0]:
            try:
                found += os.read(self._master, 65_536)
            except OSError:
                break
        return ESCAPES.sub(b"", found).decode(errors="replace")

    def until(self, is_shown: Callable[[str], bool]) -> str:
        """Wait for a drawing. Raises AssertionError with what was drawn instead."""
        end, drawn = time.monotonic() + PATIENCE_SECONDS, ""
        while not is_shown(drawn):
            assert time.monotonic() < end, drawn[-3_000:]
            drawn += self.read()
        return drawn

    def attributes(self) -> list[object]:
        return list(termios.tcgetattr(self._slave))

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        for descriptor in (self._master, self._slave):
            os.close(descriptor)


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return config_in(tmp_path / "alpha")


@pytest.fixture
def keeper(config: Path) -> Iterator[LiveKeeper]:
    running = LiveKeeper(config.parent / "journal")
    running.start()
    yield running
    running.stop()


@contextlib.contextmanager
def terminal(config: Path, columns: int, rows: int) -> Iterator[Terminal]:
    command = [KEEPER, "status", "--watch", "--interval", "0.2", "--config", str(config)]
    opened = Terminal(command, columns, rows)
    try:
        yield opened
    finally:
        opened.close()


def ticking(keeper: LiveKeeper, *words: str) -> Callable[[str], bool]:
    """Let the venue go on while one waits."""

    def is_shown(drawn: str) -> bool:
        keeper.tick()
        return has(*words)(drawn)

    return is_shown


@contextlib.contextmanager
def going_on(keeper: LiveKeeper) -> Iterator[None]:
    """Let the venue go on beside, however long a command takes to start."""
    over = threading.Event()

    def tick() -> None:
        while not over.wait(0.1):
            keeper.tick()

    ticking = threading.Thread(target=tick)
    ticking.start()
    try:
        yield
    finally:
        over.set()
        ticking.join()


def has(*words: str) -> Callable[[str], bool]:
    return lambda drawn: all(word in drawn for word in words)


def test_watch__small_then_large__shows_more_as_there_is_room(
    config: Path, keeper: LiveKeeper
) -> None:
    with terminal(config, 80, 24) as screen:
        small = screen.until(has("alpha", "ACTIVE", "> ETH-USD", "q leave"))

        screen.resize(200, 60)
        os.kill(screen.process.pid, signal.SIGWINCH)
        keeper.tick()

        assert "book age" not in small
        screen.until(has("book age", "oracle age"))


def test_watch__keys__help_and_leave_the_terminal_as_it_was(
    config: Path, keeper: LiveKeeper
) -> None:
    with terminal(config, 80, 24) as screen:
        screen.until(has("> ETH-USD"))
        assert screen.attributes() != screen.before

        screen.type("?")
        screen.until(has("leave; the keeper goes on"))
        screen.type("q")

        assert screen.process.wait(PATIENCE_SECONDS) == 0
        assert screen.attributes() == screen.before


def test_watch__a_keeper_that_stops_and_starts__is_found_again(
    config: Path, keeper: LiveKeeper
) -> None:
    with terminal(config, 80, 24) as screen:
        screen.until(ticking(keeper, "live", "ACTIVE"))

        keeper.stop()
        screen.until(has("stale"))
        keeper.start()

        screen.until(ticking(keeper, "live", "ACTIVE"))


def test_watch__many_looks__take_no_more_memory(config: Path, keeper: LiveKeeper) -> None:
    with terminal(config, 80, 24) as screen:
        for _ in range(WARM_LOOKS):
            keeper.tick()
            screen.until(has("alpha"))
        before = resident_kb(screen.process.pid)

        for _ in range(LOOKS):
            keeper.tick()
            screen.until(has("alpha"))

        assert resident_kb(screen.process.pid) - before < MOST_GROWTH_KB


def resident_kb(pid: int) -> int:
    (line,) = [
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmRSS")
    ]
    return int(line.split()[1])


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_watch__no_terminal__prints_a_line_per_interval(
    config: Path, keeper: LiveKeeper, options: list[str]
) -> None:
    command = [KEEPER, "status", "--watch", "--interval", "0.2", "--config", str(config), *options]
    with (
        going_on(keeper),
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=hear_interrupts,
        ) as process,
    ):
        assert process.stdout is not None
        found = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 130

    if options:
        assert [json.loads(line)["freshness"] for line in found] == ["live", "live"]
    else:
        assert all(line.startswith("alpha  local world  live  ACTIVE") for line in found)
