"""Double-entry records: postings in one unit each, every entry summing to zero per unit."""

from collections.abc import Iterable

import msgspec

__all__ = ["CASH", "POSITION", "QUOTE", "WEI", "Entry", "Posting", "balances"]

QUOTE = "quote"
"""Unit of venue money: quote quantums (1e-6 USDC). Base quantums carry their market's ticker."""
CASH = "venue:cash"
"""Account of the subaccount's quote quantums."""
POSITION = "venue:position"
"""Account of the subaccount's base quantums, one unit per market."""
WEI = "wei"
"""Unit of gas."""


class Posting(msgspec.Struct, frozen=True, array_like=True):
    """`amount` of `unit` added to `account`."""

    account: str
    unit: str
    amount: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, by natural key, at a height of the venue or a block of the chain.

    Raises ValueError at construction when its postings do not sum to zero in each unit.
    """

    kind: str
    key: str
    height: int
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        sums: dict[str, int] = {}
        for posting in self.postings:
            sums[posting.unit] = sums.get(posting.unit, 0) + posting.amount
        if any(sums.values()):
            raise ValueError(f"entry {self.kind} {self.key} does not balance: {sums}")

    def amount(self, account: str, unit: str) -> int:
        """Sum this entry's postings to an account in a unit."""
        return sum(p.amount for p in self.postings if p.account == account and p.unit == unit)


def balances(entries: Iterable[Entry]) -> dict[str, dict[str, int]]:
    """Return account -> unit -> amount, sorted, zeros left out."""
    sums: dict[tuple[str, str], int] = {}
    for entry in entries:
        for posting in entry.postings:
            key = (posting.account, posting.unit)
            sums[key] = sums.get(key, 0) + posting.amount
    table: dict[str, dict[str, int]] = {}
    for (account, unit), amount in sorted(sums.items()):
        if amount:
            table.setdefault(account, {})[unit] = amount
    return table
