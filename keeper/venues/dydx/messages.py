"""Protocol messages from plain integers: orders, cancels, transfers, deposits, authenticators."""

from collections.abc import Sequence
from typing import Any, Final

from v4_proto.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from v4_proto.cosmos.base.v1beta1.coin_pb2 import Coin
from v4_proto.dydxprotocol.accountplus.tx_pb2 import MsgAddAuthenticator, MsgRemoveAuthenticator
from v4_proto.dydxprotocol.clob.order_pb2 import Order, OrderId
from v4_proto.dydxprotocol.clob.tx_pb2 import (
    MsgBatchCancel,
    MsgCancelOrder,
    MsgPlaceOrder,
    OrderBatch,
)
from v4_proto.dydxprotocol.sending.transfer_pb2 import (
    MsgDepositToSubaccount,
    MsgWithdrawFromSubaccount,
    Transfer,
)
from v4_proto.dydxprotocol.sending.tx_pb2 import MsgCreateTransfer
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId

from keeper.domain.commands import PlaceOrder
from keeper.domain.orders import Side, TimeInForce
from keeper.venues.dydx.ids import SHORT_TERM

__all__ = [
    "MAX_BATCH",
    "add_authenticator",
    "bank_send",
    "batch_cancel",
    "cancel_order",
    "deposit",
    "place_order",
    "remove_authenticator",
    "transfer",
    "withdraw",
]

MAX_BATCH: Final = 100
"""Most client ids a batch cancel may carry."""
_USDC: Final = 0
_SIDES: Final = {Side.BUY: Order.SIDE_BUY, Side.SELL: Order.SIDE_SELL}
_TIMES: Final = {
    TimeInForce.GTT: Order.TIME_IN_FORCE_UNSPECIFIED,
    TimeInForce.IOC: Order.TIME_IN_FORCE_IOC,
    TimeInForce.POST_ONLY: Order.TIME_IN_FORCE_POST_ONLY,
}


def _subaccount(owner: str, number: int) -> Any:
    return SubaccountId(owner=owner, number=number)


def _order_id(owner: Any, client_id: int, clob_pair_id: int) -> Any:
    return OrderId(
        subaccount_id=owner,
        client_id=client_id,
        order_flags=SHORT_TERM,
        clob_pair_id=clob_pair_id,
    )


def place_order(owner: str, number: int, clob_pair_id: int, order: PlaceOrder) -> Any:
    """Return MsgPlaceOrder for a short-term order (or its replacement: same client id)."""
    return MsgPlaceOrder(
        order=Order(
            order_id=_order_id(_subaccount(owner, number), order.client_id, clob_pair_id),
            side=_SIDES[order.side],
            quantums=order.quantums,
            subticks=order.subticks,
            good_til_block=order.good_til_block,
            time_in_force=_TIMES[order.time_in_force],
            reduce_only=order.reduce_only,
        )
    )


def cancel_order(
    owner: str, number: int, clob_pair_id: int, client_id: int, good_til_block: int
) -> Any:
    """Return MsgCancelOrder of one short-term order."""
    return MsgCancelOrder(
        order_id=_order_id(_subaccount(owner, number), client_id, clob_pair_id),
        good_til_block=good_til_block,
    )


def batch_cancel(
    owner: str, number: int, clob_pair_id: int, client_ids: Sequence[int], good_til_block: int
) -> Any:
    """Return MsgBatchCancel of at most MAX_BATCH short-term orders of one pair."""
    return MsgBatchCancel(
        subaccount_id=_subaccount(owner, number),
        short_term_cancels=[OrderBatch(clob_pair_id=clob_pair_id, client_ids=client_ids)],
        good_til_block=good_til_block,
    )


def transfer(sender: tuple[str, int], recipient: tuple[str, int], quote_quantums: int) -> Any:
    """Return MsgCreateTransfer of USDC between two subaccounts (owner, number)."""
    return MsgCreateTransfer(
        transfer=Transfer(
            sender=_subaccount(*sender),
            recipient=_subaccount(*recipient),
            asset_id=_USDC,
            amount=quote_quantums,
        )
    )


def deposit(sender: str, recipient: tuple[str, int], quote_quantums: int) -> Any:
    """Return MsgDepositToSubaccount of USDC: wallet to subaccount."""
    return MsgDepositToSubaccount(
        sender=sender,
        recipient=_subaccount(*recipient),
        asset_id=_USDC,
        quantums=quote_quantums,
    )


def withdraw(sender: tuple[str, int], recipient: str, quote_quantums: int) -> Any:
    """Return MsgWithdrawFromSubaccount of USDC: subaccount to wallet."""
    return MsgWithdrawFromSubaccount(
        sender=_subaccount(*sender),
        recipient=recipient,
        asset_id=_USDC,
        quantums=quote_quantums,
    )


def bank_send(sender: str, recipient: str, amount: int, denom: str) -> Any:
    """Return a bank MsgSend of `amount` units of `denom`."""
    return MsgSend(
        from_address=sender,
        to_address=recipient,
        amount=[Coin(denom=denom, amount=str(amount))],
    )


def add_authenticator(sender: str, kind: str, data: bytes) -> Any:
    """Return MsgAddAuthenticator; `data` is the configuration of that kind of authenticator."""
    return MsgAddAuthenticator(sender=sender, authenticator_type=kind, data=data)


def remove_authenticator(sender: str, authenticator_id: int) -> Any:
    """Return MsgRemoveAuthenticator."""
    return MsgRemoveAuthenticator(sender=sender, id=authenticator_id)
