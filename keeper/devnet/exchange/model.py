"""Owns the exchange's value types: ids, orders, accounts, positions, blocks. Integers only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

__all__ = [
    "Account",
    "AuthenticatorEntry",
    "Block",
    "Condition",
    "MarketStatus",
    "MarketType",
    "Order",
    "OrderFlags",
    "OrderId",
    "Perpetual",
    "Position",
    "Removal",
    "Side",
    "StatefulOrder",
    "Subaccount",
    "SubaccountId",
    "TimeInForce",
]

USDC_DENOM = "ibc/8E27BA2D5493AF5636760E354E46004562C46AB7EC0CC4C1CA14E9E20E2545B5"


class Side(IntEnum):
    """Side of an order; values are those of the wire."""

    BUY = 1
    SELL = 2

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """The side an order of this side trades with."""
        return Side.SELL if self is Side.BUY else Side.BUY


class TimeInForce(IntEnum):
    """Time in force; values are those of the wire."""

    GTT = 0
    IOC = 1
    POST_ONLY = 2
    FILL_OR_KILL = 3


class MarketStatus(IntEnum):
    """Status of a market; values are those of the wire."""

    ACTIVE = 1
    PAUSED = 2
    CANCEL_ONLY = 3
    POST_ONLY = 4
    INITIALIZING = 5
    FINAL_SETTLEMENT = 6


class OrderFlags(IntEnum):
    """Kind of an order. Negative ones are the chain's own and never on the wire."""

    DELEVERAGING = -2
    LIQUIDATION = -1
    SHORT_TERM = 0
    CONDITIONAL = 32
    LONG_TERM = 64


class Condition(IntEnum):
    """What a conditional order waits for; values are those of the wire."""

    NONE = 0
    STOP_LOSS = 1
    TAKE_PROFIT = 2


class MarketType(IntEnum):
    """Whether a market's collateral is shared with others; values are those of the wire."""

    CROSS = 1
    ISOLATED = 2


class Removal:
    """Reasons an order leaves the book, as the indexer names them."""

    USER_CANCELED = "ORDER_REMOVAL_REASON_USER_CANCELED"
    UNDERCOLLATERALIZED = "ORDER_REMOVAL_REASON_UNDERCOLLATERALIZED"
    SELF_TRADE = "ORDER_REMOVAL_REASON_SELF_TRADE_ERROR"
    POST_ONLY = "ORDER_REMOVAL_REASON_POST_ONLY_WOULD_CROSS_MAKER_ORDER"
    WOULD_REST = "ORDER_REMOVAL_REASON_IMMEDIATE_OR_CANCEL_WOULD_REST_ON_BOOK"
    REDUCE_ONLY = "ORDER_REMOVAL_REASON_REDUCE_ONLY_RESIZE"
    REPLACED = "ORDER_REMOVAL_REASON_REPLACED"
    EXPIRED = "ORDER_REMOVAL_REASON_EXPIRED"
    FULLY_FILLED = "ORDER_REMOVAL_REASON_FULLY_FILLED"
    FINAL_SETTLEMENT = "ORDER_REMOVAL_REASON_FINAL_SETTLEMENT"
    ISOLATED = "ORDER_REMOVAL_REASON_VIOLATES_ISOLATED_SUBACCOUNT_CONSTRAINTS"


@dataclass(frozen=True, slots=True, order=True)
class SubaccountId:
    """One margin account of an owner."""

    owner: str
    number: int


@dataclass(frozen=True, slots=True, order=True)
class OrderId:
    """Identity of an order: what a replacement and a cancel name."""

    subaccount: SubaccountId
    client_id: int
    flags: int
    clob_pair_id: int


@dataclass(frozen=True, slots=True)
class Order:
    """One version of an order. Sizes in base quantums, prices in subticks, time in seconds.

    Short-term orders live to a block, stateful ones to a time; the other of the two is zero.
    """

    id: OrderId
    side: Side
    quantums: int
    subticks: int
    good_til_block: int
    time_in_force: TimeInForce
    reduce_only: bool
    client_metadata: int
    digest: bytes  # sha256 of the order's wire bytes: breaks ties between replacements
    good_til_time: int = 0
    condition: Condition = Condition.NONE
    trigger_subticks: int = 0

    @property
    def is_stateful(self) -> bool:
        """Whether the order lives in committed state until a time."""
        return self.id.flags > OrderFlags.SHORT_TERM

    @property
    def is_own(self) -> bool:
        """Whether somebody placed it: not the chain, liquidating or deleveraging."""
        return self.id.flags >= OrderFlags.SHORT_TERM

    @property
    def priority(self) -> tuple[int, bytes]:
        """What a replacement must exceed."""
        return (self.good_til_block, self.digest)


@dataclass(frozen=True, slots=True)
class StatefulOrder:
    """A stateful order in committed state; `live` ends with its removal."""

    order: Order
    triggered: bool
    live: bool = True


@dataclass(frozen=True, slots=True)
class Position:
    """A perpetual position. Base quantums, funding index in ppm, quote quantums."""

    quantums: int
    funding_index: int
    quote_balance: int


@dataclass(frozen=True, slots=True)
class Subaccount:
    """Collateral (USDC quantums, may be negative) and positions by perpetual id."""

    usdc: int = 0
    positions: Mapping[int, Position] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Account:
    """A wallet: what signatures and sequences are checked against."""

    number: int
    sequence: int = 0
    public_key: bytes = b""
    nonces: tuple[int, ...] = ()  # timestamp nonces remembered, ascending
    ejected_nonce: int = 0  # the greatest timestamp nonce forgotten


@dataclass(frozen=True, slots=True)
class AuthenticatorEntry:
    """One authenticator of an account: type and raw configuration."""

    id: int
    type: str
    config: bytes


@dataclass(frozen=True, slots=True)
class Perpetual:
    """State of one perpetual. Index in quote quantums x ppm per base quantum."""

    funding_index: int = 0
    open_interest: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """Header of a committed block."""

    height: int
    time_ns: int
    hash: bytes
    previous_hash: bytes
