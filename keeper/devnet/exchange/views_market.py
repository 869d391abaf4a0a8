"""Owns the JSON shapes of markets: books, trades, candles, funding, oracle prices, height."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from .config import QUOTE_RESOLUTION, MarketConfig
from .decimals import fixed, fraction, iso
from .events import LevelChanged, OracleUpdated
from .margin import initial_margin_ppm
from .model import MarketStatus, MarketType, Side

if TYPE_CHECKING:
    from .candles import Candle
    from .rows import HistoricalFundingRow, TradeRow
    from .tables import Tables

Json = dict[str, Any]
PPM = 1_000_000
DAY_NS = 86_400 * 10**9


def market_of(ix: Tables, market_id: int) -> MarketConfig:
    """Return a market's current parameters. Raises KeyError."""
    market = ix.state.markets.get(market_id)
    if market is None:
        raise KeyError(market_id)
    return market


def ticker(ix: Tables, market_id: int) -> str:
    """Return a market's ticker."""
    return market_of(ix, market_id).ticker


def price(market: MarketConfig, subticks: int) -> str:
    """Return a price in USD."""
    return fixed(subticks, market.price_exponent)


def size(market: MarketConfig, quantums: int) -> str:
    """Return a size in base units."""
    return fixed(quantums, market.atomic_resolution)


def usd(quote_quantums: int) -> str:
    """Return an amount in USDC."""
    return fixed(quote_quantums, QUOTE_RESOLUTION)


def hourly(rate_ppm_8h: int) -> str:
    """Return an hourly rate of an 8-hour rate in ppm."""
    return fraction(Fraction(rate_ppm_8h, 8 * PPM))


# Markets


def trading(ix: Tables, market_id: int) -> Json:
    """Return a market without its oracle price, as streamed."""
    return {"id": str(market_id), "marketId": market_id, **_market(ix, market_id)}


def _market(ix: Tables, market_id: int) -> Json:
    market = market_of(ix, market_id)
    perpetual = ix.state.perpetuals.get(market_id)
    interest = perpetual.open_interest if perpetual else 0
    oracle = ix.state.prices.get(market_id) or 0
    margin = initial_margin_ppm(market, oracle, interest)
    maintenance = market.initial_margin_ppm * market.maintenance_fraction_ppm
    row = ix.markets[market_id]
    trades, volume = row.day.at(ix.time_ns)
    return {
        "clobPairId": str(market.id),
        "ticker": market.ticker,
        "status": MarketStatus(market.status).name,
        "priceChange24H": fixed(oracle - row.oracle[0][1], market.oracle_exponent),
        "volume24H": usd(volume),
        "trades24H": trades,
        "nextFundingRate": hourly(ix.rates.get(market_id, 0)),
        "initialMarginFraction": fixed(margin, -6),
        "maintenanceMarginFraction": fixed(maintenance, -12),
        "openInterest": size(market, interest),
        "atomicResolution": market.atomic_resolution,
        "quantumConversionExponent": market.quantum_conversion_exponent,
        "tickSize": price(market, market.subticks_per_tick),
        "stepSize": size(market, market.step_base_quantums),
        "stepBaseQuantums": market.step_base_quantums,
        "subticksPerTick": market.subticks_per_tick,
        "marketType": MarketType(market.market_type).name,
        "openInterestLowerCap": usd(market.open_interest_lower_cap),
        "openInterestUpperCap": usd(market.open_interest_upper_cap),
        "baseOpenInterest": size(market, interest),
        "defaultFundingRate1H": hourly(market.default_funding_ppm),
    }


def perpetual_market(ix: Tables, market_id: int) -> Json:
    """Return a market as /perpetualMarkets lists it."""
    market = market_of(ix, market_id)
    oracle = ix.state.prices.get(market_id) or 0
    return {
        **_market(ix, market_id),
        "oraclePrice": fixed(oracle, market.oracle_exponent),
    }


def oracle_price(ix: Tables, event: OracleUpdated) -> Json:
    """Return an oracle price as streamed."""
    market = market_of(ix, event.market_id)
    return {
        "oraclePrice": fixed(event.price, market.oracle_exponent),
        "effectiveAt": iso(ix.time_ns),
        "effectiveAtHeight": str(ix.height),
        "marketId": event.market_id,
    }


def orderbook(ix: Tables, market_id: int, depth: int = 100) -> Json:
    """Return the best `depth` levels a side."""
    market = market_of(ix, market_id)
    levels = ix.markets[market_id].levels
    sides = {}
    for name, side in (("bids", Side.BUY), ("asks", Side.SELL)):
        ordered = sorted(levels[side].items(), reverse=side is Side.BUY)[:depth]
        sides[name] = [{"price": price(market, p), "size": size(market, q)} for p, q in ordered]
    return sides


def level(ix: Tables, event: LevelChanged) -> list[str]:
    """Return one level's absolute size as streamed."""
    market = market_of(ix, event.market_id)
    return [price(market, event.subticks), size(market, event.quantums)]


def trade_update(ix: Tables, row: TradeRow) -> Json:
    """Return a trade as streamed."""
    market = market_of(ix, row.market_id)
    return {
        "id": row.event_id,
        "size": size(market, row.quantums),
        "price": price(market, row.subticks),
        "side": row.side.name,
        "createdAt": iso(row.time_ns),
        "type": row.kind,
    }


def trade(ix: Tables, row: TradeRow) -> Json:
    """Return a trade as listed."""
    return {**trade_update(ix, row), "createdAtHeight": str(row.height)}


def candle(ix: Tables, market_id: int, resolution: str, row: Candle) -> Json:
    """Return a candle."""
    market = market_of(ix, market_id)
    shape: Json = {
        "startedAt": iso(row.started_ns),
        "ticker": market.ticker,
        "resolution": resolution,
        "low": price(market, row.low),
        "high": price(market, row.high),
        "open": price(market, row.open),
        "close": price(market, row.close),
        "baseTokenVolume": size(market, row.base_volume),
        "usdVolume": usd(row.quote_volume),
        "trades": row.trades,
        "startingOpenInterest": size(market, row.starting_open_interest),
    }
    for name, twice in (
        ("orderbookMidPriceOpen", row.mid_open),
        ("orderbookMidPriceClose", row.mid_close),
    ):
        shape[name] = fixed(twice * 5, market.price_exponent - 1) if twice else None
    return shape


def historical_funding(ix: Tables, row: HistoricalFundingRow) -> Json:
    """Return a funding tick of a market."""
    market = market_of(ix, row.market_id)
    return {
        "ticker": market.ticker,
        "rate": hourly(row.rate_ppm_8h),
        "price": fixed(row.price, market.oracle_exponent),
        "effectiveAtHeight": str(row.height),
        "effectiveAt": iso(row.time_ns),
    }


def block(ix: Tables) -> Json:
    """Return the height as /height answers."""
    return {"height": str(ix.height), "time": iso(ix.time_ns + ix.clock_ns)}


def block_update(ix: Tables) -> Json:
    """Return the height as streamed; its key differs from /height's."""
    return {"blockHeight": str(ix.height), "time": iso(ix.time_ns + ix.clock_ns)}
