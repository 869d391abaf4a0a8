"""Owns the gain gate off-chain: what part of a reported NAV is accepted, are deposits filled.

Written from docs/spec.md, not from the Solidity. Assets in asset units, prices in 1e36 assets per
share unit, times in seconds, fractions of 1e18; all ints.
"""

from dataclasses import dataclass, field
from typing import Final

from keeper.accounting.shares import Fill, Pricing, Vault, ceil_div, near_empty

__all__ = ["Gate", "price_of", "stale_limit"]

PRICE_ONE: Final = 10**36
WAD: Final = 10**18
DAY: Final = 86_400
BUCKET_MAX: Final = WAD // 100
SLOT_MAX_PERCENT: Final = 5
SLOT_DELAY: Final = 3 * DAY
RECOVERY_FADE: Final = 7 * DAY
HIGH_WINDOW: Final = 3 * DAY


def price_of(accepted: int, shares: int) -> int:
    """Return the price of a share unit, `shares` including the virtual ones."""
    return (accepted + 1) * PRICE_ONE // shares


def stale_limit(accepted: int) -> int:
    """Return the largest transit older than a day with which a cut may settle [asset units]."""
    return accepted * 2 // 100


@dataclass(slots=True)
class Gate:
    """Bucket, recovery, slot and settled prices of one vault."""

    time: int = 0
    bucket: int = BUCKET_MAX
    recovery: int = 0
    fade_rate: int = 0
    pending_fade_rate: int = 0
    slot: int = 0
    slot_release_at: int = 0
    prices: list[tuple[int, int]] = field(default_factory=list)

    def price(self, vault: Vault, gross: int, gross_ask: int, time: int, stale: int = 0) -> Pricing:
        """Pass `gross`, cut at `time`, through the gate; the state moves on.

        `stale` is what has been in flight for more than a day; above 2 % of the accepted NAV
        nothing may settle, which is for the caller to refuse.
        """
        shares = vault.supply + vault.virtual
        if near_empty(vault.supply, vault.virtual):
            self.reset(time)
            accepted = gross
        else:
            self._age(time)
            accepted = self._accept(vault.accepted, gross, shares, time)
        return Pricing(
            accepted=accepted,
            gross=gross,
            gross_ask=gross_ask,
            deposits_open=stale == 0 and self._deposits_open(accepted, gross, gross_ask, vault),
        )

    def settled(self, vault: Vault, fill: Fill) -> None:
        """Remember the price after flows; a whole exit starts everything anew."""
        if fill.whole_exit:
            self.reset(self.time)
        self.prices.append((self.time, price_of(vault.accepted, vault.supply + vault.virtual)))

    def reset(self, time: int) -> None:
        """Become a gate that has seen nothing."""
        self.time, self.bucket = time, BUCKET_MAX
        self.recovery = self.fade_rate = self.pending_fade_rate = 0
        self.slot = self.slot_release_at = 0
        self.prices.clear()

    def high(self) -> int:
        """Return the last settled price or a higher one of the last three days; 0 without any."""
        recent = [price for time, price in self.prices if time >= self.time - HIGH_WINDOW]
        return max([*recent, *(price for _, price in self.prices[-1:])], default=0)

    def _age(self, time: int) -> None:
        elapsed = time - self.time
        self.time = time
        self.bucket = min(BUCKET_MAX, self.bucket + BUCKET_MAX * elapsed // DAY)
        self._lower_recovery(self.fade_rate * elapsed)
        self.fade_rate += self.pending_fade_rate
        self.pending_fade_rate = 0

    def _accept(self, accepted: int, gross: int, shares: int, time: int) -> int:
        if gross <= accepted:
            loss = ceil_div((accepted - gross) * PRICE_ONE, shares)
            self.recovery += loss
            self.pending_fade_rate = ceil_div(loss, RECOVERY_FADE)
            self.slot = self.slot_release_at = 0
            return gross
        undone = min(gross - accepted, self.recovery * shares // PRICE_ONE)
        self._lower_recovery(ceil_div(undone * PRICE_ONE, shares))
        accepted += undone
        accepted += self._from_bucket(accepted, gross)
        if self.slot and time >= self.slot_release_at:
            released = min(self.slot, gross - accepted, accepted * SLOT_MAX_PERCENT // 100)
            self.slot = self.slot_release_at = 0
            accepted += released
        self._queue(gross - accepted, accepted, time)
        return accepted

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
