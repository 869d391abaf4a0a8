"""Owns queries about what the exchange does not have: they answer that there is none of it."""

from typing import Any

import grpc
from v4_proto.dydxprotocol.clob import query_pb2 as clob
from v4_proto.dydxprotocol.vault import query_pb2 as vault

from .rpc import Context, Route, RpcError

__all__ = ["ABSENT_ROUTES"]


def leverage(_: Context, __: Any) -> Any:
    """Answer Leverage: nobody chose a leverage of its own."""
    return clob.QueryLeverageResponse()


def owner_shares(_: Context, request: Any) -> Any:
    """Answer MegavaultOwnerShares: there is no such vault."""
    raise RpcError(grpc.StatusCode.NOT_FOUND, f"{request.address} owns no shares")


def withdrawal_info(_: Context, request: Any) -> Any:
    """Answer MegavaultWithdrawalInfo: shares of no vault are worth nothing."""
    return vault.QueryMegavaultWithdrawalInfoResponse(
        shares_to_withdraw=request.shares_to_withdraw,
        expected_quote_quantums=b"\x02",
        megavault_equity=b"\x02",
    )


CLOB = "dydxprotocol.clob.Query"
VAULT = "dydxprotocol.vault.Query"

ABSENT_ROUTES = [
    Route(CLOB, "Leverage", clob.QueryLeverageRequest, leverage),
    Route(VAULT, "MegavaultOwnerShares", vault.QueryMegavaultOwnerSharesRequest, owner_shares),
    Route(
        VAULT,
        "MegavaultWithdrawalInfo",
        vault.QueryMegavaultWithdrawalInfoRequest,
        withdrawal_info,
    ),
]
