"""Oracle prices by height: what a market's price was when a block was made."""

from bisect import bisect_right

__all__ = ["PriceHistory"]


class PriceHistory:
    """Prices of one market, added in any order; the first word on a height stands."""

    def __init__(self) -> None:
        self._prices: dict[int, int] = {}
        self._heights: list[int] | None = None

    def add(self, height: int, price: int) -> None:
        """Note that the price was `price` from `height` on."""
        if height not in self._prices:
            self._prices[height] = price
            self._heights = None

    def at(self, height: int) -> int | None:
        """Return the price in force at a height; None when none is known from then or before."""
        heights = self._sorted()
        index = bisect_right(heights, height)
        return self._prices[heights[index - 1]] if index else None

    def heights(self, after: int, up_to: int) -> list[int]:
        """Return the heights in (after, up_to] at which a price was noted."""
        heights = self._sorted()
        return heights[bisect_right(heights, after) : bisect_right(heights, up_to)]

    def _sorted(self) -> list[int]:
        if self._heights is None:
            self._heights = sorted(self._prices)
        return self._heights
