"""The loopback server playing small recordings at a time the test sets, and a source reading it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from keeper.clock import SystemClock
from keeper.devnet.leader import LeaderServer
from keeper.domain.events import Event, LeaderQuoted
from keeper.feeds.binance.leader import BinanceLeader
from keeper.feeds.binance.settings import BinanceSettings
from keeper.feeds.binance.wire import BinanceMarket
from keeper.recordings import load_recordings
from tests.keeper.recorded import T0_MS, Lines

MS = 1_000_000
E8 = 10**8


@dataclass
class World:
    """A server and its tape's time; what a source has emitted."""

    server: LeaderServer
    at_ms: int
    events: list[Event] = field(default_factory=list)

    def play_to(self, at_ms: int) -> None:
        """Let the tape's time be this many milliseconds into the recording."""
        self.at_ms = at_ms

    async def play_unheard(self, symbol: str, to_ms: int) -> None:
        """Play on, and lose on the way to every listener what comes until then."""
        player = self.server._players[symbol]
        listeners, player._listeners = player._listeners, {}
        self.at_ms = to_ms
        until_ns = (T0_MS + to_ms) * MS
        await until(lambda: player._next is None or player._next[0] > until_ns)
        player._listeners = listeners

    def settings(self, *symbols: str, eager: bool = True) -> BinanceSettings:
        return BinanceSettings(
            market=BinanceMarket.USDM,
            ws_url=self.server.ws_url,
            rest_url=self.server.rest_url,
            symbols=symbols,
            eager=eager,
            deadline_ms=2_000,
            confirm_ms=50,
            reconnect_first_ms=20,
            reconnect_max_ms=100,
        )

    def quotes(self) -> list[LeaderQuoted]:
        return [event for event in self.events if isinstance(event, LeaderQuoted)]


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a condition. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - the condition is another task's
            await asyncio.sleep(0.005)


@asynccontextmanager
async def playing(folder: Path, *recordings: Lines, at_ms: int = 25) -> AsyncIterator[World]:
    """Serve recordings from a time on."""
    for lines in recordings:
        lines.write(folder / f"usdm_{lines.symbol.lower()}_20240719.gz")
    world: World
    server = LeaderServer(load_recordings(folder), lambda: (T0_MS + world.at_ms) * MS)
    world = World(server, at_ms)
    await server.open()
    try:
        yield world
    finally:
        await server.close()


@asynccontextmanager
async def following(
    world: World, markets: dict[str, str], *, pace_ms: int = 1
) -> AsyncIterator["asyncio.Task[None]"]:
    """Run a source against the server; its events go to the world."""
    source = BinanceLeader(world.settings(*markets), markets, pace_ms, SystemClock())
    task = asyncio.create_task(source.run(world.events.append))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await source.close()
