"""Owns the dYdX query services: clob pairs, subaccounts, perpetuals, prices, fees, keys."""

from typing import Any

import grpc
from v4_proto.dydxprotocol.accountplus import query_pb2 as accountplus
from v4_proto.dydxprotocol.accountplus.accountplus_pb2 import AccountState
from v4_proto.dydxprotocol.accountplus.models_pb2 import AccountAuthenticator
from v4_proto.dydxprotocol.clob import query_pb2 as clob
from v4_proto.dydxprotocol.clob.block_rate_limit_config_pb2 import (
    BlockRateLimitConfiguration,
    MaxPerNBlocksRateLimit,
)
from v4_proto.dydxprotocol.clob.clob_pair_pb2 import ClobPair, PerpetualClobMetadata
from v4_proto.dydxprotocol.feetiers import query_pb2 as feetiers
from v4_proto.dydxprotocol.feetiers.params_pb2 import PerpetualFeeParams, PerpetualFeeTier
from v4_proto.dydxprotocol.perpetuals import perpetual_pb2
from v4_proto.dydxprotocol.perpetuals import query_pb2 as perpetuals
from v4_proto.dydxprotocol.prices import query_pb2 as prices
from v4_proto.dydxprotocol.prices.market_param_pb2 import MarketParam
from v4_proto.dydxprotocol.prices.market_price_pb2 import MarketPrice
from v4_proto.dydxprotocol.ratelimit import query_pb2 as ratelimit
from v4_proto.dydxprotocol.rewards import query_pb2 as rewards
from v4_proto.dydxprotocol.stats import query_pb2 as stats
from v4_proto.dydxprotocol.subaccounts import query_pb2 as subaccounts
from v4_proto.dydxprotocol.subaccounts.asset_position_pb2 import AssetPosition
from v4_proto.dydxprotocol.subaccounts.perpetual_position_pb2 import PerpetualPosition
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import Subaccount as WireSubaccount
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId as WireSubaccountId

from .addresses import FEE_COLLECTOR
from .config import ExchangeConfig, MarketConfig
from .model import Subaccount, SubaccountId
from .rpc import Context, Route, RpcError
from .serializable import to_bytes

__all__ = ["DYDX_ROUTES"]

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


# clob


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


# subaccounts


def _subaccount(key: SubaccountId, found: Subaccount) -> WireSubaccount:
    shape = WireSubaccount(
        id=WireSubaccountId(owner=key.owner, number=key.number), margin_enabled=True
    )
    if found.usdc:
        shape.asset_positions.append(AssetPosition(asset_id=0, quantums=to_bytes(found.usdc)))
    for market_id, held in found.positions.items():
        shape.perpetual_positions.append(
            PerpetualPosition(
                perpetual_id=market_id,
                quantums=to_bytes(held.quantums),
                funding_index=to_bytes(held.funding_index),
                quote_balance=to_bytes(held.quote_balance),
            )
        )
    return shape


def subaccount(context: Context, request: Any) -> Any:
    """Answer Subaccount; one that never existed is empty, as on the chain."""
    key = SubaccountId(request.owner, request.number)
    found = context.state.subaccounts.get(key)
    shape = _subaccount(key, found or Subaccount())
    shape.margin_enabled = found is not None
    return subaccounts.QuerySubaccountResponse(subaccount=shape)


def subaccount_all(context: Context, _: Any) -> Any:
    """Answer SubaccountAll."""
    found = [_subaccount(key, account) for key, account in context.state.subaccounts.items()]
    return subaccounts.QuerySubaccountAllResponse(subaccount=found)


def blocked_info(context: Context, request: Any) -> Any:
    """Answer GetWithdrawalAndTransfersBlockedInfo: nothing was ever blocked."""
    market(context, request.perpetual_id)
    return subaccounts.QueryGetWithdrawalAndTransfersBlockedInfoResponse()


# perpetuals and prices


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


# fees, statistics, keys


def _tier(config: ExchangeConfig) -> PerpetualFeeTier:
    return PerpetualFeeTier(
        name="1", maker_fee_ppm=config.maker_fee_ppm, taker_fee_ppm=config.taker_fee_ppm
    )


def fee_params(context: Context, _: Any) -> Any:
    """Answer PerpetualFeeParams: one tier."""
    return feetiers.QueryPerpetualFeeParamsResponse(
        params=PerpetualFeeParams(tiers=[_tier(context.chain.config)])
    )


def user_fee_tier(context: Context, _: Any) -> Any:
    """Answer UserFeeTier: the only one."""
    return feetiers.QueryUserFeeTierResponse(index=0, tier=_tier(context.chain.config))


def user_stats(_: Context, __: Any) -> Any:
    """Answer UserStats: the one fee tier needs no volume, so none is kept."""
    response = stats.QueryUserStatsResponse()
    response.stats.SetInParent()
    return response


def rewards_params(_: Context, __: Any) -> Any:
    """Answer rewards Params: there are no trading rewards."""
    response = rewards.QueryParamsResponse()
    response.params.treasury_account = FEE_COLLECTOR
    return response


def capacity(_: Context, __: Any) -> Any:
    """Answer CapacityByDenom: withdrawals are not rate limited."""
    return ratelimit.QueryCapacityByDenomResponse()


def authenticators(context: Context, request: Any) -> Any:
    """Answer GetAuthenticators."""
    known = context.state.authenticators.get(request.account) or ()
    return accountplus.GetAuthenticatorsResponse(
        account_authenticators=[
            AccountAuthenticator(id=entry.id, type=entry.type, config=entry.config)
            for entry in known
        ]
    )


def account_state(context: Context, request: Any) -> Any:
    """Answer AccountState: the timestamp nonces that are remembered."""
    account = context.state.accounts.get(request.address)
    shape = AccountState(address=request.address)
    if account is not None:
        shape.timestamp_nonce_details.timestamp_nonces.extend(account.nonces)
        shape.timestamp_nonce_details.max_ejected_nonce = account.ejected_nonce
    return accountplus.AccountStateResponse(account_state=shape)


CLOB = "dydxprotocol.clob.Query"
SUBACCOUNTS = "dydxprotocol.subaccounts.Query"
PERPETUALS = "dydxprotocol.perpetuals.Query"
PRICES = "dydxprotocol.prices.Query"
FEETIERS = "dydxprotocol.feetiers.Query"
KEYS = "dydxprotocol.accountplus.Query"

DYDX_ROUTES = [
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
    Route(SUBACCOUNTS, "Subaccount", subaccounts.QueryGetSubaccountRequest, subaccount),
    Route(SUBACCOUNTS, "SubaccountAll", subaccounts.QueryAllSubaccountRequest, subaccount_all),
    Route(
        SUBACCOUNTS,
        "GetWithdrawalAndTransfersBlockedInfo",
        subaccounts.QueryGetWithdrawalAndTransfersBlockedInfoRequest,
        blocked_info,
    ),
    Route(PERPETUALS, "Perpetual", perpetuals.QueryPerpetualRequest, perpetual),
    Route(PERPETUALS, "AllPerpetuals", perpetuals.QueryAllPerpetualsRequest, all_perpetuals),
    Route(
        PERPETUALS, "AllLiquidityTiers", perpetuals.QueryAllLiquidityTiersRequest, liquidity_tiers
    ),
    Route(PRICES, "MarketPrice", prices.QueryMarketPriceRequest, market_price),
    Route(PRICES, "AllMarketPrices", prices.QueryAllMarketPricesRequest, all_prices),
    Route(PRICES, "AllMarketParams", prices.QueryAllMarketParamsRequest, market_params),
    Route(FEETIERS, "PerpetualFeeParams", feetiers.QueryPerpetualFeeParamsRequest, fee_params),
    Route(FEETIERS, "UserFeeTier", feetiers.QueryUserFeeTierRequest, user_fee_tier),
    Route("dydxprotocol.stats.Query", "UserStats", stats.QueryUserStatsRequest, user_stats),
    Route("dydxprotocol.rewards.Query", "Params", rewards.QueryParamsRequest, rewards_params),
    Route(
        "dydxprotocol.ratelimit.Query",
        "CapacityByDenom",
        ratelimit.QueryCapacityByDenomRequest,
        capacity,
    ),
    Route(KEYS, "GetAuthenticators", accountplus.GetAuthenticatorsRequest, authenticators),
    Route(KEYS, "AccountState", accountplus.AccountStateRequest, account_state),
]
