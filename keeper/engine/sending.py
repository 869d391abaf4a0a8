"""Carries logged commands to a port, each destination on its own task, the old ones not at all."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from keeper.domain.approval import Approved
from keeper.domain.commands import CancelOrders, CommandId, RaiseAlert
from keeper.domain.units import NS_PER_MS
from keeper.engine.leftovers import keeper_result
from keeper.ports import Alerts, Clock, Emit

__all__ = ["AgeLimit", "AlertBox", "Outbox"]

C = TypeVar("C")
Submit = Callable[[Sequence[tuple[CommandId, Approved[C]]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class AgeLimit:
    """How old a command may be when it is sent, by the engine's clock, and whom to tell."""

    clock: Clock
    max_age_ms: Callable[[], int]
    emit: Emit


@dataclass(frozen=True, slots=True)
class _Letter(Generic[C]):
    command_id: CommandId
    approved: Approved[C]
    t_ns: int


class Outbox(Generic[C]):
    """Commands of one kind on their way to one port, sent in order and in batches."""

    def __init__(self, submit: Submit[C], limit: AgeLimit) -> None:
        self._submit = submit
        self._limit = limit
        self._waiting: list[_Letter[C]] = []
        self._filled = asyncio.Event()
        self._is_sending = False

    def put(self, command_id: CommandId, approved: Approved[C], t_ns: int) -> None:
        """Add a command that is in the log; `t_ns` is when it was decided."""
        self._waiting.append(_Letter(command_id, approved, t_ns))
        self._filled.set()

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is being sent."""
        return not self._waiting and not self._is_sending

    async def run(self) -> None:
        """Send until cancelled. Raises whatever the port raises: a port is not to raise."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            batch, self._waiting = self._waiting, []
            fresh = [letter for letter in batch if self._is_fresh(letter)]
            if not fresh:
                continue
            self._is_sending = True
            try:
                await self._submit([(letter.command_id, letter.approved) for letter in fresh])
            finally:
                self._is_sending = False

    def _is_fresh(self, letter: _Letter[C]) -> bool:
        """A cancel is never too old: dropping it would leave an order alive for longer."""
        if isinstance(letter.approved.value, CancelOrders):
            return True
        age_ms = (self._limit.clock.now_ns() - letter.t_ns) // NS_PER_MS
        max_age_ms = self._limit.max_age_ms()
        if age_ms <= max_age_ms:
            return True
        detail = f"{age_ms} ms old when it was to be sent, {max_age_ms} ms allowed"
        self._limit.emit(keeper_result(letter.command_id, "DROPPED", detail))
        return False


class AlertBox:
    """Alerts on their way to a person; they do not age."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts
        self._queue: asyncio.Queue[RaiseAlert] = asyncio.Queue()
        self._is_sending = False

    def put(self, alert: RaiseAlert) -> None:
        """Add an alert."""
        self._queue.put_nowait(alert)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is being sent."""
        return self._queue.empty() and not self._is_sending

    async def run(self) -> None:
        """Send until cancelled. Raises whatever the port raises."""
        while True:
            alert = await self._queue.get()
            self._is_sending = True
            await self._alerts.send(alert.severity, alert.code, alert.text)
            self._is_sending = False
