"""Owns the node's order books between blocks: placing, cancelling and optimistic matching."""

from dataclasses import dataclass, field

from .book import Book
from .config import ExchangeConfig, MarketConfig
from .events import Event, LevelChanged, OrderExpired, OrderPlaced, OrderRemoved, OrderUpdated
from .matching import Match, insured, make_match, try_match
from .model import Order, OrderId, Removal, TimeInForce
from .results import clob
from .store import State

__all__ = ["FillAmount", "MemClob"]


FOREVER = 2**63  # stateful fills are forgotten with their order


@dataclass(frozen=True, slots=True)
class FillAmount:
    """Base quantums an order id has filled, forgotten after `prune_height`."""

    quantums: int
    prune_height: int


@dataclass(slots=True)
class _Taking:
    """What one taker's walk through the book has done so far."""

    order: Order
    remaining: int
    matches: list[Match] = field(default_factory=list)
    removals: list[tuple[Order, str]] = field(default_factory=list)
    stopped: str = ""  # removal reason that ended the walk


class MemClob:
    """Books, cancels and fill amounts as this node sees them, ahead of the committed state.

    `state` is a branch of the committed state that holds the matches of `pending`.
    """

    def __init__(self, config: ExchangeConfig, committed: State) -> None:
        self._config = config
        self._committed = committed
        self.state = committed.branch()
        self.books = {market.id: Book() for market in config.markets}
        self.fills: dict[OrderId, FillAmount] = {}
        self.cancels: dict[OrderId, int] = {}
        self.pending: list[Match] = []
        self.rejected_events: list[Event] = []  # what the last refused placement still did
        self.ended: list[tuple[Order, str]] = []  # stateful orders off the book, not yet the state
        self._placed: dict[OrderId, bytes] = {}

    def resting(self, order_id: OrderId) -> Order | None:
        """Return the order resting under this id, if any."""
        book = self.books.get(order_id.clob_pair_id)
        return book.orders.get(order_id) if book else None

    def filled(self, order_id: OrderId) -> int:
        """Return base quantums filled under this id, optimistic fills included."""
        amount = self.fills.get(order_id)
        return amount.quantums if amount else 0

    def place(self, order: Order, transaction: str) -> list[Event]:
        """Accept a checked order: match it, rest what is left. Raises Rejected clob 7, 20, 24,
        30, 2001, 2003, 2004 or 2005; a rejected replacement may still have removed its
        predecessor, whose events are then in `rejected_events`."""
        market = self._market(order)
        self._check_new(order)
        events: list[Event] = []
        old = self.resting(order.id)
        if old is not None:
            events.append(OrderRemoved(old, Removal.REPLACED, self.filled(order.id)))
        events.append(OrderPlaced(order))
        scratch = self.state.branch()
        taking = _Taking(order, order.quantums - self.filled(order.id))
        self._walk(scratch, market, taking, transaction)
        self._drop_removed(taking, old)
        if taking.matches and order.time_in_force is TimeInForce.POST_ONLY:
            self._reject(taking, old, Removal.POST_ONLY)
            raise clob(2003, f"client id {order.id.client_id}")
        if taking.stopped == Removal.ISOLATED:
            self._reject(taking, old, Removal.ISOLATED)
            raise clob(2005, f"client id {order.id.client_id}")
        scratch.absorb()
        self._record(taking)
        return events + self._finish(market, taking)

    def _market(self, order: Order) -> MarketConfig:
        market = self.state.markets.get(order.id.clob_pair_id)
        if market is None:
            raise clob(8, str(order.id.clob_pair_id))
        return market

    def _check_new(self, order: Order) -> None:
        if not self._is_alive(order):
            raise clob(7, f"cancelled to block {self.cancels[order.id]}")
        filled = self.filled(order.id)
        old = self.resting(order.id)
        if old is not None:
            self._check_replacement(order, old)
        elif self._placed.get(order.id) == order.digest:
            raise clob(30)
        if filled and order.time_in_force is TimeInForce.IOC:
            raise clob(2004)
        if filled >= order.quantums:
            raise clob(24, f"filled {filled} of {order.quantums}")
        if order.reduce_only and self._reducible(self.state, order) <= 0:
            raise clob(2001)

    @staticmethod
    def _check_replacement(order: Order, old: Order) -> None:
        if order.priority <= old.priority:
            raise clob(20)
        fixed = (old.side, old.time_in_force, old.reduce_only)
        if (order.side, order.time_in_force, order.reduce_only) != fixed:
            raise clob(20, "side, time in force and reduce-only are fixed")

    @staticmethod
    def _reducible(state: State, order: Order) -> int:
        """Return how many base quantums the order can take off its position."""
        account = state.subaccounts.get(order.id.subaccount)
        held = account.positions.get(order.id.clob_pair_id) if account else None
        return -held.quantums * order.side.sign if held else 0

    def _walk(
        self, scratch: State, market: MarketConfig, taking: _Taking, transaction: str
    ) -> None:
        """Match the taker against crossing makers until nothing is left to do."""
        order, book = taking.order, self.books[market.id]
        for maker in book.candidates(order):
            if maker.id.subaccount == order.id.subaccount:
                taking.removals.append((maker, Removal.SELF_TRADE))
                continue
            size = min(taking.remaining, book.remaining(maker))
            if order.reduce_only:
                size = min(size, self._reducible(scratch, order))
            match = make_match(self._config, market, (order, maker), size, transaction)
            match = insured(scratch, self._config, match)
            check = try_match(scratch, match)
            if check.maker:
                taking.removals.append((maker, check.maker))
            if check.taker:
                taking.stopped = check.taker
                return
            if check.ok:
                taking.matches.append(match)
                taking.remaining -= size
            if not taking.remaining:
                return
            if order.reduce_only and self._reducible(scratch, order) <= 0:
                taking.stopped = Removal.REDUCE_ONLY
                return

    def _drop_removed(self, taking: _Taking, old: Order | None) -> None:
        book = self.books[taking.order.id.clob_pair_id]
        for maker, reason in taking.removals:
            book.remove(maker.id)
            if maker.is_stateful:
                self.ended.append((maker, reason))
        if old is not None and old.id in book.orders:
            book.remove(old.id)

    def _removal_events(self, taking: _Taking) -> list[Event]:
        return [
            OrderRemoved(maker, reason, self.filled(maker.id)) for maker, reason in taking.removals
        ]

    def _reject(self, taking: _Taking, old: Order | None, reason: str) -> None:
        self.rejected_events = self._removal_events(taking)
        if old is not None:
            self.rejected_events.append(OrderRemoved(old, reason, self.filled(old.id)))
        self.rejected_events += self._level_events(taking.order.id.clob_pair_id)

    def _add_fill(self, order: Order, quantums: int) -> None:
        prune = order.good_til_block + self._config.short_block_window
        if order.is_stateful:
            prune = FOREVER
        known = self.fills.get(order.id, FillAmount(0, prune))
        self.fills[order.id] = FillAmount(known.quantums + quantums, max(prune, known.prune_height))

    def _record(self, taking: _Taking) -> None:
        book = self.books[taking.order.id.clob_pair_id]
        for match in taking.matches:
            book.fill(match.maker.id, match.quantums)
            self._add_fill(match.maker, match.quantums)
            if match.taker.is_own:
                self._add_fill(match.taker, match.quantums)
                self._placed[match.taker.id] = match.taker.digest
        self.pending += taking.matches

    def _finish(self, market: MarketConfig, taking: _Taking) -> list[Event]:
        order = taking.order
        events = self._removal_events(taking)
        for match in taking.matches:
            events.append(OrderUpdated(match.maker.id, self.filled(match.maker.id)))
        if taking.matches:
            events.append(OrderUpdated(order.id, self.filled(order.id)))
        reason = taking.stopped
        if not reason and taking.remaining and order.time_in_force is TimeInForce.IOC:
            reason = Removal.WOULD_REST
        if reason:
            events.append(OrderRemoved(order, reason, self.filled(order.id)))
        elif taking.remaining:
            self.books[market.id].add(order, taking.remaining)
        return events + self._level_events(market.id)

    def _level_events(self, market_id: int) -> list[Event]:
        return [
            LevelChanged(market_id, side, price, size)
            for side, price, size in self.books[market_id].drain_touched()
        ]

    def cancel(self, order_id: OrderId, good_til_block: int) -> list[Event]:
        """Cancel up to a block. An order with a later goodTilBlock stays, and so says nobody.

        Raises Rejected clob 9 when a cancel at least as late is known.
        """
        if self.cancels.get(order_id, 0) >= good_til_block:
            raise clob(9, f"client id {order_id.client_id}")
        self.cancels[order_id] = good_til_block
        order = self.resting(order_id)
        if order is None or order.good_til_block > good_til_block:
            return []
        self.books[order_id.clob_pair_id].remove(order_id)
        removed = OrderRemoved(order, Removal.USER_CANCELED, self.filled(order_id))
        return [removed, *self._level_events(order_id.clob_pair_id)]

    def liquidate(self, order: Order) -> list[Event]:
        """Match an order of the chain's own against the book; what does not match is gone."""
        market = self._market(order)
        scratch = self.state.branch()
        taking = _Taking(order, order.quantums)
        self._walk(scratch, market, taking, "")
        self._drop_removed(taking, None)
        scratch.absorb()
        self._record(taking)
        events = self._removal_events(taking)
        events += [OrderUpdated(m.maker.id, self.filled(m.maker.id)) for m in taking.matches]
        return events + self._level_events(market.id)

    def remove(self, order_id: OrderId) -> list[Event]:
        """Take an order off its book if it rests; tells the book's change alone."""
        book = self.books[order_id.clob_pair_id]
        if order_id in book.orders:
            book.remove(order_id)
        return self._level_events(order_id.clob_pair_id)

    def forget(self, order_id: OrderId) -> None:
        """Forget what a stateful order has filled: it is removed from the state."""
        self.fills.pop(order_id, None)

    def rewind(self) -> list[tuple[Order, str]]:
        """Undo the matches that wait for the next block: makers rest again as they did.

        Returns the takers in order of arrival, with their transactions, to be placed anew.
        """
        takers: dict[OrderId, tuple[Order, str]] = {}
        for match in reversed(self.pending):
            if match.maker.is_own:
                self._unfill(match.maker, match.quantums)
                if self._is_alive(match.maker):
                    self.books[match.market_id].restore(match.maker, match.quantums)
            if match.taker.is_own:
                self._unfill(match.taker, match.quantums)
                takers.setdefault(match.taker.id, (match.taker, match.transaction))
        self.pending, self._placed = [], {}
        self.state = self._committed.branch()
        again = [entry for entry in takers.values() if self._take_back(entry[0])]
        return again[::-1]

    def _unfill(self, order: Order, quantums: int) -> None:
        known = self.fills[order.id]
        left = known.quantums - quantums
        if left:
            self.fills[order.id] = FillAmount(left, known.prune_height)
        else:
            del self.fills[order.id]

    def _take_back(self, taker: Order) -> bool:
        """Take a taker's remainder off the book; False where it was cancelled or replaced since."""
        known = self.resting(taker.id)
        if known is not None and known.digest != taker.digest:
            return False
        if known is not None:
            self.books[taker.id.clob_pair_id].remove(taker.id)
        return self._is_alive(taker)

    def _is_alive(self, order: Order) -> bool:
        return order.is_stateful or self.cancels.get(order.id, 0) < order.good_til_block

    def restart(self) -> list[Event]:
        """Forget everything that is not committed, as a node does that starts again.

        Nobody is told: only the books change.
        """
        self.rewind()
        events: list[Event] = []
        for market_id, book in self.books.items():
            for order_id in list(book.orders):
                book.remove(order_id)
            events += self._level_events(market_id)
        self.cancels = {}
        return events

    def after_commit(self, height: int) -> list[Event]:
        """Start again on the committed state of `height`: drop what expired with it."""
        self.state = self._committed.branch()
        self.pending = []
        self._placed = {}
        events: list[Event] = []
        for market_id, book in self.books.items():
            for order in list(book.orders.values()):
                if not order.is_stateful and order.good_til_block <= height:
                    book.remove(order.id)
                    events.append(OrderExpired(order))
            events += self._level_events(market_id)
        self.cancels = {k: gtb for k, gtb in self.cancels.items() if gtb > height}
        self.fills = {k: f for k, f in self.fills.items() if f.prune_height > height}
        return events
