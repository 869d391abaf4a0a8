"""Owns the indexer's tables, built from the state machine's events, and the stream messages."""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from . import views
from .candles import RESOLUTIONS, CandleBook
from .config import ExchangeConfig
from .decimals import event_id, fill_uuid, order_uuid, transfer_uuid
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
    SubaccountChanged,
    TransferCommitted,
)
from .model import Order, OrderId, Side, SubaccountId
from .rows import (
    FillRow,
    FundingRow,
    HistoricalFundingRow,
    OrderRow,
    PositionRow,
    TradeRow,
    TransferRow,
)
from .store import State

__all__ = ["Indexer", "Message"]

KEPT_ROWS = 20_000
KEPT_TRADES = 5_000
DAY_NS = 86_400 * 10**9
OPENED, OPEN, FILLED = "BEST_EFFORT_OPENED", "OPEN", "FILLED"
BEST_EFFORT_CANCELED, CANCELED = "BEST_EFFORT_CANCELED", "CANCELED"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One update for the subscribers of (channel, id); id is empty for v4_markets."""

    channel: str
    id: str
    contents: Json


@dataclass(slots=True)
class MarketRow:
    """What the indexer derives for one market."""

    levels: dict[Side, dict[int, int]] = field(
        default_factory=lambda: {Side.BUY: {}, Side.SELL: {}}
    )
    trades: deque[TradeRow] = field(default_factory=lambda: deque(maxlen=KEPT_TRADES))
    oracle: deque[tuple[int, int]] = field(default_factory=deque)  # (time ns, price)
    funding: deque[HistoricalFundingRow] = field(default_factory=lambda: deque(maxlen=KEPT_TRADES))
    candles: CandleBook = field(default_factory=CandleBook)

    def mid(self) -> int:
        """Return best bid + best ask in subticks (twice the mid), 0 where a side is empty."""
        bids, asks = self.levels[Side.BUY], self.levels[Side.SELL]
        return max(bids) + min(asks) if bids and asks else 0


@dataclass(slots=True)
class _Pending:
    """What a block has changed for one subaccount so far."""

    orders: list[OrderRow] = field(default_factory=list)
    fills: list[FillRow] = field(default_factory=list)
    positions: dict[int, PositionRow] = field(default_factory=dict)


class Indexer:
    """Tables behind the REST answers. `consume` turns events into rows and messages."""

    def __init__(self, config: ExchangeConfig, state: State, height: int, time_ns: int) -> None:
        self.config = config
        self.state = state
        self.height = height
        self.time_ns = time_ns
        self.rates: dict[int, int] = {market.id: 0 for market in config.markets}
        self.markets = {market.id: MarketRow() for market in config.markets}
        for market in config.markets:
            self.markets[market.id].oracle.append((time_ns, market.oracle_price))
        self.orders: OrderedDict[str, OrderRow] = OrderedDict()
        self.fills: dict[SubaccountId, deque[FillRow]] = {}
        self.positions: dict[tuple[SubaccountId, int], PositionRow] = {}
        self.closed: dict[SubaccountId, deque[PositionRow]] = {}
        self.transfers: dict[str, deque[TransferRow]] = {}
        self.payments: dict[SubaccountId, deque[FundingRow]] = {}
        self.updated: dict[SubaccountId, int] = {}

    def consume(self, events: Iterable[Event]) -> list[Message]:
        """Take events in order; a block's events must come in one call, its header last."""
        events = list(events)
        if events and isinstance(events[-1], BlockCommitted):
            return self._consume_block(events, events[-1])
        return self._consume_offchain(events)

    # CheckTx: best effort

    def _consume_offchain(self, events: Iterable[Event]) -> list[Message]:
        messages: list[Message] = []
        levels: list[LevelChanged] = []
        for event in events:
            match event:
                case OrderPlaced():
                    messages.append(self._placed(event.order))
                case OrderUpdated():
                    self._updated(event.id, event.filled)
                case OrderRemoved():
                    messages.append(self._removed(event))
                case LevelChanged():
                    levels.append(event)
        return messages + self._levels(levels)

    def _placed(self, order: Order) -> Message:
        key = order_uuid(order.id)
        known = self.orders.get(key)
        row = OrderRow(order, OPENED)
        if known is not None:
            row.filled, row.optimistic = known.filled, known.optimistic
            row.created_height = known.created_height
        self.orders[key] = row
        self.orders.move_to_end(key)
        self._prune_orders()
        return self._order_message(row, views.placed_order(self, row))

    def _updated(self, order_id: OrderId, filled: int) -> None:
        row = self.orders.get(order_uuid(order_id))
        if row is not None:
            row.optimistic = filled

    def _removed(self, event: OrderRemoved) -> Message:
        key = order_uuid(event.order.id)
        row = self.orders.setdefault(key, OrderRow(event.order, OPENED))
        row.order, row.optimistic = event.order, event.filled
        row.status, row.removal_reason = BEST_EFFORT_CANCELED, event.reason
        row.updated_ns, row.updated_height = self.time_ns, self.height
        return self._order_message(row, views.removed_order(self, row))

    def _order_message(self, row: OrderRow, order: Json) -> Message:
        contents = {"orders": [order], "blockHeight": str(self.height)}
        return Message("v4_subaccounts", views.channel_id(row.order.id.subaccount), contents)

    def _prune_orders(self) -> None:
        while len(self.orders) > KEPT_ROWS:
            self.orders.popitem(last=False)

    def _levels(self, levels: list[LevelChanged]) -> list[Message]:
        changed: dict[int, dict[str, list[list[str]]]] = {}
        for event in levels:
            side = self.markets[event.market_id].levels[event.side]
            if event.quantums:
                side[event.subticks] = event.quantums
            else:
                side.pop(event.subticks, None)
            name = "bids" if event.side is Side.BUY else "asks"
            contents = changed.setdefault(event.market_id, {})
            contents.setdefault(name, []).append(views.level(self, event))
        return [
            Message("v4_orderbook", views.ticker(self, market_id), dict(contents))
            for market_id, contents in changed.items()
        ]

    # Commit

    def _consume_block(self, events: list[Event], block: BlockCommitted) -> list[Message]:
        self.height, self.time_ns = block.height, block.time_ns
        pending: dict[SubaccountId, _Pending] = {}
        trades: dict[int, list[TradeRow]] = {}
        transfers: list[TransferRow] = []
        levels: list[LevelChanged] = []
        oracle: list[OracleUpdated] = []
        changed: dict[int, None] = {}
        for event in events:
            match event:
                case FillCommitted():
                    trades.setdefault(event.market_id, []).append(self._fill(event, pending))
                    changed[event.market_id] = None
                case OrderFilled():
                    self._order_filled(event, pending)
                case SubaccountChanged():
                    self.updated[event.id] = self.height
                    pending.setdefault(event.id, _Pending())
                case TransferCommitted():
                    transfers.append(self._transfer(event))
                case OracleUpdated():
                    self.markets[event.market_id].oracle.append((self.time_ns, event.price))
                    oracle.append(event)
                case MarketChanged():
                    changed[event.market_id] = None
                case FundingRateSet():
                    self._funding_rate(event)
                    changed[event.market_id] = None
                case FundingPaid():
                    self._funding_paid(event)
                case OrderExpired():
                    self._expired(event.order)
                case LevelChanged():
                    levels.append(event)
        messages = self._block_messages(pending, transfers)
        messages += self._trade_messages(trades)
        messages += self._market_messages(oracle, changed)
        messages += self._levels(levels)
        messages.append(Message("v4_block_height", "v4_block_height", views.block_update(self)))
        return messages

    def _fill(self, event: FillCommitted, pending: dict[SubaccountId, _Pending]) -> TradeRow:
        identity = event_id(self.height, event.event_index)
        for order, liquidity, fee in (
            (event.taker, "TAKER", event.taker_fee),
            (event.maker, "MAKER", event.maker_fee),
        ):
            key = order.id.subaccount
            signed = order.side.sign * event.quantums
            before = self.positions.get((key, event.market_id))
            row = FillRow(
                fill_uuid(identity, liquidity),
                identity,
                key,
                order,
                liquidity,
                event.market_id,
                event.quantums,
                event.subticks,
                event.quote,
                fee,
                self.height,
                self.time_ns,
                event.transaction,
                before.quantums if before else 0,
            )
            self.fills.setdefault(key, deque(maxlen=KEPT_ROWS)).append(row)
            changes = pending.setdefault(key, _Pending())
            changes.fills.append(row)
            position = self._move_position(row, signed)
            changes.positions[event.market_id] = position
        trade = TradeRow(
            identity,
            event.market_id,
            event.taker.side,
            event.quantums,
            event.subticks,
            event.quote,
            self.height,
            self.time_ns,
        )
        market = self.markets[event.market_id]
        market.trades.append(trade)
        perpetual = self.state.perpetuals.get(event.market_id)
        interest = perpetual.open_interest if perpetual else 0
        market.candles.add(trade, interest, market.mid())
        return trade

    def _move_position(self, fill: FillRow, signed: int) -> PositionRow:
        place = (fill.key, fill.market_id)
        row = self.positions.get(place)
        if row is None:
            row = self.positions[place] = self._new_position(fill)
        closing = row.quantums != 0 and (row.quantums > 0) != (signed > 0)
        first = min(abs(signed), abs(row.quantums)) if closing else abs(signed)
        step = first if signed > 0 else -first
        row.fill(step, fill.subticks)
        if row.quantums == 0:
            row.closed_height, row.closed_ns = self.height, self.time_ns
            del self.positions[place]
            self.closed.setdefault(fill.key, deque(maxlen=KEPT_TRADES)).append(row)
            if signed != step:
                row = self.positions[place] = self._new_position(fill)
                row.fill(signed - step, fill.subticks)
        return row

    def _new_position(self, fill: FillRow) -> PositionRow:
        return PositionRow(fill.key, fill.market_id, self.height, self.time_ns, fill.event_id)

    def _order_filled(self, event: OrderFilled, pending: dict[SubaccountId, _Pending]) -> None:
        key = order_uuid(event.order.id)
        row = self.orders.setdefault(key, OrderRow(event.order, OPENED))
        row.order, row.filled = event.order, event.filled
        row.optimistic = max(row.optimistic, event.filled)
        row.created_height = row.created_height or self.height
        row.updated_height, row.updated_ns = self.height, self.time_ns
        if event.filled >= event.order.quantums:
            row.status = FILLED
        elif event.resting:
            row.status = OPEN
        else:
            row.status = BEST_EFFORT_CANCELED
        pending.setdefault(event.order.id.subaccount, _Pending()).orders.append(row)

    def _expired(self, order: Order) -> None:
        """Forget an order nobody hears about: only what traded stays, as canceled."""
        key = order_uuid(order.id)
        row = self.orders.get(key)
        if row is None:
            return
        if row.filled:
            row.status = CANCELED
        else:
            del self.orders[key]

    def _transfer(self, event: TransferCommitted) -> TransferRow:
        row = TransferRow(
            transfer_uuid(event_id(self.height, event.event_index)),
            event.sender,
            event.sender_number,
            event.recipient,
            event.recipient_number,
            event.amount,
            self.height,
            self.time_ns,
            event.transaction,
        )
        for address in {row.sender: None, row.recipient: None}:
            self.transfers.setdefault(address, deque(maxlen=KEPT_TRADES)).append(row)
        return row

    def _funding_rate(self, event: FundingRateSet) -> None:
        row = HistoricalFundingRow(
            event.market_id, event.rate_ppm_8h, event.price, self.height, event.time_ns
        )
        self.markets[event.market_id].funding.append(row)

    def _funding_paid(self, event: FundingPaid) -> None:
        row = FundingRow(
            event.id,
            event.market_id,
            event.quantums,
            event.payment,
            event.rate_ppm_8h,
            event.index,
            event.price,
            self.height,
            event.time_ns,
        )
        self.payments.setdefault(event.id, deque(maxlen=KEPT_TRADES)).append(row)
        position = self.positions.get((event.id, event.market_id))
        if position is not None:
            position.net_funding += event.payment

    # Messages of a block

    def _block_messages(
        self, pending: dict[SubaccountId, _Pending], transfers: list[TransferRow]
    ) -> list[Message]:
        messages = []
        for key, changes in pending.items():
            contents = views.subaccount_update(self, key, changes.orders, changes.fills)
            positions = [views.position_update(self, row) for row in changes.positions.values()]
            if positions:
                contents["perpetualPositions"] = positions
            messages.append(Message("v4_subaccounts", views.channel_id(key), contents))
        for row in transfers:
            for key in views.transfer_parties(row):
                contents = {
                    "transfers": views.transfer(row, key.owner, key.number),
                    "blockHeight": str(self.height),
                }
                messages.append(Message("v4_subaccounts", views.channel_id(key), contents))
        return messages

    def _trade_messages(self, trades: dict[int, list[TradeRow]]) -> list[Message]:
        messages = []
        for market_id, rows in trades.items():
            ticker = views.ticker(self, market_id)
            contents = {"trades": [views.trade_update(self, row) for row in rows]}
            messages.append(Message("v4_trades", ticker, contents))
            for resolution in RESOLUTIONS:
                candle = self.markets[market_id].candles.newest(resolution)
                if candle is not None:
                    shape = views.candle(self, market_id, resolution, candle)
                    messages.append(Message("v4_candles", f"{ticker}/{resolution}", shape))
        return messages

    def _market_messages(
        self, oracle: list[OracleUpdated], changed: dict[int, None]
    ) -> list[Message]:
        contents: Json = {}
        if changed:
            contents["trading"] = {
                views.ticker(self, market_id): views.trading(self, market_id)
                for market_id in changed
            }
        if oracle:
            contents["oraclePrices"] = {
                views.ticker(self, event.market_id): views.oracle_price(self, event)
                for event in oracle
            }
        for row in self.markets.values():
            while len(row.oracle) > 1 and row.oracle[1][0] <= self.time_ns - DAY_NS:
                row.oracle.popleft()
        return [Message("v4_markets", "", contents)] if contents else []
