"""Owns full-node streaming: order by order updates, fills, subaccounts and prices of a node.

Only fills in the finalize mode are confirmed trades; those of CheckTx are this node's opinion.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import grpc.aio
from v4_proto.dydxprotocol.clob import matches_pb2 as matches
from v4_proto.dydxprotocol.clob import order_pb2, query_pb2
from v4_proto.dydxprotocol.indexer.off_chain_updates import off_chain_updates_pb2 as offchain
from v4_proto.dydxprotocol.indexer.protocol.v1 import clob_pb2 as indexer_clob
from v4_proto.dydxprotocol.indexer.protocol.v1 import subaccount_pb2 as indexer_subaccount
from v4_proto.dydxprotocol.indexer.shared import removal_reason_pb2 as reasons
from v4_proto.dydxprotocol.prices import market_price_pb2
from v4_proto.dydxprotocol.prices import streaming_pb2 as price_stream
from v4_proto.dydxprotocol.subaccounts import streaming_pb2 as account_stream
from v4_proto.dydxprotocol.subaccounts import subaccount_pb2

from .chain import Chain
from .events import (
    Event,
    FillCommitted,
    OracleUpdated,
    OrderExpired,
    OrderPlaced,
    OrderRemoved,
    OrderUpdated,
    StatefulPlaced,
    StatefulRemoved,
    SubaccountChanged,
    split_block,
)
from .model import Order, OrderFlags, OrderId, Side, Subaccount, SubaccountId

__all__ = ["FullNodeStreams", "wire_order"]

CHECK_TX, FINALIZE = 0, 7  # execution modes of the chain
MAX_QUEUED = 10_000
EXPIRED = "ORDER_REMOVAL_REASON_EXPIRED"
BEST_EFFORT_OPENED, BEST_EFFORT_CANCELED, CANCELED = 1, 1, 2


def _owner(key: SubaccountId) -> Any:
    return indexer_subaccount.IndexerSubaccountId(owner=key.owner, number=key.number)


def _indexer_id(order_id: OrderId) -> Any:
    return indexer_clob.IndexerOrderId(
        subaccount_id=_owner(order_id.subaccount),
        client_id=order_id.client_id,
        order_flags=order_id.flags,
        clob_pair_id=order_id.clob_pair_id,
    )


def _terms(order: Order) -> dict[str, Any]:
    """The fields that an order has alike in the chain's and the indexer's messages."""
    return {
        "side": int(order.side),
        "quantums": order.quantums,
        "subticks": order.subticks,
        **_life(order),
        "time_in_force": int(order.time_in_force),
        "reduce_only": order.reduce_only,
        "client_metadata": order.client_metadata,
    }


def _life(order: Order) -> dict[str, int]:
    if order.is_stateful:
        return {"good_til_block_time": order.good_til_time}
    return {"good_til_block": order.good_til_block}


def _indexer_order(order: Order) -> Any:
    return indexer_clob.IndexerOrder(order_id=_indexer_id(order.id), **_terms(order))


def _wire_id(order_id: OrderId) -> Any:
    key = order_id.subaccount
    return order_pb2.OrderId(
        subaccount_id=subaccount_pb2.SubaccountId(owner=key.owner, number=key.number),
        client_id=order_id.client_id,
        order_flags=order_id.flags,
        clob_pair_id=order_id.clob_pair_id,
    )


def wire_order(order: Order) -> Any:
    """Return an order as messages of the chain hold it."""
    return order_pb2.Order(
        order_id=_wire_id(order.id),
        **_terms(order),
        condition_type=int(order.condition),
        conditional_order_trigger_subticks=order.trigger_subticks,
    )


def _placed(order: Order) -> Any:
    place = offchain.OrderPlaceV1(order=_indexer_order(order), placement_status=BEST_EFFORT_OPENED)
    return offchain.OffChainUpdateV1(order_place=place)


def _updated(order_id: OrderId, filled: int) -> Any:
    update = offchain.OrderUpdateV1(order_id=_indexer_id(order_id), total_filled_quantums=filled)
    return offchain.OffChainUpdateV1(order_update=update)


def _removed(order: Order, reason: str, status: int) -> Any:
    remove = offchain.OrderRemoveV1(
        removed_order_id=_indexer_id(order.id),
        reason=reasons.OrderRemovalReason.Value(reason),
        removal_status=status,
    )
    return offchain.OffChainUpdateV1(order_remove=remove)


def _book_update(event: Event) -> tuple[OrderId, Any] | None:
    match event:
        case OrderPlaced():
            return event.order.id, _placed(event.order)
        case OrderUpdated():
            return event.id, _updated(event.id, event.filled)
        case OrderRemoved():
            return event.order.id, _removed(event.order, event.reason, BEST_EFFORT_CANCELED)
        case OrderExpired():
            return event.order.id, _removed(event.order, EXPIRED, CANCELED)
        case StatefulPlaced():
            return event.order.id, _placed(event.order)
        case StatefulRemoved():
            return event.order.id, _removed(event.order, event.reason, CANCELED)
    return None


def _chain_match(event: FillCommitted) -> Any:
    """Return a match no taker's order stands behind: a liquidation or a deleveraging."""
    key = event.taker.id.subaccount
    owner = subaccount_pb2.SubaccountId(owner=key.owner, number=key.number)
    if event.taker.id.flags == OrderFlags.LIQUIDATION:
        match = matches.MatchPerpetualLiquidation(
            liquidated=owner,
            clob_pair_id=event.market_id,
            perpetual_id=event.market_id,
            total_size=event.taker.quantums,
            is_buy=event.taker.side is Side.BUY,
        )
        match.fills.add(fill_amount=event.quantums, maker_order_id=_wire_id(event.maker.id))
        return matches.ClobMatch(match_perpetual_liquidation=match)
    offset = matches.MatchPerpetualDeleveraging(liquidated=owner, perpetual_id=event.market_id)
    other = event.maker.id.subaccount
    offset.fills.add(
        fill_amount=event.quantums,
        offsetting_subaccount_id=subaccount_pb2.SubaccountId(
            owner=other.owner, number=other.number
        ),
    )
    return matches.ClobMatch(match_perpetual_deleveraging=offset)


def _fill(event: FillCommitted) -> Any:
    if not event.taker.is_own:
        orders = [event.maker] if event.maker.is_own else []
        return query_pb2.StreamOrderbookFill(
            clob_match=_chain_match(event),
            orders=[wire_order(order) for order in orders],
            fill_amounts=[event.maker_filled for _ in orders],
        )
    match = matches.MatchOrders(taker_order_id=_wire_id(event.taker.id))
    match.fills.add(fill_amount=event.quantums, maker_order_id=_wire_id(event.maker.id))
    return query_pb2.StreamOrderbookFill(
        clob_match=matches.ClobMatch(match_orders=match),
        orders=[wire_order(event.taker), wire_order(event.maker)],
        fill_amounts=[event.taker_filled, event.maker_filled],
    )


def _account(key: SubaccountId, account: Subaccount, snapshot: bool) -> Any:
    update = account_stream.StreamSubaccountUpdate(
        subaccount_id=subaccount_pb2.SubaccountId(owner=key.owner, number=key.number),
        snapshot=snapshot,
    )
    for market_id, held in account.positions.items():
        update.updated_perpetual_positions.add(perpetual_id=market_id, quantums=held.quantums)
    update.updated_asset_positions.add(asset_id=0, quantums=max(account.usdc, 0))
    return update


class _Subscription:
    """What one consumer asked for, and what waits to be sent to it."""

    def __init__(self, request: Any, chain: Chain) -> None:
        self._chain = chain
        self._pairs = frozenset(request.clob_pair_id)
        self._markets = frozenset(request.market_ids)
        self._accounts = frozenset(
            SubaccountId(key.owner, key.number) for key in request.subaccount_ids
        )
        self._own_orders = request.filter_orders_by_subaccount_id
        self.queue: asyncio.Queue[Any] = asyncio.Queue(MAX_QUEUED)
        self.dropped = False

    def empty(self) -> bool:
        return not (self._pairs or self._accounts or self._markets)

    def _wants(self, order_id: OrderId) -> bool:
        if order_id.clob_pair_id not in self._pairs:
            return False
        return not self._own_orders or order_id.subaccount in self._accounts

    def _update(self, mode: int, **kind: Any) -> Any:
        return query_pb2.StreamUpdate(block_height=self._chain.height, exec_mode=mode, **kind)

    def snapshot(self) -> Any:
        """Return the books, subaccounts and prices as they are."""
        updates = []
        for pair in sorted(self._pairs):
            book = self._chain.clob.books.get(pair)
            orders = [o for o in book.orders.values() if self._wants(o.id)] if book else []
            changes = [_placed(order) for order in orders]
            changes += [
                _updated(order.id, self._chain.clob.filled(order.id))
                for order in orders
                if self._chain.clob.filled(order.id)
            ]
            shape = query_pb2.StreamOrderbookUpdate(snapshot=True, updates=changes)
            updates.append(self._update(CHECK_TX, orderbook_update=shape))
        for key in sorted(self._accounts):
            account = self._chain.state.subaccounts.get(key) or Subaccount()
            shape = _account(key, account, snapshot=True)
            updates.append(self._update(FINALIZE, subaccount_update=shape))
        updates += [self._price(market_id, True) for market_id in sorted(self._markets)]
        return query_pb2.StreamOrderbookUpdatesResponse(updates=updates)

    def _price(self, market_id: int, snapshot: bool) -> Any:
        market = self._chain.state.markets.get(market_id)
        price = market_price_pb2.MarketPrice(
            id=market_id,
            exponent=market.oracle_exponent if market else 0,
            price=self._chain.state.prices.get(market_id) or 0,
        )
        shape = price_stream.StreamPriceUpdate(market_id=market_id, price=price, snapshot=snapshot)
        return self._update(FINALIZE, price_update=shape)

    def _translate(self, event: Event, mode: int) -> Any | None:
        change = _book_update(event)
        if change is not None:
            if not self._wants(change[0]):
                return None
            shape = query_pb2.StreamOrderbookUpdate(updates=[change[1]])
            return self._update(mode, orderbook_update=shape)
        match event:
            case FillCommitted() if event.market_id in self._pairs:
                return self._update(FINALIZE, order_fill=_fill(event))
            case SubaccountChanged() if event.id in self._accounts:
                account = self._chain.state.subaccounts.get(event.id) or Subaccount()
                shape = _account(event.id, account, snapshot=False)
                return self._update(FINALIZE, subaccount_update=shape)
            case OracleUpdated() if event.market_id in self._markets:
                return self._price(event.market_id, False)
        return None

    def publish(self, events: Iterable[Event], mode: int) -> None:
        """Queue what concerns this consumer as one response; drop it when it lags."""
        updates = [u for u in (self._translate(event, mode) for event in events) if u is not None]
        if not updates:
            return
        try:
            self.queue.put_nowait(query_pb2.StreamOrderbookUpdatesResponse(updates=updates))
        except asyncio.QueueFull:
            self.dropped = True


class FullNodeStreams:
    """Serves `StreamOrderbookUpdates`."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._subscriptions: set[_Subscription] = set()

    def attach(self, server: grpc.aio.Server) -> None:
        """Add the method to a server."""
        handler = grpc.unary_stream_rpc_method_handler(
            self._serve,
            request_deserializer=query_pb2.StreamOrderbookUpdatesRequest.FromString,
            response_serializer=query_pb2.StreamOrderbookUpdatesResponse.SerializeToString,
        )
        methods = {"StreamOrderbookUpdates": handler}
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("dydxprotocol.clob.Query", methods),)
        )

    def publish(self, events: Iterable[Event]) -> None:
        """Tell every consumer what happened, in order."""
        block, after = split_block(events)
        for subscription in self._subscriptions:
            subscription.publish(block, FINALIZE)
            subscription.publish(after, CHECK_TX)

    async def _serve(
        self, request: Any, context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> AsyncIterator[Any]:
        subscription = _Subscription(request, self._chain)
        if subscription.empty():
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "nothing to follow was named")
        self._subscriptions.add(subscription)
        try:
            yield subscription.snapshot()
            while not subscription.dropped:
                yield await subscription.queue.get()
            await context.abort(grpc.StatusCode.CANCELLED, "the consumer is too slow")
        finally:
            self._subscriptions.discard(subscription)
