"""The port of a shadow run: it reads what a live one reads and has nothing to send with."""

from collections.abc import Sequence
from typing import Any, Final

from keeper.domain.approval import Approved
from keeper.domain.commands import CommandId
from keeper.engine.leftovers import keeper_result
from keeper.ports import Emit, EventSource

__all__ = ["ShadowPort"]

_NOT_SENT: Final = "a shadow run sends nothing"


class ShadowPort:
    """An `OrderVenue` or a `VaultChain` made of an `EventSource`, which has no way to submit.

    Each command ends in a result SHADOW: the log says that nothing left, and the core goes on as
    if an order had been taken.
    """

    def __init__(self, feed: EventSource) -> None:
        self._feed = feed
        self._emit: Emit | None = None

    async def run(self, emit: Emit) -> None:
        """Emit what the feed emits until cancelled. Raises what it raises."""
        self._emit = emit
        await self._feed.run(emit)

    async def close(self) -> None:
        await self._feed.close()

    async def submit(self, commands: Sequence[tuple[CommandId, Approved[Any]]]) -> None:
        """Answer each command; nothing is signed or sent. Raises RuntimeError before `run`."""
        if self._emit is None:
            raise RuntimeError("submit before run: there is nobody to tell the result")
        for command_id, _ in commands:
            self._emit(keeper_result(command_id, "SHADOW", _NOT_SENT))

    async def rebroadcast(self, pending: Sequence[tuple[CommandId, str]]) -> None:
        """Refuse: a shadow's journal holds no signed bytes. Raises RuntimeError."""
        raise RuntimeError(f"a shadow's journal holds {len(pending)} signed transactions")
