"""Owns profit history: what each subaccount was worth at each full hour, and what moved in or out.

A total profit is the worth less the net transfers since the account was first funded.
"""

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction

from .model import SubaccountId

__all__ = ["PnlBook", "PnlRow"]

HOUR_NS = 3_600 * 10**9
KEPT = 2_000


@dataclass(frozen=True, slots=True)
class PnlRow:
    """One full hour of a subaccount. Worth and transfers in USD; transfers since the row before."""

    key: SubaccountId
    equity: Fraction
    total: Fraction
    transfers: Fraction
    height: int
    time_ns: int


@dataclass(slots=True)
class _Moved:
    ever: Fraction = Fraction(0)
    since: Fraction = Fraction(0)


@dataclass(slots=True)
class PnlBook:
    """Rows by subaccount, oldest first, and the transfers of each."""

    rows: dict[SubaccountId, deque[PnlRow]] = field(default_factory=dict)
    _moved: dict[SubaccountId, _Moved] = field(default_factory=dict)

    def transfer(self, key: SubaccountId, usd: Fraction) -> None:
        """Count what moved into a subaccount (out of it where negative)."""
        moved = self._moved.setdefault(key, _Moved())
        moved.ever += usd
        moved.since += usd

    @staticmethod
    def is_due(before_ns: int, time_ns: int) -> bool:
        """Return whether a full hour passed between two blocks."""
        return before_ns // HOUR_NS != time_ns // HOUR_NS

    def add(self, key: SubaccountId, equity: Fraction, height: int, time_ns: int) -> None:
        """Note a subaccount's worth at a block."""
        moved = self._moved.setdefault(key, _Moved())
        row = PnlRow(key, equity, equity - moved.ever, moved.since, height, time_ns)
        moved.since = Fraction(0)
        self.rows.setdefault(key, deque(maxlen=KEPT)).append(row)
