"""Rows of every other table a person takes away: stable columns, exact units beside decimals."""

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from keeper.accounting.profit import ROUNDING
from keeper.domain.reports import CAUSES
from keeper.domain.units import NS_PER_SECOND
from keeper.index.build import Index
from keeper.index.decimals import (
    QUOTE_DECIMALS,
    base_decimals,
    decimal_text,
    price_decimals,
    utc_text,
)
from keeper.index.history import FILL_COLUMNS, trades
from keeper.index.periods import NS_PER_MINUTE, calendar_periods
from keeper.index.pools import pool_minutes
from keeper.index.profit import CLOB, POOL, Window, listings, pool_settings, profit_of

__all__ = ["COLUMNS", "rows_of"]

Row = dict[str, Any]

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "fills": FILL_COLUMNS,
    "orders": (
        *("time", "updated", "market", "side", "state", "price", "size", "filled"),
        *("time_in_force", "reduce_only", "good_til_block", "messages", "reason"),
        *("order_id", "run", "first_seq", "size_units", "filled_units", "base_decimals"),
    ),
    "funding": (
        *("time", "time_basis", "venue", "market", "amount", "asset"),
        *("block", "amount_units", "asset_decimals"),
    ),
    "transfers": (
        *("time", "time_basis", "venue", "kind", "amount", "asset", "counterparty"),
        *("id", "block", "amount_units", "asset_decimals"),
    ),
    "transactions": (
        *("time", "time_basis", "kind", "adapter", "state", "gas_eth", "tx_hash", "block"),
        *("nonce", "command", "gas_used", "gas_price_wei", "gas_wei"),
    ),
    "pnl": (
        *("day", "venue", "market", *CAUSES, "total", "gas_eth"),
        *(f"{cause}_units" for cause in CAUSES),
        *("total_units", "asset_decimals", "gas_wei"),
    ),
}
"""Tables by name and the order of their columns; new ones go to the end."""


def rows_of(index: Index, table: str, window: Window) -> Iterator[Row]:
    """Yield the rows of one of COLUMNS by time. Raises ProfitUnexplained for `pnl`."""
    if table == "fills":
        return trades(index, window)
    readers = {
        "orders": _orders,
        "funding": _funding,
        "transfers": _transfers,
        "transactions": _transactions,
        "pnl": _pnl,
    }
    return readers[table](index, window)


def _cursor(index: Index, query: str, **values: int) -> sqlite3.Cursor:
    cursor = index.database.execute(query, values)
    cursor.row_factory = sqlite3.Row
    return cursor


def _orders(index: Index, window: Window) -> Iterator[Row]:
    known = listings(index)
    filled = _filled_by_order(index)
    for found in _cursor(index, "SELECT * FROM orders ORDER BY placed_ns, first_seq, client_id"):
        if not window.is_whole and not window.start_ns <= found["placed_ns"] < window.end_ns:
            continue
        market = known[found["market"]]
        units = filled.get((found["first_seq"], found["client_id"]), 0)
        decimals = base_decimals(market)
        is_full = units >= found["quantums"] and not found["is_open"]
        yield {
            "time": utc_text(found["placed_ns"]),
            "updated": utc_text(found["updated_ns"]),
            "market": found["market"],
            "side": found["side"],
            "state": "FILLED" if is_full else found["state"],
            "price": decimal_text(found["subticks"], price_decimals(market)),
            "size": decimal_text(found["quantums"], decimals),
            "filled": decimal_text(units, decimals),
            "time_in_force": found["time_in_force"],
            "reduce_only": bool(found["reduce_only"]),
            "good_til_block": found["good_til_block"],
            "messages": found["messages"],
            "reason": found["reason"],
            "order_id": found["client_id"],
            "run": found["run"],
            "first_seq": found["first_seq"],
            "size_units": found["quantums"],
            "filled_units": units,
            "base_decimals": decimals,
        }


def _filled_by_order(index: Index) -> dict[tuple[int, int], int]:
    """Base quantums filled by (first_seq, client_id): a fill is of the newest life of its id."""
    filled: dict[tuple[int, int], int] = {}
    for first_seq, client_id, quantums in index.database.execute(_FILLED):
        if first_seq is not None:
            key = (first_seq, client_id)
            filled[key] = filled.get(key, 0) + quantums
    return filled


_FILLED: Final = """
SELECT (
    SELECT MAX(first_seq) FROM orders o WHERE o.client_id = f.client_id AND o.first_seq <= f.seq
), client_id, quantums FROM fills f WHERE client_id IS NOT NULL
"""


def _funding(index: Index, window: Window) -> Iterator[Row]:
    query = """
    SELECT f.*, h.time_ns FROM funding f LEFT JOIN heights h USING (height)
    WHERE height > :low AND height <= :high ORDER BY height, market
    """
    for found in _cursor(index, query, low=window.after_height, high=window.to_height):
        yield {
            **_time(found["time_ns"], found["t_ns"]),
            "venue": CLOB,
            "market": found["market"],
            **_usdc(found["quote"]),
            "block": found["height"],
        }


def _transfers(index: Index, window: Window) -> Iterator[Row]:
    rows = [*_subaccount_moves(index, window), *_pool_flows(index, window), *_sent(index, window)]
    return iter(sorted(rows, key=lambda row: str(row["time"])))


def _subaccount_moves(index: Index, window: Window) -> Iterator[Row]:
    query = """
    SELECT t.*, h.time_ns FROM transfers t LEFT JOIN heights h USING (height)
    WHERE height > :low AND height <= :high ORDER BY height, transfer_id
    """
    for found in _cursor(index, query, low=window.after_height, high=window.to_height):
        yield {
            **_time(found["time_ns"], found["t_ns"]),
            "venue": CLOB,
            "kind": "deposit" if found["quote"] >= 0 else "withdrawal",
            **_usdc(found["quote"]),
            "counterparty": found["counterparty"],
            "id": found["transfer_id"],
            "block": found["height"],
        }


def _pool_flows(index: Index, window: Window) -> Iterator[Row]:
    """Flows between the vault and its pools, by the minute they were observed in."""
    pools = pool_settings(index)
    for part in pool_minutes(index.database):
        at = part.minute * NS_PER_MINUTE
        if part.flow and window.start_ns // NS_PER_MINUTE * NS_PER_MINUTE <= at < window.end_ns:
            decimals = pools[part.adapter].asset_decimals
            yield {
                **_time(_block_ns(index, part.to_block), at),
                "venue": POOL,
                "kind": "allocated" if part.flow >= 0 else "returned",
                "amount": decimal_text(part.flow, decimals),
                "amount_units": part.flow,
                "asset": "USDC",
                "asset_decimals": decimals,
                "counterparty": "vault",
                "id": f"{part.adapter}:{part.to_block}",
                "block": part.to_block,
            }


def _sent(index: Index, window: Window) -> Iterator[Row]:
    """What left the vault for the order-book venue and came back: on its way it is in neither."""
    pools = pool_settings(index)
    last: dict[str, tuple[int, int]] = {}
    for adapter, block, sent, returned, seconds in index.database.execute(_FLOWS):
        before = last.get(adapter)
        last[adapter] = (int(sent), int(returned))
        if before is None or adapter in pools or seconds is None:
            continue
        at = seconds * NS_PER_SECOND
        if not window.start_ns <= at < window.end_ns:
            continue
        moves = (("allocated", int(sent) - before[0]), ("returned", before[1] - int(returned)))
        for kind, amount in moves:
            if amount:
                yield {
                    **_time(at, at),
                    "venue": "vault",
                    "kind": kind,
                    **_usdc(amount),
                    "counterparty": adapter,
                    "id": f"{adapter}:{block}:{kind}",
                    "block": block,
                }


_FLOWS: Final = """
SELECT adapter, block, sent, returned, seconds FROM flows LEFT JOIN evm_blocks ON number = block
ORDER BY adapter, block
"""


def _transactions(index: Index, window: Window) -> Iterator[Row]:
    query = """
    SELECT t.*, c.kind, c.adapter, b.seconds FROM transactions t
    LEFT JOIN chain_commands c USING (command) LEFT JOIN evm_blocks b ON b.number = t.block
    ORDER BY COALESCE(t.signed_ns, t.mined_ns), tx_hash
    """
    for found in _cursor(index, query):
        journal_ns = found["mined_ns"] or found["signed_ns"]
        block_ns = None if found["seconds"] is None else found["seconds"] * NS_PER_SECOND
        if not window.is_whole and not window.start_ns <= (block_ns or journal_ns) < window.end_ns:
            continue
        gas = (found["gas_used"] or 0) * (found["gas_price"] or 0)
        yield {
            **_time(block_ns, journal_ns),
            "kind": found["kind"] or "",
            "adapter": found["adapter"] or "",
            "state": _state(found),
            "gas_eth": decimal_text(gas, 18),
            "tx_hash": found["tx_hash"],
            "block": found["block"],
            "nonce": found["nonce"],
            "command": found["command"],
            "gas_used": found["gas_used"],
            "gas_price_wei": found["gas_price"],
            "gas_wei": gas,
        }


def _state(found: sqlite3.Row) -> str:
    if found["block"] is None:
        return "SIGNED"
    if not found["succeeded"]:
        return "REVERTED"
    return "FINAL" if found["final"] else "INCLUDED"


def _pnl(index: Index, window: Window) -> Iterator[Row]:
    profit = profit_of(index, window, calendar_periods("day", window.start_ns, window.end_ns))
    for row in profit.rows:
        causes = row.causes
        parts = (causes.spread, causes.inventory, causes.funding, causes.fees_and_rebates)
        yield _pnl_row(
            (row.period.label, row.venue, row.market if row.market != ROUNDING else "(rounding)"),
            (*parts, causes.incentives),
            0,
        )
    for gas in profit.gas:
        if gas.transactions:
            yield _pnl_row((gas.period.label, "gas", ""), (0, 0, 0, 0, 0), gas.wei)


def _pnl_row(key: tuple[str, str, str], causes: tuple[int, ...], gas_wei: int) -> Row:
    total = sum(causes)
    return {
        **dict(zip(("day", "venue", "market"), key, strict=True)),
        **{n: decimal_text(v, QUOTE_DECIMALS) for n, v in zip(CAUSES, causes, strict=True)},
        "total": decimal_text(total, QUOTE_DECIMALS),
        "gas_eth": decimal_text(gas_wei, 18),
        **{f"{name}_units": value for name, value in zip(CAUSES, causes, strict=True)},
        "total_units": total,
        "asset_decimals": QUOTE_DECIMALS,
        "gas_wei": gas_wei,
    }


def _usdc(units: int) -> Row:
    return {
        "amount": decimal_text(units, QUOTE_DECIMALS),
        "amount_units": units,
        "asset": "USDC",
        "asset_decimals": QUOTE_DECIMALS,
    }


def _time(block_ns: int | None, journal_ns: int) -> Row:
    """The block's time; where it is not known, when the journal heard of it."""
    is_known = block_ns is not None
    time_ns = block_ns if block_ns is not None else journal_ns
    return {"time": utc_text(time_ns), "time_basis": "block" if is_known else "journal"}


def _block_ns(index: Index, number: int) -> int | None:
    row = index.database.execute(
        "SELECT seconds FROM evm_blocks WHERE number = ?", (number,)
    ).fetchone()
    return None if row is None else row[0] * NS_PER_SECOND
