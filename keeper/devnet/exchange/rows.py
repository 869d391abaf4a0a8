"""Owns the indexer's rows: orders, fills, trades, positions, transfers, funding."""

from dataclasses import dataclass

from .model import Order, Side, SubaccountId

__all__ = [
    "FillRow",
    "FundingRow",
    "HistoricalFundingRow",
    "OrderRow",
    "PositionRow",
    "TradeRow",
    "TransferRow",
]


@dataclass(slots=True)
class OrderRow:
    """What the indexer knows of an order. `created_height` is 0 until it reaches a block.

    `filled` counts committed fills, `optimistic` those of the node's book, in base quantums.
    """

    order: Order
    status: str
    filled: int = 0
    optimistic: int = 0
    removal_reason: str = ""
    created_height: int = 0
    updated_height: int = 0
    updated_ns: int = 0


@dataclass(frozen=True, slots=True)
class FillRow:
    """One side of a committed fill."""

    id: str
    event_id: str
    key: SubaccountId
    order: Order
    liquidity: str
    kind: str
    market_id: int
    quantums: int
    subticks: int
    quote: int
    fee: int
    height: int
    time_ns: int
    transaction: str
    position_before: int  # base quantums


@dataclass(frozen=True, slots=True)
class TradeRow:
    """A committed trade; side of the taker."""

    event_id: str
    market_id: int
    side: Side
    quantums: int
    subticks: int
    quote: int
    height: int
    time_ns: int
    kind: str = "LIMIT"


@dataclass(slots=True)
class PositionRow:
    """A position from opening to closing. Sums in base quantums, costs in quantums x subticks."""

    key: SubaccountId
    market_id: int
    opened_height: int
    opened_ns: int
    event_id: str
    quantums: int = 0
    max_quantums: int = 0
    sum_open: int = 0
    open_cost: int = 0
    sum_close: int = 0
    close_cost: int = 0
    net_funding: int = 0  # quote quantums
    closed_height: int = 0
    closed_ns: int = 0
    side: Side = Side.BUY

    def fill(self, quantums: int, subticks: int) -> None:
        """Add a fill that does not change the position's side (base quantums, signed)."""
        size = abs(quantums)
        if self.quantums == 0 or (quantums > 0) == (self.quantums > 0):
            self.side = Side.BUY if quantums > 0 else Side.SELL
            self.sum_open += size
            self.open_cost += size * subticks
        else:
            self.sum_close += size
            self.close_cost += size * subticks
        self.quantums += quantums
        if abs(self.quantums) > abs(self.max_quantums):
            self.max_quantums = self.quantums


@dataclass(frozen=True, slots=True)
class TransferRow:
    """A transfer the indexer lists. A number is None where the party is a wallet."""

    id: str
    sender: str
    sender_number: int | None
    recipient: str
    recipient_number: int | None
    amount: int
    height: int
    time_ns: int
    transaction: str

    def kind(self, address: str, number: int | None) -> str:
        """Return the type as seen from one party."""
        if self.sender_number is None:
            return "DEPOSIT"
        if self.recipient_number is None:
            return "WITHDRAWAL"
        mine = (self.sender, self.sender_number)
        return "TRANSFER_OUT" if mine == (address, number) else "TRANSFER_IN"


@dataclass(frozen=True, slots=True)
class FundingRow:
    """What one funding tick owed a position; payment in quote quantums."""

    key: SubaccountId
    market_id: int
    quantums: int
    payment: int
    rate_ppm_8h: int
    index: int
    price: int
    height: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class HistoricalFundingRow:
    """One funding tick of a market."""

    market_id: int
    rate_ppm_8h: int
    price: int
    height: int
    time_ns: int
