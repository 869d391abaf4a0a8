"""Owns the high-water mark off-chain: the price above which a share owes a fee.

Written from docs/spec.md, not from the Solidity. Prices in 1e36 assets per share unit, rounded up;
assets in asset units; all ints.
"""

from dataclasses import dataclass

from keeper.accounting.shares import PRICE_ONE, Fill, Vault, ceil_div, near_empty

__all__ = ["HighWater"]


@dataclass(slots=True)
class HighWater:
    """The mark, and what of it strangers gave that no settlement has accepted yet.

    `shares` are those the mark was set for, virtual ones included; fewer at a report means that
    some were burnt since, which raises a price without a gain. 0: the mark is of today.
    """

    mark: int
    exempt: int = 0
    shares: int = 0

    @classmethod
    def initial(cls, virtual: int) -> "HighWater":
        """The mark before the first report: the initial price."""
        return cls(PRICE_ONE // virtual)

    def report(self, vault: Vault, gross: int, accepted: int, external: int) -> None:
        """Lift the mark by what strangers gave; `accepted` is what the gate let through.

        Nearly without shares the mark starts anew.
        """
        shares = vault.supply + vault.virtual
        if near_empty(vault.supply, vault.virtual):
            self.mark, self.exempt, self.shares = _price_up(gross, shares), 0, shares
            return
        if shares < self.shares:
            self.mark = ceil_div(self.mark * self.shares, shares)
        self.shares = shares
        given = min(max(0, external), gross)
        self.mark += ceil_div(given * PRICE_ONE, shares)
        self.exempt = min(self.exempt + given, gross - accepted)

    def settled(self, vault: Vault, fill: Fill) -> None:
        """Follow a settlement of `vault`, which is already changed by it."""
        shares = self.shares = vault.supply + vault.virtual
        price = _price_up(vault.accepted, shares)
        if fill.whole_exit:
            self.mark, self.exempt = price, 0
            return
        staying = shares - fill.deposit_shares
        each = ceil_div(self.exempt * PRICE_ONE, staying)
        before = self.exempt * PRICE_ONE // (staying + fill.redeem_shares)
        self.mark = max(self.mark + each - before, price)


def _price_up(accepted: int, shares: int) -> int:
    return ceil_div((accepted + 1) * PRICE_ONE, shares)
