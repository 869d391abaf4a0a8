"""Profit of each pool leg between observations, at the feed's mark, in asset token units.

value = booked tokens + what the ranges hold at the mark, priced there: the adapter's own `value()`
        while mark and TWAP agree
profit = change of value - sent to the adapter + returned by it

inventory: what the opening position gained as the mark moved
fees: the rest, in periods in which the keeper did nothing: collected by `sync`
execution: the rest in periods with operations: their cost at the closing mark, the fees they
        collected included
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec

from keeper.accounting.entries import Entry, Posting
from keeper.domain import events as ev
from keeper.domain.settings import PoolSettings
from keeper.markets.ranges import asset_of, base_of, holdings, mark_sqrt_price, worth_down

__all__ = ["ASSET", "PoolLegs", "PoolPeriod", "value_down"]

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
    execution: int
    inventory: int

    @property
    def profit(self) -> int:
        """Change of value net of flows."""
        return self.closing_value - self.opening_value - self.flow


class _Point(msgspec.Struct, frozen=True):
    seen: ev.PoolObserved
    flow: int
    """Sent less returned since ever."""
    mark: int
    value: int


class PoolLegs:
    """Observations of every pool by block; those of reverted blocks do not count."""

    def __init__(self) -> None:
        self._settings: dict[str, PoolSettings] = {}
        self._pools: dict[str, dict[_BlockId, ev.PoolObserved]] = {}
        self._flows: dict[str, dict[_BlockId, int]] = {}
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
                    flows.setdefault(block, adapter.sent - adapter.returned)
            case ev.PoolObserved():
                seen = self._pools.setdefault(event.adapter, {})
                seen.setdefault((event.block_number, event.block_hash), event)

    def periods(self, adapter: str) -> Iterator[PoolPeriod]:
        """Yield the periods between observed canonical blocks of one adapter, in order.

        Blocks without a positive mark or without the vault's flows end no period.
        """
        pool = self._settings.get(adapter)
        if pool is not None:
            for before, after in pairwise(self._points(pool)):
                yield _period(pool, before, after)

    def adapters(self) -> list[str]:
        """Return the adapters observed, sorted."""
        return sorted(self._pools)

    def settings(self, adapter: str) -> PoolSettings | None:
        """Return what is configured for an adapter; None for one that is not."""
        return self._settings.get(adapter)

    def settle(self, below: int) -> list[PoolPeriod]:
        """Return the periods that end below a block, and forget all they rest on.

        Only for blocks that no reorganisation reaches any more: the next period of each adapter
        begins where its last settled one ended.
        """
        settled: list[PoolPeriod] = []
        for adapter in self.adapters():
            periods = [period for period in self.periods(adapter) if period.to_block < below]
            if periods:
                settled += periods
                self.forget(adapter, periods[-1].to_block)
        self._reverted = {block for block in self._reverted if block[0] >= below}
        return settled

    def forget(self, adapter: str, before: int) -> None:
        """Drop what is known of an adapter below a block, and what was reverted at it."""

        def keeps(block: _BlockId) -> bool:
            return block[0] > before or (block[0] == before and block not in self._reverted)

        known: tuple[dict[_BlockId, Any], ...] = (
            self._pools.get(adapter, {}),
            self._flows.get(adapter, {}),
        )
        for table in known:
            for block in [block for block in table if not keeps(block)]:
                del table[block]

    def entries(self) -> list[Entry]:
        """Return the pool legs as balanced entries: flows from the vault, profit by cause."""
        return [
            entry
            for adapter in self.adapters()
            for period in self.periods(adapter)
            for entry in _entries(period)
        ]

    def _points(self, pool: PoolSettings) -> list[_Point]:
        flows = self._flows.get(pool.adapter, {})
        seen = self._pools.get(pool.adapter, {})
        canonical = {
            block[0]: _point(pool, seen[block], flows[block])
            for block in sorted(seen)
            if block in flows and block not in self._reverted and seen[block].mark_price > 0
        }
        return list(canonical.values())


def value_down(pool: PoolSettings, seen: ev.PoolObserved, sqrt_price: int) -> int:
    """Worth in asset units of everything an adapter holds at a price, rounded as it rounds."""
    idle = (seen.amount0, seen.amount1)
    if not seen.ranges and not base_of(pool, idle):
        return asset_of(pool, idle)
    inside = holdings(seen.ranges, sqrt_price)
    amounts = (idle[0] + inside[0], idle[1] + inside[1])
    return worth_down(pool, amounts, sqrt_price)


def _point(pool: PoolSettings, seen: ev.PoolObserved, flow: int) -> _Point:
    mark = mark_sqrt_price(pool, seen)
    return _Point(seen, flow, mark, value_down(pool, seen, mark))


def _period(pool: PoolSettings, before: _Point, after: _Point) -> PoolPeriod:
    flow = after.flow - before.flow
    unchanged = value_down(pool, before.seen, after.mark)
    earned = after.value - unchanged - flow
    quiet = _is_quiet(before.seen, after.seen)
    return PoolPeriod(
        adapter=pool.adapter,
        from_block=before.seen.block_number,
        to_block=after.seen.block_number,
        opening_value=before.value,
        closing_value=after.value,
        flow=flow,
        fees=earned if quiet else 0,
        execution=0 if quiet else earned,
        inventory=unchanged - before.value,
    )


def _is_quiet(before: ev.PoolObserved, after: ev.PoolObserved) -> bool:
    """Whether neither the keeper operated nor anybody left a range."""
    same_ranges = before.ranges == after.ranges
    return same_ranges and before.last_operation_at == after.last_operation_at


def _entries(period: PoolPeriod) -> Iterator[Entry]:
    leg = f"pool:{period.adapter}"
    amounts = {
        "pool_flow": ("vault:idle", period.flow),
        "pool_fees": (f"fees:{leg}", period.fees),
        "pool_execution": (f"execution:{leg}", period.execution),
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
