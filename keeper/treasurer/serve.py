"""The treasurer's loop: look, decide one step, sign it, wait until it is in a block, look again.

It remembers nothing: a step is signed under the account sequence of the height it was decided at,
so that of two transactions for one decision at most one can ever be included.
"""

from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from keeper.domain.errors import AthanorError
from keeper.ports import Clock
from keeper.treasurer.policy import Action, Policy, View, next_action
from keeper.treasurer.signer import OwnPlaces, TreasurySigner, build_body
from keeper.treasurer.venue import Account, VenueReader

__all__ = ["RequestSource", "Treasurer", "TreasurerSettings"]

_BROADCAST_MS: Final = 5_000
_INCLUSION_POLLS: Final = 40
_INCLUSION_PAUSE_SECONDS: Final = 0.25


class RequestSource(Protocol):
    """The adapter's word: what the vault has asked home so far."""

    async def requested(self) -> int:
        """Cumulative asset units asked home. Raises ChainUnavailable, CallReverted, WireError."""
        ...


@dataclass(frozen=True, slots=True)
class TreasurerSettings:
    """Own places, policy and pace."""

    places: OwnPlaces
    policy: Policy
    poll_seconds: float


class Treasurer:
    """One venue account's treasurer."""

    def __init__(
        self,
        settings: TreasurerSettings,
        requests: RequestSource,
        venue: VenueReader,
        signer: TreasurySigner,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._requests = requests
        self._venue = venue
        self._signer = signer
        self._clock = clock
        self._log = structlog.get_logger("keeper.treasurer")

    async def run(self) -> None:
        """Act until cancelled; an unreachable node or venue is waited for."""
        self._log.info("treasurer watches", address=self._settings.places.address)
        while True:
            try:
                acted = await self.act_once()
            except AthanorError as error:
                self._log.warning("not reachable, trying again", error=str(error))
                acted = None
            if acted is None:
                await self._clock.sleep(self._settings.poll_seconds)

    async def act_once(self) -> Action | None:
        """Take one step if one is due; None when nothing is.

        Raises ChainUnavailable, VenueUnavailable, CallReverted, WireError, ShapeRefused.
        """
        height = await self._venue.height()
        account = await self._venue.account(height)
        if account is None:
            return None
        view = await self._view(height)
        action = next_action(view, self._settings.policy)
        if action is None:
            return None
        self._log.info("acting", action=repr(action), owed=view.owed, height=height)
        return action if await self._send(action, account) else None

    async def _view(self, height: int) -> View:
        policy = self._settings.policy
        trading = await self._venue.worth(policy.trading, height)
        reserve_free = 0
        if policy.reserve is not None:
            reserve_free = (await self._venue.worth(policy.reserve, height)).free
        return View(
            requested=await self._requests.requested(),
            sent_home=await self._venue.sent_home(height),
            wallet=await self._venue.wallet(height),
            trading_equity=trading.equity,
            trading_free=trading.free,
            reserve_free=reserve_free,
        )

    async def _send(self, action: Action, account: Account) -> bool:
        """Sign, broadcast, wait for the sequence to be used; False when it was not."""
        body = build_body(self._settings.places, action)
        signed = await self._signer.sign(body, account.number, account.sequence)
        verdict = await self._venue.broadcast(signed.raw, _BROADCAST_MS)
        if verdict.code != 0:
            self._log.warning("refused by the venue", code=verdict.code, log=verdict.raw_log)
            return False
        for _ in range(_INCLUSION_POLLS):
            await self._clock.sleep(_INCLUSION_PAUSE_SECONDS)
            now = await self._venue.account()
            if now is not None and now.sequence > account.sequence:
                self._log.info("included", tx_hash=signed.tx_hash)
                return True
        self._log.warning("not included yet", tx_hash=signed.tx_hash)
        return False
