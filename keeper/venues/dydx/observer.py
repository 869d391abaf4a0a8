"""Keeps the committed account in step: states at heights, funding, missed fills, transfers."""

import asyncio
from collections.abc import Iterable

from keeper.domain.errors import VenueUnavailable
from keeper.domain.events import FillReceived, FundingPaid
from keeper.ports import Emit
from keeper.venues.dydx import wire
from keeper.venues.dydx.directory import Directory
from keeper.venues.dydx.funding import closed_positions, settled_funding
from keeper.venues.dydx.links import Links
from keeper.venues.dydx.mapping import fill_received, venue_transfer, whole
from keeper.venues.dydx.pacing import ask_until
from keeper.venues.dydx.progress import OrderIndex, Progress
from keeper.venues.dydx.reader import SubaccountState

__all__ = ["OVERLAP_BLOCKS", "Observer"]

OVERLAP_BLOCKS = 20
"""Blocks below a complete height that are read again: the indexer may show a row late."""

_MISSED_REPAIRS = 3


class Observer:
    """Emits what the chain committed for one subaccount, each thing once."""

    def __init__(
        self, links: Links, directory: Directory, progress: Progress, orders: OrderIndex
    ) -> None:
        self._links = links
        self._directory = directory
        self._progress = progress
        self._orders = orders
        self._head = progress.complete
        self._heights: set[int] = set()
        self._moved = False
        self._wake = asyncio.Event()
        self._reading = asyncio.Lock()

    def note_block(self, height: int) -> None:
        """Remember the newest committed height.

        The indexer tells a block's fills before its height. Where one is late all the same, the
        account read meanwhile holds it already, and the ledger is settled when it comes.
        """
        self._head = max(self._head, height)
        if self._due():
            self._wake.set()

    def note_transfer(self) -> None:
        """Have the transfers read: the websocket does not tell their ids."""
        self._moved = True
        self._wake.set()

    async def fills(self, emit: Emit, fills: Iterable[wire.Fill]) -> None:
        """Emit those that were not, one right after the other, and have the account read anew.

        Asking for client ids awaits: an account read between two fills of one block would hold
        the second already, so all are known before the first is emitted.
        """
        received = [await self._received(fill) for fill in fills if self._is_new(fill)]
        for event in received:
            # The repair may have emitted it meanwhile.
            if self._progress.fills.is_new(event.fill_id, event.height):
                self._progress.fills.add(event.fill_id, event.height)
                emit(event)
                self._note_height(event.height)

    async def catch_up(self, emit: Emit, up_to: int) -> None:
        """Emit fills and transfers that the stream did not bring, up to a committed height."""
        since = self._progress.complete - OVERLAP_BLOCKS
        rows = await self._links.indexer.fills_above(since)
        await self.fills(emit, (row for row in rows if whole(row.created_at_height) <= up_to))
        await self._transfers(emit, since, up_to)
        self._progress.complete = max(self._progress.complete, up_to)
        self._progress.fills.complete(self._progress.complete)
        self._progress.transfers.complete(self._progress.complete)
        self._orders.forget_before(self._progress.complete)

    async def settle(self, emit: Emit, state: SubaccountState) -> None:
        """Read every noted height up to a known state's, then take that state as the last."""
        async with self._reading:
            for height in sorted(h for h in self._heights if h < state.height):
                await self._observe_past(emit, height)
            self._heights = {h for h in self._heights if h > state.height}
            await self._take(emit, state)

    async def run(self, emit: Emit) -> None:
        """Read the account after each change and at least once an interval, until cancelled."""
        interval = self._links.settings.observe_interval_ms / 1_000
        while True:
            try:
                # Not wait_for: in Python 3.11 it can swallow a cancellation.
                async with asyncio.timeout(interval):
                    await self._wake.wait()
            except TimeoutError:
                self._note_height(self._head)
            self._wake.clear()
            if self._moved:
                self._moved = False
                since = self._progress.complete - OVERLAP_BLOCKS
                await self._transfers(emit, since, None)
            while due := self._due():
                height = min(due)
                await self._observe(emit, height)
                self._heights.discard(height)

    async def repair(self, emit: Emit) -> None:
        """Compare with the indexer's history once an interval, until cancelled.

        An indexer that is busy is asked again at the next; one that stays so is out of service.
        Raises VenueUnavailable, WireError.
        """
        missed = 0
        while True:
            await self._links.clock.sleep(self._links.settings.repair_interval_ms / 1_000)
            try:
                await self.catch_up(emit, self._head)
            except VenueUnavailable:
                missed += 1
                if missed == _MISSED_REPAIRS:
                    raise
            else:
                missed = 0

    def _due(self) -> list[int]:
        """Noted heights of blocks that are over: the stream has told all their fills."""
        return [height for height in self._heights if height <= self._head]

    def _is_new(self, fill: wire.Fill) -> bool:
        return self._progress.fills.is_new(fill.id, whole(fill.created_at_height))

    async def _received(self, fill: wire.Fill) -> FillReceived:
        client_id = None if fill.order_id is None else await self._client_id(fill.order_id)
        return fill_received(self._directory.markets, fill, client_id)

    def _note_height(self, height: int) -> None:
        self._heights.add(height)
        self._wake.set()

    async def _transfers(self, emit: Emit, since: int, up_to: int | None) -> None:
        settings = self._links.settings
        for transfer in await self._links.indexer.transfers_above(since):
            height = whole(transfer.created_at_height)
            late = up_to is not None and height > up_to
            if late or not self._progress.transfers.is_new(transfer.id, height):
                continue
            moved = venue_transfer(transfer, settings.address, settings.subaccount)
            self._progress.transfers.add(transfer.id, height)
            emit(moved)
            self._note_height(height)

    async def _client_id(self, order_id: str) -> int | None:
        known = self._orders.client_id(order_id)
        if known is not None:
            return known
        order = await self._links.indexer.order(order_id)
        if order is None:
            return None
        client_id = whole(order.client_id)
        until = 0 if order.good_til_block is None else whole(order.good_til_block)
        self._orders.learn(order_id, client_id, until)
        return client_id

    async def _observe(self, emit: Emit, height: int) -> None:
        async with self._reading:
            last = self._progress.observed
            if last is None or height > last.height:
                state = await self._state_at(height)
                await self._take(emit, state)
                emit(self._directory.observed(state))

    async def _observe_past(self, emit: Emit, height: int) -> None:
        """Read an old height; when the node has pruned it, funding up to now stays unattributed."""
        last = self._progress.observed
        if last is None or height <= last.height:
            return
        settings = self._links.settings
        try:
            state = await self._links.reader.subaccount(
                settings.address, settings.subaccount, height
            )
        except VenueUnavailable:
            self._progress.observed = None
        else:
            await self._take(emit, state)
            emit(self._directory.observed(state))

    async def _take(self, emit: Emit, state: SubaccountState) -> None:
        """Emit the funding settled since the last state, then make this one the last."""
        before = self._progress.observed
        if before is not None and state.height > before.height:
            # A change in block h settles at the index that was in force before that block.
            closed = {
                gone: (await self._links.reader.perpetual(gone, state.height - 1)).funding_index
                for gone in closed_positions(before, state)
            }
            for perpetual_id, amount in settled_funding(before, state, closed).items():
                ticker = self._directory.ticker(perpetual_id)
                emit(FundingPaid(market=ticker, height=state.height, quote_quantums=amount))
        self._progress.observed = state

    async def _state_at(self, height: int) -> SubaccountState:
        """Read a height the node may not have committed yet. Raises VenueUnavailable."""
        settings, reader = self._links.settings, self._links.reader
        return await ask_until(
            self._links.clock,
            settings.query_deadline_ms,
            f"the node did not answer for height {height}",
            lambda: reader.subaccount(settings.address, settings.subaccount, height),
        )
