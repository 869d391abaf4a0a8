"""Owns the gate off-chain: what part of a reported NAV is accepted, is the cut settled or held.

Written from docs/spec.md, not from the Solidity. Assets in asset units, prices in 1e36 assets per
share unit, times in seconds, fractions of 1e18; all ints.
"""

import copy
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from keeper.accounting.shares import (
    PRICE_ONE,
    Fill,
    Pricing,
    Vault,
    ceil_div,
    near_empty,
    price_of,
)

__all__ = ["Gate", "Held", "Hold"]

WAD: Final = 10**18
DAY: Final = 86_400
BUCKET_MAX: Final = WAD // 100
LOSS_BUCKET_MAX: Final = WAD // 50
SLOT_MAX_PERCENT: Final = 5
SLOT_DELAY: Final = 3 * DAY
RECOVERY_FADE: Final = 7 * DAY
HIGH_WINDOW: Final = 3 * DAY
HIGH_FADE: Final = 100 * DAY


class Hold(Enum):
    """Why a report settles nothing; the numbers are the contract's."""

    LOSS = 1
    STALE_TRANSIT = 2


@dataclass(frozen=True, slots=True)
class Held:
    """A report that is accepted without settling its cut; `accepted` is published [asset units]."""

    reason: Hold
    accepted: int


@dataclass(slots=True)
class Gate:
    """Buckets, recovery, slot and settled prices of one vault."""

    time: int = 0
    bucket: int = BUCKET_MAX
    loss_bucket: int = LOSS_BUCKET_MAX
    recovery: int = 0
    fade_rate: int = 0
    pending_fade_rate: int = 0
    slot: int = 0
    slot_release_at: int = 0
    prices: list[tuple[int, int]] = field(default_factory=list)

    def price(
        self, vault: Vault, gross: int, gross_ask: int, time: int, stale: int = 0
    ) -> Pricing | Held:
        """Pass `gross`, cut at `time`, through the gate; the state moves on.

        `stale` is what has been in flight for more than a day; above 2 % of the accepted NAV it
        holds the cut, and then no gain passes.
        """
        before, overdrawn = copy.copy(self), False
        before.prices = list(self.prices)
        if near_empty(vault.supply, vault.virtual):
            self.reset(time)
            accepted = gross
        else:
            self._age(time)
            accepted, overdrawn = self._accept(vault.accepted, gross, vault, time)
        if stale > accepted * 2 // 100:
            if gross > vault.accepted:
                self._become(before)
            return Held(Hold.STALE_TRANSIT, min(gross, vault.accepted))
        if overdrawn:
            return Held(Hold.LOSS, accepted)
        return Pricing(
            accepted=accepted,
            gross=gross,
            gross_ask=gross_ask,
            deposits_open=stale == 0 and self._deposits_open(accepted, gross, gross_ask, vault),
        )

    def veto(self) -> None:
        """Send a waiting gain back: what is left of it waits anew from the next report on."""
        self.slot = self.slot_release_at = 0

    def settled(self, vault: Vault, fill: Fill) -> None:
        """Remember the price after flows, or the former high, faded; a whole exit starts anew."""
        if fill.whole_exit:
            self.reset(self.time)
        price = price_of(vault.accepted, vault.supply + vault.virtual)
        for time, former in self.prices[-1:]:
            elapsed = min(self.time - time, HIGH_FADE)
            price = max(price, former - former * elapsed // HIGH_FADE)
        self.prices.append((self.time, price))

    def reset(self, time: int) -> None:
        """Become a gate that has seen nothing."""
        self.time, self.bucket, self.loss_bucket = time, BUCKET_MAX, LOSS_BUCKET_MAX
        self.recovery = self.fade_rate = self.pending_fade_rate = 0
        self.slot = self.slot_release_at = 0
        self.prices.clear()

    def high(self) -> int:
        """Return the newest remembered price or a higher one of three days; 0 without any."""
        recent = [price for time, price in self.prices if time >= self.time - HIGH_WINDOW]
        return max([*recent, *(price for _, price in self.prices[-1:])], default=0)

    def _age(self, time: int) -> None:
        elapsed = time - self.time
        self.time = time
        self.bucket = min(BUCKET_MAX, self.bucket + BUCKET_MAX * elapsed // DAY)
        refilled = self.loss_bucket + LOSS_BUCKET_MAX * elapsed // DAY
        self.loss_bucket = min(LOSS_BUCKET_MAX, refilled)
        self._lower_recovery(self.fade_rate * elapsed)
        self.fade_rate += self.pending_fade_rate
        self.pending_fade_rate = 0

    def _become(self, other: "Gate") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(other, name))

    def _accept(self, accepted: int, gross: int, vault: Vault, time: int) -> tuple[int, bool]:
        shares = vault.supply + vault.virtual
        if gross <= accepted:
            return gross, self._lose(accepted - gross, accepted, shares)
        undone = min(gross - accepted, self.recovery * shares // PRICE_ONE)
        self._lower_recovery(ceil_div(undone * PRICE_ONE, shares))
        accepted += undone
        accepted += self._from_bucket(accepted, gross)
        if self.slot and time >= self.slot_release_at:
            released = min(self.slot, gross - accepted, accepted * SLOT_MAX_PERCENT // 100)
            self.slot = self.slot_release_at = 0
            accepted += released
        self._queue(gross - accepted, accepted, time)
        return accepted, False

    def _lose(self, loss: int, accepted: int, shares: int) -> bool:
        """Remember a loss; tell whether the loss bucket was too small for it."""
        in_price = ceil_div(loss * PRICE_ONE, shares)
        self.recovery += in_price
        self.pending_fade_rate = ceil_div(in_price, RECOVERY_FADE)
        self.slot = self.slot_release_at = 0
        part = ceil_div(loss * WAD, accepted) if loss else 0
        overdrawn = part > self.loss_bucket
        self.loss_bucket = max(0, self.loss_bucket - part)
        return overdrawn

    def _from_bucket(self, accepted: int, gross: int) -> int:
        taken = min(gross - accepted, accepted * self.bucket // WAD)
        if taken:
            self.bucket -= ceil_div(taken * WAD, accepted)
        return taken

    def _queue(self, gain: int, accepted: int, time: int) -> None:
        if self.slot == 0 and gain:
            self.slot = min(gain, accepted * SLOT_MAX_PERCENT // 100)
            self.slot_release_at = time + SLOT_DELAY
        self.slot = min(self.slot, gain)
        if self.slot == 0:
            self.slot_release_at = 0

    def _lower_recovery(self, by: int) -> None:
        self.recovery = max(0, self.recovery - by)
        if self.recovery == 0:
            self.fade_rate = self.pending_fade_rate = 0

    def _deposits_open(self, accepted: int, gross: int, gross_ask: int, vault: Vault) -> bool:
        now = price_of(accepted, vault.supply + vault.virtual)
        return (
            now >= self.high() * 98 // 100
            and now * 1_000 >= PRICE_ONE // vault.virtual
            and gross <= accepted * 101 // 100
            and gross_ask <= gross * 101 // 100
        )
