"""Owns the validator node that clients talk to: the chain, seen through what goes wrong with nodes.

Faults of the node change what a client is told and what reaches the chain, never the rules.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .chain import Chain, CheckOutcome
from .events import Event
from .results import Rejected, clob, sdk
from .transactions import DecodedTx, decode, tx_hash

__all__ = ["Node", "NodeFailed"]

Publish = Callable[[tuple[Event, ...]], None]
CANCELS = ("/dydxprotocol.clob.MsgCancelOrder", "/dydxprotocol.clob.MsgBatchCancel")
PLACE = "/dydxprotocol.clob.MsgPlaceOrder"


class NodeFailed(Exception):
    """The node answers with a transport status, `unavailable` or `busy`. Raised here, answered by
    the gRPC server."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class _Late:
    due: int  # height
    raw: bytes


class Node:
    """One node over one chain. `height` is what it knows of; the chain may be further."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self._faults = chain.faults
        self._stuck_at = 0
        self._late: list[_Late] = []
        self._ready_after = 0

    @property
    def height(self) -> int:
        """Height of the node's last block."""
        if self._faults.get("node-stuck") is None:
            return self.chain.height
        return max(self._stuck_at, next(iter(self.chain.blocks)))

    def stick(self) -> None:
        """Stand at the present height while the fault lasts."""
        self._stuck_at = self.chain.height

    def delay_seconds(self) -> float:
        """Return how much later a call is answered. Raises NodeFailed."""
        if self._faults.strikes("node-unavailable"):
            raise NodeFailed("unavailable", "connection refused")
        if self._faults.strikes("node-busy"):
            raise NodeFailed("busy", "too many requests")
        if self._faults.strikes("node-slow"):
            return self._faults.amount("node-slow") / 1_000
        return 0

    def restarted(self) -> None:
        """The node started again: it takes no CLOB message before its next block."""
        self._ready_after = self.chain.height

    def broadcast(self, raw: bytes, publish: Publish) -> CheckOutcome:
        """Take a transaction as BroadcastTx does and publish what it did. Raises NodeFailed."""
        try:
            tx = decode(raw)
        except Rejected as refusal:
            return CheckOutcome(tx_hash(raw), refusal.result)
        if self._faults.strikes("mempool-full", address=tx.signer):
            return CheckOutcome(tx.hash, sdk(20).result)
        if tx.is_clob and self._ready_after == self.chain.height:
            return CheckOutcome(tx.hash, clob(47).result)
        outcome = self._take(tx)
        publish(outcome.events)
        if self._faults.strikes("answer-lost", address=tx.signer):
            raise NodeFailed("unavailable", "the connection was reset")
        return outcome

    def _take(self, tx: DecodedTx) -> CheckOutcome:
        if self._faults.get("node-stuck") is not None:
            return self.chain.verify(tx.raw, self.height)
        if self._is_lost(tx):
            return self.chain.verify(tx.raw, self.chain.height)
        if tx.is_short_term and self._faults.strikes("order-late", address=tx.signer):
            outcome = self.chain.verify(tx.raw, self.chain.height)
            if not outcome.result.code:
                due = self.chain.height + self._faults.amount("order-late")
                self._late.append(_Late(due, tx.raw))
            return outcome
        return self.chain.check_tx(tx.raw)

    def _is_lost(self, tx: DecodedTx) -> bool:
        if not tx.is_short_term:
            return False
        url = tx.message_types[0]
        if url == PLACE:
            return self._faults.strikes("order-lost", address=tx.signer)
        return url in CANCELS and self._faults.strikes("cancel-lost", address=tx.signer)

    def arrivals(self) -> Iterable[Event]:
        """Take in what was on its way and arrives at this height."""
        due = [late for late in self._late if late.due <= self.chain.height]
        self._late = [late for late in self._late if late.due > self.chain.height]
        for late in due:
            yield from self.chain.check_tx(late.raw).events
