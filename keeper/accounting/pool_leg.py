"""Profit of each pool leg between observations, at the feed's mark, in asset token units.

value = asset units + base units at the mark, rounded down
profit = change of value - sent to the adapter + returned by it
fees = what the amounts grew beyond what the ranges hold at the pool's price, in periods in which
the keeper did nothing; the rest of the profit, and every rounding, is inventory.
"""

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from keeper.accounting.entries import Entry, Posting
from keeper.domain import events as ev
from keeper.domain.settings import PoolSettings
from keeper.markets.ranges import Holdings, asset_of, base_of, holdings

__all__ = ["ASSET", "PoolLegs", "PoolPeriod", "mark_value_down"]

ASSET = "asset"
"""Unit of the vault's asset token."""

_BlockId = tuple[int, str]


class PoolPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """One adapter from one observed block to the next; asset token units, `flow` into it."""

    adapter: str
    from_block: int
    to_block: int
    opening_value: int
    closing_value: int
    flow: int
    fees: int
    inventory: int

    @property
    def profit(self) -> int:
        """Change of value net of flows."""
        return self.closing_value - self.opening_value - self.flow


class _Point(msgspec.Struct, frozen=True):
    seen: ev.PoolObserved
    sent: int
    returned: int


class PoolLegs:
    """Observations of every pool by block; those of reverted blocks do not count."""

    def __init__(self) -> None:
        self._settings: dict[str, PoolSettings] = {}
        self._pools: dict[str, dict[_BlockId, ev.PoolObserved]] = {}
        self._flows: dict[str, dict[_BlockId, tuple[int, int]]] = {}
        self._reverted: set[_BlockId] = set()

    def apply(self, event: ev.Event) -> None:
        """Fold one event; a second delivery changes nothing."""
        match event:
            case ev.RunStarted() | ev.ParamsChanged():
                self._settings.update({pool.adapter: pool for pool in event.settings.pools})
            case ev.BlockSeen():
                self._reverted.discard((event.number, event.hash))
            case ev.BlockReverted():
                self._reverted.add((event.number, event.hash))
            case ev.VaultObserved():
                block = (event.block_number, event.block_hash)
                for adapter in event.adapters:
                    flows = self._flows.setdefault(adapter.adapter, {})
                    flows.setdefault(block, (adapter.sent, adapter.returned))
            case ev.PoolObserved():
                seen = self._pools.setdefault(event.adapter, {})
                seen.setdefault((event.block_number, event.block_hash), event)

    def periods(self, adapter: str) -> Iterator[PoolPeriod]:
        """Yield the periods between observed canonical blocks of one adapter, in order."""
        pool = self._settings.get(adapter)
        if pool is not None:
            for before, after in pairwise(self._points(adapter)):
                yield _period(pool, before, after)

    def adapters(self) -> list[str]:
        """Return the adapters observed, sorted."""
        return sorted(self._pools)

    def entries(self) -> list[Entry]:
        """Return the pool legs as balanced entries: flows from the vault, profit by cause."""
        return [
            entry
            for adapter in self.adapters()
            for period in self.periods(adapter)
            for entry in _entries(period)
        ]

    def _points(self, adapter: str) -> list[_Point]:
        flows = self._flows.get(adapter, {})
        seen = self._pools.get(adapter, {})
        canonical = {
            block[0]: _Point(seen[block], *flows[block])
            for block in sorted(seen)
            if block in flows and block not in self._reverted
        }
        return list(canonical.values())


def mark_value_down(pool: PoolSettings, seen: ev.PoolObserved) -> int:
    """Value of a position at the feed's mark in asset units, rounded down."""
    return _value_down(pool, seen, (seen.amount0, seen.amount1))


def _value_down(pool: PoolSettings, seen: ev.PoolObserved, amounts: Holdings) -> int:
    scale: int = 10 ** (seen.mark_decimals + pool.base_decimals)
    asset_unit: int = 10**pool.asset_decimals
    base_value = base_of(pool, amounts) * seen.mark_price * asset_unit // scale
    return asset_of(pool, amounts) + base_value


def _period(pool: PoolSettings, before: _Point, after: _Point) -> PoolPeriod:
    opening, closing = mark_value_down(pool, before.seen), mark_value_down(pool, after.seen)
    flow = (after.sent - before.sent) - (after.returned - before.returned)
    fees = _fees(pool, before, after)
    return PoolPeriod(
        adapter=after.seen.adapter,
        from_block=before.seen.block_number,
        to_block=after.seen.block_number,
        opening_value=opening,
        closing_value=closing,
        flow=flow,
        fees=fees,
        inventory=closing - opening - flow - fees,
    )


def _fees(pool: PoolSettings, before: _Point, after: _Point) -> int:
    if not _is_quiet(before, after):
        return 0
    earned = _beyond_ranges(after.seen)
    former = _beyond_ranges(before.seen)
    grown = (earned[0] - former[0], earned[1] - former[1])
    return _value_down(pool, after.seen, grown)


def _is_quiet(before: _Point, after: _Point) -> bool:
    same_flows = (before.sent, before.returned) == (after.sent, after.returned)
    same_ranges = before.seen.ranges == after.seen.ranges
    return (
        same_flows and same_ranges and before.seen.last_operation_at == after.seen.last_operation_at
    )


def _beyond_ranges(seen: ev.PoolObserved) -> Holdings:
    principal = holdings(seen.ranges, seen.sqrt_price_x96)
    return seen.amount0 - principal[0], seen.amount1 - principal[1]


def _entries(period: PoolPeriod) -> Iterator[Entry]:
    leg = f"pool:{period.adapter}"
    amounts = {
        "pool_flow": ("vault:idle", period.flow),
        "pool_fees": (f"fees:{leg}", period.fees),
        "pool_inventory": (f"inventory:{leg}", period.inventory),
    }
    for kind, (counter, amount) in amounts.items():
        if amount:
            yield Entry(
                kind=kind,
                key=f"{period.adapter}:{period.to_block}",
                height=period.to_block,
                postings=(Posting(leg, ASSET, amount), Posting(counter, ASSET, -amount)),
            )
