"""Owns the seeded faults: what can go wrong at the venue, what is going wrong, whom it strikes.

Each fault is named after what really happens on dYdX. A fault draws its chances from a generator
of its own, seeded by the exchange's seed, its name and how often it was set before: the same
settings and the same traffic are struck in the same places.
"""

import random
from dataclasses import dataclass

__all__ = ["CATALOGUE", "Fault", "FaultKind", "Faults"]

ALWAYS = 1_000


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A fault that can be set: what it does, what its `amount` counts, what it must name."""

    what: str
    amount: str = ""
    default_amount: int = 0
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault as set. `count` strikes at most, 0 without end; `permille` is the chance of each.

    Empty `address`, `market` and `channel` mean everybody's, all of them.
    """

    name: str
    count: int = 0
    permille: int = ALWAYS
    amount: int = 0
    address: str = ""
    subaccount: int = 0
    market: str = ""
    channel: str = ""
    status: str = ""


CATALOGUE: dict[str, FaultKind] = {
    # the node that is talked to
    "order-lost": FaultKind("a short-term order answers code 0 and never reaches a book"),
    "cancel-lost": FaultKind("a cancel or batch cancel answers code 0 and cancels nothing"),
    "order-late": FaultKind(
        "an order or cancel answers code 0 and is taken so many blocks later", "blocks", 2
    ),
    "answer-lost": FaultKind("a transaction is taken, its answer is UNAVAILABLE"),
    "not-included": FaultKind("a sequenced transaction answers code 0 and is in no block"),
    "mempool-full": FaultKind("a transaction answers sdk code 20"),
    "node-stuck": FaultKind("the node stands at its height: it accepts, and passes nothing on"),
    "node-unavailable": FaultKind("every call answers UNAVAILABLE"),
    "node-busy": FaultKind("every call answers RESOURCE_EXHAUSTED, a public node's 429"),
    "node-slow": FaultKind("every call is answered later", "milliseconds", 500),
    # the chain
    "matches-not-proposed": FaultKind(
        "the block's proposer saw none of this node's matches: they are matched anew after it"
    ),
    "proposer-reorders": FaultKind(
        "the proposer took the block's takers in reverse order of arrival: others get the fills"
    ),
    "chain-halt": FaultKind(
        "no block is made; on resuming short-term orders are gone and clob code 47 answers "
        "until the next block",
        "blocks not made, 0 until cleared",
    ),
    "stale-oracle": FaultKind("oracle prices stand still"),
    "clock-skew": FaultKind("blocks are dated ahead of the world clock", "milliseconds", 45_000),
    "clock-behind": FaultKind(
        "blocks are dated behind the world clock, never before the last one", "milliseconds", 45_000
    ),
    "market-status": FaultKind("a market is not ACTIVE", needs=("market", "status")),
    "withdrawals-gated": FaultKind(
        "a negative subaccount was seen in a market: nothing leaves its pool for 50 blocks",
        needs=("market",),
    ),
    "deleverage": FaultKind(
        "a position is offset against others at the oracle price: fills without an order",
        "base quantums, 0 for all of it",
        needs=("market", "address"),
    ),
    # the indexer
    "indexer-clock-ahead": FaultKind(
        "the indexer dates blocks ahead of the chain", "milliseconds", 45_000
    ),
    "indexer-clock-behind": FaultKind(
        "the indexer dates blocks behind the chain", "milliseconds", 45_000
    ),
    "indexer-lag": FaultKind("REST and streams are behind the chain", "blocks", 3),
    "crossed-book": FaultKind(
        "a bid that is gone stays in the indexer's book, above its asks",
        "ticks above",
        3,
        ("market",),
    ),
    "rest-busy": FaultKind("REST answers 429"),
    "rest-unavailable": FaultKind("REST answers 503"),
    # the streams
    "stream-lost": FaultKind("a message is lost before it gets its number"),
    "stream-gap": FaultKind("a message is lost after it got its number"),
    "stream-duplicated": FaultKind("a message is sent again under the next number"),
    "stream-reordered": FaultKind("a message is sent after the one that follows it"),
    "stream-silent": FaultKind("connections stay open and carry nothing"),
    "stream-dropped": FaultKind("connections break without a close frame"),
    "stream-restart": FaultKind("connections are closed with 1012"),
    "stream-refused": FaultKind("new connections are refused with 503"),
    "snapshot-failed": FaultKind("a subscription fails for want of its first contents"),
}


class _Active:
    """A fault that is set, its generator, and how many strikes are left (None: without end)."""

    def __init__(self, fault: Fault, seed: str) -> None:
        self.fault = fault
        self.left = fault.count or None
        self._random = random.Random(seed)

    def strikes(self) -> bool:
        if self.left == 0 or self._random.randrange(ALWAYS) >= self.fault.permille:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Faults:
    """What is set now, at most one of each name."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._active: dict[str, _Active] = {}
        self._times: dict[str, int] = {}

    def set(self, fault: Fault) -> Fault:
        """Set a fault, in place of one of its name. Raises ValueError when it is malformed."""
        kind = CATALOGUE.get(fault.name)
        if kind is None:
            raise ValueError(f"no fault {fault.name!r}; there are {', '.join(CATALOGUE)}")
        missing = [name for name in kind.needs if not getattr(fault, name)]
        if missing:
            raise ValueError(f"{fault.name} needs {', '.join(missing)}")
        if fault.count < 0 or fault.amount < 0 or not 0 < fault.permille <= ALWAYS:
            raise ValueError("count and amount must not be negative, permille be 1 to 1000")
        times = self._times[fault.name] = self._times.get(fault.name, 0) + 1
        self._active[fault.name] = _Active(fault, f"{self._seed}/{fault.name}/{times}")
        return fault

    def clear(self, name: str) -> bool:
        """End a fault; returns whether it was set."""
        return self._active.pop(name, None) is not None

    def active(self) -> list[tuple[Fault, int | None]]:
        """Return what is set, by name, and how many strikes are left."""
        ordered = sorted(self._active.items())
        return [(entry.fault, entry.left) for _, entry in ordered if entry.left != 0]

    def get(self, name: str) -> Fault | None:
        """Return the fault of this name while it lasts, without using a strike."""
        entry = self._active.get(name)
        return entry.fault if entry is not None and entry.left != 0 else None

    def amount(self, name: str) -> int:
        """Return the amount of a fault that is set, its default where none was given."""
        entry = self._active.get(name)
        chosen = entry.fault.amount if entry is not None else 0
        return chosen or CATALOGUE[name].default_amount

    def strikes(self, name: str, *, address: str = "", channel: str = "") -> bool:
        """Return whether a fault strikes now, and use a strike if it does."""
        entry = self._active.get(name)
        if entry is None or entry.fault.address not in ("", address):
            return False
        if entry.fault.channel not in ("", channel):
            return False
        return entry.strikes()
