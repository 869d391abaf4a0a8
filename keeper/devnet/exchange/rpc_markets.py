"""Owns the dYdX query services about markets: clob pairs, perpetuals, prices, rate limits."""

from typing import Any

import grpc
from v4_proto.dydxprotocol.clob import query_pb2 as clob
from v4_proto.dydxprotocol.clob.block_rate_limit_config_pb2 import (
    BlockRateLimitConfiguration,
    MaxPerNBlocksRateLimit,
)
from v4_proto.dydxprotocol.clob.clob_pair_pb2 import ClobPair, PerpetualClobMetadata
from v4_proto.dydxprotocol.clob.equity_tier_limit_config_pb2 import (
    EquityTierLimit,
    EquityTierLimitConfiguration,
)
from v4_proto.dydxprotocol.clob.liquidations_config_pb2 import (
    FillablePriceConfig,
    LiquidationsConfig,
    PositionBlockLimits,
    SubaccountBlockLimits,
)
from v4_proto.dydxprotocol.clob.order_pb2 import LongTermOrderPlacement
from v4_proto.dydxprotocol.perpetuals import perpetual_pb2
from v4_proto.dydxprotocol.perpetuals import query_pb2 as perpetuals
from v4_proto.dydxprotocol.prices import query_pb2 as prices
from v4_proto.dydxprotocol.prices.market_param_pb2 import MarketParam
from v4_proto.dydxprotocol.prices.market_price_pb2 import MarketPrice

from .config import MarketConfig, RateLimit
from .fullnode import wire_order
from .model import OrderId, SubaccountId
from .rpc import Context, Route, RpcError
from .serializable import to_bytes

__all__ = ["MARKET_ROUTES", "market"]

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


def equity_tiers(context: Context, _: Any) -> Any:
    """Answer EquityTierLimitConfiguration: tiers of stateful orders, none of short-term ones."""
    tiers = [
        EquityTierLimit(usd_tnc_required=to_bytes(tier.required), limit=tier.limit)
        for tier in context.chain.config.equity_tiers
    ]
    return clob.QueryEquityTierLimitConfigurationResponse(
        equity_tier_limit_config=EquityTierLimitConfiguration(stateful_order_equity_tiers=tiers)
    )


def stateful_order(context: Context, request: Any) -> Any:
    """Answer StatefulOrder. Raises RpcError where none lives under the id."""
    key = request.order_id.subaccount_id
    order_id = OrderId(
        SubaccountId(key.owner, key.number),
        request.order_id.client_id,
        request.order_id.order_flags,
        request.order_id.clob_pair_id,
    )
    found = context.state.stateful.get(order_id)
    if found is None or not found.live:
        raise RpcError(grpc.StatusCode.NOT_FOUND, "stateful order does not exist")
    return clob.QueryStatefulOrderResponse(
        order_placement=LongTermOrderPlacement(order=wire_order(found.order)),
        fill_amount=context.chain.clob.filled(order_id),
        triggered=found.triggered,
    )


def liquidations(context: Context, _: Any) -> Any:
    """Answer LiquidationsConfiguration."""
    limits = context.chain.config.liquidation
    return clob.QueryLiquidationsConfigurationResponse(
        liquidations_config=LiquidationsConfig(
            max_liquidation_fee_ppm=limits.max_fee_ppm,
            position_block_limits=PositionBlockLimits(
                min_position_notional_liquidated=limits.min_position_notional,
                max_position_portion_liquidated_ppm=limits.max_position_portion_ppm,
            ),
            subaccount_block_limits=SubaccountBlockLimits(
                max_notional_liquidated=limits.max_subaccount_notional
            ),
            fillable_price_config=FillablePriceConfig(
                bankruptcy_adjustment_ppm=limits.bankruptcy_adjustment_ppm,
                spread_to_maintenance_margin_ratio_ppm=limits.spread_to_maintenance_ppm,
            ),
        )
    )


def block_rate_limits(context: Context, _: Any) -> Any:
    """Answer BlockRateLimitConfiguration."""
    config = context.chain.config
    return clob.QueryBlockRateLimitConfigurationResponse(
        block_rate_limit_config=BlockRateLimitConfiguration(
            max_short_term_orders_and_cancels_per_n_blocks=_limits(config.place_cancel_limits),
            max_stateful_orders_per_n_blocks=_limits(config.stateful_limits),
        )
    )


def _limits(limits: tuple[RateLimit, ...]) -> list[MaxPerNBlocksRateLimit]:
    return [MaxPerNBlocksRateLimit(num_blocks=limit.blocks, limit=limit.limit) for limit in limits]


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
            market_type=perpetual_pb2.PerpetualMarketType.ValueType(found.market_type),
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
    Route(CLOB, "StatefulOrder", clob.QueryStatefulOrderRequest, stateful_order),
    Route(
        CLOB,
        "LiquidationsConfiguration",
        clob.QueryLiquidationsConfigurationRequest,
        liquidations,
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
