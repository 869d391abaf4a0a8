"""A running chain edge on the stage's node, and everything it emitted."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from chain_stage import GAS, KEEPER, QuickClock, Stage

from keeper.chain.rpc import JsonRpc
from keeper.chain.vault_chain import ChainSettings, EvmVaultChain
from keeper.domain.approval import Approved
from keeper.domain.commands import ChainCommand, CommandId
from keeper.domain.events import (
    CommandResult,
    DutiesObserved,
    Event,
    TransactionMined,
    VaultObserved,
)

__all__ = ["Session", "nothing_to_log", "play", "settings"]


class Session:
    """A running `EvmVaultChain` and everything it emitted."""

    def __init__(self, stage: Stage, logs_from_block: int | None = None) -> None:
        self.stage = stage
        self.events: list[Event] = []
        self.rpc = JsonRpc(stage.url)
        chosen = replace(settings(stage), logs_from_block=logs_from_block)
        self.chain = EvmVaultChain(
            self.rpc, KEEPER, chosen, clock=QuickClock(), logged=nothing_to_log
        )
        self._seq = 0

    async def until(self, found: Callable[[], Event | None]) -> Event:
        async with asyncio.timeout(20):
            while (event := found()) is None:  # noqa: ASYNC110 (events come from a poll)
                await asyncio.sleep(0.01)
            return event

    def newest(self, kind: type[Event]) -> Event | None:
        return next((e for e in reversed(self.events) if isinstance(e, kind)), None)

    async def command(self, command: ChainCommand) -> CommandResult | TransactionMined:
        """Submit; return the final receipt, or the result of a command that never left."""
        self._seq += 1
        command_id = CommandId(1, self._seq, 0)
        await self.chain.submit([(command_id, Approved(command))])

        def settled() -> Event | None:
            return next((e for e in self.events if _settles(e, command_id)), None)

        event = await self.until(settled)
        assert isinstance(event, CommandResult | TransactionMined)
        return event

    async def vault_at(self, block: int) -> VaultObserved:
        def seen() -> Event | None:
            event = self.newest(VaultObserved)
            later = isinstance(event, VaultObserved) and event.block_number >= block
            return event if later else None

        event = await self.until(seen)
        assert isinstance(event, VaultObserved)
        return event

    async def duties_at(self, block: int) -> DutiesObserved:
        """Wait for duties observed at a block or later; blocks are mined until one is looked at."""
        while True:
            event = self.newest(DutiesObserved)
            if isinstance(event, DutiesObserved) and event.block_number >= block:
                return event
            self.stage.chain.mine()
            await asyncio.sleep(0.05)


def _settles(event: Event, command_id: CommandId) -> bool:
    if isinstance(event, TransactionMined):
        return event.command == command_id and event.final
    refused = isinstance(event, CommandResult) and event.outcome != "ACK"
    return refused and event.command == command_id


def settings(stage: Stage) -> ChainSettings:
    return ChainSettings(
        chain_id=stage.chain.chain_id,
        vault=stage.vault.address,
        reporter=stage.reporter.address,
        clob_adapters=(stage.clob_adapter.address,),
        pools=((stage.pool_adapter.address, stage.pool.address),),
        gas=GAS,
        poll_seconds=0.01,
    )


async def nothing_to_log() -> None:
    """No log in these tests: everything counts as written."""


def play(
    stage: Stage,
    script: Callable[[Session], Coroutine[Any, Any, None]],
    logs_from_block: int | None = None,
) -> Session:
    """Run a script beside the chain edge; duties are watched if there is a block to begin at."""

    async def work() -> Session:
        session = Session(stage, logs_from_block)
        task = asyncio.create_task(session.chain.run(session.events.append))
        try:
            await script(session)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await session.chain.close()
        return session

    return stage.run(work())
