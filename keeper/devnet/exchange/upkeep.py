"""Owns what the node does right after a block: what the block left behind meets the books again.

In this order: stateful orders end, what was not proposed is matched anew, new and triggered
stateful orders reach the books, accounts below their maintenance margin are liquidated, what
nobody's order takes is offset. Matches of this wait for the next block like any other.
"""

from .checktx import ClobChecker
from .config import ExchangeConfig
from .deleveraging import offset_position
from .events import (
    Event,
    OrderPlaced,
    OrderRemoved,
    StatefulPlaced,
    StatefulRemoved,
    StatefulTriggered,
)
from .gating import note_negative
from .liquidation import current, is_liquidatable, liquidation_order, net_collateral
from .margin import notional
from .memclob import MemClob
from .model import MarketStatus, Order, Removal, SubaccountId
from .results import Rejected
from .stateful import expired, remove, triggered
from .store import State

__all__ = ["Upkeep"]


REFUSALS = {2003: Removal.POST_ONLY, 2005: Removal.ISOLATED}  # by clob code


class Upkeep:
    """Works on the committed state at a block's end, and on the books after it."""

    def __init__(self, config: ExchangeConfig, state: State, clob: MemClob) -> None:
        self._config = config
        self._state = state
        self._clob = clob
        self._new: list[tuple[Order, str]] = []  # stateful orders that reach a book after the block
        self._unproposed: list[tuple[Order, str]] = []

    # In the block

    def placed(self, order: Order, transaction: str) -> Event:
        """A block included a stateful order."""
        if not order.condition:
            self._new.append((order, transaction))
        return StatefulPlaced(order)

    def cancelled(self, order: Order) -> list[Event]:
        """A block included a stateful cancel."""
        return self._end(order, Removal.USER_CANCELED)

    def _end(self, order: Order, reason: str) -> list[Event]:
        filled = self._clob.filled(order.id)
        levels = self._clob.remove(order.id)
        self._clob.forget(order.id)
        return [StatefulRemoved(order, reason, filled), *levels]

    def in_block(self, height: int, time_ns: int) -> list[Event]:
        """End and trigger stateful orders, settle closed markets, note debts nobody carries."""
        events: list[Event] = []
        ended, self._clob.ended = self._clob.ended, []
        for order, reason in ended:
            remove(self._state, order.id)
            events += self._end(order, reason)
        for order in expired(self._state, time_ns):
            events += self._end(order, Removal.EXPIRED)
        for order in triggered(self._state):
            events.append(StatefulTriggered(order))
            self._new.append((order, ""))
        events += self._close_books()
        for market_id in self._unpaid():
            note_negative(self._state, market_id, height)
        return events

    def _close_books(self) -> list[Event]:
        events: list[Event] = []
        for market_id in self._settled_markets():
            for order in list(self._clob.books[market_id].orders.values()):
                filled = self._clob.filled(order.id)
                remove(self._state, order.id)
                events += self._clob.remove(order.id)
                events.append(OrderRemoved(order, Removal.FINAL_SETTLEMENT, filled))
        return events

    def _settled_markets(self) -> list[int]:
        return [
            market_id
            for market_id, market in self._state.markets.items()
            if market.status == MarketStatus.FINAL_SETTLEMENT
        ]

    def _unpaid(self) -> list[int]:
        """Return the markets held by subaccounts that are worth less than nothing."""
        held: dict[int, None] = {}
        for key, account in self._state.subaccounts.items():
            if account.positions and net_collateral(self._state, key) < 0:
                held |= dict.fromkeys(account.positions)
        return list(held)

    # After the block

    def restart(self) -> None:
        """Bring every stateful order to its book again, after the next block."""
        self._unproposed = []
        self._new = [
            (found.order, "")
            for _, found in self._state.stateful.items()
            if found.live and found.triggered
        ]

    def unproposed(self, takers: list[tuple[Order, str]]) -> None:
        """Remember takers whose matches the block's proposer did not see."""
        self._unproposed = takers

    def after_block(self, checker: ClobChecker, height: int, draw: int) -> list[Event]:
        """Bring the books up to the state of `height`; `draw` picks who is deleveraged first."""
        again, self._unproposed = self._unproposed, []
        new, self._new = self._new, []
        events = self.replay(checker, again, height)
        for order, transaction in new:
            known = self._state.stateful.get(order.id)
            if known is not None and known.live:
                events += self._place(checker, order, transaction, height)
        events += self._liquidate_all()
        self._offset_all(draw)
        return events

    def replay(
        self, checker: ClobChecker, takers: list[tuple[Order, str]], height: int
    ) -> list[Event]:
        """Place takers anew whose matches were undone, those that still live after `height`."""
        events: list[Event] = []
        for order, transaction in takers:
            if order.is_stateful or order.good_til_block > height:
                events += self._place(checker, order, transaction, height)
        return events

    def _place(self, checker: ClobChecker, order: Order, tx: str, height: int) -> list[Event]:
        """Place what the indexer knows of already: its placement is not told again."""
        self._clob.rejected_events = []
        reason = Removal.UNDERCOLLATERALIZED
        try:
            told = checker.place(order, self._state, height + 1, tx)
        except Rejected as refusal:
            told = self._clob.rejected_events
            reason = REFUSALS.get(refusal.result.code, reason)
        removed = [e.reason for e in told if isinstance(e, OrderRemoved) and e.order == order]
        is_gone = self._clob.resting(order.id) is None
        if order.is_stateful and is_gone and self._clob.filled(order.id) < order.quantums:
            self._clob.ended.append((order, removed[-1] if removed else reason))
        return [event for event in told if not isinstance(event, OrderPlaced)]

    def _liquidate_all(self) -> list[Event]:
        state = self._clob.state
        low = sorted(
            key
            for key, account in state.subaccounts.items()
            if account.positions and is_liquidatable(state, key)
        )
        return [event for key in low for event in self._liquidate(key)]

    def _liquidate(self, key: SubaccountId) -> list[Event]:
        events: list[Event] = []
        for market_id in self._by_size(key):
            if market_id not in current(self._clob.state, key).positions:
                continue
            if not is_liquidatable(self._clob.state, key):
                break
            order = liquidation_order(self._clob.state, self._config, key, market_id)
            events += self._clob.liquidate(order)
        return events

    def _by_size(self, key: SubaccountId) -> list[int]:
        """Return the markets of a subaccount's positions, the largest first."""
        state = self._clob.state
        worth = {}
        for market_id, held in current(state, key).positions.items():
            market, price = state.markets.get(market_id), state.prices.get(market_id)
            if market is not None and price is not None:
                worth[market_id] = -abs(notional(market, price, held.quantums))
        return sorted(worth, key=lambda market_id: (worth[market_id], market_id))

    def _offset_all(self, draw: int) -> None:
        state = self._clob.state
        settled = set(self._settled_markets())
        for key in sorted(key for key, account in state.subaccounts.items() if account.positions):
            for market_id in list(current(state, key).positions):
                if market_id not in current(state, key).positions:
                    continue
                if market_id in settled or net_collateral(state, key) < 0:
                    self.offset(key, market_id, draw)

    def offset(self, key: SubaccountId, market_id: int, draw: int, size: int = 0) -> int:
        """Offset a position against others from the next block on; returns base quantums."""
        matches = offset_position(self._clob.state, key, market_id, draw, size)
        self._clob.pending += matches
        return sum(match.quantums for match in matches)
