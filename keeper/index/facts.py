"""Turns the steps of a journal into rows: every fact under its natural key, its first word kept."""

import sqlite3
from collections.abc import Callable
from typing import Any, Final, get_args

import msgspec

from keeper.accounting.order_history import OpenLives, OrderHistory
from keeper.domain import commands as cm
from keeper.domain import events as ev
from keeper.domain.commands import CommandId
from keeper.domain.settings import StepSettings
from keeper.index.audit import AuditReader
from keeper.index.pools import RecentPools
from keeper.journal import Step

__all__ = ["FactWriter", "RunOf", "command_text", "run_of"]

_CHAIN_COMMANDS: Final = get_args(cm.ChainCommand)
_OPEN_LIVES: Final = "open_lives"
_RUN: Final = "run"
_RUN_OF: Final = "run_of"
_SETTINGS: Final = "settings"


class RunOf(msgspec.Struct, frozen=True, kw_only=True):
    """What the newest run is: mode live or shadow, the venue's chain, the vault; "" before one."""

    mode: str = ""
    network: str = ""
    vault: str = ""


def run_of(database: sqlite3.Connection) -> RunOf:
    """Return what the newest run of the journal is."""
    known = _meta(database, _RUN_OF)
    return msgspec.json.decode(known, type=RunOf) if known else RunOf()


def command_text(command: CommandId) -> str:
    """Write a command's identity as the product shows it everywhere: run.seq.ordinal."""
    return f"{command.run}.{command.seq}.{command.ordinal}"


class FactWriter:
    """Takes steps in order and writes their rows; `flush` before each commit."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._effects: dict[str, list[tuple[Any, ...]]] = {}
        known = _meta(database, _OPEN_LIVES)
        lives = msgspec.json.decode(known, type=OpenLives) if known else OpenLives()
        self._orders = OrderHistory(lives)
        self._pools = RecentPools(database)
        self.run = int(_meta(database, _RUN) or b"0")
        self._run_of = run_of(database)
        held = _meta(database, _SETTINGS)
        self._audit = AuditReader(msgspec.json.decode(held or b"null", type=StepSettings | None))

    def take(self, step: Step) -> None:
        """Note what a step says."""
        event = step.event
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, step, event)
        self._pools.take(step.seq, event)
        for ordinal, command in enumerate(step.commands):
            self._command(CommandId(self.run, step.seq, ordinal), command, step.t_ns)
        for number, entry in enumerate(self._audit.entries(step)):
            row = (step.seq, number, step.t_ns, msgspec.json.encode(entry))
            self._add("INSERT OR REPLACE INTO audit VALUES (?, ?, ?, ?)", *row)

    def flush(self) -> None:
        """Write every row that waits, and what another writer needs to go on."""
        for statement, rows in self._rows.items():
            self._database.executemany(statement, rows)
        self._rows = {}
        for tx_hash, effects in self._effects.items():
            self._database.execute("DELETE FROM effects WHERE tx_hash = ?", (tx_hash,))
            self._database.executemany(_EFFECTS, effects)
        self._effects = {}
        self._database.executemany(
            _ORDERS,
            [
                (
                    *(life.first_seq, life.client_id, life.run, life.market, life.side),
                    *(life.time_in_force, life.reduce_only, life.placed_ns, life.updated_ns),
                    *(life.quantums, life.subticks, life.good_til_block, life.messages),
                    *(life.venue_filled, not life.ended, life.state, life.reason),
                )
                for life in self._orders.changed()
            ],
        )
        self._pools.flush()
        for key, value in (
            (_OPEN_LIVES, msgspec.json.encode(self._orders.known())),
            (_RUN, str(self.run).encode()),
            (_RUN_OF, msgspec.json.encode(self._run_of)),
            (_SETTINGS, msgspec.json.encode(self._audit.settings)),
        ):
            self._database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _add(self, statement: str, *row: Any) -> None:
        self._rows.setdefault(statement, []).append(row)

    # Events

    def _started(self, _step: Step, event: ev.RunStarted) -> None:
        self.run = event.run
        self._run_of = RunOf(mode=event.mode, network=event.venue_chain_id, vault=event.vault)
        self._configured(_step, event)

    def _configured(self, _step: Step, event: ev.RunStarted | ev.ParamsChanged) -> None:
        for pool in event.settings.pools:
            self._add(
                "INSERT OR REPLACE INTO pools VALUES (?, ?)",
                pool.adapter,
                msgspec.json.encode(pool),
            )

    def _listed(self, _step: Step, event: ev.MarketListed) -> None:
        listing = msgspec.json.encode(event.market)
        self._add("INSERT OR REPLACE INTO markets VALUES (?, ?)", event.market.ticker, listing)

    def _block(self, step: Step, event: ev.VenueBlock) -> None:
        self._height(event.height, event.time_ns)
        self._orders.advance(event.height, step.t_ns)

    def _height(self, height: int, time_ns: int) -> None:
        if time_ns:
            self._add("INSERT OR IGNORE INTO heights VALUES (?, ?)", height, time_ns)

    def _priced(self, _step: Step, event: ev.OraclePriced) -> None:
        row = (event.market, event.height, event.price)
        self._add("INSERT OR IGNORE INTO prices VALUES (?, ?, ?)", *row)

    def _filled(self, step: Step, event: ev.FillReceived) -> None:
        self._height(event.height, event.time_ns)
        self._add(
            _FILLS,
            *(event.fill_id, event.height, event.market, event.client_id, event.side.value),
            *(event.quantums, event.subticks, event.quote_quantums, event.fee_quote_quantums),
            *(event.liquidity.value, event.kind, step.seq, step.t_ns),
        )

    def _paid(self, step: Step, event: ev.FundingPaid) -> None:
        row = (event.market, event.height, event.quote_quantums, step.t_ns)
        self._add("INSERT OR IGNORE INTO funding VALUES (?, ?, ?, ?)", *row)

    def _moved(self, step: Step, event: ev.VenueTransfer) -> None:
        self._height(event.height, event.time_ns)
        row = (event.transfer_id, event.height, event.quote_quantums, event.counterparty)
        self._add("INSERT OR IGNORE INTO transfers VALUES (?, ?, ?, ?, ?)", *row, step.t_ns)

    def _observed(self, _step: Step, event: ev.SubaccountObserved) -> None:
        cash = event.usdc_quote_quantums + sum(p.quote_balance for p in event.positions)
        held = msgspec.json.encode([(p.market, p.quantums) for p in event.positions])
        self._add("INSERT OR IGNORE INTO observations VALUES (?, ?, ?)", event.height, cash, held)

    def _reconciled(self, step: Step, event: ev.Reconciled) -> None:
        self._observed(step, event.subaccount)
        for found in event.open_orders:
            if found.good_til_block >= self._orders.height:
                self._orders.adopt(found, step.seq, self.run, step.t_ns)

    def _order(self, step: Step, event: ev.OrderUpdated) -> None:
        self._orders.update(event, step.t_ns)

    def _result(self, step: Step, event: ev.CommandResult) -> None:
        self._orders.answer(event, step.t_ns)

    def _evm_block(self, _step: Step, event: ev.BlockSeen) -> None:
        row = (event.number, event.timestamp)
        self._add("INSERT OR REPLACE INTO evm_blocks VALUES (?, ?)", *row)

    def _pool(self, _step: Step, event: ev.PoolObserved) -> None:
        row = (event.block_number, event.block_timestamp)
        self._add("INSERT OR IGNORE INTO evm_blocks VALUES (?, ?)", *row)

    def _vault(self, _step: Step, event: ev.VaultObserved) -> None:
        for adapter in event.adapters:
            self._add(
                _FLOWS,
                *(adapter.adapter, event.block_number, event.block_hash),
                *(str(adapter.sent), str(adapter.returned)),
                *(adapter.adapter, event.block_number, str(adapter.sent), str(adapter.returned)),
            )

    def _reverted(self, _step: Step, event: ev.BlockReverted) -> None:
        # Rows keep the order of their statements only within one statement: write them first.
        self.flush()
        self._database.execute("DELETE FROM flows WHERE block_hash = ?", (event.hash,))

    def _signed(self, step: Step, event: ev.TransactionSigned) -> None:
        row = (event.tx_hash, command_text(event.command), event.nonce, step.t_ns)
        self._add(_SIGNED, *row)

    def _mined(self, step: Step, event: ev.TransactionMined) -> None:
        self._add(
            _MINED,
            *(event.tx_hash, command_text(event.command), event.block_number, event.block_hash),
            *(event.succeeded, event.gas_used, event.effective_gas_price, event.final, step.t_ns),
        )
        self._effects[event.tx_hash] = [
            (
                *(event.tx_hash, effect.log_index, effect.adapter, effect.kind),
                *(effect.tick_lower, effect.tick_upper, str(effect.liquidity)),
                *(str(effect.amount0), str(effect.amount1)),
                *(str(effect.assets), str(effect.requested)),
            )
            for effect in event.effects
        ]

    # Commands

    def _command(self, command_id: CommandId, command: cm.Command, t_ns: int) -> None:
        if isinstance(command, cm.PlaceOrder):
            self._orders.place(command_id, command, t_ns)
        elif isinstance(command, cm.CancelOrders):
            self._orders.cancel(command, t_ns)
        elif isinstance(command, _CHAIN_COMMANDS):
            kind, adapter = type(command).__name__, getattr(command, "adapter", "")
            row = (command_text(command_id), kind, adapter)
            self._add("INSERT OR IGNORE INTO chain_commands VALUES (?, ?, ?)", *row)


def _meta(database: sqlite3.Connection, key: str) -> bytes | None:
    row = database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else bytes(row[0])


_FILLS: Final = "INSERT OR IGNORE INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_EFFECTS: Final = "INSERT INTO effects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ORDERS: Final = """
INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_FLOWS: Final = """
INSERT OR REPLACE INTO flows SELECT ?, ?, ?, ?, ? WHERE NOT EXISTS (
    SELECT 1 FROM (
        SELECT sent, returned FROM flows WHERE adapter = ? AND block < ?
        ORDER BY block DESC LIMIT 1
    ) WHERE sent = ? AND returned = ?
)
"""
"""Only what changed since the block before is kept."""
_SIGNED: Final = """
INSERT INTO transactions (tx_hash, command, nonce, signed_ns) VALUES (?, ?, ?, ?)
ON CONFLICT (tx_hash) DO UPDATE SET nonce = excluded.nonce, signed_ns = excluded.signed_ns
"""
_MINED: Final = """
INSERT INTO transactions
    (tx_hash, command, block, block_hash, succeeded, gas_used, gas_price, final, mined_ns)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tx_hash) DO UPDATE SET
    block = excluded.block, block_hash = excluded.block_hash, succeeded = excluded.succeeded,
    gas_used = excluded.gas_used, gas_price = excluded.gas_price, final = excluded.final,
    mined_ns = excluded.mined_ns
WHERE transactions.final = 0
"""
_HANDLERS: Final[dict[type, Callable[[FactWriter, Step, Any], None]]] = {
    ev.RunStarted: FactWriter._started,
    ev.ParamsChanged: FactWriter._configured,
    ev.MarketListed: FactWriter._listed,
    ev.VenueBlock: FactWriter._block,
    ev.OraclePriced: FactWriter._priced,
    ev.FillReceived: FactWriter._filled,
    ev.FundingPaid: FactWriter._paid,
    ev.VenueTransfer: FactWriter._moved,
    ev.SubaccountObserved: FactWriter._observed,
    ev.Reconciled: FactWriter._reconciled,
    ev.OrderUpdated: FactWriter._order,
    ev.CommandResult: FactWriter._result,
    ev.BlockSeen: FactWriter._evm_block,
    ev.BlockReverted: FactWriter._reverted,
    ev.PoolObserved: FactWriter._pool,
    ev.VaultObserved: FactWriter._vault,
    ev.TransactionSigned: FactWriter._signed,
    ev.TransactionMined: FactWriter._mined,
}
