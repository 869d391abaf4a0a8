"""Owns versioned state: the committed tables with their past, and branches written over them."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from .config import MarketConfig
from .model import (
    Account,
    AuthenticatorEntry,
    OrderId,
    Perpetual,
    StatefulOrder,
    Subaccount,
    SubaccountId,
)

__all__ = ["Branch", "State", "Table", "Versioned", "committed_state"]

K = TypeVar("K")
V = TypeVar("V")


class Table(Protocol[K, V]):
    """What the rules read and write, whether committed or branched."""

    def get(self, key: K) -> V | None:
        """Return the value now, or None."""

    def put(self, key: K, value: V) -> None:
        """Set the value now."""

    def items(self) -> Iterator[tuple[K, V]]:
        """Yield every pair, in order of first insertion."""


class Versioned(Generic[K, V]):
    """A committed table that remembers each key's values for the last `depth` heights.

    A write costs one append; heights share every value that did not change.
    """

    def __init__(self, depth: int) -> None:
        self.height = 0
        self._depth = depth
        self._past: dict[K, tuple[list[int], list[V]]] = {}

    def get(self, key: K) -> V | None:
        """Return the latest value, or None."""
        past = self._past.get(key)
        return past[1][-1] if past else None

    def put(self, key: K, value: V) -> None:
        """Set the value at the current height."""
        heights, values = self._past.setdefault(key, ([], []))
        if heights and heights[-1] == self.height:
            values[-1] = value
            return
        heights.append(self.height)
        values.append(value)
        drop = bisect_right(heights, self.height - self._depth) - 1
        if drop > 0:
            del heights[:drop]
            del values[:drop]

    def at(self, key: K, height: int) -> V | None:
        """Return the value as of the end of the block at `height`, or None."""
        past = self._past.get(key)
        if past is None:
            return None
        place = bisect_right(past[0], height)
        return past[1][place - 1] if place else None

    def items(self) -> Iterator[tuple[K, V]]:
        """Yield every pair of the latest state."""
        for key, (_, values) in self._past.items():
            yield key, values[-1]

    def items_at(self, height: int) -> Iterator[tuple[K, V]]:
        """Yield every pair that existed at `height`."""
        for key in self._past:
            value = self.at(key, height)
            if value is not None:
                yield key, value


class Branch(Generic[K, V]):
    """Writes over a parent table that the parent does not see until they are absorbed."""

    def __init__(self, parent: Table[K, V]) -> None:
        self._parent = parent
        self._own: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return the branch's value, else the parent's."""
        value = self._own.get(key)
        return self._parent.get(key) if value is None else value

    def put(self, key: K, value: V) -> None:
        """Set the value in the branch alone."""
        self._own[key] = value

    def items(self) -> Iterator[tuple[K, V]]:
        """Yield the parent's pairs under the branch's writes, then the branch's own keys."""
        seen = set()
        for key, value in self._parent.items():
            seen.add(key)
            yield key, self._own.get(key, value)
        for key, value in self._own.items():
            if key not in seen:
                yield key, value

    def flush(self) -> None:
        """Write the branch's values into the parent."""
        for key, value in self._own.items():
            self._parent.put(key, value)
        self._own.clear()


@dataclass(slots=True)
class State:
    """Every table of the exchange. `totals` holds bridged_in, bridged_out, faucet_in, rounding
    (quote quantums that funding left behind, may be negative until everyone has settled), the
    height, and the heights at which withdrawals were gated."""

    accounts: Table[str, Account]
    bank: Table[str, int]
    subaccounts: Table[SubaccountId, Subaccount]
    markets: Table[int, MarketConfig]
    perpetuals: Table[int, Perpetual]
    prices: Table[int, int]
    authenticators: Table[str, tuple[AuthenticatorEntry, ...]]
    totals: Table[str, int]
    stateful: Table[OrderId, StatefulOrder]

    def branch(self) -> "State":
        """Return a state whose writes stay apart until `absorb`."""
        return State(
            Branch(self.accounts),
            Branch(self.bank),
            Branch(self.subaccounts),
            Branch(self.markets),
            Branch(self.perpetuals),
            Branch(self.prices),
            Branch(self.authenticators),
            Branch(self.totals),
            Branch(self.stateful),
        )

    def absorb(self) -> None:
        """Write this branch into the state it was taken from."""
        for table in self._tables():
            if isinstance(table, Branch):
                table.flush()

    def begin(self, height: int) -> None:
        """Date the committed writes that follow."""
        for table in self._tables():
            if isinstance(table, Versioned):
                table.height = height

    def at(self, height: int) -> "State":
        """Return the committed state as of `height`, read-only."""
        return State(
            _Past.of(self.accounts, height),
            _Past.of(self.bank, height),
            _Past.of(self.subaccounts, height),
            _Past.of(self.markets, height),
            _Past.of(self.perpetuals, height),
            _Past.of(self.prices, height),
            _Past.of(self.authenticators, height),
            _Past.of(self.totals, height),
            _Past.of(self.stateful, height),
        )

    def _tables(self) -> tuple[object, ...]:
        return (
            self.accounts,
            self.bank,
            self.subaccounts,
            self.markets,
            self.perpetuals,
            self.prices,
            self.authenticators,
            self.totals,
            self.stateful,
        )


class _Past(Generic[K, V]):
    """A committed table as it was at one height."""

    def __init__(self, table: Versioned[K, V], height: int) -> None:
        self._table = table
        self._height = height

    @classmethod
    def of(cls, table: Table[K, V], height: int) -> "_Past[K, V]":
        if not isinstance(table, Versioned):
            raise TypeError("only the committed state has a past")
        return cls(table, height)

    def get(self, key: K) -> V | None:
        return self._table.at(key, self._height)

    def put(self, key: K, value: V) -> None:
        raise TypeError(f"a past state is read-only: {key!r} = {value!r}")

    def items(self) -> Iterator[tuple[K, V]]:
        return self._table.items_at(self._height)


def committed_state(depth: int) -> State:
    """Return an empty committed state that answers for the last `depth` heights."""
    return State(
        Versioned(depth),
        Versioned(depth),
        Versioned(depth),
        Versioned(depth),
        Versioned(depth),
        Versioned(depth),
        Versioned(depth),
        Versioned(depth),
        Versioned(depth),
    )
