"""Payload types of the indexer, as it sends them: numbers stay text until mapping reads them.

Unknown fields are ignored (the indexer adds some with every release); a known field of another
type, or a required one that is absent, is refused by `decode`.
"""

from typing import TypeVar

import msgspec

from keeper.domain.errors import WireError

__all__ = [
    "BlockHeight",
    "BookLevels",
    "BookSnapshot",
    "Compliance",
    "Envelope",
    "Fill",
    "Fills",
    "Height",
    "Market",
    "MarketPatch",
    "Markets",
    "MarketsUpdate",
    "OraclePrice",
    "Order",
    "Party",
    "PriceLevel",
    "SubaccountUpdate",
    "Transfer",
    "TransferNotice",
    "Transfers",
    "decode",
]

T = TypeVar("T")


class Envelope(msgspec.Struct, frozen=True):
    """Every websocket message; `contents` waits for its channel to be known."""

    type: str
    message_id: int
    connection_id: str = ""
    channel: str = ""
    id: str = ""
    contents: msgspec.Raw = msgspec.Raw(b"")
    message: str = ""


class PriceLevel(msgspec.Struct, frozen=True):
    """A level of a book snapshot."""

    price: str
    size: str


class BookSnapshot(msgspec.Struct, frozen=True):
    """Initial contents of v4_orderbook, and the REST order book."""

    bids: list[PriceLevel] = []
    asks: list[PriceLevel] = []


class BookLevels(msgspec.Struct, frozen=True):
    """A change of v4_orderbook: absolute sizes, "0" removes. Entries are [price, size, ...]."""

    bids: list[list[str]] = []
    asks: list[list[str]] = []


class Market(msgspec.Struct, frozen=True, rename="camel"):
    """A perpetual market."""

    clob_pair_id: str
    ticker: str
    status: str
    atomic_resolution: int
    quantum_conversion_exponent: int
    step_base_quantums: int
    subticks_per_tick: int
    initial_margin_fraction: str
    maintenance_margin_fraction: str
    oracle_price: str | None = None
    open_interest: str | None = None
    volume_24h: str | None = msgspec.field(default=None, name="volume24H")
    next_funding_rate: str | None = None


class Markets(msgspec.Struct, frozen=True):
    """Answer of /perpetualMarkets and initial contents of v4_markets."""

    markets: dict[str, Market]


class MarketPatch(msgspec.Struct, frozen=True, rename="camel"):
    """What changed of a market; absent fields stay as they are."""

    status: str | None = None
    step_base_quantums: int | None = None
    subticks_per_tick: int | None = None
    initial_margin_fraction: str | None = None
    maintenance_margin_fraction: str | None = None
    open_interest: str | None = None
    volume_24h: str | None = msgspec.field(default=None, name="volume24H")
    next_funding_rate: str | None = None


class OraclePrice(msgspec.Struct, frozen=True, rename="camel"):
    """An oracle price as of a block."""

    oracle_price: str
    effective_at_height: str


class MarketsUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """A change of v4_markets."""

    trading: dict[str, MarketPatch] | None = None
    oracle_prices: dict[str, OraclePrice] | None = None


class Order(msgspec.Struct, frozen=True, rename="camel"):
    """An order; a removal may carry little more than its identity and status."""

    id: str
    ticker: str
    status: str
    order_flags: str
    client_id: str
    side: str | None = None
    size: str | None = None
    price: str | None = None
    total_filled: str | None = None
    good_til_block: str | None = None
    removal_reason: str | None = None


class Fill(msgspec.Struct, frozen=True, rename="camel"):
    """A fill: the websocket says `ticker`, REST says `market`."""

    id: str
    side: str
    liquidity: str
    type: str
    price: str
    size: str
    fee: str
    created_at_height: str
    created_at: str | None = None
    order_id: str | None = None
    ticker: str | None = None
    market: str | None = None


class Fills(msgspec.Struct, frozen=True):
    """Answer of /fills, newest first."""

    fills: list[Fill]


class TransferNotice(msgspec.Struct, frozen=True, rename="camel"):
    """A transfer as the websocket tells it: without an id, so REST is asked for the whole."""

    created_at_height: str


class SubaccountUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """A change of v4_subaccounts; `transfers` is one object."""

    orders: list[Order] | None = None
    fills: list[Fill] | None = None
    transfers: TransferNotice | None = None


class Party(msgspec.Struct, frozen=True, rename="camel"):
    """One side of a transfer; a wallet has no subaccount number."""

    address: str
    subaccount_number: int | None = None


class Transfer(msgspec.Struct, frozen=True, rename="camel"):
    """A transfer as REST tells it."""

    id: str
    sender: Party
    recipient: Party
    size: str
    symbol: str
    type: str
    created_at_height: str
    created_at: str | None = None


class Transfers(msgspec.Struct, frozen=True):
    """Answer of /transfers, newest first."""

    transfers: list[Transfer]


class BlockHeight(msgspec.Struct, frozen=True, rename="camel"):
    """Contents of v4_block_height: the first message says `height`, later ones `blockHeight`."""

    time: str
    height: str | None = None
    block_height: str | None = None


class Compliance(msgspec.Struct, frozen=True):
    """Answer of /compliance/screen."""

    status: str


class SubaccountNumber(msgspec.Struct, frozen=True, rename="camel"):
    """One subaccount of an address."""

    subaccount_number: int


class Address(msgspec.Struct, frozen=True):
    """Answer of /addresses/ADDRESS."""

    subaccounts: list[SubaccountNumber]


class Height(msgspec.Struct, frozen=True):
    """Answer of /height."""

    height: str
    time: str


def decode(payload: bytes | str | msgspec.Raw, shape: type[T]) -> T:
    """Decode JSON into a payload type. Raises WireError."""
    try:
        return msgspec.json.decode(payload, type=shape)
    except msgspec.DecodeError as error:
        raise WireError(f"indexer payload is not a {shape.__name__}: {error}") from error
