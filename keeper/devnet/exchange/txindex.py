"""Owns included transactions: by hash, and by the addresses their coins moved between."""

import re
from dataclasses import dataclass

from .execution import BankMove
from .results import TxResult

__all__ = ["TxIndex", "TxRecord", "parse_query"]

CONDITION = re.compile(r"^\s*([a-z_.]+)\s*(=|<=|>=|<|>)\s*'?([^']*?)'?\s*$")


@dataclass(frozen=True, slots=True)
class TxRecord:
    """One included transaction."""

    height: int
    index: int
    time_ns: int
    hash: str
    raw: bytes
    memo: str
    result: TxResult
    gas_wanted: int
    gas_used: int
    moves: tuple[BankMove, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of an event query."""

    key: str
    operator: str
    value: str

    def holds(self, height: int) -> bool:
        """Return whether a height satisfies this `tx.height` condition."""
        bound = int(self.value)
        return {
            "=": height == bound,
            "<=": height <= bound,
            ">=": height >= bound,
            "<": height < bound,
            ">": height > bound,
        }[self.operator]


def parse_query(query: str) -> tuple[Condition, ...]:
    """Return the conditions of an event query joined by AND. Raises ValueError."""
    conditions = []
    for part in re.split(r"\s+AND\s+", query.strip()):
        found = CONDITION.match(part)
        if found is None:
            raise ValueError(f"cannot parse condition {part!r}")
        condition = Condition(*found.groups())
        if condition.key == "tx.height":
            int(condition.value)
        elif condition.operator != "=":
            raise ValueError(f"{condition.key} can only be compared with =")
        conditions.append(condition)
    if all(condition.key == "tx.height" for condition in conditions):
        raise ValueError("a query by height alone is not served")
    return tuple(conditions)


class TxIndex:
    """Every transaction that was included in a block, in order."""

    def __init__(self) -> None:
        self._by_hash: dict[str, TxRecord] = {}
        self._by_height: dict[int, list[TxRecord]] = {}
        self._by_key: dict[tuple[str, str], list[TxRecord]] = {}

    def add(self, record: TxRecord) -> None:
        """Index a transaction."""
        self._by_hash[record.hash] = record
        self._by_height.setdefault(record.height, []).append(record)
        keys = {("tx.hash", record.hash)}
        for move in record.moves:
            keys.add(("transfer.sender", move.sender))
            keys.add(("transfer.recipient", move.recipient))
            keys.add(("message.sender", move.sender))
        for key in sorted(keys):
            self._by_key.setdefault(key, []).append(record)

    def get(self, digest: str) -> TxRecord | None:
        """Return the transaction with this hash, if it was included."""
        return self._by_hash.get(digest.upper())

    def search(self, query: str) -> list[TxRecord]:
        """Return the transactions an event query names, oldest first. Raises ValueError."""
        conditions = parse_query(query)
        named = [c for c in conditions if c.key != "tx.height"]
        first, *others = (self._by_key.get((c.key, c.value), []) for c in named)
        found = first
        for other in others:
            hashes = {record.hash for record in other}
            found = [record for record in found if record.hash in hashes]
        heights = [c for c in conditions if c.key == "tx.height"]
        return [r for r in found if all(c.holds(r.height) for c in heights)]

    def at(self, height: int) -> list[TxRecord]:
        """Return the transactions of a block, in order."""
        return self._by_height.get(height, [])
