"""What a venue tells about its markets: listings, sizes, books, prices, blocks."""

import msgspec

from keeper.domain.instruments import PerpetualMarket

__all__ = [
    "BookLevel",
    "BookUpdated",
    "LeaderQuoted",
    "MarketFacts",
    "MarketListed",
    "OraclePriced",
    "VenueBlock",
]


class MarketListed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A market's parameters, at start and at each change. Key: (ticker, content)."""

    market: PerpetualMarket


class MarketFacts(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How large a market is and what it pays, as the venue last told. Key: (market, content).

    Open interest in base quantums, the volume of 24 hours in quote quantums, both rounded down;
    the next funding rate in 1e-9 an hour, positive: longs pay.
    """

    market: str
    source: str
    open_interest: int
    volume_quote_quantums: int
    funding_ppb_per_hour: int


class BookLevel(msgspec.Struct, frozen=True, array_like=True):
    """One price level: subticks, base quantums (0 removes)."""

    subticks: int
    quantums: int


class BookUpdated(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Absolute level changes of one book; a snapshot replaces it. Key: source_seq per source."""

    market: str
    source: str
    source_seq: int
    snapshot: bool
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]


class OraclePriced(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The venue's oracle price: integer at the market's oracle_exponent. Key: (market, height)."""

    market: str
    source: str
    price: int
    height: int


class LeaderQuoted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Best bid and ask on the market that leads ours, in 1e-8 of its own price and size.

    `market` is ours. Key: source_seq per source and market.
    """

    market: str
    source: str
    source_seq: int
    bid_e8: int
    bid_size_e8: int
    ask_e8: int
    ask_size_e8: int


class VenueBlock(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A committed block of the CLOB venue; time in unix nanoseconds. Key: height."""

    height: int
    time_ns: int
