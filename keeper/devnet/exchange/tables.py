"""Owns the indexer's tables: what it knows of markets, orders, fills, positions, transfers."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from .candles import CandleBook
from .config import QUOTE_RESOLUTION, ExchangeConfig
from .decimals import event_id, fill_uuid, order_uuid, power, transfer_uuid
from .events import (
    FillCommitted,
    FundingPaid,
    FundingRateSet,
    LevelChanged,
    OracleUpdated,
    OrderFilled,
    OrderRemoved,
    StatefulPlaced,
    StatefulRemoved,
    StatefulTriggered,
    TransferCommitted,
)
from .model import Condition, Order, OrderFlags, OrderId, Removal, Side, SubaccountId
from .pnl import PnlBook
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

__all__ = ["DayVolume", "MarketRow", "Tables"]

KEPT_ROWS = 20_000
KEPT_TRADES = 5_000
DAY_NS = 86_400 * 10**9
OPENED, OPEN, FILLED = "BEST_EFFORT_OPENED", "OPEN", "FILLED"
BEST_EFFORT_CANCELED, CANCELED = "BEST_EFFORT_CANCELED", "CANCELED"
UNTRIGGERED = "UNTRIGGERED"

TRADE_KINDS: dict[int, str] = {
    OrderFlags.LIQUIDATION: "LIQUIDATED",
    OrderFlags.DELEVERAGING: "DELEVERAGED",
}
FILL_KINDS: dict[tuple[int, str], str] = {  # by the taker's flags and the side's liquidity
    (OrderFlags.LIQUIDATION, "TAKER"): "LIQUIDATED",
    (OrderFlags.LIQUIDATION, "MAKER"): "LIQUIDATION",
    (OrderFlags.DELEVERAGING, "TAKER"): "DELEVERAGED",
    (OrderFlags.DELEVERAGING, "MAKER"): "OFFSETTING",
}


@dataclass(slots=True)
class DayVolume:
    """Trades of the last 24 hours: their number and quote quantums."""

    _trades: deque[tuple[int, int]] = field(default_factory=deque)  # (time ns, quote)
    _quote: int = 0

    def add(self, time_ns: int, quote: int) -> None:
        """Count a trade."""
        self._trades.append((time_ns, quote))
        self._quote += quote

    def at(self, time_ns: int) -> tuple[int, int]:
        """Return (number, quote quantums) as of a time that never goes back."""
        while self._trades and self._trades[0][0] <= time_ns - DAY_NS:
            self._quote -= self._trades.popleft()[1]
        return len(self._trades), self._quote


@dataclass(slots=True)
class MarketRow:
    """What the indexer derives for one market."""

    levels: dict[Side, dict[int, int]] = field(
        default_factory=lambda: {Side.BUY: {}, Side.SELL: {}}
    )
    trades: deque[TradeRow] = field(default_factory=lambda: deque(maxlen=KEPT_TRADES))
    day: DayVolume = field(default_factory=DayVolume)
    oracle: deque[tuple[int, int]] = field(default_factory=deque)  # (time ns, price)
    funding: deque[HistoricalFundingRow] = field(default_factory=lambda: deque(maxlen=KEPT_TRADES))
    candles: CandleBook = field(default_factory=CandleBook)

    def mid(self) -> int:
        """Return best bid + best ask in subticks (twice the mid), 0 where a side is empty."""
        bids, asks = self.levels[Side.BUY], self.levels[Side.SELL]
        return max(bids) + min(asks) if bids and asks else 0


class Tables:
    """Rows by their keys. Methods take one event each and return the row it made."""

    def __init__(self, config: ExchangeConfig, state: State, height: int, time_ns: int) -> None:
        self.config = config
        self.state = state
        self.height = height
        self.time_ns = time_ns
        self.clock_ns = 0  # added to the time of a block where it is told
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
        self.pnl = PnlBook()

    # Orders

    def place(self, order: Order) -> OrderRow:
        """An order was placed, best effort; a replacement keeps what the id has filled."""
        key = order_uuid(order.id)
        known = self.orders.pop(key, None)
        row = OrderRow(order, OPENED)
        if known is not None:
            row.filled, row.optimistic = known.filled, known.optimistic
            row.created_height = known.created_height
        self.orders[key] = row
        while len(self.orders) > KEPT_ROWS:
            self.orders.popitem(last=False)
        return row

    def update(self, order_id: OrderId, filled: int) -> None:
        """An order matched, best effort."""
        row = self.orders.get(order_uuid(order_id))
        if row is not None:
            row.optimistic = filled

    def remove(self, event: OrderRemoved) -> OrderRow:
        """An order left the book, best effort."""
        row = self.orders.setdefault(order_uuid(event.order.id), OrderRow(event.order, OPENED))
        row.order, row.optimistic = event.order, event.filled
        row.status, row.removal_reason = BEST_EFFORT_CANCELED, event.reason
        row.updated_ns, row.updated_height = self.time_ns, self.height
        return row

    def fill_order(self, event: OrderFilled) -> OrderRow:
        """A block committed fills of an order."""
        row = self.orders.setdefault(order_uuid(event.order.id), OrderRow(event.order, OPENED))
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
        return row

    def expire(self, order: Order) -> None:
        """Forget an order nobody hears about: only what traded stays, as canceled."""
        key = order_uuid(order.id)
        row = self.orders.get(key)
        if row is not None and row.filled:
            row.status = CANCELED
        elif row is not None:
            del self.orders[key]

    def stateful(self, event: StatefulPlaced | StatefulTriggered | StatefulRemoved) -> OrderRow:
        """A block placed, triggered or removed a stateful order."""
        order = event.order
        row = self.orders.setdefault(order_uuid(order.id), OrderRow(order, OPEN))
        row.order = order
        row.created_height = row.created_height or self.height
        row.updated_height, row.updated_ns = self.height, self.time_ns
        match event:
            case StatefulPlaced():
                row.status = OPEN if order.condition is Condition.NONE else UNTRIGGERED
                row.removal_reason = ""
            case StatefulTriggered():
                row.status = OPEN
            case StatefulRemoved():
                filled = event.reason == Removal.FULLY_FILLED
                row.status = FILLED if filled else CANCELED
                row.removal_reason = "" if filled else event.reason
        return row

    def level(self, event: LevelChanged) -> None:
        """A level of a book changed."""
        side = self.markets[event.market_id].levels[event.side]
        if event.quantums:
            side[event.subticks] = event.quantums
        else:
            side.pop(event.subticks, None)

    # Fills and positions

    def fill(self, event: FillCommitted) -> tuple[TradeRow, tuple[FillRow, FillRow]]:
        """A block committed a fill: a trade, and a row and a position for each side."""
        taker = self._side(event, event.taker, "TAKER", event.taker_fee)
        maker = self._side(event, event.maker, "MAKER", event.maker_fee)
        trade = TradeRow(
            taker.event_id,
            event.market_id,
            event.taker.side,
            event.quantums,
            event.subticks,
            event.quote,
            self.height,
            self.time_ns,
            TRADE_KINDS.get(event.taker.id.flags, "LIMIT"),
        )
        market = self.markets[event.market_id]
        market.trades.append(trade)
        market.day.add(self.time_ns, event.quote)
        perpetual = self.state.perpetuals.get(event.market_id)
        market.candles.add(trade, perpetual.open_interest if perpetual else 0, market.mid())
        return trade, (taker, maker)

    def _side(self, event: FillCommitted, order: Order, liquidity: str, fee: int) -> FillRow:
        key = order.id.subaccount
        identity = event_id(self.height, event.event_index)
        before = self.positions.get((key, event.market_id))
        row = FillRow(
            fill_uuid(identity, liquidity),
            identity,
            key,
            order,
            liquidity,
            FILL_KINDS.get((event.taker.id.flags, liquidity), "LIMIT"),
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
        self._move_position(row, order.side.sign * event.quantums)
        return row

    def _move_position(self, fill: FillRow, signed: int) -> None:
        """Add a fill to the position; one that turns it round closes it and opens another."""
        place = (fill.key, fill.market_id)
        row = self.positions.get(place) or self._open_position(fill)
        closing = row.quantums != 0 and (row.quantums > 0) != (signed > 0)
        first = min(abs(signed), abs(row.quantums)) if closing else abs(signed)
        step = first if signed > 0 else -first
        row.fill(step, fill.subticks)
        if row.quantums == 0:
            row.closed_height, row.closed_ns = self.height, self.time_ns
            del self.positions[place]
            self.closed.setdefault(fill.key, deque(maxlen=KEPT_TRADES)).append(row)
            if signed != step:
                self._open_position(fill).fill(signed - step, fill.subticks)

    def _open_position(self, fill: FillRow) -> PositionRow:
        row = PositionRow(fill.key, fill.market_id, self.height, self.time_ns, fill.event_id)
        self.positions[(fill.key, fill.market_id)] = row
        return row

    def position_after(self, key: SubaccountId, market_id: int) -> PositionRow | None:
        """Return the open position, else the one closed last."""
        row = self.positions.get((key, market_id))
        if row is not None:
            return row
        closed = (old for old in reversed(self.closed.get(key, ())) if old.market_id == market_id)
        return next(closed, None)

    # Transfers, funding, prices

    def transfer(self, event: TransferCommitted) -> TransferRow:
        """A block committed a transfer."""
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
        usd = event.amount * power(QUOTE_RESOLUTION)
        if event.sender_number is not None:
            self.pnl.transfer(SubaccountId(event.sender, event.sender_number), -usd)
        if event.recipient_number is not None:
            self.pnl.transfer(SubaccountId(event.recipient, event.recipient_number), usd)
        for address in {row.sender: None, row.recipient: None}:
            self.transfers.setdefault(address, deque(maxlen=KEPT_TRADES)).append(row)
        return row

    def funding_rate(self, event: FundingRateSet) -> None:
        """A market's hourly funding was set."""
        row = HistoricalFundingRow(
            event.market_id, event.rate_ppm_8h, event.price, self.height, event.time_ns
        )
        self.markets[event.market_id].funding.append(row)

    def funding_paid(self, event: FundingPaid) -> None:
        """An hour's funding fell due for a position."""
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

    def oracle(self, event: OracleUpdated) -> None:
        """A block set an oracle price; a day of them is kept."""
        kept = self.markets[event.market_id].oracle
        kept.append((self.time_ns, event.price))
        while len(kept) > 1 and kept[1][0] <= self.time_ns - DAY_NS:
            kept.popleft()
