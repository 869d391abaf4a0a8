"""One connected period: subscribe, reconcile with the chain, then the live feeds until it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from keeper.domain.errors import ConfigError, VenueUnavailable, WireError
from keeper.domain.events import (
    BookUpdated,
    MarketListed,
    OpenOrder,
    Reconciled,
    SourceGap,
    SourceUp,
)
from keeper.domain.units import NS_PER_MS
from keeper.ports import Emit
from keeper.venues.dydx import wire
from keeper.venues.dydx.directory import Directory, load_listings
from keeper.venues.dydx.ids import SHORT_TERM
from keeper.venues.dydx.links import Links
from keeper.venues.dydx.mapping import (
    book_levels,
    open_order,
    oracle_priced,
    order_updated,
    patched_market,
    snapshot_levels,
    venue_block,
)
from keeper.venues.dydx.observer import Observer
from keeper.venues.dydx.pacing import ask_until
from keeper.venues.dydx.progress import Progress
from keeper.venues.dydx.reader import SubaccountState
from keeper.venues.dydx.stream import SequenceGap, Stream

__all__ = ["SOURCE", "Session"]

SOURCE: Final = "dydx"
"""Name of this source in events."""
_OPEN: Final = {"OPEN", "BEST_EFFORT_OPENED", "UNTRIGGERED"}


class Session:
    """Runs from one connect to one loss; what outlives it is in `progress` and `directory`."""

    def __init__(
        self, links: Links, directory: Directory, progress: Progress, observer: Observer
    ) -> None:
        self._links = links
        self._directory = directory
        self._progress = progress
        self._observer = observer
        # Message ids restart with each connection; source sequences must not.
        self._base = max(progress.sequence + 1, links.clock.now_ns())
        self._renewing: set[str] = set()
        self._handlers: dict[str, Callable[[Emit, wire.Envelope], Awaitable[None]]] = {
            "v4_orderbook": self._book,
            "v4_markets": self._markets,
            "v4_block_height": self._block,
            "v4_subaccounts": self._subaccount,
        }

    async def run(self, emit: Emit) -> None:
        """Emit until the connection ends. Raises VenueUnavailable or WireError, never returns."""
        settings = self._links.settings
        stream = await Stream.open(settings.ws_url, settings.query_deadline_ms)
        try:
            await self._run_connected(emit, stream)
        except SequenceGap as gap:
            expected, received = self._base + gap.expected, self._base + gap.received
            emit(SourceGap(source=SOURCE, expected=expected, received=received))
            raise
        finally:
            await stream.close()

    async def _run_connected(self, emit: Emit, stream: Stream) -> None:
        try:
            async with asyncio.timeout(self._links.settings.query_deadline_ms / 1_000):
                waiting = await self._subscribe(stream)
        except TimeoutError as error:
            raise VenueUnavailable("the indexer did not confirm every subscription") from error
        await self._reconcile(emit)
        for envelope in waiting:
            await self._handle(emit, envelope)
        gate = self._links.gate
        if gate is not None:
            await gate.ready()
        emit(SourceUp(source=SOURCE))
        try:
            async with asyncio.TaskGroup() as tasks:
                if gate is not None:
                    tasks.create_task(gate.lost())
                tasks.create_task(self._observer.run(emit))
                tasks.create_task(self._observer.repair(emit))
                tasks.create_task(self._refresh_books(stream))
                tasks.create_task(self._refresh_facts(emit))
                tasks.create_task(self._read(emit, stream))
        except* (VenueUnavailable, WireError) as group:
            raise _first(group) from group

    async def _subscribe(self, stream: Stream) -> list[wire.Envelope]:
        """Subscribe to everything; return the messages up to the last confirmation, in order."""
        settings = self._links.settings
        account = f"{settings.address}/{settings.subaccount}"
        await stream.subscribe("v4_block_height")
        await stream.subscribe("v4_markets")
        await stream.subscribe("v4_subaccounts", account)
        for ticker in settings.markets:
            await stream.subscribe("v4_orderbook", ticker)
        missing = {"v4_block_height", "v4_markets", "v4_subaccounts", *settings.markets}
        received = []
        while missing:
            envelope = await stream.receive()
            received.append(envelope)
            if envelope.type == "error":
                raise VenueUnavailable(f"the indexer refused a subscription: {envelope.message}")
            if envelope.type == "subscribed":
                missing.discard(
                    envelope.id if envelope.channel == "v4_orderbook" else envelope.channel
                )
        return received

    async def _reconcile(self, emit: Emit) -> None:
        """Emit markets, what was missed up to a committed height, and the whole state there."""
        settings, reader = self._links.settings, self._links.reader
        listings = await load_listings(reader, self._links.indexer, settings.markets)
        for market in self._directory.take(listings):
            emit(MarketListed(market=market))
        state = await reader.subaccount(settings.address, settings.subaccount)
        await self._indexer_reaches(state.height)
        await self._observer.catch_up(emit, state.height)
        await self._observer.settle(emit, state)
        emit(await self._reconciled(state))
        if await self._is_moving():
            for price in await self._directory.oracle_prices(reader, SOURCE):
                emit(price)

    async def _is_moving(self) -> bool:
        """Whether the chain makes blocks: after a halt only a price of a new block is fresh."""
        links = self._links
        age_ns = links.clock.now_ns() - (await links.reader.header()).time_ns
        return age_ns <= links.settings.chain_stale_ms * NS_PER_MS

    async def _indexer_reaches(self, height: int) -> None:
        """Wait for the indexer to know what the chain has committed.

        Raises VenueUnavailable, also when it is the node that is far behind: another is to serve.
        """

        async def reached() -> int | None:
            found = await self._links.indexer.height()
            return found if found >= height else None

        what = f"the indexer did not reach height {height}"
        settings = self._links.settings
        found = await ask_until(self._links.clock, settings.query_deadline_ms, what, reached)
        if found - height > settings.max_node_lag_blocks:
            behind = self._links.node.endpoint
            self._links.node.move_on()
            raise VenueUnavailable(f"{behind} stands at height {height}, the indexer at {found}")

    async def _reconciled(self, state: SubaccountState) -> Reconciled:
        orders: list[OpenOrder] = []
        for order in await self._links.indexer.open_orders():
            market = self._directory.market(order.ticker)
            if order.order_flags != str(SHORT_TERM):
                raise ConfigError(
                    f"the subaccount has an open order of another kind (id {order.id})",
                    next_step="cancel it; the keeper manages short-term orders only",
                )
            found = open_order(market, order)
            if found.good_til_block >= state.height:
                orders.append(found)
        orders.sort(key=lambda entry: (entry.market, entry.client_id))
        observed = self._directory.observed(state)
        return Reconciled(height=state.height, subaccount=observed, open_orders=tuple(orders))

    async def _read(self, emit: Emit, stream: Stream) -> None:
        silence = self._links.settings.silence_ms / 1_000
        while True:
            try:
                async with asyncio.timeout(silence):
                    envelope = await stream.receive()
            except TimeoutError as error:
                raise VenueUnavailable(
                    f"the indexer's stream fell silent for {silence} s"
                ) from error
            if envelope.type == "unsubscribed" and envelope.id in self._renewing:
                self._renewing.discard(envelope.id)
                self._progress.sequence = self._base + envelope.message_id
                await stream.subscribe(envelope.channel, envelope.id)
            else:
                await self._handle(emit, envelope)

    async def _refresh_books(self, stream: Stream) -> None:
        """Have every book told anew once an interval: a lost message leaves no gap in the ids.

        The answer to the subscription is a snapshot in the stream's own order.
        """
        settings = self._links.settings
        while True:
            await self._links.clock.sleep(settings.book_refresh_ms / 1_000)
            for ticker in settings.markets:
                self._renewing.add(ticker)
                await stream.unsubscribe("v4_orderbook", ticker)

    async def _refresh_facts(self, emit: Emit) -> None:
        """Ask anew once an interval how large the markets are: the stream tells changes alone.

        Where the indexer does not answer they grow stale, which the limits judge.
        """
        links = self._links
        while True:
            with suppress(VenueUnavailable, WireError):
                for facts in self._directory.facts(SOURCE, await links.indexer.markets()):
                    emit(facts)
            await links.clock.sleep(links.settings.book_refresh_ms / 1_000)

    async def _handle(self, emit: Emit, envelope: wire.Envelope) -> None:
        self._progress.sequence = self._base + envelope.message_id
        if envelope.type == "connected":
            return
        if envelope.type == "error":
            raise VenueUnavailable(f"the indexer reports: {envelope.message}")
        handler = self._handlers.get(envelope.channel)
        if handler is None or envelope.type not in ("subscribed", "channel_data"):
            raise WireError(f"unexpected {envelope.type} of channel {envelope.channel!r}")
        await handler(emit, envelope)

    async def _book(self, emit: Emit, envelope: wire.Envelope) -> None:
        market = self._directory.market(envelope.id)
        snapshot = envelope.type == "subscribed"
        if snapshot:
            whole_book = wire.decode(envelope.contents, wire.BookSnapshot)
            bids = snapshot_levels(market, whole_book.bids)
            asks = snapshot_levels(market, whole_book.asks)
        else:
            change = wire.decode(envelope.contents, wire.BookLevels)
            bids = book_levels(market, change.bids)
            asks = book_levels(market, change.asks)
        emit(
            BookUpdated(
                market=market.ticker,
                source=SOURCE,
                source_seq=self._progress.sequence,
                snapshot=snapshot,
                bids=bids,
                asks=asks,
            )
        )

    async def _markets(self, emit: Emit, envelope: wire.Envelope) -> None:
        if envelope.type == "subscribed":
            return  # read from the chain in `_reconcile`: the snapshot names no height
        update = wire.decode(envelope.contents, wire.MarketsUpdate)
        for ticker, patch in (update.trading or {}).items():
            market = self._directory.markets.get(ticker)
            if market is not None and self._directory.replace(patched_market(market, patch)):
                emit(MarketListed(market=self._directory.markets[ticker]))
        for facts in self._directory.facts(SOURCE, update.trading or {}):
            emit(facts)
        for ticker, price in (update.oracle_prices or {}).items():
            market = self._directory.markets.get(ticker)
            if market is not None:
                emit(oracle_priced(market, SOURCE, price))

    async def _block(self, emit: Emit, envelope: wire.Envelope) -> None:
        block = venue_block(wire.decode(envelope.contents, wire.BlockHeight))
        self._observer.note_block(block.height)
        emit(block)

    async def _subaccount(self, emit: Emit, envelope: wire.Envelope) -> None:
        if envelope.type == "subscribed":
            return  # the chain's committed state was read in `_reconcile`
        update = wire.decode(envelope.contents, wire.SubaccountUpdate)
        await self._observer.fills(emit, update.fills or ())
        for order in update.orders or ():
            if order.order_flags == str(SHORT_TERM):
                emit(order_updated(self._directory.market(order.ticker), order))
            elif order.status in _OPEN:
                raise WireError(f"someone opened order {order.id} of another kind here")
        if update.transfers is not None:
            self._observer.note_transfer()


def _first(group: BaseExceptionGroup[VenueUnavailable | WireError]) -> Exception:
    """Pick the error to report: a gap before anything else, for it names what was lost."""
    leaves: list[Exception] = []
    pending: list[BaseException] = [group]
    while pending:
        error = pending.pop()
        if isinstance(error, BaseExceptionGroup):
            pending.extend(error.exceptions)
        elif isinstance(error, Exception):
            leaves.append(error)
    return next((leaf for leaf in leaves if isinstance(leaf, SequenceGap)), leaves[0])
