"""Spells of faults under random traffic, each to its end; what was seen, in figures."""

import resource
import time
from dataclasses import dataclass, field
from typing import Any, Final

from keeper.execution.orders import exposure_of
from tests.soak.ground import ADDRESS, Ground
from tests.soak.watch import TICKER, after_a_fault, exposure_breaches

__all__ = ["SPELLS", "Outcome", "Tally", "memory_kib", "strike", "warm_up"]

_ETH: Final = {"market": TICKER}
Spell = tuple[dict[str, Any], ...]
_ALONE: Final[tuple[dict[str, Any], ...]] = (
    {"name": "order-lost", "permille": 400},
    {"name": "cancel-lost", "permille": 600},
    {"name": "order-late", "permille": 400, "amount": 2},
    {"name": "answer-lost", "permille": 500},
    {"name": "node-stuck"},
    {"name": "node-unavailable", "permille": 300},
    {"name": "node-busy", "permille": 300},
    {"name": "node-slow", "permille": 300, "amount": 150},
    {"name": "matches-not-proposed", "permille": 500},
    {"name": "proposer-reorders"},
    {"name": "chain-halt", "amount": 5},
    {"name": "stale-oracle"},
    {"name": "clock-skew", "amount": 7_000},
    {"name": "clock-behind", "amount": 7_000},
    {"name": "indexer-clock-ahead"},
    {"name": "indexer-clock-behind"},
    {"name": "market-status", "status": "CANCEL_ONLY", **_ETH},
    {"name": "market-status", "status": "POST_ONLY", **_ETH},
    {"name": "withdrawals-gated", **_ETH},
    {"name": "deleverage", "address": ADDRESS, **_ETH},
    {"name": "indexer-lag", "amount": 3},
    {"name": "crossed-book", **_ETH},
    {"name": "rest-busy", "permille": 500},
    {"name": "rest-unavailable", "permille": 500},
    {"name": "stream-lost", "permille": 100},
    {"name": "stream-gap", "permille": 100},
    {"name": "stream-duplicated", "permille": 100},
    {"name": "stream-reordered", "permille": 100},
    {"name": "stream-silent"},
    {"name": "stream-dropped"},
    {"name": "stream-restart"},
    {"name": "stream-refused"},
    {"name": "snapshot-failed", "count": 3},
)
SPELLS: Final[tuple[Spell, ...]] = (
    *((fault,) for fault in _ALONE),
    # What one channel hides, the other must not be needed for.
    ({"name": "answer-lost", "permille": 900}, {"name": "indexer-lag", "amount": 4}),
    ({"name": "order-late", "permille": 500}, {"name": "indexer-lag", "amount": 4}),
    ({"name": "cancel-lost"}, {"name": "stream-silent"}),
    ({"name": "matches-not-proposed"}, {"name": "answer-lost", "permille": 500}),
    ({"name": "order-lost", "permille": 500}, {"name": "rest-busy", "permille": 700}),
)
"""Faults at once, each as the exchange is told; `permille` lets some of the traffic through."""
_PATIENCE_BLOCKS: Final = 150


@dataclass(slots=True)
class Outcome:
    """A fault that was let happen: blocks until quotes were back, and what was wrong."""

    fault: str
    blocks_to_resume: int
    wrong: list[str]


@dataclass(slots=True)
class Tally:
    """Figures of a campaign; exposures are base quantums."""

    started: float = field(default_factory=time.monotonic)
    blocks: int = 0
    breaches: list[str] = field(default_factory=list)
    largest_exposure: int = 0
    first_kib: int = 0
    outcomes: list[Outcome] = field(default_factory=list)

    async def block(self, here: Ground) -> None:
        """Make a block and hold the two exposures against each other at once."""
        await here.block()
        self.look(here)

    def look(self, here: Ground) -> None:
        """Compare here and now."""
        self.blocks += 1
        self.breaches += exposure_breaches(here)
        worst = exposure_of(here.engine.state.orders, TICKER)
        self.largest_exposure = max(self.largest_exposure, worst.buys, worst.sells)

    async def until(self, here: Ground, probe: Any, blocks: int) -> int:
        """Make blocks until a condition holds; how many it took, -1 when it never did."""
        for number in range(blocks):
            if probe():
                return number
            await self.block(here)
        return blocks if probe() else -1


async def warm_up(here: Ground, tally: Tally) -> None:
    """Wait for the first quotes. Raises AssertionError."""
    took = await tally.until(here, here.is_quoting, _PATIENCE_BLOCKS)
    assert took >= 0, here.alerts.told
    tally.first_kib = memory_kib()


async def strike(here: Ground, tally: Tally, spell: Spell, blocks: int) -> Outcome:
    """Set faults, let them work, clear them, wait for quotes and quiet, and look around."""
    name = ", ".join(
        " ".join(str(fault[key]) for key in ("name", "status") if key in fault) for fault in spell
    )
    if spell[0]["name"] == "deleverage":
        await tally.until(here, lambda: here.position() != 0, _PATIENCE_BLOCKS)
    try:
        for fault in spell:
            await here.exchange.faults.set(fault)
    except ValueError as error:
        return _noted(tally, Outcome(name, -1, [f"not set: {error}"]))
    for _ in range(blocks):
        await tally.block(here)
    here.exchange.faults.clear("")
    took = await tally.until(here, here.is_quoting, _PATIENCE_BLOCKS)
    wrong = [] if took >= 0 else ["quotes did not come back"]
    # A position that agrees and ladders without doubles: at one instant, once messages have landed.
    if await tally.until(here, lambda: not after_a_fault(here), _PATIENCE_BLOCKS) < 0:
        wrong += after_a_fault(here)
    return _noted(tally, Outcome(name, took, wrong))


def _noted(tally: Tally, outcome: Outcome) -> Outcome:
    tally.outcomes.append(outcome)
    return outcome


def memory_kib() -> int:
    """Resident memory of this process, exchange and keeper together."""
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[1])
    return pages * resource.getpagesize() // 1024
