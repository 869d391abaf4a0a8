"""Wire <-> domain: the one place where Decimal lives; a remainder of a parse is a WireError."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Context, Decimal, Inexact, InvalidOperation

import msgspec

from keeper.domain.errors import WireError
from keeper.domain.events import (
    BookLevel,
    FillReceived,
    MarketFacts,
    OpenOrder,
    OraclePriced,
    OrderUpdated,
    VenueBlock,
    VenueTransfer,
)
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Liquidity, Side
from keeper.domain.units import NS_PER_MS
from keeper.venues.dydx import wire

__all__ = [
    "book_levels",
    "fill_received",
    "iso_ns",
    "market_facts",
    "open_order",
    "oracle_priced",
    "order_updated",
    "patched_market",
    "perpetual_market",
    "quantums_of",
    "scaled",
    "snapshot_levels",
    "subticks_of",
    "venue_block",
    "venue_transfer",
    "whole",
]

_QUOTE_EXPONENT = -6
_PPM_EXPONENT = -6
_RATE_EXPONENT = -9
_EXACT = Context(prec=80, traps=[Inexact, InvalidOperation])
_DERIVED_PRICE = {"DELEVERAGED", "OFFSETTING"}
"""Fill types whose price the indexer derives by a division, so that it is no whole subtick."""
_DERIVED_TOLERANCE = Decimal("0.001")
_INWARD = {"DEPOSIT", "TRANSFER_IN"}
_OUTWARD = {"WITHDRAWAL", "TRANSFER_OUT"}
_MOST_DIGITS = 60


def _decimal(text: str) -> Decimal:
    try:
        number = _EXACT.create_decimal(text)
    except (InvalidOperation, Inexact) as error:
        raise WireError(f"{text!r} is not a decimal number") from error
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
        raise WireError(f"{text!r} is not a number of sensible size")
    return number


def whole(text: str) -> int:
    """Parse an integer sent as text. Raises WireError."""
    return scaled(text, 0)


def scaled(text: str, exponent: int) -> int:
    """Parse a decimal into units of 10^exponent. Raises WireError on a remainder."""
    number = _decimal(text).scaleb(-exponent, _EXACT)
    units = int(number)
    if number != units:
        raise WireError(f"{text} is not a whole multiple of 1e{exponent}")
    return units


def quantums_of(market: PerpetualMarket, size: str) -> int:
    """Convert a size in base units to base quantums. Raises WireError."""
    return scaled(size, market.atomic_resolution)


def subticks_of(market: PerpetualMarket, price: str) -> int:
    """Convert a price in USDC to subticks. Raises WireError."""
    return scaled(price, _subtick_exponent(market))


def _subtick_exponent(market: PerpetualMarket) -> int:
    return market.quantum_conversion_exponent + _QUOTE_EXPONENT - market.atomic_resolution


def perpetual_market(
    market: wire.Market, oracle_exponent: int, min_price_change_ppm: int
) -> PerpetualMarket:
    """Combine the indexer's market with the chain's oracle parameters. Raises WireError."""
    return PerpetualMarket(
        ticker=market.ticker,
        clob_pair_id=whole(market.clob_pair_id),
        atomic_resolution=market.atomic_resolution,
        quantum_conversion_exponent=market.quantum_conversion_exponent,
        step_base_quantums=market.step_base_quantums,
        subticks_per_tick=market.subticks_per_tick,
        oracle_exponent=oracle_exponent,
        min_price_change_ppm=min_price_change_ppm,
        initial_margin_ppm=scaled(market.initial_margin_fraction, _PPM_EXPONENT),
        maintenance_margin_ppm=scaled(market.maintenance_margin_fraction, _PPM_EXPONENT),
        status=market.status,
    )


def patched_market(market: PerpetualMarket, patch: wire.MarketPatch) -> PerpetualMarket:
    """Apply what changed of a market. Raises WireError."""
    changes: dict[str, str | int] = {}
    if patch.status is not None:
        changes["status"] = patch.status
    if patch.step_base_quantums is not None:
        changes["step_base_quantums"] = patch.step_base_quantums
    if patch.subticks_per_tick is not None:
        changes["subticks_per_tick"] = patch.subticks_per_tick
    if patch.initial_margin_fraction is not None:
        changes["initial_margin_ppm"] = scaled(patch.initial_margin_fraction, _PPM_EXPONENT)
    if patch.maintenance_margin_fraction is not None:
        changes["maintenance_margin_ppm"] = scaled(patch.maintenance_margin_fraction, _PPM_EXPONENT)
    return msgspec.structs.replace(market, **changes)


def market_facts(
    market: PerpetualMarket,
    source: str,
    told: wire.Market | wire.MarketPatch,
    before: MarketFacts | None,
) -> MarketFacts | None:
    """Read a market's size and funding; what is not told stays as before. Raises WireError.

    None when nothing of it is told, or when it is not all known yet.
    """
    texts = (told.open_interest, told.volume_24h, told.next_funding_rate)
    if not any(text is not None for text in texts):
        return None
    if before is None and any(text is None for text in texts):
        return None
    exponents = (market.atomic_resolution, _QUOTE_EXPONENT, _RATE_EXPONENT)
    known = (
        (0, 0, 0)
        if before is None
        else (before.open_interest, before.volume_quote_quantums, before.funding_ppb_per_hour)
    )
    interest, volume, funding = (
        old if text is None else _floored(text, exponent)
        for text, exponent, old in zip(texts, exponents, known, strict=True)
    )
    return MarketFacts(
        market=market.ticker,
        source=source,
        open_interest=interest,
        volume_quote_quantums=volume,
        funding_ppb_per_hour=funding,
    )


def _floored(text: str, exponent: int) -> int:
    """Parse a decimal into units of 10^exponent, rounded down: a statistic, no amount of ours."""
    number = _decimal(text).scaleb(-exponent, _EXACT)
    return int(number.to_integral_value(rounding=ROUND_FLOOR))


def snapshot_levels(
    market: PerpetualMarket, levels: Iterable[wire.PriceLevel]
) -> tuple[BookLevel, ...]:
    """Convert one side of a snapshot. Raises WireError."""
    return tuple(
        BookLevel(subticks_of(market, level.price), quantums_of(market, level.size))
        for level in levels
    )


def book_levels(market: PerpetualMarket, levels: Iterable[list[str]]) -> tuple[BookLevel, ...]:
    """Convert one side of a change; entries are [price, size] or [price, size, offset]."""
    result = []
    for level in levels:
        if len(level) < 2:
            raise WireError(f"book level {level} has no size")
        result.append(BookLevel(subticks_of(market, level[0]), quantums_of(market, level[1])))
    return tuple(result)


def oracle_priced(market: PerpetualMarket, source: str, price: wire.OraclePrice) -> OraclePriced:
    """Convert an oracle price to the market's oracle exponent. Raises WireError."""
    return OraclePriced(
        market=market.ticker,
        source=source,
        price=scaled(price.oracle_price, market.oracle_exponent),
        height=whole(price.effective_at_height),
    )


def venue_block(block: wire.BlockHeight) -> VenueBlock:
    """Convert a block height message (either spelling). Raises WireError."""
    height = block.block_height if block.block_height is not None else block.height
    if height is None:
        raise WireError("a block height message carries no height")
    return VenueBlock(height=whole(height), time_ns=iso_ns(block.time))


def iso_ns(text: str) -> int:
    """Parse an ISO-8601 UTC time of millisecond precision into unix nanoseconds."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise WireError(f"{text!r} is not an ISO-8601 time") from error
    if moment.tzinfo is None or moment.microsecond % 1000:
        raise WireError(f"{text!r} is not a time in UTC milliseconds")
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    milliseconds = (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000
    return milliseconds * NS_PER_MS


def _told_ns(text: str | None) -> int:
    return 0 if text is None else iso_ns(text)


def _side(text: str) -> Side:
    try:
        return Side(text)
    except ValueError as error:
        raise WireError(f"side {text!r} is neither BUY nor SELL") from error


def order_updated(market: PerpetualMarket, order: wire.Order) -> OrderUpdated:
    """Convert the venue's word on an order. Raises WireError.

    Only committed fills count: an optimistic total may still be undone by the next block.
    """
    filled = 0 if order.total_filled is None else quantums_of(market, order.total_filled)
    until = None if order.good_til_block is None else whole(order.good_til_block)
    return OrderUpdated(
        market=market.ticker,
        client_id=whole(order.client_id),
        status=order.status,
        total_filled_quantums=filled,
        good_til_block=until,
        removal_reason=order.removal_reason or "",
    )


def open_order(market: PerpetualMarket, order: wire.Order) -> OpenOrder:
    """Convert an open short-term order. Raises WireError when a field is absent."""
    if (
        order.side is None
        or order.size is None
        or order.price is None
        or order.good_til_block is None
    ):
        raise WireError(f"open order {order.id} is not complete")
    filled = 0 if order.total_filled is None else quantums_of(market, order.total_filled)
    return OpenOrder(
        market=market.ticker,
        client_id=whole(order.client_id),
        side=_side(order.side),
        quantums=quantums_of(market, order.size),
        filled_quantums=filled,
        subticks=subticks_of(market, order.price),
        good_til_block=whole(order.good_til_block),
    )


def fill_received(
    markets: Mapping[str, PerpetualMarket], fill: wire.Fill, client_id: int | None
) -> FillReceived:
    """Convert a committed fill. Raises WireError on an unknown market or a remainder.

    Deleveraging fills carry a derived price: their quote amount is exact, `subticks` rounds down.
    """
    market = markets.get(fill.ticker or fill.market or "")
    if market is None:
        raise WireError(f"fill {fill.id} is in {fill.ticker or fill.market}, not configured")
    quantums = quantums_of(market, fill.size)
    quote = _quote_amount(fill)
    if fill.type in _DERIVED_PRICE:
        subticks = int(_decimal(fill.price).scaleb(-_subtick_exponent(market), _EXACT))
    else:
        subticks = subticks_of(market, fill.price)
    return FillReceived(
        fill_id=fill.id,
        market=market.ticker,
        client_id=client_id,
        side=_side(fill.side),
        quantums=quantums,
        subticks=subticks,
        quote_quantums=quote,
        fee_quote_quantums=scaled(fill.fee, _QUOTE_EXPONENT),
        liquidity=_liquidity(fill.liquidity),
        kind=fill.type,
        height=whole(fill.created_at_height),
        time_ns=_told_ns(fill.created_at),
    )


def _quote_amount(fill: wire.Fill) -> int:
    product = _EXACT.multiply(_decimal(fill.price), _decimal(fill.size))
    if fill.type not in _DERIVED_PRICE:
        return scaled(str(product), _QUOTE_EXPONENT)
    amount = product.scaleb(-_QUOTE_EXPONENT, _EXACT)
    nearest = amount.to_integral_value()
    if abs(amount - nearest) > _DERIVED_TOLERANCE:
        raise WireError(f"fill {fill.id}: {fill.price} * {fill.size} is no amount of USDC")
    return int(nearest)


def _liquidity(text: str) -> Liquidity:
    try:
        return Liquidity(text)
    except ValueError as error:
        raise WireError(f"liquidity {text!r} is neither MAKER nor TAKER") from error


def venue_transfer(transfer: wire.Transfer, address: str, number: int) -> VenueTransfer:
    """Convert a transfer into (+) or out of (-) the subaccount. Raises WireError."""
    if transfer.symbol != "USDC":
        raise WireError(f"transfer {transfer.id} is in {transfer.symbol}, not USDC")
    amount = scaled(transfer.size, _QUOTE_EXPONENT)
    if transfer.type in _INWARD:
        us, other, signed = transfer.recipient, transfer.sender, amount
    elif transfer.type in _OUTWARD:
        us, other, signed = transfer.sender, transfer.recipient, -amount
    else:
        raise WireError(f"transfer {transfer.id} is of unknown type {transfer.type}")
    if us != wire.Party(address=address, subaccount_number=number):
        raise WireError(f"transfer {transfer.id} does not move this subaccount's collateral")
    suffix = "" if other.subaccount_number is None else f"/{other.subaccount_number}"
    return VenueTransfer(
        transfer_id=transfer.id,
        quote_quantums=signed,
        counterparty=other.address + suffix,
        height=whole(transfer.created_at_height),
        time_ns=_told_ns(transfer.created_at),
    )
