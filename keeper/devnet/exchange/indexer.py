"""Owns the indexer: events into its tables, and the messages its streams send about them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from . import views_account as accounts
from . import views_market as markets
from . import views_transfer as transfers
from .candles import RESOLUTIONS
from .config import ExchangeConfig
from .events import (
    BlockCommitted,
    Event,
    FillCommitted,
    FundingPaid,
    FundingRateSet,
    LevelChanged,
    MarketChanged,
    OracleUpdated,
    OrderExpired,
    OrderFilled,
    OrderPlaced,
    OrderRemoved,
    OrderUpdated,
    StatefulPlaced,
    StatefulRemoved,
    StatefulTriggered,
    SubaccountChanged,
    TransferCommitted,
    split_block,
)
from .ledger import settled
from .model import Side, SubaccountId
from .rows import FillRow, OrderRow, TradeRow, TransferRow
from .store import State
from .tables import Tables

__all__ = ["Indexer", "Message"]

Json = dict[str, Any]
Levels = list[LevelChanged]


@dataclass(frozen=True, slots=True)
class Message:
    """One update for the subscribers of (channel, id); id is empty for v4_markets.

    Followers of a parent are told which of its subaccounts an update is about.
    """

    channel: str
    id: str
    contents: Json
    subaccount: int | None = None


@dataclass(slots=True)
class _Changes:
    """What a block changed for one subaccount."""

    orders: list[OrderRow] = field(default_factory=list)
    fills: list[FillRow] = field(default_factory=list)


@dataclass(slots=True)
class _BlockChanges:
    """What a block changed, gathered before it is told."""

    accounts: dict[SubaccountId, _Changes] = field(default_factory=dict)
    trades: dict[int, list[TradeRow]] = field(default_factory=dict)
    transfers: list[TransferRow] = field(default_factory=list)
    levels: Levels = field(default_factory=list)
    oracle: list[OracleUpdated] = field(default_factory=list)
    markets: dict[int, None] = field(default_factory=dict)

    def account(self, key: SubaccountId) -> _Changes:
        return self.accounts.setdefault(key, _Changes())


class Indexer:
    """Consumes the state machine's events; `tables` is what REST answers from."""

    def __init__(self, config: ExchangeConfig, state: State, height: int, time_ns: int) -> None:
        self.tables = Tables(config, state, height, time_ns)

    def consume(self, events: Iterable[Event]) -> list[Message]:
        """Take events in order; a block's events must come in one call, up to its header."""
        block, after = split_block(events)
        messages: list[Message] = []
        if block and isinstance(block[-1], BlockCommitted):
            messages = self._consume_block(block, block[-1])
        return messages + self._consume_offchain(after)

    # CheckTx: best effort

    def _consume_offchain(self, events: list[Event]) -> list[Message]:
        tables = self.tables
        messages: list[Message] = []
        levels: Levels = []
        for event in events:
            match event:
                case OrderPlaced():
                    row = tables.place(event.order)
                    messages.append(self._order(row, accounts.placed_order(tables, row)))
                case OrderUpdated():
                    tables.update(event.id, event.filled)
                case OrderRemoved():
                    row = tables.remove(event)
                    messages.append(self._order(row, accounts.removed_order(tables, row)))
                case LevelChanged():
                    levels.append(event)
        return messages + self._levels(levels)

    def _order(self, row: OrderRow, order: Json) -> Message:
        contents = {"orders": [order], "blockHeight": str(self.tables.height)}
        return Message("v4_subaccounts", accounts.channel_id(row.order.id.subaccount), contents)

    def _levels(self, levels: Levels) -> list[Message]:
        changed: dict[int, dict[str, list[list[str]]]] = {}
        for event in levels:
            self.tables.level(event)
            name = "bids" if event.side is Side.BUY else "asks"
            contents = changed.setdefault(event.market_id, {})
            contents.setdefault(name, []).append(markets.level(self.tables, event))
        return [
            Message("v4_orderbook", markets.ticker(self.tables, market_id), dict(contents))
            for market_id, contents in changed.items()
        ]

    # Commit

    def _consume_block(self, events: list[Event], block: BlockCommitted) -> list[Message]:
        hour_passed = self.tables.pnl.is_due(self.tables.time_ns, block.time_ns)
        self.tables.height, self.tables.time_ns = block.height, block.time_ns
        changes = _BlockChanges()
        for event in events:
            self._take_account_event(event, changes)
            self._take_market_event(event, changes)
        if hour_passed:
            self._note_worths()
        messages = self._account_messages(changes)
        messages += self._trade_messages(changes.trades)
        messages += self._market_messages(changes)
        messages += self._levels(changes.levels)
        height = markets.block_update(self.tables)
        return [*messages, Message("v4_block_height", "v4_block_height", height)]

    def _note_worths(self) -> None:
        tables = self.tables
        for key, stored in tables.state.subaccounts.items():
            equity, _ = accounts.worth(tables, settled(tables.state, stored)[0])
            tables.pnl.add(key, equity, tables.height, tables.time_ns)

    def _take_account_event(self, event: Event, changes: _BlockChanges) -> None:
        match event:
            case FillCommitted():
                trade, fills = self.tables.fill(event)
                changes.trades.setdefault(event.market_id, []).append(trade)
                changes.markets[event.market_id] = None
                for fill in fills:
                    changes.account(fill.key).fills.append(fill)
            case OrderFilled():
                row = self.tables.fill_order(event)
                changes.account(event.order.id.subaccount).orders.append(row)
            case SubaccountChanged():
                self.tables.updated[event.id] = self.tables.height
                changes.account(event.id)
            case TransferCommitted():
                changes.transfers.append(self.tables.transfer(event))
            case FundingPaid():
                self.tables.funding_paid(event)
            case OrderExpired():
                self.tables.expire(event.order)
            case StatefulPlaced() | StatefulTriggered() | StatefulRemoved():
                row = self.tables.stateful(event)
                changes.account(event.order.id.subaccount).orders.append(row)
            case OrderRemoved():
                row = self.tables.remove(event)
                changes.account(event.order.id.subaccount).orders.append(row)

    def _take_market_event(self, event: Event, changes: _BlockChanges) -> None:
        match event:
            case OracleUpdated():
                self.tables.oracle(event)
                changes.oracle.append(event)
            case MarketChanged():
                changes.markets[event.market_id] = None
            case FundingRateSet():
                self.tables.funding_rate(event)
                changes.markets[event.market_id] = None
            case LevelChanged():
                changes.levels.append(event)

    # Messages of a block

    def _account_messages(self, changes: _BlockChanges) -> list[Message]:
        messages = []
        for key, changed in changes.accounts.items():
            contents = accounts.subaccount_update(self.tables, key, changed.orders, changed.fills)
            messages.append(Message("v4_subaccounts", accounts.channel_id(key), contents))
        for row in changes.transfers:
            for key in transfers.transfer_parties(row):
                contents = {
                    "transfers": transfers.transfer_update(row, key.owner, key.number),
                    "blockHeight": str(self.tables.height),
                }
                messages.append(Message("v4_subaccounts", accounts.channel_id(key), contents))
        return messages

    def _trade_messages(self, trades: dict[int, list[TradeRow]]) -> list[Message]:
        messages = []
        for market_id, rows in trades.items():
            ticker = markets.ticker(self.tables, market_id)
            contents = {"trades": [markets.trade_update(self.tables, row) for row in rows]}
            messages.append(Message("v4_trades", ticker, contents))
            for resolution in RESOLUTIONS:
                candle = self.tables.markets[market_id].candles.newest(resolution)
                if candle is not None:
                    shape = markets.candle(self.tables, market_id, resolution, candle)
                    messages.append(Message("v4_candles", f"{ticker}/{resolution}", shape))
        return messages

    def _market_messages(self, changes: _BlockChanges) -> list[Message]:
        contents: Json = {}
        if changes.markets:
            contents["trading"] = {
                markets.ticker(self.tables, key): markets.trading(self.tables, key)
                for key in changes.markets
            }
        if changes.oracle:
            contents["oraclePrices"] = {
                markets.ticker(self.tables, event.market_id): markets.oracle_price(
                    self.tables, event
                )
                for event in changes.oracle
            }
        return [Message("v4_markets", "", contents)] if contents else []
