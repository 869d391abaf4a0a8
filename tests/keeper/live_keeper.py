"""A keeper that decides, keeps a journal and answers its control socket, on made-up markets.

Core, journal and control socket are the product's own; only venue and chain are absent.
"""

import asyncio
import json
import random
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keeper.control.asking import socket_path
from keeper.control.server import ControlServer
from keeper.domain.commands import PlaceOrder
from keeper.domain.events import Event
from keeper.domain.orders import TimeInForce
from keeper.journal import JournalWriter
from keeper.pages.status import status_of
from tests.keeper.builders import (
    ETH_PRICE,
    SECOND,
    START_NS,
    Keeper,
    fill,
    pool_seen,
    pool_settings,
    settings,
    vault,
)
from tests.keeper.samples import open_writer

__all__ = ["LiveKeeper", "until"]

PATIENCE_SECONDS = 20
FILL_QUANTUMS = 50_000_000
POOL_BASE = 4 * 10**18


class LiveKeeper:
    """Runs until `stop`; `tick` lets a venue block pass, `start` again recovers the journal."""

    def __init__(self, journal: Path, seed: int = 7) -> None:
        self.journal = journal
        self._dice = random.Random(seed)
        self._price = ETH_PRICE
        self._fills = 0
        self._seen_at = time.monotonic()
        self._lock = threading.Lock()
        self._keeper: Keeper | None = None
        self._writer: JournalWriter | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def keeper(self) -> Keeper:
        assert self._keeper is not None, "not started"
        return self._keeper

    def start(self) -> None:
        """Begin a run: recover the journal, decide, answer."""
        chosen = settings(pools=(pool_settings(),))
        self._writer = open_writer(self.journal)
        since_ns = self._keeper.now if self._keeper is not None else 0
        self._keeper = _Recording(self._writer, chosen, since_ns)
        self._keeper.start()
        self._keeper.feed(vault(1))
        self._see_pool()
        self.tick()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        until(self._listens)

    def tick(self, blocks: int = 1) -> None:
        """Let blocks pass: prices move, orders are acknowledged, one is filled now and then."""
        for _ in range(blocks):
            with self._lock:
                self._price += self._dice.randrange(-400, 401) * 1_000
                self._see_pool()
                self.keeper.block(price=self._price)
                resting = [p for p in self.keeper.places() if p.time_in_force is not IOC]
                self.keeper.answer()
                if resting and self._dice.random() < 0.3:
                    self._fill(self._dice.choice(resting))
                self._seen_at = time.monotonic()

    def _see_pool(self) -> None:
        """The chain makes a block a second."""
        number = max(1, (self.keeper.now - START_NS) // SECOND)
        self.keeper.feed(pool_seen(number, amount1=POOL_BASE))

    def status(self) -> dict[str, Any]:
        """What `keeper status` is told; ages grow while nothing ticks."""
        with self._lock:
            passed = int((time.monotonic() - self._seen_at) * 1_000_000_000)
            return status_of(self.keeper.state, self.keeper.now + passed)

    def stop(self) -> None:
        """End the run: no answer any more, journal sealed."""
        loop, task = self._loop, self._task
        if loop is not None and task is not None:
            loop.call_soon_threadsafe(task.cancel)
        if self._thread is not None:
            self._thread.join(PATIENCE_SECONDS)
        if self._writer is not None:
            self._writer.close()
        self._thread = self._writer = self._loop = self._task = None

    def _listens(self) -> bool:
        """Whether it takes connections: the socket's file is there a moment before."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(socket_path(self.journal))) == 0

    def _fill(self, order: PlaceOrder) -> None:
        self._fills += 1
        quantums = min(order.quantums, FILL_QUANTUMS)
        self.keeper.feed(fill(self._fills, order, quantums, self.keeper.height))

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = ControlServer(self.journal, _refuse, {"status": self.status}, ("ETH-USD",))
        self._task = asyncio.create_task(server.run())
        await asyncio.gather(self._task, return_exceptions=True)


class _Recording(Keeper):
    """Writes every step to the journal as the engine does; its time goes on after a restart."""

    def __init__(self, writer: JournalWriter, chosen: Any, since_ns: int) -> None:
        self._writer = writer
        self._since_ns = since_ns
        super().__init__(chosen)

    @property
    def now(self) -> int:
        return self._now

    @now.setter
    def now(self, value: int) -> None:
        self._now = max(value, self._since_ns)

    def feed(self, event: Event) -> Any:
        commands = super().feed(event)
        self._writer.append(self.now, event, commands)
        return commands


IOC = TimeInForce.IOC


def _refuse(event: Event) -> None:
    raise AssertionError(f"nobody may command this keeper: {json.dumps(str(event))}")


def until(condition: Callable[[], bool], patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for a condition. Raises AssertionError when it does not come true."""
    end = time.monotonic() + patience_seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
