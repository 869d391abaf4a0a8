"""The engine: recovers, runs the sources, and turns events into logged and sent commands."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final

import msgspec

from keeper.core.state import State
from keeper.domain.commands import RaiseAlert
from keeper.domain.errors import AthanorError, ConfigError, EngineFailed
from keeper.domain.events import (
    Event,
    RunStarted,
    TimerFired,
    TransactionSigned,
)
from keeper.domain.units import NS_PER_SECOND
from keeper.engine.desk import Desk
from keeper.engine.ingress import Ingress
from keeper.engine.leftovers import left_over, own_command
from keeper.engine.sending import AgeLimit
from keeper.engine.sequencer import NotLoggedError, Sequencer
from keeper.ports import Alerts, Clock, EventSource, OrderVenue, Reporters, VaultChain

__all__ = ["Engine"]

_EVENTS_PER_TURN: Final = 64
_DRAIN_SECONDS: Final = 5.0
_TIMER_SECONDS: Final = 1.0


class Engine:
    """One keeper's loop; `run` returns after `stop`, or raises what ended it."""

    def __init__(
        self,
        sequencer: Sequencer,
        clock: Clock,
        venue: OrderVenue,
        chain: VaultChain | None,
        alerts: Alerts,
        run_started: RunStarted,
        *,
        sources: Sequence[EventSource] = (),
        reporters: Reporters | None = None,
    ) -> None:
        """Tie the ports together; `run_started.run` is replaced by the journal's next number.

        `sources` are feeds besides those of venue, chain and reporters.
        """
        self._sequencer = sequencer
        self._clock = clock
        self._venue = venue
        self._chain = chain
        self._sources = (*sources, *(() if reporters is None else (reporters,)))
        self._run_started = run_started
        self._ingress = Ingress()
        limit = AgeLimit(clock, self._max_age_ms, self.ingest)
        self._desk = Desk(venue, chain, reporters, alerts, limit)
        self._failure: BaseException | None = None
        self._is_running = False
        self._is_stopping = False

    @property
    def state(self) -> State:
        """The core's state, to be read only."""
        return self._sequencer.state

    @property
    def seq(self) -> int:
        """Sequence of the last event in the log."""
        return self._sequencer.seq

    def ingest(self, event: Event) -> None:
        """Queue an event; callable from the event loop only.

        A TransactionSigned is in the log when this returns, so that its sender may broadcast.
        Raises whatever ended the loop when it cannot be logged.
        """
        self._ingress.put(event)
        if self._is_running and isinstance(event, TransactionSigned):
            self._drain()

    def stop(self) -> None:
        """Ask for a graceful stop: quotes are cancelled, results awaited, the journal sealed."""
        self._is_stopping = True
        self._ingress.wake()

    async def run(self) -> None:
        """Recover, start a run and trade until `stop`; may be called once.

        Raises JournalCorrupt, ReplayMismatch, WrongRelease before anything is sent; EngineFailed
        after an unforeseen error was recorded and quotes were cancelled.
        """
        try:
            self._sequencer.recover()
            self._start_run()
            if self._failure is None:
                await self._trade()
        finally:
            self._sequencer.close()
        if self._failure is not None:
            raise _explained(self._failure) from self._failure

    def _start_run(self) -> None:
        """Begin the run, then tell the core what the run before left without an answer."""
        self._require_same_mode()
        self._is_running = True
        before = left_over(self._sequencer.carried.frozen())
        run_started = msgspec.structs.replace(self._run_started, run=self._sequencer.run + 1)
        for event in (run_started, *before):
            if self._failure is None:
                self._process(event)

    def _require_same_mode(self) -> None:
        """What a shadow never sent may not be taken for orders, nor the other way round."""
        ours, theirs = self._run_started.mode, self.state.mode
        if self._sequencer.run and ours != theirs:
            raise ConfigError(
                f"this journal holds {theirs} runs, this run is {ours}",
                next_step="name another [journal] folder",
            )

    async def _trade(self) -> None:
        # Sources first: the start of a run may have commands ready, and a port that has not begun
        # to run has nobody to tell their results.
        sources = self._spawn(self._source_jobs())
        senders = self._spawn(self._desk.jobs())
        try:
            await self._loop()
            if not isinstance(self._failure, NotLoggedError):
                self._pause_all()
                await self._settle()
        finally:
            await _cancel(sources)
            await _cancel(senders)
            await self._close_ports()

    async def _loop(self) -> None:
        turn = 0
        while self._failure is None and not self._is_stopping:
            event = self._ingress.pop()
            if event is None:
                self._rest()
                await self._ingress.wait()
                continue
            has_issued = self._process(event)
            turn += 1
            if has_issued or turn % _EVENTS_PER_TURN == 0:
                await asyncio.sleep(0)

    def _process(self, event: Event) -> bool:
        """Sequence one event and hand its commands over; say whether there were any."""
        try:
            issued = self._sequencer.process(event)
        except Exception as error:  # noqa: BLE001 - the loop's edge: quotes are cancelled, then stop
            self._fail(error)
            return False
        for item in issued:
            self._desk.hand_over(item)
        return bool(issued)

    def _rest(self) -> None:
        try:
            self._sequencer.rest()
        except NotLoggedError as error:
            self._fail(error)

    def _drain(self) -> None:
        while self._failure is None and (event := self._ingress.pop()) is not None:
            self._process(event)
        if self._failure is not None:
            raise self._failure

    def _pause_all(self) -> None:
        """Cancel every quote the way a person would, so that the log shows it."""
        if self._failure is not None:
            text = f"the engine stops: {self._failure}"
            self._desk.alert(RaiseAlert(severity="page", code="ENGINE_FAILED", text=text))
        for ticker, market in list(self.state.markets.items()):
            if market.settings is not None and not market.paused:
                self._process(own_command("pause", ticker))

    async def _settle(self) -> None:
        """Wait for the results of what was sent, at most a few seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _DRAIN_SECONDS
        while loop.time() < deadline and not isinstance(self._failure, NotLoggedError):
            while (event := self._ingress.pop()) is not None:
                self._process(event)
            if self._desk.is_idle and self._sequencer.carried.open_orders == 0:
                return
            await asyncio.sleep(0.01)

    def _source_jobs(self) -> list[Coroutine[Any, Any, None]]:
        jobs = [self._venue.run(self.ingest), self._tick()]
        jobs += [source.run(self.ingest) for source in self._sources]
        if self._chain is not None:
            jobs.append(self._run_chain(self._chain))
        return jobs

    async def _run_chain(self, chain: VaultChain) -> None:
        pending = self._sequencer.carried.frozen().signed
        if pending:
            await chain.rebroadcast(pending)
        await chain.run(self.ingest)

    async def _tick(self) -> None:
        second = self._clock.now_ns() // NS_PER_SECOND
        while True:
            await self._clock.sleep(_TIMER_SECONDS)
            now = self._clock.now_ns() // NS_PER_SECOND
            if now > second:
                second = now
                self.ingest(TimerFired(name="second"))

    def _spawn(self, jobs: Sequence[Coroutine[Any, Any, None]]) -> list["asyncio.Task[None]"]:
        tasks = [asyncio.create_task(job) for job in jobs]
        for task in tasks:
            task.add_done_callback(self._task_ended)
        return tasks

    def _task_ended(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled():
            return
        ended = RuntimeError("a source or sender ended although nobody stopped it")
        self._fail(task.exception() or ended)

    def _fail(self, error: BaseException) -> None:
        """Keep the first failure; one of the journal outranks it, for then nothing may leave."""
        if self._failure is None or isinstance(error, NotLoggedError):
            self._failure = error
        self._ingress.wake()

    def _max_age_ms(self) -> int:
        settings = self.state.settings
        return settings.limits.max_intent_age_ms if settings is not None else 0

    async def _close_ports(self) -> None:
        await self._venue.close()
        for source in self._sources:
            await source.close()
        if self._chain is not None:
            await self._chain.close()


def _explained(failure: BaseException) -> AthanorError:
    if isinstance(failure, AthanorError):
        return failure
    cause = failure.__cause__ or failure
    return EngineFailed(
        f"the engine stopped: {failure} ({type(cause).__name__}: {cause})",
        next_step="quotes were cancelled or expire by themselves; replay the journal to see why",
    )


async def _cancel(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
