"""The OrderVenue port for dYdX v4: the feed, and a sender that signs with the account's hot key."""

from collections.abc import Sequence
from typing import Final

from keeper.domain.approval import Approved
from keeper.domain.commands import CommandId, OrderCommand
from keeper.domain.errors import ConfigError
from keeper.domain.events import CommandResult
from keeper.ports import Clock, Emit
from keeper.venues.dydx.feed import SOURCE, DydxFeed
from keeper.venues.dydx.keys import Signer, address_of
from keeper.venues.dydx.permissions import powers_of
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
        self._feed = DydxFeed(settings, clock, resume_height=resume_height)
        self._sender: Sender | None = None
        self._emit: Emit | None = None

    async def run(self, emit: Emit) -> None:
        """Emit events until cancelled; reconnects by itself once it has been up.

        Raises ConfigError when the configuration does not fit the venue, and VenueUnavailable or
        WireError when an endpoint does not answer as it should before the first SourceUp.
        """
        self._emit = emit
        await self._feed.open()
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
        """Wait for the results under way (at most the place deadline) and close connections."""
        if self._sender is not None:
            await self._sender.drain()
        await self._feed.close()

    async def _open_sender(self) -> Sender:
        settings, feed = self._settings, self._feed
        number = await self._account_number()
        signer = TxSigner(self._signer, settings.chain_id, number, settings.authenticator_ids)
        return Sender(feed.links.node, signer, settings, feed.directory.markets, feed.orders)

    async def _account_number(self) -> int:
        """Return the owner's account number after checking that the key may sign for it."""
        settings, reader = self._settings, self._feed.links.reader
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
            await self._check_permission(settings.authenticator_ids[0])
        return account[0]

    async def _check_permission(self, authenticator_id: int) -> None:
        """Raise ConfigError unless the account has that authenticator, of this very key."""
        settings = self._settings
        known = await self._feed.links.reader.authenticators(settings.address)
        entry = next((a for a in known if a.authenticator_id == authenticator_id), None)
        if entry is None:
            raise ConfigError(
                f"account {settings.address} has no authenticator {authenticator_id}",
                next_step="register it with the owner's key: keeper venue authorise",
            )
        keys = powers_of(entry.kind, entry.config).keys
        if keys is not None and self._signer.public_key not in keys:
            raise ConfigError(
                f"authenticator {authenticator_id} is of another key than the one configured",
                next_step="use the key it names, or register this one: keeper venue authorise",
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
