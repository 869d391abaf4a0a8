"""Owns the events the state machine emits: what the indexer and its streams are built from."""

from collections.abc import Iterable
from dataclasses import dataclass

from .model import Order, OrderId, Side, SubaccountId

__all__ = [
    "BlockCommitted",
    "Event",
    "FillCommitted",
    "FundingPaid",
    "FundingRateSet",
    "LevelChanged",
    "MarketChanged",
    "OracleUpdated",
    "OrderExpired",
    "OrderFilled",
    "OrderPlaced",
    "OrderRemoved",
    "OrderUpdated",
    "StatefulPlaced",
    "StatefulRemoved",
    "StatefulTriggered",
    "SubaccountChanged",
    "TransferCommitted",
    "split_block",
]


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """An order was accepted by CheckTx (best effort)."""

    order: Order


@dataclass(frozen=True, slots=True)
class OrderUpdated:
    """An order matched optimistically; total filled so far in base quantums."""

    id: OrderId
    filled: int


@dataclass(frozen=True, slots=True)
class OrderRemoved:
    """An order left the book for `reason` before expiry (best effort)."""

    order: Order
    reason: str
    filled: int


@dataclass(frozen=True, slots=True)
class OrderExpired:
    """A short-term order's goodTilBlock was reached. The venue sends no message about it."""

    order: Order


@dataclass(frozen=True, slots=True)
class StatefulPlaced:
    """A block included a stateful order."""

    order: Order


@dataclass(frozen=True, slots=True)
class StatefulTriggered:
    """The oracle price of a block reached a conditional order."""

    order: Order


@dataclass(frozen=True, slots=True)
class StatefulRemoved:
    """A stateful order left the state for `reason`; total filled in base quantums."""

    order: Order
    reason: str
    filled: int


@dataclass(frozen=True, slots=True)
class LevelChanged:
    """Total size resting at a price, absolute; 0 removes the level."""

    market_id: int
    side: Side
    subticks: int
    quantums: int


@dataclass(frozen=True, slots=True)
class FillCommitted:
    """Both sides of a committed fill. Quote and fees in quote quantums (fee > 0 is paid)."""

    market_id: int
    taker: Order
    maker: Order
    quantums: int
    subticks: int
    quote: int
    taker_fee: int
    maker_fee: int
    taker_filled: int  # total of the order after this fill
    maker_filled: int
    event_index: int  # unique within the block
    transaction: str  # hash of the taker's transaction


@dataclass(frozen=True, slots=True)
class OrderFilled:
    """Committed total of an order after a block's fills."""

    order: Order
    filled: int
    resting: bool


@dataclass(frozen=True, slots=True)
class SubaccountChanged:
    """A committed subaccount changed; read it from the state."""

    id: SubaccountId


@dataclass(frozen=True, slots=True)
class TransferCommitted:
    """USDC moved; a party is a subaccount or a wallet (number None)."""

    sender: str
    sender_number: int | None
    recipient: str
    recipient_number: int | None
    amount: int
    event_index: int
    transaction: str


@dataclass(frozen=True, slots=True)
class FundingPaid:
    """What one hour's index move owes a position (> 0 is received), floored, quote quantums."""

    id: SubaccountId
    market_id: int
    quantums: int
    payment: int
    rate_ppm_8h: int
    index: int
    price: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class FundingRateSet:
    """An hourly funding tick of a market. Rate in ppm per 8 hours."""

    market_id: int
    rate_ppm_8h: int
    price: int
    index: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class OracleUpdated:
    """The block's oracle price of a market, in the market's exponent."""

    market_id: int
    price: int


@dataclass(frozen=True, slots=True)
class MarketChanged:
    """A market's parameters or status changed."""

    market_id: int


@dataclass(frozen=True, slots=True)
class BlockCommitted:
    """The block is complete; every event since the previous one belongs to it."""

    height: int
    time_ns: int


Event = (
    OrderPlaced
    | OrderUpdated
    | OrderRemoved
    | OrderExpired
    | LevelChanged
    | FillCommitted
    | OrderFilled
    | StatefulPlaced
    | StatefulRemoved
    | StatefulTriggered
    | SubaccountChanged
    | TransferCommitted
    | FundingPaid
    | FundingRateSet
    | OracleUpdated
    | MarketChanged
    | BlockCommitted
)


def split_block(events: Iterable[Event]) -> tuple[list[Event], list[Event]]:
    """Return a block's events, its header last, and what the node did after it; the first is
    empty where there is no block."""
    listed = list(events)
    ends = [n for n, event in enumerate(listed) if isinstance(event, BlockCommitted)]
    cut = ends[-1] + 1 if ends else 0
    return listed[:cut], listed[cut:]
