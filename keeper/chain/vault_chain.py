"""The `VaultChain` port on a JSON-RPC node: follows the head, observes, sends operations."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from eth_account.signers.local import LocalAccount

from keeper.chain.blocks import BlockFollower, Step
from keeper.chain.calls import Block, CallReverted
from keeper.chain.duties import DutyReader
from keeper.chain.operations import Contracts, encode_operation
from keeper.chain.pool import PoolReader, open_pool
from keeper.chain.rpc import JsonRpc, NodeRefused
from keeper.chain.signing import GasPolicy
from keeper.chain.transactions import TransactionSender
from keeper.chain.vault import VaultReader, open_vault
from keeper.domain.approval import Approved
from keeper.domain.commands import ChainCommand, CommandId
from keeper.domain.errors import ChainUnavailable, WireError
from keeper.domain.events import (
    BlockReverted,
    BlockSeen,
    Event,
    SourceDown,
    SourceGap,
    SourceUp,
)
from keeper.ports import Clock, Emit

__all__ = ["SOURCE", "ChainSettings", "EvmVaultChain", "VaultFeed"]

SOURCE: Final = "evm"
"""Name of the head as a source; the vault is `evm:vault`, a pool `evm:pool:<adapter>`."""


@dataclass(frozen=True, slots=True)
class ChainSettings:
    """Which vault on which chain; addresses as the step's settings spell them.

    What it owes its depositors is read from the logs of `logs_from_block` on; not at all if None.
    """

    chain_id: int
    vault: str
    reporter: str
    clob_adapters: tuple[str, ...]
    pools: tuple[tuple[str, str], ...]
    """(adapter, pool) pairs."""
    gas: GasPolicy
    poll_seconds: float
    logs_from_block: int | None = None
    asset_feed: str | None = None


class VaultFeed:
    """Follows the head and observes vault and pools; holds no key, so it cannot send.

    `operator` is the account that sends, whom controllers may have named theirs; empty where nobody
    does.
    """

    def __init__(
        self, rpc: JsonRpc, settings: ChainSettings, *, clock: Clock, operator: str = ""
    ) -> None:
        self._rpc = rpc
        self._settings = settings
        self._clock = clock
        self._operator = operator
        self._blocks = BlockFollower(rpc)
        self._vault: VaultReader | None = None
        self._pools: tuple[PoolReader, ...] = ()
        self._duties: DutyReader | None = None
        if settings.logs_from_block is not None:
            self._duties = DutyReader(rpc, settings.vault, operator, settings.logs_from_block)
        self._down: dict[str, str] = {}

    async def check(self) -> None:
        """Make sure the node serves the right chain and the vault answers.

        Raises ChainUnavailable, CallReverted, WireError.
        """
        await self._rpc.check_chain(self._settings.chain_id)
        pools = self._settings.pools
        configured = (*self._settings.clob_adapters, *(adapter for adapter, _ in pools))
        vault = await open_vault(
            self._rpc,
            self._settings.vault,
            configured,
            self._settings.clob_adapters,
            self._settings.asset_feed,
            account=self._operator,
        )
        self._pools = tuple([await open_pool(self._rpc, *pair) for pair in pools])
        self._vault = vault

    async def run(self, emit: Emit) -> None:
        """Observe until cancelled; a node that is away or wrong is a SourceDown."""
        pools = (f"{SOURCE}:pool:{adapter}" for adapter, _ in self._settings.pools)
        self._down = dict.fromkeys((SOURCE, f"{SOURCE}:vault", *pools), "")
        while True:
            await self._observe_head(emit)
            await self._clock.sleep(self._settings.poll_seconds)

    async def close(self) -> None:
        await self._rpc.close()

    async def _observe_head(self, emit: Emit) -> None:
        try:
            if self._vault is None:
                await self.check()
            step = await self._blocks.poll()
        except (ChainUnavailable, CallReverted, WireError) as error:
            self._mark_down(emit, SOURCE, str(error))
            return
        self._mark_up(emit, SOURCE)
        self._emit_blocks(emit, step)
        if step.seen:
            await self._observe(emit, step.seen[-1])

    def _emit_blocks(self, emit: Emit, step: Step) -> None:
        if step.skipped is not None:
            expected, received = step.skipped
            emit(SourceGap(source=SOURCE, expected=expected, received=received))
        for block in step.reverted:
            if self._duties is not None:
                self._duties.forget(block.number)
            emit(BlockReverted(number=block.number, hash=block.hash))
        for block in step.seen:
            emit(
                BlockSeen(
                    number=block.number,
                    hash=block.hash,
                    timestamp=block.timestamp,
                    base_fee_wei=block.base_fee_wei,
                )
            )

    async def _observe(self, emit: Emit, block: Block) -> None:
        if self._vault is not None:
            await self._emit_read(emit, f"{SOURCE}:vault", self._vault.observe(block))
        for pool in self._pools:
            await self._emit_read(emit, f"{SOURCE}:pool:{pool.adapter}", pool.observe(block))
        if self._duties is not None and self._duties.is_due(block):
            await self._emit_read(emit, f"{SOURCE}:duties", self._duties.observe(block))

    async def _emit_read(self, emit: Emit, source: str, read: Awaitable[Event]) -> None:
        """Emit what was read; a read that cannot be made marks its source down, with the reason."""
        try:
            observed = await read
        except (ChainUnavailable, CallReverted, NodeRefused, WireError) as error:
            self._mark_down(emit, source, str(error))
            return
        self._mark_up(emit, source)
        emit(observed)

    def _mark_down(self, emit: Emit, source: str, detail: str) -> None:
        if self._down.get(source) != detail:
            self._down[source] = detail
            emit(SourceDown(source=source, detail=detail))

    def _mark_up(self, emit: Emit, source: str) -> None:
        if self._down.pop(source, None) is not None:
            emit(SourceUp(source=source))


class EvmVaultChain:
    """Implements `keeper.ports.VaultChain`: the feed, and one account's transactions."""

    def __init__(
        self,
        rpc: JsonRpc,
        account: LocalAccount,
        settings: ChainSettings,
        *,
        clock: Clock,
        logged: Callable[[], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._contracts = Contracts(settings.vault, settings.reporter)
        self._feed = VaultFeed(rpc, settings, clock=clock, operator=account.address)
        pools = (adapter for adapter, _ in settings.pools)
        self._sender = TransactionSender(
            rpc,
            account,
            settings.gas,
            chain_id=settings.chain_id,
            clock=clock,
            logged=logged,
            adapters=(*settings.clob_adapters, *pools),
        )

    async def check(self) -> None:
        """As the feed's check. Raises ChainUnavailable, CallReverted, WireError."""
        await self._feed.check()

    async def run(self, emit: Emit) -> None:
        """Observe and send until cancelled; a node that is away or wrong is a SourceDown."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sender.run(emit, self._settings.poll_seconds))
            group.create_task(self._feed.run(emit))

    async def close(self) -> None:
        await self._feed.close()

    async def submit(self, commands: Sequence[tuple[CommandId, Approved[ChainCommand]]]) -> None:
        """Queue the commands in order; returns at once."""
        for command_id, approved in commands:
            operation = encode_operation(self._contracts, approved.value)
            self._sender.enqueue(command_id, operation)

    async def rebroadcast(self, pending: Sequence[tuple[CommandId, str]]) -> None:
        """Adopt transactions of an earlier run; the same bytes go out again."""
        self._sender.adopt(pending)
