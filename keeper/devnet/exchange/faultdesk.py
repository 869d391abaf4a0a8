"""Owns setting and clearing faults: what takes effect at once, and what ends with a fault."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from typing import Any

from .faults import CATALOGUE, Fault
from .gating import note_negative
from .indexer import Message
from .lag import LaggingIndexer
from .model import MarketStatus, SubaccountId
from .node import Node
from .websocket import StreamServer

__all__ = ["FaultDesk"]

Json = dict[str, Any]
Tell = Callable[[Iterable[Message]], None]


class FaultDesk:
    """Sets, clears and lists the faults of a running exchange."""

    def __init__(self, node: Node, lag: LaggingIndexer, streams: StreamServer) -> None:
        self._node = node
        self._chain = node.chain
        self._lag = lag
        self._streams = streams
        self.resume: Callable[[], None] = lambda: None

    def listed(self) -> Json:
        """Return every fault there is, and those that are set."""
        active = [{**asdict(fault), "left": left} for fault, left in self._chain.faults.active()]
        known = [
            {
                "name": name,
                "what": kind.what,
                "amount": kind.amount,
                "default_amount": kind.default_amount,
                "needs": list(kind.needs),
            }
            for name, kind in CATALOGUE.items()
        ]
        return {"height": self._chain.height, "active": active, "faults": known}

    async def set(self, body: Json) -> Json:
        """Set a fault from its fields. Raises ValueError, KeyError."""
        unknown = set(body) - {field.name for field in fields(Fault)}
        if unknown:
            raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
        fault = Fault(**body)
        self._check(fault)
        self._chain.faults.set(fault)
        await self._at_once(fault)
        return {**asdict(fault), "height": self._chain.height}

    def _check(self, fault: Fault) -> None:
        for name, value in asdict(fault).items():
            wanted = int if name in ("count", "permille", "amount", "subaccount") else str
            if type(value) is not wanted:
                raise ValueError(f"{name} must be of type {wanted.__name__}")
        if fault.market:
            self._market(fault.market)
        if fault.status and fault.status not in MarketStatus.__members__:
            raise ValueError(f"status must be one of {', '.join(MarketStatus.__members__)}")

    def _market(self, ticker: str) -> int:
        market = self._chain.config.ticker(ticker)
        if market is None:
            raise ValueError(f"no market {ticker}")
        return market.id

    async def _at_once(self, fault: Fault) -> None:
        try:
            await self._act(fault)
        except ValueError:
            self._chain.faults.clear(fault.name)
            raise

    async def _act(self, fault: Fault) -> None:
        amount = self._chain.faults.amount(fault.name)
        if fault.name == "market-status":
            status = MarketStatus[fault.status]
            self._chain.set_status(self._market(fault.market), status)
        elif fault.name == "node-stuck":
            self._node.stick()
        elif fault.name == "withdrawals-gated":
            note_negative(self._chain.state, self._market(fault.market), self._chain.height)
            self._chain.faults.clear(fault.name)
        elif fault.name == "deleverage":
            self._deleverage(fault)
        elif fault.name == "crossed-book":
            self._streams.publish(self._lag.cross(self._market(fault.market), amount))
        elif fault.name in ("stream-dropped", "stream-restart"):
            await self._streams.disconnect(politely=fault.name == "stream-restart")
            self._chain.faults.clear(fault.name)

    def _deleverage(self, fault: Fault) -> None:
        key = SubaccountId(fault.address, fault.subaccount)
        market_id = self._market(fault.market)
        account = self._chain.clob.state.subaccounts.get(key)
        if account is None or market_id not in account.positions:
            raise ValueError(f"{fault.address}/{fault.subaccount} holds no {fault.market}")
        draw = int.from_bytes(self._chain.block.hash[:8], "big")
        moved = self._chain.upkeep.offset(key, market_id, draw, fault.amount)
        self._chain.faults.clear(fault.name)
        if not moved:
            raise ValueError("nobody can take the other side")

    def clear(self, name: str) -> Json:
        """Clear a fault, or all of them where no name is given. Raises ValueError."""
        if name and name not in CATALOGUE:
            raise ValueError(f"no fault {name!r}; there are {', '.join(CATALOGUE)}")
        set_now = [fault for fault, _ in self._chain.faults.active()]
        cleared = [fault for fault in set_now if name in ("", fault.name)]
        for fault in cleared:
            self._chain.faults.clear(fault.name)
            self._end(fault)
        return {"cleared": [fault.name for fault in cleared], "height": self._chain.height}

    def _end(self, fault: Fault) -> None:
        if fault.name == "market-status":
            self._chain.set_status(self._market(fault.market), MarketStatus.ACTIVE)
        elif fault.name == "crossed-book":
            self._streams.publish(self._lag.uncross())
        elif fault.name == "indexer-lag":
            self._streams.publish(self._lag.catch_up())
        elif fault.name == "chain-halt":
            self.resume()
