"""Owns the dYdX query services about markets: clob pairs, perpetuals, prices, rate limits."""

from typing import Any

import grpc
from v4_proto.dydxprotocol.clob import query_pb2 as clob
from v4_proto.dydxprotocol.clob.block_rate_limit_config_pb2 import (
    BlockRateLimitConfiguration,
    MaxPerNBlocksRateLimit,
)
from v4_proto.dydxprotocol.clob.clob_pair_pb2 import ClobPair, PerpetualClobMetadata
from v4_proto.dydxprotocol.perpetuals import perpetual_pb2
from v4_proto.dydxprotocol.perpetuals import query_pb2 as perpetuals
from v4_proto.dydxprotocol.prices import query_pb2 as prices
from v4_proto.dydxprotocol.prices.market_param_pb2 import MarketParam
from v4_proto.dydxprotocol.prices.market_price_pb2 import MarketPrice

from .config import MarketConfig
from .rpc import Context, Route, RpcError
from .serializable import to_bytes

__all__ = ["MARKET_ROUTES", "market"]

CROSS = 1
MIN_CHANGE_PPM = 1_000


def market(context: Context, market_id: int) -> MarketConfig:
    """Return a market at the height asked for. Raises RpcError."""
    found = context.state.markets.get(market_id)
    if found is None:
        raise RpcError(grpc.StatusCode.NOT_FOUND, f"not found: {market_id}")
    return found


def markets(context: Context) -> list[MarketConfig]:
    """Return every market at the height asked for."""
    return [found for _, found in context.state.markets.items()]


def _clob_pair(found: MarketConfig) -> ClobPair:
    return ClobPair(
        id=found.id,
        perpetual_clob_metadata=PerpetualClobMetadata(perpetual_id=found.id),
        step_base_quantums=found.step_base_quantums,
        subticks_per_tick=found.subticks_per_tick,
        quantum_conversion_exponent=found.quantum_conversion_exponent,
        status=ClobPair.Status.ValueType(found.status),
    )


def clob_pair(context: Context, request: Any) -> Any:
    """Answer ClobPair."""
    return clob.QueryClobPairResponse(clob_pair=_clob_pair(market(context, request.id)))


def clob_pairs(context: Context, _: Any) -> Any:
    """Answer ClobPairAll."""
    return clob.QueryClobPairAllResponse(clob_pair=[_clob_pair(m) for m in markets(context)])


def equity_tiers(_: Context, __: Any) -> Any:
    """Answer EquityTierLimitConfiguration: stateful orders are not served, so no tier is set."""
    return clob.QueryEquityTierLimitConfigurationResponse()


def block_rate_limits(context: Context, _: Any) -> Any:
    """Answer BlockRateLimitConfiguration."""
    limits = [
        MaxPerNBlocksRateLimit(num_blocks=limit.blocks, limit=limit.limit)
        for limit in context.chain.config.place_cancel_limits
    ]
    return clob.QueryBlockRateLimitConfigurationResponse(
        block_rate_limit_config=BlockRateLimitConfiguration(
            max_short_term_orders_and_cancels_per_n_blocks=limits
        )
    )


def _perpetual(context: Context, found: MarketConfig) -> perpetual_pb2.Perpetual:
    state = context.state.perpetuals.get(found.id)
    if state is None:
        raise RpcError(grpc.StatusCode.NOT_FOUND, f"not found: {found.id}")
    return perpetual_pb2.Perpetual(
        params=perpetual_pb2.PerpetualParams(
            id=found.id,
            ticker=found.ticker,
            market_id=found.id,
            atomic_resolution=found.atomic_resolution,
            default_funding_ppm=found.default_funding_ppm,
            liquidity_tier=found.id,
            market_type=perpetual_pb2.PerpetualMarketType.ValueType(CROSS),
        ),
        funding_index=to_bytes(state.funding_index),
        open_interest=to_bytes(state.open_interest),
    )


def perpetual(context: Context, request: Any) -> Any:
    """Answer Perpetual."""
    return perpetuals.QueryPerpetualResponse(
        perpetual=_perpetual(context, market(context, request.id))
    )


def all_perpetuals(context: Context, _: Any) -> Any:
    """Answer AllPerpetuals."""
    found = [_perpetual(context, m) for m in markets(context)]
    return perpetuals.QueryAllPerpetualsResponse(perpetual=found)


def liquidity_tiers(context: Context, _: Any) -> Any:
    """Answer AllLiquidityTiers: every market has its own."""
    tiers = [
        perpetual_pb2.LiquidityTier(
            id=m.id,
            name=m.ticker,
            initial_margin_ppm=m.initial_margin_ppm,
            maintenance_fraction_ppm=m.maintenance_fraction_ppm,
            impact_notional=m.impact_notional,
            open_interest_lower_cap=m.open_interest_lower_cap,
            open_interest_upper_cap=m.open_interest_upper_cap,
        )
        for m in markets(context)
    ]
    return perpetuals.QueryAllLiquidityTiersResponse(liquidity_tiers=tiers)


def _price(context: Context, found: MarketConfig) -> MarketPrice:
    current = context.state.prices.get(found.id) or 0
    return MarketPrice(id=found.id, exponent=found.oracle_exponent, price=current)


def market_price(context: Context, request: Any) -> Any:
    """Answer MarketPrice."""
    return prices.QueryMarketPriceResponse(
        market_price=_price(context, market(context, request.id))
    )


def all_prices(context: Context, _: Any) -> Any:
    """Answer AllMarketPrices."""
    return prices.QueryAllMarketPricesResponse(
        market_prices=[_price(context, m) for m in markets(context)]
    )


def market_params(context: Context, _: Any) -> Any:
    """Answer AllMarketParams."""
    return prices.QueryAllMarketParamsResponse(
        market_params=[
            MarketParam(
                id=m.id,
                pair=m.ticker,
                exponent=m.oracle_exponent,
                min_exchanges=1,
                min_price_change_ppm=MIN_CHANGE_PPM,
            )
            for m in markets(context)
        ]
    )


CLOB = "dydxprotocol.clob.Query"
PERPETUALS = "dydxprotocol.perpetuals.Query"
PRICES = "dydxprotocol.prices.Query"

MARKET_ROUTES = [
    Route(CLOB, "ClobPair", clob.QueryGetClobPairRequest, clob_pair),
    Route(CLOB, "ClobPairAll", clob.QueryAllClobPairRequest, clob_pairs),
    Route(
        CLOB,
        "EquityTierLimitConfiguration",
        clob.QueryEquityTierLimitConfigurationRequest,
        equity_tiers,
    ),
    Route(
        CLOB,
        "BlockRateLimitConfiguration",
        clob.QueryBlockRateLimitConfigurationRequest,
        block_rate_limits,
    ),
    Route(PERPETUALS, "Perpetual", perpetuals.QueryPerpetualRequest, perpetual),
    Route(PERPETUALS, "AllPerpetuals", perpetuals.QueryAllPerpetualsRequest, all_perpetuals),
    Route(
        PERPETUALS, "AllLiquidityTiers", perpetuals.QueryAllLiquidityTiersRequest, liquidity_tiers
    ),
    Route(PRICES, "MarketPrice", prices.QueryMarketPriceRequest, market_price),
    Route(PRICES, "AllMarketPrices", prices.QueryAllMarketPricesRequest, all_prices),
    Route(PRICES, "AllMarketParams", prices.QueryAllMarketParamsRequest, market_params),
]
