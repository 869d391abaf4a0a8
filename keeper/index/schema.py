"""The tables of the index; another VERSION is another file's content, so it is built anew.

Amounts that may exceed 64 bits (token units, liquidity) are text. Times are unix nanoseconds
unless a name says seconds.
"""

from typing import Final

__all__ = ["TABLES", "VERSION"]

VERSION: Final = 2

TABLES: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE segments (
    number INTEGER PRIMARY KEY, first_ns INTEGER NOT NULL, run INTEGER NOT NULL,
    start BLOB NOT NULL
);
CREATE TABLE markets (ticker TEXT PRIMARY KEY, listing BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE pools (adapter TEXT PRIMARY KEY, settings BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE heights (height INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL);
CREATE INDEX heights_by_time ON heights (time_ns);
CREATE TABLE prices (
    market TEXT NOT NULL, height INTEGER NOT NULL, price INTEGER NOT NULL,
    PRIMARY KEY (market, height)
) WITHOUT ROWID;
CREATE TABLE fills (
    fill_id TEXT PRIMARY KEY, height INTEGER NOT NULL, market TEXT NOT NULL, client_id INTEGER,
    side TEXT NOT NULL, quantums INTEGER NOT NULL, subticks INTEGER NOT NULL,
    quote INTEGER NOT NULL, fee INTEGER NOT NULL, liquidity TEXT NOT NULL, kind TEXT NOT NULL,
    seq INTEGER NOT NULL, t_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX fills_by_height ON fills (height);
CREATE INDEX fills_by_order ON fills (client_id);
CREATE TABLE funding (
    market TEXT NOT NULL, height INTEGER NOT NULL, quote INTEGER NOT NULL, t_ns INTEGER NOT NULL,
    PRIMARY KEY (market, height)
) WITHOUT ROWID;
CREATE TABLE transfers (
    transfer_id TEXT PRIMARY KEY, height INTEGER NOT NULL, quote INTEGER NOT NULL,
    counterparty TEXT NOT NULL, t_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE observations (
    height INTEGER PRIMARY KEY, cash INTEGER NOT NULL, positions BLOB NOT NULL
);
CREATE TABLE orders (
    first_seq INTEGER NOT NULL, client_id INTEGER NOT NULL, run INTEGER NOT NULL,
    market TEXT NOT NULL, side TEXT NOT NULL, time_in_force TEXT NOT NULL,
    reduce_only INTEGER NOT NULL, placed_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL,
    quantums INTEGER NOT NULL, subticks INTEGER NOT NULL, good_til_block INTEGER NOT NULL,
    messages INTEGER NOT NULL, venue_filled INTEGER NOT NULL, is_open INTEGER NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (first_seq, client_id)
) WITHOUT ROWID;
CREATE INDEX orders_by_id ON orders (client_id, first_seq);
CREATE INDEX orders_open ON orders (is_open) WHERE is_open = 1;
CREATE TABLE chain_commands (
    command TEXT PRIMARY KEY, kind TEXT NOT NULL, adapter TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE transactions (
    tx_hash TEXT PRIMARY KEY, command TEXT NOT NULL, nonce INTEGER, signed_ns INTEGER,
    block INTEGER, block_hash TEXT, succeeded INTEGER, gas_used INTEGER, gas_price INTEGER,
    final INTEGER NOT NULL DEFAULT 0, mined_ns INTEGER
) WITHOUT ROWID;
CREATE TABLE effects (
    tx_hash TEXT NOT NULL, log_index INTEGER NOT NULL, adapter TEXT NOT NULL, kind TEXT NOT NULL,
    tick_lower INTEGER NOT NULL, tick_upper INTEGER NOT NULL, liquidity TEXT NOT NULL,
    amount0 TEXT NOT NULL, amount1 TEXT NOT NULL, assets TEXT NOT NULL, requested TEXT NOT NULL,
    PRIMARY KEY (tx_hash, log_index)
) WITHOUT ROWID;
CREATE TABLE evm_blocks (number INTEGER PRIMARY KEY, seconds INTEGER NOT NULL);
CREATE TABLE flows (
    adapter TEXT NOT NULL, block INTEGER NOT NULL, block_hash TEXT NOT NULL,
    sent TEXT NOT NULL, returned TEXT NOT NULL,
    PRIMARY KEY (adapter, block)
) WITHOUT ROWID;
CREATE TABLE pool_minutes (
    adapter TEXT NOT NULL, minute INTEGER NOT NULL, from_block INTEGER NOT NULL,
    to_block INTEGER NOT NULL, opening_value TEXT NOT NULL, closing_value TEXT NOT NULL,
    flow TEXT NOT NULL, fees TEXT NOT NULL, execution TEXT NOT NULL, inventory TEXT NOT NULL,
    PRIMARY KEY (adapter, minute)
) WITHOUT ROWID;
CREATE TABLE recent (
    seq INTEGER PRIMARY KEY, block INTEGER NOT NULL, event BLOB NOT NULL
);
CREATE TABLE audit (
    seq INTEGER NOT NULL, number INTEGER NOT NULL, t_ns INTEGER NOT NULL, entry BLOB NOT NULL,
    PRIMARY KEY (seq, number)
) WITHOUT ROWID;
CREATE TABLE settled (adapter TEXT PRIMARY KEY, block INTEGER NOT NULL) WITHOUT ROWID;
"""
"""`recent`: events of the last EVM blocks, which a reorganisation may still take back; `settled`:
the last block of each adapter that is in `pool_minutes`."""
