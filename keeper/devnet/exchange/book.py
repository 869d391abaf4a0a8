"""Owns one market's resting orders in price-time priority."""

from bisect import bisect_left, insort
from collections.abc import Iterator

from .model import Order, OrderId, Side

__all__ = ["Book"]


class _Level:
    __slots__ = ("orders", "quantums")

    def __init__(self) -> None:
        self.orders: dict[OrderId, int] = {}  # remaining base quantums, oldest first
        self.quantums = 0


class Book:
    """Both sides of a market. Prices in subticks, sizes in base quantums.

    `touched` collects the levels changed since it was last drained.
    """

    def __init__(self) -> None:
        self.orders: dict[OrderId, Order] = {}
        self._levels: dict[Side, dict[int, _Level]] = {Side.BUY: {}, Side.SELL: {}}
        self._prices: dict[Side, list[int]] = {Side.BUY: [], Side.SELL: []}
        self._touched: dict[tuple[Side, int], None] = {}

    def add(self, order: Order, remaining: int) -> None:
        """Rest an order at the back of its level."""
        levels = self._levels[order.side]
        level = levels.get(order.subticks)
        if level is None:
            level = levels[order.subticks] = _Level()
            insort(self._prices[order.side], order.subticks)
        level.orders[order.id] = remaining
        level.quantums += remaining
        self.orders[order.id] = order
        self._touched[(order.side, order.subticks)] = None

    def remove(self, order_id: OrderId) -> Order:
        """Take an order off the book and return it. Raises KeyError when it does not rest."""
        order = self.orders.pop(order_id)
        self._reduce(order, self.remaining(order))
        return order

    def fill(self, order_id: OrderId, quantums: int) -> None:
        """Reduce a resting order; it keeps its place, and leaves when nothing remains."""
        order = self.orders[order_id]
        if self.remaining(order) == quantums:
            del self.orders[order_id]
        self._reduce(order, quantums)

    def restore(self, order: Order, quantums: int) -> None:
        """Undo a fill: in its place if the order still rests, else before the others of its
        level, which it was filled before."""
        known = self.orders.get(order.id)
        if known is None:
            self.add(order, quantums)
            level = self._levels[order.side][order.subticks]
            level.orders = {order.id: quantums, **level.orders}
            return
        level = self._levels[known.side][known.subticks]
        level.orders[known.id] += quantums
        level.quantums += quantums
        self._touched[(known.side, known.subticks)] = None

    def _reduce(self, order: Order, quantums: int) -> None:
        level = self._levels[order.side][order.subticks]
        level.quantums -= quantums
        level.orders[order.id] -= quantums
        if not level.orders[order.id]:
            del level.orders[order.id]
        if not level.orders:
            del self._levels[order.side][order.subticks]
            prices = self._prices[order.side]
            del prices[bisect_left(prices, order.subticks)]
        self._touched[(order.side, order.subticks)] = None

    def remaining(self, order: Order) -> int:
        """Return what is left of a resting order, base quantums."""
        return self._levels[order.side][order.subticks].orders[order.id]

    def candidates(self, taker: Order) -> Iterator[Order]:
        """Yield resting orders that cross the taker, best price first, oldest first.

        The book must not change while iterating.
        """
        prices = self._prices[taker.side.opposite]
        ordered = prices if taker.side is Side.BUY else reversed(prices)
        for price in ordered:
            if (price - taker.subticks) * taker.side.sign > 0:
                return
            for order_id in self._levels[taker.side.opposite][price].orders:
                yield self.orders[order_id]

    def levels(self, side: Side) -> Iterator[tuple[int, int]]:
        """Yield (subticks, base quantums) from the best price outward."""
        prices = self._prices[side]
        for price in reversed(prices) if side is Side.BUY else prices:
            yield price, self._levels[side][price].quantums

    def drain_touched(self) -> list[tuple[Side, int, int]]:
        """Return (side, subticks, absolute size) of every level changed since the last call."""
        changed = []
        for side, price in self._touched:
            level = self._levels[side].get(price)
            changed.append((side, price, level.quantums if level else 0))
        self._touched.clear()
        return changed
