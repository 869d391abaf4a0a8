"""The OrderVenue port for dYdX v4: start-up checks, submit, and reconnecting until cancelled."""

from collections.abc import Sequence
from typing import Final

from keeper.domain.approval import Approved
from keeper.domain.commands import CommandId, OrderCommand
from keeper.domain.errors import ConfigError, VenueUnavailable, WireError
from keeper.domain.events import CommandResult, Event, SourceDown, SourceUp
from keeper.ports import Clock, Emit
from keeper.venues.dydx.directory import Directory, load_listings
from keeper.venues.dydx.keys import Signer, address_of, check_address
from keeper.venues.dydx.links import Links, make_links
from keeper.venues.dydx.observer import OVERLAP_BLOCKS, Observer
from keeper.venues.dydx.progress import OrderIndex, Progress, SeenIds
from keeper.venues.dydx.reader import RateLimit, SubaccountState
from keeper.venues.dydx.sender import KEEPER_CODESPACE, Sender
from keeper.venues.dydx.session import SOURCE, Session
from keeper.venues.dydx.settings import DydxSettings
from keeper.venues.dydx.signing import TxSigner

__all__ = ["SOURCE", "DydxVenue", "check_order_limits"]

NOT_STARTED: Final = 4


class DydxVenue:
    """Quotes on one subaccount: events of source "dydx", commands by validator gRPC.

    `resume_height` is the height of the last SubaccountObserved or Reconciled the journal holds:
    fills, transfers and funding above it are emitted before the first Reconciled, and so are
    fills and transfers of the 20 blocks up to it, which the stream may have been about to bring
    (their natural keys make a second delivery harmless). None starts afresh: what was committed
    before is in that first Reconciled alone.
    """

    def __init__(
        self,
        settings: DydxSettings,
        signer: Signer,
        clock: Clock,
        *,
        resume_height: int | None = None,
    ) -> None:
        check_address(settings.address)
        self._settings = settings
        self._signer = signer
        self._resume_height = resume_height
        self._links: Links = make_links(settings, clock)
        self._directory = Directory()
        self._orders = OrderIndex()
        self._sender: Sender | None = None
        self._emit: Emit | None = None

    async def run(self, emit: Emit) -> None:
        """Emit events until cancelled; reconnects by itself once it has been up.

        Raises ConfigError when the configuration does not fit the venue, and VenueUnavailable or
        WireError when an endpoint does not answer as it should before the first SourceUp.
        """
        self._emit = emit
        progress = await self._start()
        observer = Observer(self._links, self._directory, progress, self._orders)
        await self._first_session(emit, progress, observer)
        pause_ms = self._settings.reconnect_first_ms
        while True:
            await self._links.clock.sleep(pause_ms / 1_000)
            was_up, error = await self._session(emit, progress, observer)
            if was_up:
                emit(SourceDown(source=SOURCE, detail=str(error)))
                pause_ms = self._settings.reconnect_first_ms
            else:
                pause_ms = min(pause_ms * 2, self._settings.reconnect_max_ms)

    async def submit(self, commands: Sequence[tuple[CommandId, Approved[OrderCommand]]]) -> None:
        """Sign and start sending in order; returns at once, results arrive as CommandResult."""
        for command_id, approved in commands:
            if self._emit is None:
                raise RuntimeError("submit before run: there is nobody to tell the result")
            if self._sender is None:
                self._emit(_dropped(command_id))
            else:
                self._sender.send(command_id, approved.value, self._emit)

    async def close(self) -> None:
        """Wait for the results under way (at most the place deadline) and close connections."""
        if self._sender is not None:
            await self._sender.drain()
        await self._links.close()

    async def _start(self) -> Progress:
        """Check chain, account, key, limits and markets; prepare the sender."""
        settings, reader = self._settings, self._links.reader
        chain_id = await reader.chain_id()
        if chain_id != settings.chain_id:
            raise ConfigError(
                f"{settings.grpc_endpoint} is on chain {chain_id}, not {settings.chain_id}",
                next_step="correct chain_id or grpc_endpoint",
            )
        account_number = await self._account_number()
        check_order_limits(await reader.order_limits(), settings.max_messages_per_block)
        await load_listings(reader, self._links.indexer, settings.markets)
        signer = TxSigner(self._signer, chain_id, account_number, settings.authenticator_ids)
        progress = await self._progress()
        self._sender = Sender(
            self._links.node, signer, settings, self._directory.markets, self._orders
        )
        return progress

    async def _account_number(self) -> int:
        """Return the owner's account number after checking that the key may sign for it."""
        settings, reader = self._settings, self._links.reader
        account = await reader.account(settings.address)
        if account is None:
            raise ConfigError(
                f"account {settings.address} does not exist on {settings.chain_id}",
                next_step="fund it first: the chain creates accounts on their first receipt",
            )
        signing = address_of(self._signer.public_key)
        if not settings.authenticator_ids and signing != settings.address:
            raise ConfigError(
                f"the key signs for {signing}, the account is {settings.address}",
                next_step="use the account's key, or name the authenticators of a permissioned one",
            )
        if settings.authenticator_ids:
            missing = set(settings.authenticator_ids) - await reader.authenticator_ids(
                settings.address
            )
            if missing:
                raise ConfigError(
                    f"account {settings.address} has no authenticators {sorted(missing)}",
                    next_step="register them with the owner's key, or correct authenticator_ids",
                )
        return account[0]

    async def _progress(self) -> Progress:
        since = self._resume_height
        if since is None:
            since = horizon = (await self._links.reader.header()).height
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
            return await self._links.reader.subaccount(
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
            await Session(self._links, self._directory, progress, observer).run(watch)
        except (VenueUnavailable, WireError) as error:
            return up, error
        raise AssertionError("unreachable: a session ends by an error or a cancellation")


def check_order_limits(limits: Sequence[RateLimit], messages_per_block: int) -> None:
    """Raise ConfigError when the chain would refuse that many places and cancels in every block."""
    for limit in limits:
        if messages_per_block * limit.blocks > limit.limit:
            raise ConfigError(
                f"the chain takes {limit.limit} order messages in {limit.blocks} blocks, "
                f"configured are {messages_per_block} in each",
                next_step="lower max_messages_per_block",
            )


def _dropped(command_id: CommandId) -> CommandResult:
    return CommandResult(
        command=command_id,
        outcome="DROPPED",
        code=NOT_STARTED,
        codespace=KEEPER_CODESPACE,
        detail="the venue is not connected yet; nothing was sent",
        tx_hash="",
    )
