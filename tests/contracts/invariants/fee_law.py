"""Owns law V-21 in the stateful test: totals of fees beside totals of what was earned.

Knows no mark: what a fee may be follows from prices that were settled, and from profit as the
world made it, gifts of strangers left out.
"""

from dataclasses import dataclass
from fractions import Fraction

from keeper.accounting.shares import Fill, Vault, near_empty

__all__ = ["FeeLaw"]


@dataclass(slots=True)
class FeeLaw:
    """One vault that charges `rate` of a gain; money in asset units."""

    rate: Fraction
    best: Fraction = Fraction(0)
    earned: int = 0
    taken: Fraction = Fraction(0)
    owned: int = 0
    settlements: int = 0

    def report(self, gross: int, external: int) -> None:
        """A report was accepted: what was earned since the last one, if anything."""
        self.earned += max(0, gross - external - self.owned)
        self.owned = gross

    def settled(self, before: Vault, fill: Fill) -> None:
        """A fee is taken above the best settled price alone, and all fees from all profit."""
        self.settlements += 1
        shares = before.supply + before.virtual
        if near_empty(before.supply, before.virtual):
            self.best = Fraction(0)
            assert fill.fee_shares == 0, "V-21"
        priced = Fraction(fill.accepted + 1, shares + fill.fee_shares)
        if fill.fee_shares:
            assert priced >= self.best, "V-21"
            self.taken += fill.fee_shares * Fraction(fill.accepted, shares + fill.fee_shares)
            assert self.taken <= self.rate * self.earned + self.settlements, "V-21"
        after = Fraction(fill.accepted_after + 1, fill.supply_after + before.virtual)
        self.best = after if fill.whole_exit else max(self.best, after)
        self.owned += fill.deposit_assets - fill.redeem_assets
