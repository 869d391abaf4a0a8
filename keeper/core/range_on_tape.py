"""A pool's range on a tape: what it would have been worth, held and rebalanced beside it; pure.

The pool's price is the tape's middle, as arbitrage would hold it; a tape of an order book has no
swaps, so what the range earns in fees is not in it, nor gas and the swap of a move. Base is the
pool's token0 with 18 decimals, the asset token1 with 6; prices in subticks of a market whose
subticks are 1e-8, money in quote quantums.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from keeper.core.on_tape import Best, TapePoint
from keeper.domain.settings import PoolSettings
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from keeper.markets.univ3 import (
    amounts_down,
    sqrt_price_at_tick,
    sqrt_price_down,
    tick_at_sqrt_price,
)
from keeper.strategies.range_economics import expected_loss, half_width_ticks, virtual_reserve

__all__ = ["RangeScore", "range_walk"]

_BASE_PER_SUBTICK: Final = 10**20
"""Units of token0 of which one costs as many units of token1 as a price has subticks."""
_UNIT_LIQUIDITY: Final = 1 << 80

Points = tuple[tuple[int, int | None], ...]


class RangeScore(msgspec.Struct, frozen=True, kw_only=True):
    """Series in unix ms. `worth` is the range's change in value since it began, `held` that of
    what was put in, `rebalanced` that of always holding what the range held, without the loss to
    arbitrage. `expected_loss` is sigma^2/8 of the virtual reserves over the time observed.
    """

    price: Points
    lower: Points
    upper: Points
    worth: Points
    held: Points
    rebalanced: Points
    moves: int
    half_width_ticks: int
    loss: int
    expected_loss: int


class _Range(NamedTuple):
    """A range with its liquidity; sqrt prices in X96."""

    ticks: tuple[int, int]
    lower: int
    upper: int
    liquidity: int

    def amounts(self, mark: int) -> tuple[int, int]:
        return amounts_down(mark, self.lower, self.upper, self.liquidity)


def range_walk(
    pool: PoolSettings, fee_ppm: int, capital: int, tape: Iterable[TapePoint]
) -> RangeScore | None:
    """Hold `capital` in a range around the middle, moved when it is off centre; None without one.

    The range is as wide as `half_width_ticks` says and moves as the keeper's would.
    """
    walked: _Walk | None = None
    for point in tape:
        if isinstance(point, Best):
            middle = (point.top.bid + point.top.ask) // 2
            if walked is None:
                walked = _Walk(pool, fee_ppm, capital, middle)
            walked.take(point.t_ns, middle)
    return None if walked is None else walked.result()


class _Walk:
    def __init__(self, pool: PoolSettings, fee_ppm: int, capital: int, middle: int) -> None:
        self._pool, self._capital = pool, capital
        self._half_width = half_width_ticks(pool, fee_ppm)
        self._range = self._around(middle, capital)
        self._middle = middle
        self._began = self._range.amounts(_mark(middle))
        self._start = _value(self._began, middle)
        self._rebalanced = 0
        self._moves = 0
        self._expected_ns = 0
        self._last_ns: int | None = None
        self._series: dict[str, list[tuple[int, int | None]]] = {
            name: [] for name in ("price", "lower", "upper", "worth", "held", "rebalanced")
        }

    def take(self, t_ns: int, middle: int) -> None:
        """Follow the middle: what the range held before it gained or lost the move."""
        base, _ = self._range.amounts(_mark(self._middle))
        self._rebalanced += base * (middle - self._middle) // _BASE_PER_SUBTICK
        self._expect(t_ns, middle)
        self._middle = middle
        worth = _value(self._range.amounts(_mark(middle)), middle)
        if self._is_off(middle):
            self._range = self._around(middle, worth)
            self._moves += 1
        self._note(t_ns, worth)

    def result(self) -> RangeScore:
        worth = self._series["worth"][-1][1] or 0
        return RangeScore(
            **{name: tuple(points) for name, points in self._series.items()},
            moves=self._moves,
            half_width_ticks=self._half_width,
            loss=self._rebalanced - worth,
            expected_loss=self._expected_ns // NS_PER_SECOND,
        )

    def _around(self, middle: int, capital: int) -> _Range:
        centre = tick_at_sqrt_price(_mark(middle))
        ticks = (centre - self._half_width, centre + self._half_width)
        bounds = (sqrt_price_at_tick(ticks[0]), sqrt_price_at_tick(ticks[1]))
        unit = _value(_Range(ticks, *bounds, _UNIT_LIQUIDITY).amounts(_mark(middle)), middle)
        return _Range(ticks, *bounds, capital * _UNIT_LIQUIDITY // max(1, unit))

    def _is_off(self, middle: int) -> bool:
        doubled = sum(self._range.ticks)
        off = abs(2 * tick_at_sqrt_price(_mark(middle)) - doubled)
        return off > 2 * self._pool.recentre_ticks

    def _expect(self, t_ns: int, middle: int) -> None:
        economics = self._pool.economics
        if self._last_ns is not None and economics is not None:
            reserve = virtual_reserve(self._pool, self._range.liquidity, _mark(middle))
            second = msgspec.structs.replace(economics, standing_seconds=1)
            self._expected_ns += expected_loss(second, reserve) * (t_ns - self._last_ns)
        self._last_ns = t_ns

    def _note(self, t_ns: int, worth: int) -> None:
        values = {
            "price": self._middle,
            "lower": _price(self._range.lower),
            "upper": _price(self._range.upper),
            "worth": worth - self._start,
            "held": _value(self._began, self._middle) - self._start,
            "rebalanced": self._rebalanced,
        }
        at_ms = t_ns // NS_PER_MS
        for name, value in values.items():
            points = self._series[name]
            if points and points[-1][0] == at_ms:
                points.pop()
            if not points or points[-1][1] != value:
                points.append((at_ms, value))


def _mark(middle: int) -> int:
    return sqrt_price_down(_BASE_PER_SUBTICK, middle)


def _price(sqrt_price: int) -> int:
    return sqrt_price * sqrt_price * _BASE_PER_SUBTICK >> 192


def _value(amounts: tuple[int, int], middle: int) -> int:
    return amounts[0] * middle // _BASE_PER_SUBTICK + amounts[1]
