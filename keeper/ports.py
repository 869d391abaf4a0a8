"""What the engine needs from the world, in domain terms; every edge implements one of these."""

from collections.abc import Callable, Sequence
from typing import Protocol

from keeper.domain.approval import Approved
from keeper.domain.commands import ChainCommand, CollectReport, CommandId, OrderCommand
from keeper.domain.events import Event

__all__ = [
    "Alerts",
    "Clock",
    "Emit",
    "EventSource",
    "OrderVenue",
    "Reporters",
    "VaultChain",
]

Emit = Callable[[Event], None]
"""Hands an event to the ingress queue; never blocks, callable from the event loop only."""


class Clock(Protocol):
    """The only source of time; live, local-world and replayed runs differ by it alone."""

    def now_ns(self) -> int:
        """Unix time in nanoseconds, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for that much real time (pacing only; decisions read event times)."""
        ...


class EventSource(Protocol):
    """Turns one outside feed into events until closed; loses nothing silently."""

    async def run(self, emit: Emit) -> None:
        """Emit events until cancelled. Emits SourceUp, SourceDown and SourceGap itself."""
        ...

    async def close(self) -> None: ...


class OrderVenue(EventSource, Protocol):
    """A CLOB venue: takes approved order commands, answers by events (CommandResult and the rest).

    `run` first emits MarketListed for each market and one Reconciled, then the live feeds.
    """

    async def submit(self, commands: Sequence[tuple[CommandId, Approved[OrderCommand]]]) -> None:
        """Send in order; each gets exactly one CommandResult event. Never raises for the venue."""
        ...


class VaultChain(EventSource, Protocol):
    """The EVM side: blocks, the vault's and pools' observed state, and typed keeper operations.

    Pools are reached through the vault's adapters: one transaction stream, one nonce.

    `run` emits BlockSeen/BlockReverted and, per block, VaultObserved and PoolObserved.
    """

    async def submit(self, commands: Sequence[tuple[CommandId, Approved[ChainCommand]]]) -> None:
        """Sign (TransactionSigned is emitted first), broadcast, and follow each to its receipt."""
        ...

    async def rebroadcast(self, pending: Sequence[tuple[CommandId, str]]) -> None:
        """After a restart: send the same signed bytes (hex) again and follow them."""
        ...


class Reporters(EventSource, Protocol):
    """Those who sign reports: each question gets one ReportCollected, with what they refused."""

    async def submit(self, commands: Sequence[tuple[CommandId, Approved[CollectReport]]]) -> None:
        """Ask them all; returns when they have answered or their time is over."""
        ...


class Alerts(Protocol):
    """Tells a person."""

    async def send(self, severity: str, code: str, text: str) -> None: ...
