"""What is held and what works now, as the journal tells it."""

import sqlite3
from typing import Any, Final

import msgspec

from keeper.accounting.held import Held
from keeper.accounting.holding import Holding
from keeper.domain.events import PoolObserved
from keeper.index.build import Index
from keeper.index.pools import recent_observations
from keeper.index.profit import listings, pool_settings
from keeper.index.venue_books import top_height

__all__ = ["entries", "held", "open_orders"]


def held(index: Index) -> Held:
    """Fold the venue's newest word and what came after its height; pools as last observed."""
    database = index.database
    height = top_height(database)
    seen = database.execute(
        "SELECT height, cash, positions FROM observations ORDER BY height DESC LIMIT 1"
    ).fetchone()
    cash, positions = (None, {}) if seen is None else _since(database, *seen)
    return Held(
        t_ns=index.position.last_t_ns,
        height=-1 if height is None else height,
        cash=cash,
        positions={market: quantums for market, quantums in positions.items() if quantums},
        oracle=dict(database.execute(_NEWEST_PRICES).fetchall()),
        listings=listings(index),
        pools=_pools(index),
        settings=pool_settings(index),
    )


def entries(index: Index) -> dict[str, Holding]:
    """Return what each open position cost.

    What was held when the venue first told the account's state is taken at the oracle's price of
    that height: nobody here knows what was paid for it.
    """
    database = index.database
    first = database.execute(
        "SELECT height, positions FROM observations ORDER BY height LIMIT 1"
    ).fetchone()
    if first is None:
        return {}
    height, raw = first
    found = {market: _opened(index, market, q, height) for market, q in msgspec.json.decode(raw)}
    fills = database.execute(
        "SELECT market, CASE side WHEN 'BUY' THEN 1 ELSE -1 END, quantums, quote FROM fills"
        " WHERE height > ? ORDER BY height, seq",
        (height,),
    )
    for market, sign, quantums, quote in fills:
        found.setdefault(market, Holding()).add(sign * quantums, sign * quote)
    return found


def open_orders(index: Index) -> list[dict[str, Any]]:
    """Return the orders that may still fill, oldest first: base quantums, subticks, blocks."""
    cursor = index.database.execute(_OPEN_ORDERS)
    cursor.row_factory = sqlite3.Row
    return [
        {
            "client_id": row["client_id"],
            "market": row["market"],
            "slot": None,
            "side": row["side"],
            "subticks": row["subticks"],
            "quantums": row["quantums"],
            "filled_quantums": max(row["filled"] or 0, row["venue_filled"]),
            "good_til_block": row["good_til_block"],
            "age_blocks": None,
            "time_in_force": row["time_in_force"],
            "reduce_only": bool(row["reduce_only"]),
            "state": row["state"],
            "placed_ns": row["placed_ns"],
        }
        for row in cursor
    ]


_OPEN_ORDERS: Final = """
SELECT o.*, (
    SELECT SUM(quantums) FROM fills f WHERE f.client_id = o.client_id AND f.seq >= o.first_seq
) AS filled FROM orders o WHERE is_open = 1 ORDER BY first_seq, client_id
"""
_NEWEST_PRICES: Final = """
SELECT p.market, p.price FROM prices p WHERE p.height = (
    SELECT MAX(height) FROM prices WHERE market = p.market
)
"""


def _since(
    database: sqlite3.Connection, height: int, cash: int, raw: bytes
) -> tuple[int, dict[str, int]]:
    """The venue's word at a height and every change above it."""
    positions: dict[str, int] = dict(msgspec.json.decode(raw))
    fills = database.execute(
        "SELECT market, CASE side WHEN 'BUY' THEN 1 ELSE -1 END, quantums, quote, fee FROM fills"
        " WHERE height > ?",
        (height,),
    )
    for market, sign, quantums, quote, fee in fills:
        positions[market] = positions.get(market, 0) + sign * quantums
        cash -= sign * quote + fee
    for query in (
        "SELECT COALESCE(SUM(quote), 0) FROM funding WHERE height > ?",
        "SELECT COALESCE(SUM(quote), 0) FROM transfers WHERE height > ?",
    ):
        cash += database.execute(query, (height,)).fetchone()[0]
    return cash, positions


def _opened(index: Index, market: str, quantums: int, height: int) -> Holding:
    price = index.database.execute(
        "SELECT price FROM prices WHERE market = ? ORDER BY ABS(height - ?) LIMIT 1",
        (market, height),
    ).fetchone()
    listing = listings(index).get(market)
    if price is None or listing is None:
        return Holding(quantums=quantums)
    return Holding(quantums=quantums, cost=listing.oracle_value_down(quantums, price[0]))


def _pools(index: Index) -> dict[str, PoolObserved]:
    newest: dict[str, PoolObserved] = {}
    for seen in recent_observations(index.database):
        known = newest.get(seen.adapter)
        if known is None or seen.block_number >= known.block_number:
            newest[seen.adapter] = seen
    return newest
