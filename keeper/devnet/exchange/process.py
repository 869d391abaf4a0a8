"""Owns the running exchange: one event loop around the state machine and its four ports."""

import asyncio
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Final

import grpc.aio
import uvicorn
from starlette.applications import Starlette

from .admin import admin_app
from .chain import Chain
from .config import ExchangeConfig, Ports
from .events import Event
from .faultdesk import FaultDesk
from .fullnode import FullNodeStreams
from .indexer import Indexer
from .lag import LaggingIndexer
from .model import SubaccountId
from .node import Node
from .pace import Pace
from .recorded import RecordedFlow
from .rest import rest_app
from .rpc import serve_routes
from .rpc_absent import ABSENT_ROUTES
from .rpc_accounts import ACCOUNT_ROUTES
from .rpc_cosmos import COSMOS_ROUTES
from .rpc_markets import MARKET_ROUTES
from .websocket import StreamServer
from .worldclock import WorldClock

__all__ = ["Exchange"]

_KEEP_ALIVE_SECONDS: Final = 75
"""Longer than clients keep an idle connection, so that none is closed while a request is sent."""

MS = 1_000_000
log = logging.getLogger(__name__)


class _Uvicorn(uvicorn.Server):
    """uvicorn without its signal handlers: the process owns its signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """One ASGI application on one port, started and stopped by its owner."""

    def __init__(self, app: Starlette) -> None:
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            log_config=None,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        self._server = _Uvicorn(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the bound port."""
        listener = socket.create_server((host, port))
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            if self._task.done():
                await self._task
            await asyncio.sleep(0.005)
        return int(listener.getsockname()[1])

    async def stop(self) -> None:
        """Stop listening."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class Exchange:
    """The local exchange. `async with Exchange(config) as exchange:` serves it on
    `exchange.ports`; blocks follow the world clock, or `make_block` where there is none."""

    def __init__(self, config: ExchangeConfig) -> None:
        self.config = config
        self._clock = WorldClock(Path(config.clock_path)) if config.clock_path else None
        start_ns = self._clock.now_ns(time.time_ns()) if self._clock else config.genesis_time_ns
        self.chain = Chain(config, start_ns)
        self.indexer = Indexer(config, self.chain.state, self.chain.height, start_ns)
        self.ports = Ports()
        self.pace = Pace()
        self.node = Node(self.chain)
        self._lag = LaggingIndexer(self.chain, self.indexer)
        faults, tables = self.chain.faults, self.indexer.tables
        self._streams = StreamServer(tables, faults, time.monotonic)
        self.faults = FaultDesk(self.node, self._lag, self._streams)
        self.faults.resume = self._resume
        self._halted = 0  # blocks not made in the halt that lasts
        self._missed = 0  # blocks not made in the halt that just ended
        faucet = self._faucet if config.faucet else None
        self._rest = HttpServer(rest_app(tables, faults, config.indexer_requests_per_10s, faucet))
        self._admin = HttpServer(admin_app(self.chain, self.make_block, self.faults, self.pace))
        self._full_node = FullNodeStreams(self.chain)
        self._grpc = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
        self._blocks: asyncio.Task[None] | None = None
        recorded = config.recorded
        self._recorded = RecordedFlow(recorded, self.chain) if recorded else None
        self._tape_clock = WorldClock(Path(recorded.clock_path)) if recorded else None

    # State machine

    def publish(self, events: tuple[Event, ...]) -> None:
        """Show what happened to the indexer and its streams."""
        if events:
            self._full_node.publish(events)
            self._streams.publish(self._lag.consume(events))

    def make_block(self, time_ns: int | None = None) -> int:
        """Make one block now, unless the chain is halted, and return the height.

        Without a time it is dated by the world clock, or one block interval after the last;
        the faults of the validators' clocks go on top.
        Raises ValueError when the time is not after the last block's.
        """
        if self._is_halted():
            return self.chain.height
        time_ns = self._dated(time_ns)
        self.publish(tuple(self.node.arrivals()))
        if self._recorded is not None and self._tape_clock is not None:
            tape_ns = self._tape_clock.now_ns(time.time_ns())
            self.publish(tuple(self._recorded.play(tape_ns)))
        events = self.chain.commit(time_ns)
        for market_id, market in self.chain.state.markets.items():
            self.indexer.tables.rates[market_id] = self.chain.funding.next_rate(market)
        self.publish(tuple(events))
        return self.chain.height

    def _block_time(self) -> int:
        last = self.chain.block.time_ns
        now = last + self.config.block_interval_ms * (1 + self._missed) * MS
        if self._clock is not None:
            now = self._clock.now_ns(time.time_ns())
        self._missed = 0
        return now

    def _dated(self, given_ns: int | None) -> int:
        """The next block's time: after the last one's, but for a given time while no clock is
        wrong, which stays as it is."""
        faults, skew = self.chain.faults, 0
        time_ns = self._block_time() if given_ns is None else given_ns
        if faults.strikes("clock-skew"):
            skew += faults.amount("clock-skew")
        if faults.strikes("clock-behind"):
            skew -= faults.amount("clock-behind")
        if given_ns is not None and not skew:
            return given_ns
        return max(time_ns + skew * MS, self.chain.block.time_ns + 1)

    def _is_halted(self) -> bool:
        halt = self.chain.faults.get("chain-halt")
        if halt is None:
            return False
        if halt.amount and self._halted >= halt.amount:
            self.faults.clear(halt.name)
            return False
        self._halted += 1
        return True

    def _resume(self) -> None:
        """Go on after a halt: the node starts again with what its blocks hold."""
        stood = self._halted * self.config.block_interval_ms // 1_000
        self._missed, self._halted = self._halted, 0
        self.publish(tuple(self.chain.restart()))
        self.node.restarted()
        if stood >= self.config.outage_seconds:
            self.chain.note_outage()

    def _faucet(self, key: SubaccountId, amount: int) -> None:
        self.chain.faucet(key, amount)

    # Life

    async def __aenter__(self) -> "Exchange":
        host, wanted = self.config.host, self.config.ports
        serve_routes(
            self._grpc,
            COSMOS_ROUTES + MARKET_ROUTES + ACCOUNT_ROUTES + ABSENT_ROUTES,
            self.node,
            self.publish,
        )
        self._full_node.attach(self._grpc)
        port = self._grpc.add_insecure_port(f"{host}:{wanted.grpc}")
        await self._grpc.start()
        self.ports = Ports(
            grpc=port,
            rest=await self._rest.start(host, wanted.rest),
            websocket=await self._streams.start(host, wanted.websocket),
            admin=await self._admin.start(host, wanted.admin),
        )
        if self._clock is not None:
            self._blocks = asyncio.create_task(self._follow_clock(self._clock))
        if self.config.ports_file:
            self._write_ports(Path(self.config.ports_file))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._blocks is not None:
            self._blocks.cancel()
        await self._streams.stop()
        await self._rest.stop()
        await self._admin.stop()
        await self._grpc.stop(grace=0.2)
        if self._blocks is not None and not error:
            with suppress(asyncio.CancelledError):
                await self._blocks  # raises what stopped the blocks, if anything did

    def _write_ports(self, path: Path) -> None:
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(json.dumps(asdict(self.ports)))
        os.replace(fresh, path)

    async def _follow_clock(self, clock: WorldClock) -> None:
        """Make a block each interval of wall time in which world time moved."""
        interval = self.config.block_interval_ms / 1_000
        due = time.monotonic()
        while True:
            due = max(due + interval, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            if clock.now_ns(time.time_ns()) > self.chain.block.time_ns:
                before = time.thread_time_ns()
                self.make_block()
                spent = time.thread_time_ns() - before
                self.pace.add(int((time.monotonic() - due) * 1_000_000), spent // 1_000)

    async def run_until(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set or block production fails, whose error is raised."""
        waiting = asyncio.create_task(stop.wait())
        tasks = {waiting} | ({self._blocks} if self._blocks else set())
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._blocks in done and self._blocks is not None:
            await self._blocks
