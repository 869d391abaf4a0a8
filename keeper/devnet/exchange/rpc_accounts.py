"""Owns the dYdX query services about accounts: subaccounts, fees, keys, statistics."""

from typing import Any

from v4_proto.dydxprotocol.accountplus import query_pb2 as accountplus
from v4_proto.dydxprotocol.accountplus.accountplus_pb2 import AccountState
from v4_proto.dydxprotocol.accountplus.models_pb2 import AccountAuthenticator
from v4_proto.dydxprotocol.feetiers import query_pb2 as feetiers
from v4_proto.dydxprotocol.feetiers.params_pb2 import PerpetualFeeParams, PerpetualFeeTier
from v4_proto.dydxprotocol.ratelimit import query_pb2 as ratelimit
from v4_proto.dydxprotocol.rewards import query_pb2 as rewards
from v4_proto.dydxprotocol.stats import query_pb2 as stats
from v4_proto.dydxprotocol.subaccounts import query_pb2 as subaccounts
from v4_proto.dydxprotocol.subaccounts.asset_position_pb2 import AssetPosition
from v4_proto.dydxprotocol.subaccounts.perpetual_position_pb2 import PerpetualPosition
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import Subaccount as WireSubaccount
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId as WireSubaccountId

from .addresses import FEE_COLLECTOR
from .config import ExchangeConfig
from .gating import gate_of
from .model import Subaccount, SubaccountId
from .rpc import Context, Route
from .rpc_markets import market
from .serializable import to_bytes

__all__ = ["ACCOUNT_ROUTES"]


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
    """Answer GetWithdrawalAndTransfersBlockedInfo; zeros where nothing was ever blocked."""
    market(context, request.perpetual_id)
    gate = gate_of(context.state, request.perpetual_id)
    return subaccounts.QueryGetWithdrawalAndTransfersBlockedInfoResponse(
        negative_tnc_subaccount_seen_at_block=gate.negative_seen,
        chain_outage_seen_at_block=gate.outage_seen,
        withdrawals_and_transfers_unblocked_at_block=gate.opens,
    )


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


SUBACCOUNTS = "dydxprotocol.subaccounts.Query"
FEETIERS = "dydxprotocol.feetiers.Query"
KEYS = "dydxprotocol.accountplus.Query"

ACCOUNT_ROUTES = [
    Route(SUBACCOUNTS, "Subaccount", subaccounts.QueryGetSubaccountRequest, subaccount),
    Route(SUBACCOUNTS, "SubaccountAll", subaccounts.QueryAllSubaccountRequest, subaccount_all),
    Route(
        SUBACCOUNTS,
        "GetWithdrawalAndTransfersBlockedInfo",
        subaccounts.QueryGetWithdrawalAndTransfersBlockedInfoRequest,
        blocked_info,
    ),
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
