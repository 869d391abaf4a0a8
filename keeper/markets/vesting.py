"""Cliff, then linear: when a bond's note vests, as the contracts compute it (unix seconds)."""

from dataclasses import dataclass
from typing import Final

__all__ = ["Vesting", "expiry_up"]

EXPIRY_STEP_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Vesting:
    """A note's payout [token units] and the three moments of it [unix seconds]."""

    payout: int
    start: int
    cliff_at: int
    expiry: int

    def vested_down(self, time: int) -> int:
        """Part of the payout vested at `time`, redeemed or not [token units]."""
        if time < self.cliff_at:
            return 0
        if time >= self.expiry:
            return self.payout
        return self.payout * (time - self.start) // (self.expiry - self.start)


def expiry_up(bought_at: int, vesting_seconds: int) -> int:
    """Midnight UTC at or after the vesting's end."""
    return -(-(bought_at + vesting_seconds) // EXPIRY_STEP_SECONDS) * EXPIRY_STEP_SECONDS
