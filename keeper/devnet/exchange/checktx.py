"""Owns CheckTx of short-term CLOB messages: signature, rate limit, validity, the book."""

from v4_proto.dydxprotocol.clob.tx_pb2 import MsgBatchCancel, MsgCancelOrder, MsgPlaceOrder

from .auth import check_signature
from .config import ExchangeConfig
from .events import Event
from .memclob import MemClob
from .model import Order, OrderId, SubaccountId
from .ratelimit import BlockRateLimiter
from .results import Rejected
from .store import State
from .transactions import DecodedTx
from .validation import (
    SHORT_TERM,
    check_against_market,
    check_batch,
    check_block_window,
    check_cancel_market,
    parse_cancel,
    parse_order,
)

__all__ = ["ClobChecker"]

BATCH_WEIGHT = 2  # what a batch cancel counts against the rate limit


class ClobChecker:
    """Admits short-term orders and cancels to the book."""

    def __init__(self, config: ExchangeConfig, clob: MemClob) -> None:
        self._config = config
        self._clob = clob
        self.limiter = BlockRateLimiter(config.place_cancel_limits, "short-term messages")

    def check(self, tx: DecodedTx, state: State, next_height: int) -> list[Event]:
        """Admit a transaction's only message. Raises Rejected."""
        match tx.messages[0]:
            case MsgPlaceOrder() as message:
                return self._place(tx, message, state, next_height)
            case MsgCancelOrder() as message:
                return self._cancel(tx, message, state, next_height)
            case MsgBatchCancel() as message:
                return self._batch(tx, message, state, next_height)
        raise TypeError(f"{tx.messages[0].DESCRIPTOR.full_name} is not a CLOB message")

    def verify(self, tx: DecodedTx, state: State, next_height: int) -> None:
        """Check a short-term message as far as its node can without its books. Raises Rejected."""
        match tx.messages[0]:
            case MsgPlaceOrder() as message:
                order = parse_order(message.order)
                check_against_market(order, state)
                last = order.good_til_block
            case MsgCancelOrder() as message:
                order_id, last = parse_cancel(message)
                check_cancel_market(order_id, state)
            case MsgBatchCancel() as message:
                check_batch(message)
                last = next_height
        self._authorize(tx, state, next_height, 1)
        check_block_window(last, next_height, self._config.short_block_window)

    def place(self, order: Order, state: State, next_height: int, transaction: str) -> list[Event]:
        """Admit an order by the rules of its market, whoever stands behind it. Raises Rejected."""
        check_against_market(order, state)
        if not order.is_stateful:
            check_block_window(order.good_til_block, next_height, self._config.short_block_window)
        return self._clob.place(order, transaction)

    def cancel(
        self, order_id: OrderId, good_til_block: int, state: State, next_height: int
    ) -> list[Event]:
        """Admit a cancel, whoever stands behind it. Raises Rejected."""
        check_cancel_market(order_id, state)
        check_block_window(good_til_block, next_height, self._config.short_block_window)
        return self._clob.cancel(order_id, good_til_block)

    def _authorize(self, tx: DecodedTx, state: State, next_height: int, weight: int) -> None:
        check_signature(state, tx, self._config.chain_id)
        self.limiter.use(tx.signer, next_height, weight)

    def _place(
        self, tx: DecodedTx, message: MsgPlaceOrder, state: State, next_height: int
    ) -> list[Event]:
        order = parse_order(message.order)
        self._authorize(tx, state, next_height, 1)
        return self.place(order, state, next_height, tx.hash)

    def _cancel(
        self, tx: DecodedTx, message: MsgCancelOrder, state: State, next_height: int
    ) -> list[Event]:
        order_id, good_til_block = parse_cancel(message)
        self._authorize(tx, state, next_height, 1)
        return self.cancel(order_id, good_til_block, state, next_height)

    def _batch(
        self, tx: DecodedTx, message: MsgBatchCancel, state: State, next_height: int
    ) -> list[Event]:
        """Cancel what can be cancelled; a well-formed batch answers code 0 whatever happens."""
        check_batch(message)
        self._authorize(tx, state, next_height, BATCH_WEIGHT)
        key = SubaccountId(message.subaccount_id.owner, message.subaccount_id.number)
        events: list[Event] = []
        for batch in message.short_term_cancels:
            for client_id in batch.client_ids:
                order_id = OrderId(key, client_id, SHORT_TERM, batch.clob_pair_id)
                events += self._try_cancel(order_id, message.good_til_block, state, next_height)
        return events

    def _try_cancel(
        self, order_id: OrderId, good_til_block: int, state: State, next_height: int
    ) -> list[Event]:
        try:
            return self.cancel(order_id, good_til_block, state, next_height)
        except Rejected:
            return []  # the chain reports no failure of a batch, and neither do we
