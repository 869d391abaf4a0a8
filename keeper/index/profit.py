"""Profit by period, venue, market and cause out of the index, checked against the venue's word."""

import sqlite3
from collections.abc import Iterator
from typing import Final

import msgspec

from keeper.accounting.attribution import Causes
from keeper.accounting.profit import Unexplained, VenuePeriod, sum_causes
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.settings import PoolSettings
from keeper.index.build import Index
from keeper.index.periods import NS_PER_MINUTE, Period
from keeper.index.pools import PoolMinute, pool_minutes
from keeper.index.venue_books import (
    height_before,
    opening_height,
    read_listings,
    settled_periods,
    top_height,
)

__all__ = [
    "CLOB",
    "POOL",
    "Gas",
    "Identity",
    "Profit",
    "ProfitRow",
    "Window",
    "listings",
    "pool_settings",
    "profit_of",
    "window_of",
]

CLOB: Final = "clob"
POOL: Final = "pool"


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at: [start, end) in time, (from_height, to_height] on the venue.

    `from_height` is None before the venue told the account's state for the first time; `is_whole`
    means that nothing earlier is left out, not even what that first word holds already.
    """

    start_ns: int
    end_ns: int
    from_height: int | None
    to_height: int
    is_whole: bool

    @property
    def after_height(self) -> int:
        """Records above this height are listed."""
        return -1 if self.is_whole or self.from_height is None else self.from_height


class ProfitRow(msgspec.Struct, frozen=True, kw_only=True):
    """Causes of one market on one venue in a period; "" is rounding that belongs to no market.

    Of a pool `market` is the perpetual that hedges it, `spread` what its own operations cost
    against the mark, and `fees_and_rebates` what it earned as fees.
    """

    period: Period
    venue: str
    market: str
    causes: Causes


class Gas(msgspec.Struct, frozen=True, kw_only=True):
    """What final transactions burnt in a period: the keeper's own cost, outside the identity."""

    period: Period
    transactions: int
    wei: int


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Change of what a venue holds, less what came and left, against the sum of causes."""

    venue: str
    opening: int
    closing: int
    transfers: int
    causes: int

    @property
    def difference(self) -> int:
        """Zero, or the figures are wrong."""
        return self.closing - self.opening - self.transfers - self.causes


class Profit(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `keeper pnl` says, in units of the asset (1e-6 USDC).

    `pending` are observations at the very end that no record explains yet; nothing from there on
    is counted.
    """

    window: Window
    rows: tuple[ProfitRow, ...]
    gas: tuple[Gas, ...]
    identities: tuple[Identity, ...]
    pending: tuple[Unexplained, ...]

    @property
    def totals(self) -> Causes:
        """The sum of all rows."""
        return sum_causes(row.causes for row in self.rows)


def window_of(index: Index, since_ns: int | None, until_ns: int | None) -> Window:
    """Return the window between two times (None: all there is), cut to whole minutes."""
    database = index.database
    first, last = _span(database)
    last = max(last, index.position.last_t_ns)
    start = first if since_ns is None else since_ns // NS_PER_MINUTE * NS_PER_MINUTE
    end = last + 1 if until_ns is None else until_ns // NS_PER_MINUTE * NS_PER_MINUTE
    opening = opening_height(database)
    before = None if since_ns is None else height_before(database, start)
    from_height = opening if opening is None or before is None else max(opening, before)
    to_height = height_before(database, end) if until_ns is not None else top_height(database)
    return Window(
        start_ns=start,
        end_ns=max(start, end),
        from_height=from_height,
        to_height=max(-1 if to_height is None else to_height, from_height or -1),
        is_whole=since_ns is None,
    )


def profit_of(index: Index, window: Window, periods: list[Period]) -> Profit:
    """Attribute a window by period. Raises ProfitUnexplained."""
    database = index.database
    ends = [_end_height(database, window, period) for period in periods]
    venue, pending = settled_periods(database, window.from_height, ends)
    minutes = [part for part in pool_minutes(database) if periods and _within(part, window)]
    pools = pool_settings(index)
    rows = _venue_rows(periods, venue) + _pool_rows(periods, minutes, pools)
    return Profit(
        window=window,
        rows=tuple(sorted(rows, key=lambda row: (row.period.start_ns, row.venue, row.market))),
        gas=tuple(_gas(database, period) for period in periods),
        identities=tuple(_identities(venue, minutes)),
        pending=pending,
    )


def listings(index: Index) -> dict[str, PerpetualMarket]:
    """Return the newest listing of every market."""
    return read_listings(index.database)


def pool_settings(index: Index) -> dict[str, PoolSettings]:
    """Return what was last configured for every pool, by adapter."""
    rows = index.database.execute("SELECT adapter, settings FROM pools ORDER BY adapter")
    return {adapter: msgspec.json.decode(raw, type=PoolSettings) for adapter, raw in rows}


def _venue_rows(periods: list[Period], venue: list[VenuePeriod]) -> list[ProfitRow]:
    return [
        ProfitRow(period=period, venue=CLOB, market=market, causes=causes)
        for period, part in zip(periods, venue, strict=False)
        for market, causes in part.by_market.items()
    ]


def _pool_rows(
    periods: list[Period], minutes: list[PoolMinute], pools: dict[str, PoolSettings]
) -> list[ProfitRow]:
    found: dict[tuple[Period, str], list[Causes]] = {}
    for part in minutes:
        at = part.minute * NS_PER_MINUTE
        begun = [p for p in periods if p.start_ns // NS_PER_MINUTE * NS_PER_MINUTE <= at]
        period = begun[-1] if begun else periods[0]
        market = pools[part.adapter].hedge_market
        found.setdefault((period, market), []).append(
            Causes(
                spread=part.execution,
                inventory=part.inventory,
                funding=0,
                fees_and_rebates=part.fees,
                incentives=0,
            )
        )
    return [
        ProfitRow(period=period, venue=POOL, market=market, causes=sum_causes(parts))
        for (period, market), parts in found.items()
    ]


def _within(part: PoolMinute, window: Window) -> bool:
    first = window.start_ns // NS_PER_MINUTE
    return first <= part.minute and part.minute * NS_PER_MINUTE < window.end_ns


def _identities(venue: list[VenuePeriod], minutes: list[PoolMinute]) -> Iterator[Identity]:
    if venue:
        yield Identity(
            venue=CLOB,
            opening=venue[0].opening_equity,
            closing=venue[-1].closing_equity,
            transfers=sum(part.transfers for part in venue),
            causes=sum(c.total for part in venue for c in part.by_market.values()),
        )
    by_adapter: dict[str, list[PoolMinute]] = {}
    for part in minutes:
        by_adapter.setdefault(part.adapter, []).append(part)
    if minutes:
        yield Identity(
            venue=POOL,
            opening=sum(parts[0].opening_value for parts in by_adapter.values()),
            closing=sum(parts[-1].closing_value for parts in by_adapter.values()),
            transfers=sum(part.flow for part in minutes),
            causes=sum(part.fees + part.execution + part.inventory for part in minutes),
        )


def _gas(database: sqlite3.Connection, period: Period) -> Gas:
    rows = database.execute(
        "SELECT gas_used, gas_price FROM transactions LEFT JOIN evm_blocks ON number = block"
        " WHERE final = 1 AND COALESCE(seconds * 1000000000, mined_ns) >= ?"
        " AND COALESCE(seconds * 1000000000, mined_ns) < ?",
        (period.start_ns, period.end_ns),
    ).fetchall()
    return Gas(period=period, transactions=len(rows), wei=sum(used * price for used, price in rows))


def _span(database: sqlite3.Connection) -> tuple[int, int]:
    """The first and the last moment anything here is about."""
    row = database.execute(
        "SELECT MIN(first), MAX(last) FROM ("
        " SELECT MIN(time_ns) AS first, MAX(time_ns) AS last FROM heights"
        " UNION ALL SELECT MIN(seconds) * 1000000000, MAX(seconds) * 1000000000 FROM evm_blocks)"
    ).fetchone()
    return (row[0] or 0, row[1] or 0)


def _end_height(database: sqlite3.Connection, window: Window, period: Period) -> int:
    if period.end_ns >= window.end_ns:
        return window.to_height
    before = height_before(database, period.end_ns)
    low = window.from_height if window.from_height is not None else -1
    return low if before is None else max(low, min(before, window.to_height))
