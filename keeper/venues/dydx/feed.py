"""All that is read from dYdX v4, and nothing else: start-up checks, sessions, reconnecting."""

from collections.abc import Sequence

from keeper.domain.errors import ConfigError, VenueUnavailable, WireError
from keeper.domain.events import Event, SourceDown, SourceUp
from keeper.ports import Clock, Emit
from keeper.venues.dydx.directory import Directory, load_listings
from keeper.venues.dydx.keys import check_address
from keeper.venues.dydx.links import Gate, Links, make_links
from keeper.venues.dydx.observer import OVERLAP_BLOCKS, Observer
from keeper.venues.dydx.progress import OrderIndex, Progress, SeenIds
from keeper.venues.dydx.reader import RateLimit, SubaccountState
from keeper.venues.dydx.session import SOURCE, Session
from keeper.venues.dydx.settings import DydxSettings

__all__ = ["SOURCE", "DydxFeed", "check_order_limits"]


class DydxFeed:
    """Events of source "dydx" about one subaccount; holds no key, so it cannot send.

    `resume_height` is the height of the last SubaccountObserved or Reconciled the journal holds:
    fills, transfers and funding above it are emitted before the first Reconciled, and so are
    fills and transfers of the 20 blocks up to it, which the stream may have been about to bring
    (their natural keys make a second delivery harmless). None starts afresh: what was committed
    before is in that first Reconciled alone. The source is up only while the `gate` is open.
    """

    def __init__(
        self,
        settings: DydxSettings,
        clock: Clock,
        *,
        resume_height: int | None = None,
        gate: Gate | None = None,
    ) -> None:
        check_address(settings.address)
        self._settings = settings
        self._resume_height = resume_height
        self.links: Links = make_links(settings, clock, gate)
        self.directory = Directory()
        self.orders = OrderIndex()

    async def run(self, emit: Emit) -> None:
        """Emit events until cancelled; reconnects by itself once it has been up.

        Raises what `open` and `follow` raise.
        """
        await self.open()
        await self.follow(emit)

    async def open(self) -> None:
        """Check the chain. Raises ConfigError on another one, VenueUnavailable, WireError."""
        settings = self._settings
        chain_id = await self.links.reader.chain_id()
        if chain_id != settings.chain_id:
            raise ConfigError(
                f"{settings.grpc_endpoint} is on chain {chain_id}, not {settings.chain_id}",
                next_step="correct chain_id or grpc_endpoint",
            )

    async def follow(self, emit: Emit) -> None:
        """Check limits and markets, then emit until cancelled.

        Raises ConfigError when the configuration does not fit the venue, and VenueUnavailable or
        WireError when an endpoint does not answer as it should before the first SourceUp.
        """
        settings, reader = self._settings, self.links.reader
        check_order_limits(await reader.order_limits(), settings.max_messages_per_block)
        await load_listings(reader, self.links.indexer, settings.markets)
        progress = await self._progress()
        observer = Observer(self.links, self.directory, progress, self.orders)
        await self._first_session(emit, progress, observer)
        pause_ms = settings.reconnect_first_ms
        while True:
            await self.links.clock.sleep(pause_ms / 1_000)
            was_up, error = await self._session(emit, progress, observer)
            if was_up:
                emit(SourceDown(source=SOURCE, detail=str(error)))
                pause_ms = settings.reconnect_first_ms
            else:
                pause_ms = min(pause_ms * 2, settings.reconnect_max_ms)

    async def close(self) -> None:
        """Close connections."""
        await self.links.close()

    async def _progress(self) -> Progress:
        since = self._resume_height
        if since is None:
            since = horizon = (await self.links.reader.header()).height
        else:
            horizon = since - OVERLAP_BLOCKS
        return Progress(
            fills=SeenIds(horizon),
            transfers=SeenIds(horizon),
            complete=since,
            observed=await self._state_known(self._resume_height),
        )

    async def _state_known(self, height: int | None) -> SubaccountState | None:
        """Read the state funding is counted from; None when the node no longer has it."""
        if height is None:
            return None
        try:
            return await self.links.reader.subaccount(
                self._settings.address, self._settings.subaccount, height
            )
        except VenueUnavailable:
            return None

    async def _first_session(self, emit: Emit, progress: Progress, observer: Observer) -> None:
        """Run the first session; a failure before it was up is a failure to start."""
        was_up, error = await self._session(emit, progress, observer)
        if not was_up:
            raise error
        emit(SourceDown(source=SOURCE, detail=str(error)))

    async def _session(
        self, emit: Emit, progress: Progress, observer: Observer
    ) -> tuple[bool, VenueUnavailable | WireError]:
        """Run one session to its end; tell whether it came up, and why it ended."""
        up = False

        def watch(event: Event) -> None:
            nonlocal up
            up = up or isinstance(event, SourceUp)
            emit(event)

        try:
            await Session(self.links, self.directory, progress, observer).run(watch)
        except (VenueUnavailable, WireError) as error:
            return up, error
        raise AssertionError("unreachable: a session ends by an error or a cancellation")


def check_order_limits(limits: Sequence[RateLimit], messages_per_block: int) -> None:
    """Raise ConfigError when the chain would refuse that many places and cancels in every block."""
    for limit in limits:
        if not limit.carries(messages_per_block):
            raise ConfigError(
                f"the chain takes {limit.limit} order messages in {limit.blocks} blocks, "
                f"configured are {messages_per_block} in each",
                next_step="lower max_messages_per_block",
            )
