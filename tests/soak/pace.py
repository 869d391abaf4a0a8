"""Our order messages as they reach the exchange: what each was for, and how long orders rested."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from v4_proto.dydxprotocol.clob.tx_pb2 import MsgBatchCancel, MsgPlaceOrder

from keeper.devnet.exchange import Exchange
from keeper.devnet.exchange.node import NodeFailed
from keeper.devnet.exchange.transactions import decode
from keeper.execution.orders import WorkingOrder

__all__ = ["Pace", "Sent"]

_BUY: Final = 1
_IOC: Final = 1
_PPM: Final = 1_000_000
_NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Sent:
    """The newest version of an id: price, total size, when they arrived, and when the keeper had
    decided on them (-1: it has decided on others since)."""

    subticks: int
    quantums: int
    since_ns: int
    decided_ns: int


@dataclass(slots=True)
class Pace:
    """Listens at the exchange's door; `owner` is ours, tolerances are the keeper's.

    `kinds` counts new, renewed, back, forward, immediate and cancel. `shortest_ms` is the least
    time that an order stood before a step forward, by arrivals (-1: there was none);
    `shortest_told_ms` is the same from the decision to the arrival: a message that is slow on its
    way shortens the one, never the other.
    """

    owner: str
    price_tolerance_ppm: int
    size_tolerance_ppm: int
    kinds: Counter[str] = field(default_factory=Counter)
    shortest_ms: int = -1
    shortest_told_ms: int = -1
    newest: dict[int, Sent] = field(default_factory=dict)
    _working: Callable[[], Mapping[int, WorkingOrder]] = dict

    def listen(self, exchange: Exchange, working: Callable[[], Mapping[int, WorkingOrder]]) -> None:
        """Note every message of ours that the node does not refuse, from now on.

        `working` are the keeper's orders.
        One whose answer is lost counts, and so does one that a fault loses or delays behind it.
        """
        self._working = working
        node: Any = exchange.node
        handed = node.broadcast

        def broadcast(raw: bytes, publish: Any) -> Any:
            try:
                outcome = handed(raw, publish)
            except NodeFailed:
                self._note(decode(raw))
                raise
            if outcome.result.code == 0:
                self._note(decode(raw))
            return outcome

        node.broadcast = broadcast

    @property
    def changes(self) -> int:
        """Messages but for renewals."""
        return self.kinds.total() - self.kinds["renewed"]

    def wrong(self, least_ms: int) -> list[str]:
        """Say if an order was stepped forward too soon."""
        if 0 <= self.shortest_told_ms < least_ms:
            return [f"an order stood {self.shortest_told_ms} ms, {least_ms} are the least"]
        return []

    def _note(self, tx: Any) -> None:
        message = tx.messages[0]
        if tx.signer != self.owner:
            return
        if isinstance(message, MsgBatchCancel):
            self.kinds["cancel"] += 1
        elif isinstance(message, MsgPlaceOrder):
            self.kinds[self._kind(message.order)] += 1

    def _kind(self, order: Any) -> str:
        now = time.time_ns()
        former = self.newest.get(order.order_id.client_id)
        if order.time_in_force == _IOC:
            return "immediate"
        same = (order.subticks, order.quantums)
        if former is None or (former.subticks, former.quantums) != same:
            decided = self._decided(order.order_id.client_id, same)
            self.newest[order.order_id.client_id] = Sent(*same, now, decided)
        if former is None:
            return "new"
        if self._is_renewal(former, order):
            return "renewed"
        nearer = (order.subticks - former.subticks) * (1 if order.side == _BUY else -1)
        if nearer <= 0 and order.quantums <= former.quantums:
            return "back"
        self.shortest_ms = _shorter(self.shortest_ms, now - former.since_ns)
        if former.decided_ns >= 0:
            self.shortest_told_ms = _shorter(self.shortest_told_ms, now - former.decided_ns)
        return "forward"

    def _decided(self, client_id: int, same: tuple[int, int]) -> int:
        order = self._working().get(client_id)
        newest = None if order is None else order.versions[-1]
        if order is None or newest is None or (newest.subticks, newest.quantums) != same:
            return -1
        return order.changed_ns

    def _is_renewal(self, former: Sent, order: Any) -> bool:
        price_gap = abs(order.subticks - former.subticks) * _PPM
        size_gap = abs(order.quantums - former.quantums) * _PPM
        return (
            price_gap <= self.price_tolerance_ppm * former.subticks
            and size_gap <= self.size_tolerance_ppm * former.quantums
        )


def _shorter(least_ms: int, found_ns: int) -> int:
    found = found_ns // _NS_PER_MS
    return found if least_ms < 0 else min(least_ms, found)
