"""One ledger of everything that traded: fills of the order book and operations in the pools."""

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, Final

from keeper.domain.instruments import PerpetualMarket
from keeper.domain.settings import PoolSettings
from keeper.domain.units import NS_PER_SECOND
from keeper.index.build import Index
from keeper.index.decimals import (
    QUOTE_DECIMALS,
    base_decimals,
    decimal_text,
    price_decimals,
    ratio_text,
    utc_text,
)
from keeper.index.profit import CLOB, POOL, Window, listings, pool_settings

__all__ = ["FILL_COLUMNS", "trades"]

Row = dict[str, Any]

FILL_COLUMNS: Final = (
    *("time", "time_basis", "venue", "kind", "market", "side", "base", "price", "quote", "fee"),
    *("fee_asset", "liquidity", "oracle_price", "edge", "id", "order_id", "tx_hash", "block"),
    *("pool", "tick_lower", "tick_upper", "pool_liquidity", "gas_wei"),
    *("base_units", "base_decimals", "quote_units", "quote_decimals", "fee_units", "edge_units"),
)
"""Order of the columns; new ones go to the end."""


def trades(index: Index, window: Window, venue: str = "all", market: str = "") -> Iterator[Row]:
    """Yield fills and pool operations in a window by time; `venue` is all, clob or pool.

    Amounts are signed as they change what is held: a buy adds base and takes quote, a mint takes
    both out of the adapter's balances. Gas stands on a transaction's first row.
    """
    rows: list[tuple[int, Row]] = []
    if venue in ("all", CLOB):
        rows += _fills(index, window, market)
    if venue in ("all", POOL):
        rows += _operations(index, window, market)
    for _, row in sorted(rows, key=lambda item: item[0]):
        yield row


def _fills(index: Index, window: Window, market: str) -> Iterator[tuple[int, Row]]:
    known = listings(index)
    ends = {"low": window.after_height, "high": window.to_height, "market": market}
    cursor = index.database.execute(_FILLS, ends)
    cursor.row_factory = sqlite3.Row
    for found in cursor:
        time_ns = found["time_ns"] or found["t_ns"]
        yield time_ns, _fill(found, known[found["market"]], time_ns)


_FILLS: Final = """
SELECT f.*, h.time_ns, (
    SELECT price FROM prices WHERE prices.market = f.market AND prices.height <= f.height
    ORDER BY prices.height DESC LIMIT 1
) AS oracle_price FROM fills f LEFT JOIN heights h ON h.height = f.height
WHERE f.height > :low AND f.height <= :high AND :market IN ('', f.market) ORDER BY f.height
"""


def _fill(found: sqlite3.Row, market: PerpetualMarket, time_ns: int) -> Row:
    sign = 1 if found["side"] == "BUY" else -1
    base, quote, fee = sign * found["quantums"], -sign * found["quote"], found["fee"]
    oracle = found["oracle_price"]
    edge = None if oracle is None else market.oracle_value_down(base, oracle) + quote
    return {
        "time": utc_text(time_ns),
        "time_basis": "journal" if found["time_ns"] is None else "block",
        "venue": CLOB,
        "kind": found["kind"].lower(),
        "market": found["market"],
        "side": found["side"],
        "base": decimal_text(base, base_decimals(market)),
        "price": decimal_text(found["subticks"], price_decimals(market)),
        "quote": decimal_text(quote, QUOTE_DECIMALS),
        "fee": decimal_text(fee, QUOTE_DECIMALS),
        "fee_asset": "USDC",
        "liquidity": found["liquidity"],
        "oracle_price": "" if oracle is None else decimal_text(oracle, -market.oracle_exponent),
        "edge": "" if edge is None else decimal_text(edge, QUOTE_DECIMALS),
        "id": found["fill_id"],
        "order_id": found["client_id"],
        "tx_hash": "",
        "block": found["height"],
        "pool": "",
        "tick_lower": None,
        "tick_upper": None,
        "pool_liquidity": None,
        "gas_wei": 0,
        "base_units": base,
        "base_decimals": base_decimals(market),
        "quote_units": quote,
        "quote_decimals": QUOTE_DECIMALS,
        "fee_units": fee,
        "edge_units": edge,
    }


def _operations(index: Index, window: Window, market: str) -> Iterator[tuple[int, Row]]:
    pools = pool_settings(index)
    cursor = index.database.execute(_EFFECTS)
    cursor.row_factory = sqlite3.Row
    charged: set[str] = set()
    for found in cursor:
        pool = pools.get(found["adapter"])
        if pool is None or (market and pool.hedge_market != market):
            continue
        seconds = found["seconds"]
        time_ns = found["mined_ns"] if seconds is None else seconds * NS_PER_SECOND
        gas = 0 if found["tx_hash"] in charged else found["gas_used"] * found["gas_price"]
        charged.add(found["tx_hash"])
        if window.start_ns <= time_ns < window.end_ns:
            yield time_ns, _operation(found, pool, time_ns, gas)


_EFFECTS: Final = """
SELECT e.*, t.block, t.gas_used, t.gas_price, t.mined_ns, b.seconds FROM effects e
JOIN transactions t USING (tx_hash) LEFT JOIN evm_blocks b ON b.number = t.block
WHERE e.kind IN ('swap', 'mint', 'burn', 'collect')
ORDER BY t.block, e.tx_hash, e.log_index
"""


def _operation(found: Mapping[str, Any], pool: PoolSettings, time_ns: int, gas: int) -> Row:
    amounts = (int(found["amount0"]), int(found["amount1"]))
    asset, base = amounts if pool.asset_is_token0 else amounts[::-1]
    is_swap = found["kind"] == "swap"
    is_range = not is_swap
    return {
        "time": utc_text(time_ns),
        "time_basis": "journal" if found["seconds"] is None else "block",
        "venue": POOL,
        "kind": found["kind"],
        "market": pool.hedge_market,
        "side": ("BUY" if base > 0 else "SELL") if is_swap else "",
        "base": decimal_text(base, pool.base_decimals),
        "price": _price(asset, base, pool) if is_swap else "",
        "quote": decimal_text(asset, pool.asset_decimals),
        "fee": "0",
        "fee_asset": "",
        "liquidity": "TAKER" if is_swap else "",
        "oracle_price": "",
        "edge": "",
        "id": f"{found['tx_hash']}:{found['log_index']}",
        "order_id": None,
        "tx_hash": found["tx_hash"],
        "block": found["block"],
        "pool": pool.pool,
        "tick_lower": found["tick_lower"] if is_range else None,
        "tick_upper": found["tick_upper"] if is_range else None,
        "pool_liquidity": found["liquidity"] if is_range else None,
        "gas_wei": gas,
        "base_units": base,
        "base_decimals": pool.base_decimals,
        "quote_units": asset,
        "quote_decimals": pool.asset_decimals,
        "fee_units": 0,
        "edge_units": None,
    }


def _price(asset: int, base: int, pool: PoolSettings) -> str:
    return ratio_text(asset, base, pool.base_decimals - pool.asset_decimals)
