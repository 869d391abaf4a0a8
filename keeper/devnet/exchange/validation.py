"""Owns the checks a CLOB message passes before it reaches the book, in the chain's order."""

import hashlib

from v4_proto.dydxprotocol.clob import order_pb2, tx_pb2

from .addresses import is_address
from .config import MarketConfig
from .model import (
    Condition,
    MarketStatus,
    Order,
    OrderFlags,
    OrderId,
    Side,
    SubaccountId,
    TimeInForce,
)
from .results import clob, sdk
from .store import State

__all__ = [
    "check_against_market",
    "check_batch",
    "check_block_window",
    "parse_cancel",
    "parse_order",
]

SHORT_TERM = 0
SERVED = (OrderFlags.SHORT_TERM, OrderFlags.CONDITIONAL, OrderFlags.LONG_TERM)
MAX_BATCH = 100
MAX_U32 = 2**32 - 1
CANCEL_STATUSES = (MarketStatus.ACTIVE, MarketStatus.CANCEL_ONLY, MarketStatus.POST_ONLY)


def parse_order_id(wire: order_pb2.OrderId) -> OrderId:
    """Return the order id. Raises Rejected sdk 7 or clob 3000."""
    owner = wire.subaccount_id.owner
    if not is_address(owner):
        raise sdk(7, owner)
    if wire.order_flags not in SERVED:
        raise clob(3000, f"order flags {wire.order_flags}")
    key = SubaccountId(owner, wire.subaccount_id.number)
    return OrderId(key, wire.client_id, wire.order_flags, wire.clob_pair_id)


def parse_order(wire: order_pb2.Order) -> Order:
    """Return the order after the checks that need no state.

    Raises Rejected clob 3, 4, 5, 6, 42, 48, 3000, 3001, 6000, 6001 or 9003, or sdk 7.
    """
    order_id = parse_order_id(wire.order_id)
    if wire.side not in (Side.BUY, Side.SELL):
        raise clob(3, str(wire.side))
    if wire.time_in_force == TimeInForce.FILL_OR_KILL:
        raise clob(48)
    if wire.time_in_force not in tuple(TimeInForce):
        raise clob(42, str(wire.time_in_force))
    if not wire.quantums:
        raise clob(4, "order size is zero")
    _check_life(order_id, wire.good_til_block, wire.good_til_block_time)
    if not wire.subticks:
        raise clob(6, "order subticks are zero")
    _check_condition(order_id, wire)
    if wire.reduce_only and wire.time_in_force != TimeInForce.IOC:
        raise clob(9003)
    return Order(
        id=order_id,
        side=Side(wire.side),
        quantums=wire.quantums,
        subticks=wire.subticks,
        good_til_block=wire.good_til_block,
        time_in_force=TimeInForce(wire.time_in_force),
        reduce_only=wire.reduce_only,
        client_metadata=wire.client_metadata,
        digest=hashlib.sha256(wire.SerializeToString(deterministic=True)).digest(),
        good_til_time=wire.good_til_block_time,
        condition=Condition(wire.condition_type),
        trigger_subticks=wire.conditional_order_trigger_subticks,
    )


def _check_life(order_id: OrderId, block: int, time: int) -> None:
    if order_id.flags == SHORT_TERM and not block:
        raise clob(5, "goodTilBlock is zero")
    if order_id.flags != SHORT_TERM and not time:
        raise clob(3001, "goodTilBlockTime is zero")


def _check_condition(order_id: OrderId, wire: order_pb2.Order) -> None:
    is_conditional = order_id.flags == OrderFlags.CONDITIONAL
    wanted = (Condition.STOP_LOSS, Condition.TAKE_PROFIT) if is_conditional else (Condition.NONE,)
    if wire.condition_type not in wanted:
        raise clob(6000, f"condition {wire.condition_type}, order flags {order_id.flags}")
    if bool(wire.conditional_order_trigger_subticks) != is_conditional:
        raise clob(6001, str(wire.conditional_order_trigger_subticks))


def parse_cancel(wire: tx_pb2.MsgCancelOrder) -> tuple[OrderId, int]:
    """Return (order id, goodTilBlock, or its time of a stateful one).

    Raises Rejected clob 5, 3000 or 3001, or sdk 7.
    """
    order_id = parse_order_id(wire.order_id)
    _check_life(order_id, wire.good_til_block, wire.good_til_block_time)
    if order_id.flags == SHORT_TERM:
        return order_id, wire.good_til_block
    return order_id, wire.good_til_block_time


def check_batch(wire: tx_pb2.MsgBatchCancel) -> None:
    """Check the form of a batch cancel. Raises Rejected clob 45."""
    if not is_address(wire.subaccount_id.owner):
        raise sdk(7, wire.subaccount_id.owner)
    pairs = [batch.clob_pair_id for batch in wire.short_term_cancels]
    if len(set(pairs)) != len(pairs):
        raise clob(45, "duplicate clob pair id")
    total = 0
    for batch in wire.short_term_cancels:
        if not batch.client_ids:
            raise clob(45, f"clob pair {batch.clob_pair_id} has no client id")
        if len(set(batch.client_ids)) != len(batch.client_ids):
            raise clob(45, f"clob pair {batch.clob_pair_id} has duplicate client ids")
        total += len(batch.client_ids)
    if not 0 < total <= MAX_BATCH:
        raise clob(45, f"{total} client ids, allowed are 1 to {MAX_BATCH}")


def check_block_window(good_til_block: int, next_height: int, window: int) -> None:
    """Check that a short-term message lives from the next block to the window's end.

    Raises Rejected clob 10 or 11.
    """
    if good_til_block < next_height:
        raise clob(10, f"goodTilBlock {good_til_block}, next block height {next_height}")
    if good_til_block > next_height + window:
        raise clob(11, f"goodTilBlock {good_til_block}, latest {next_height + window}")


def check_against_market(order: Order, state: State) -> MarketConfig:
    """Check an order against its market's status, tick and step.

    Raises Rejected clob 8, 12, 34 or 6001.
    """
    market = state.markets.get(order.id.clob_pair_id)
    if market is None:
        raise clob(8, str(order.id.clob_pair_id))
    status = MarketStatus(market.status)
    is_maker = order.time_in_force is TimeInForce.POST_ONLY
    if status is not MarketStatus.ACTIVE and not (status is MarketStatus.POST_ONLY and is_maker):
        raise clob(34, f"order in a market of status {status.name}")
    if order.subticks % market.subticks_per_tick:
        raise clob(12, f"subticks {order.subticks} % {market.subticks_per_tick} is not zero")
    if order.trigger_subticks % market.subticks_per_tick:
        raise clob(6001, f"{order.trigger_subticks} % {market.subticks_per_tick} is not zero")
    if order.quantums % market.step_base_quantums:
        raise clob(12, f"quantums {order.quantums} % {market.step_base_quantums} is not zero")
    return market


def check_cancel_market(order_id: OrderId, state: State) -> None:
    """Check that the market of a cancel exists and takes cancels. Raises Rejected clob 8, 34."""
    market = state.markets.get(order_id.clob_pair_id)
    if market is None:
        raise clob(8, str(order_id.clob_pair_id))
    if market.status not in CANCEL_STATUSES:
        raise clob(34, f"cancel in a market of status {MarketStatus(market.status).name}")
