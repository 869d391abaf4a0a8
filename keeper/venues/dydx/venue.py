"""The OrderVenue port for dYdX v4: the feed, and a sender that signs with the account's hot key."""

from collections.abc import Sequence
from typing import Final

from keeper.domain.approval import Approved
from keeper.domain.commands import CommandId, OrderCommand
from keeper.domain.events import CommandResult
from keeper.ports import Clock, Emit
from keeper.venues.dydx.feed import SOURCE, DydxFeed
from keeper.venues.dydx.keys import Signer
from keeper.venues.dydx.permitting import account_number, check_alone, check_standing
from keeper.venues.dydx.sender import KEEPER_CODESPACE, Sender
from keeper.venues.dydx.settings import DydxSettings
from keeper.venues.dydx.signing import TxSigner

__all__ = ["SOURCE", "DydxVenue"]

NOT_STARTED: Final = 4


class DydxVenue:
    """Quotes on one subaccount: events from its feed, commands by validator gRPC.

    `resume_height` is the feed's.
    """

    def __init__(
        self,
        settings: DydxSettings,
        signer: Signer,
        clock: Clock,
        *,
        resume_height: int | None = None,
    ) -> None:
        self._settings = settings
        self._signer = signer
        self._feed = DydxFeed(settings, clock, resume_height=resume_height, gate=signer)
        self._sender: Sender | None = None
        self._emit: Emit | None = None

    async def run(self, emit: Emit) -> None:
        """Emit events until cancelled; reconnects by itself once it has been up.

        Raises ConfigError when the configuration does not fit the venue, and VenueUnavailable or
        WireError when an endpoint does not answer as it should before the first SourceUp.
        """
        self._emit = emit
        await self._feed.open()
        await check_standing(self._settings, self._feed.links.indexer)
        await check_alone(self._settings, self._feed.links.indexer)
        self._sender = await self._open_sender()
        await self._feed.follow(emit)

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
        """Wait for the results under way (at most the place deadline) and close everything."""
        if self._sender is not None:
            await self._sender.drain()
        await self._feed.close()
        await self._signer.close()

    async def _open_sender(self) -> Sender:
        settings, feed = self._settings, self._feed
        number = await account_number(settings, feed.links.reader, self._signer.public_key)
        signer = TxSigner(self._signer, settings.chain_id, number, settings.authenticator_ids)
        return Sender(feed.links.node, signer, settings, feed.directory.markets, feed.orders)


def _dropped(command_id: CommandId) -> CommandResult:
    return CommandResult(
        command=command_id,
        outcome="DROPPED",
        code=NOT_STARTED,
        codespace=KEEPER_CODESPACE,
        detail="the venue is not connected yet; nothing was sent",
        tx_hash="",
    )
