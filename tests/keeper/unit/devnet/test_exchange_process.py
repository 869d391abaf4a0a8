"""The exchange of a world ends with whoever started it, however that one ends."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from keeper.devnet import exchange_process
from keeper.devnet.clock import WorldClock
from keeper.devnet.exchange_process import ExchangeProcess
from keeper.devnet.processes import Child

PATIENCE_SECONDS = 20.0
PARENT = """
import asyncio, pathlib, sys, time
from keeper.devnet.clock import WorldClock
from keeper.devnet.exchange_process import ExchangeProcess

async def main():
    folder = pathlib.Path(sys.argv[1])
    clock = WorldClock(folder / "clock.json")
    clock.start(time.time_ns())
    exchange = await ExchangeProcess.start(folder, clock)
    print(exchange.child.process.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def is_running(process_id: int) -> bool:
    """Whether a process is there and no zombie that nobody has waited for."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def clock_in(folder: Path) -> WorldClock:
    clock = WorldClock(folder / "clock.json")
    clock.start(time.time_ns())
    return clock


async def killed_parent(folder: Path) -> tuple[bool, bool]:
    """Whether the exchange ran before its parent was killed, and whether it runs afterwards."""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(folder), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    exchange = int(await asyncio.wait_for(parent.stdout.readline(), 60))
    before = is_running(exchange)
    parent.kill()
    await parent.wait()
    for _ in range(int(PATIENCE_SECONDS / 0.05)):
        if not is_running(exchange):
            break
        await asyncio.sleep(0.05)
    after = is_running(exchange)
    if after:
        os.kill(exchange, signal.SIGKILL)
    return before, after


def test_exchange__parent_killed__ends_by_itself(tmp_path: Path) -> None:
    assert asyncio.run(killed_parent(tmp_path)) == (True, False)


@pytest.mark.parametrize("error", [TimeoutError, asyncio.CancelledError])
def test_start__never_says_its_ports__leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    started: list[Child] = []

    async def never(_: Path, child: Child) -> None:
        started.append(child)
        raise error

    monkeypatch.setattr(exchange_process, "wait_for_file", never)

    with pytest.raises(error):
        asyncio.run(ExchangeProcess.start(tmp_path, clock_in(tmp_path)))

    (child,) = started
    assert child.process.returncode is not None
    assert not is_running(child.process.pid)


def test_stop__running__ends_as_told(tmp_path: Path) -> None:
    async def main() -> int | None:
        exchange = await ExchangeProcess.start(tmp_path, clock_in(tmp_path))
        assert (await exchange.state())["height"] >= 0
        await exchange.stop()
        return exchange.child.process.returncode

    assert asyncio.run(main()) == 0
