"""A Uniswap v3 pool to the unit: swaps over ticks, mints, burns, fee growth, fees owed."""

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from keeper.markets.univ3 import (
    MAX_SQRT_PRICE,
    MAX_TICK,
    MIN_SQRT_PRICE,
    MIN_TICK,
    Q128,
    PriceOutOfRange,
    amounts_down,
    amounts_up,
    sqrt_price_at_tick,
    swap_step,
    tick_at_sqrt_price,
)

__all__ = [
    "LiquidityNotHeld",
    "Pool",
    "Position",
    "PositionKey",
    "Swap",
    "TickInfo",
    "TicksInvalid",
]

_MOD256 = 1 << 256  # fee growth wraps there, in the contracts and here


class LiquidityNotHeld(ValueError):
    """More liquidity is burnt than the position holds; raised to the caller, who asked for it."""


class TicksInvalid(ValueError):
    """A range's ticks are out of order, out of bounds or off the spacing; raised to the caller."""


class PositionKey(NamedTuple):
    """Who holds a range."""

    owner: str
    tick_lower: int
    tick_upper: int


class Swap(NamedTuple):
    """What a swap moved: units into the pool if positive, out of it if negative."""

    amount0: int
    amount1: int


@dataclass(slots=True)
class TickInfo:
    """An initialised tick; growth is per unit of liquidity times 2**128, modulo 2**256."""

    liquidity_gross: int = 0
    liquidity_net: int = 0
    growth_outside0: int = 0
    growth_outside1: int = 0


@dataclass(slots=True)
class Position:
    """A range's liquidity and the token units the pool owes its owner."""

    liquidity: int = 0
    growth_inside0: int = 0
    growth_inside1: int = 0
    owed0: int = 0
    owed1: int = 0


@dataclass(slots=True)
class Pool:
    """State of one pool; its methods change it in place.

    `fee_ppm` is the swap fee in millionths; `fee_protocol0/1` its divisor for the protocol or 0.
    """

    fee_ppm: int
    tick_spacing: int
    sqrt_price: int
    tick: int
    liquidity: int = 0
    growth0: int = 0
    growth1: int = 0
    fee_protocol0: int = 0
    fee_protocol1: int = 0
    protocol_fees0: int = 0
    protocol_fees1: int = 0
    ticks: dict[int, TickInfo] = field(default_factory=dict)
    positions: dict[PositionKey, Position] = field(default_factory=dict)
    _sorted: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._sorted = sorted(self.ticks)

    def copy(self) -> "Pool":
        """Return an independent pool in the same state, to try something on."""
        return replace(
            self,
            ticks={tick: replace(info) for tick, info in self.ticks.items()},
            positions={key: replace(position) for key, position in self.positions.items()},
        )

    def swap(
        self, zero_for_one: bool, amount_specified: int, sqrt_price_limit: int | None = None
    ) -> Swap:
        """Swap an exact input (positive) or for an exact output (negative), in token units.

        Stops at the limit, as the pool does. Raises PriceOutOfRange if the limit lies on the wrong
        side of the price or beyond the bounds.
        """
        limit = self._swap_limit(zero_for_one, sqrt_price_limit)
        remaining, calculated = amount_specified, 0
        while remaining != 0 and self.sqrt_price != limit:
            spent, got = self._advance(zero_for_one, remaining, limit)
            if amount_specified > 0:
                remaining, calculated = remaining - spent, calculated - got
            else:
                remaining, calculated = remaining + got, calculated + spent
        done = amount_specified - remaining
        if zero_for_one == (amount_specified > 0):
            return Swap(done, calculated)
        return Swap(calculated, done)

    def mint(self, key: PositionKey, liquidity: int) -> tuple[int, int]:
        """Add liquidity and return its cost in token units. Raises TicksInvalid."""
        self._require_ticks(key)
        self._modify(key, liquidity)
        return amounts_up(self.sqrt_price, *_bounds(key), liquidity)

    def burn(self, key: PositionKey, liquidity: int) -> tuple[int, int]:
        """Remove liquidity and return what it frees, now owed to the owner. Burning nothing books
        the fees earned. Raises LiquidityNotHeld."""
        position = self.positions.get(key)
        if position is None or position.liquidity < max(liquidity, 1):
            raise LiquidityNotHeld(key, liquidity)
        self._modify(key, -liquidity)
        amount0, amount1 = amounts_down(self.sqrt_price, *_bounds(key), liquidity)
        position.owed0 += amount0
        position.owed1 += amount1
        return amount0, amount1

    def collect(self, key: PositionKey) -> tuple[int, int]:
        """Pay out everything booked as owed and return it in token units."""
        position = self.positions[key]
        owed = position.owed0, position.owed1
        position.owed0 = position.owed1 = 0
        return owed

    def growth_inside(self, tick_lower: int, tick_upper: int) -> tuple[int, int]:
        """Return the fee growth of both tokens between two initialised ticks."""
        lower, upper = self.ticks[tick_lower], self.ticks[tick_upper]
        below0, below1 = self._growth_side(lower, self.tick >= tick_lower)
        above0, above1 = self._growth_side(upper, self.tick < tick_upper)
        return (
            (self.growth0 - below0 - above0) % _MOD256,
            (self.growth1 - below1 - above1) % _MOD256,
        )

    def _growth_side(self, info: TickInfo, outside: bool) -> tuple[int, int]:
        if outside:
            return info.growth_outside0, info.growth_outside1
        return self.growth0 - info.growth_outside0, self.growth1 - info.growth_outside1

    def _swap_limit(self, zero_for_one: bool, limit: int | None) -> int:
        if limit is None:
            return MIN_SQRT_PRICE + 1 if zero_for_one else MAX_SQRT_PRICE - 1
        low, high = (
            (MIN_SQRT_PRICE, self.sqrt_price) if zero_for_one else (self.sqrt_price, MAX_SQRT_PRICE)
        )
        if not low < limit < high:
            raise PriceOutOfRange(limit)
        return limit

    def _advance(self, zero_for_one: bool, remaining: int, limit: int) -> tuple[int, int]:
        """Swap to the next stop or the limit; return units paid, fee included, and units got."""
        next_tick = self._next_tick(zero_for_one)
        next_price = sqrt_price_at_tick(next_tick)
        target = max(next_price, limit) if zero_for_one else min(next_price, limit)
        start = self.sqrt_price
        step = swap_step(start, target, self.liquidity, remaining, self.fee_ppm)
        self.sqrt_price = step.sqrt_price
        self._earn(zero_for_one, step.fee)
        if step.sqrt_price == next_price:
            if next_tick in self.ticks:
                self._cross(next_tick, zero_for_one)
            self.tick = next_tick - 1 if zero_for_one else next_tick
        elif step.sqrt_price != start:
            self.tick = tick_at_sqrt_price(step.sqrt_price)
        return step.amount_in + step.fee, step.amount_out

    def _next_tick(self, zero_for_one: bool) -> int:
        """Return the next initialised tick, or the edge of the pool's bitmap word: it stops there
        too, and each stop rounds."""
        compressed = self.tick // self.tick_spacing
        if zero_for_one:
            edge = (compressed >> 8 << 8) * self.tick_spacing
            at = bisect_right(self._sorted, self.tick) - 1
            found = self._sorted[at] if at >= 0 else edge
            return max(found, edge, MIN_TICK)
        edge = (compressed + 1 | 255) * self.tick_spacing
        at = bisect_right(self._sorted, self.tick)
        found = self._sorted[at] if at < len(self._sorted) else edge
        return min(found, edge, MAX_TICK)

    def _earn(self, zero_for_one: bool, fee: int) -> None:
        divisor = self.fee_protocol0 if zero_for_one else self.fee_protocol1
        protocol = fee // divisor if divisor else 0
        growth = (fee - protocol) * Q128 // self.liquidity if self.liquidity else 0
        if zero_for_one:
            self.protocol_fees0 += protocol
            self.growth0 = (self.growth0 + growth) % _MOD256
        else:
            self.protocol_fees1 += protocol
            self.growth1 = (self.growth1 + growth) % _MOD256

    def _cross(self, tick: int, zero_for_one: bool) -> None:
        info = self.ticks[tick]
        info.growth_outside0 = (self.growth0 - info.growth_outside0) % _MOD256
        info.growth_outside1 = (self.growth1 - info.growth_outside1) % _MOD256
        self.liquidity += -info.liquidity_net if zero_for_one else info.liquidity_net

    def _require_ticks(self, key: PositionKey) -> None:
        if not MIN_TICK <= key.tick_lower < key.tick_upper <= MAX_TICK:
            raise TicksInvalid(key)
        if key.tick_lower % self.tick_spacing or key.tick_upper % self.tick_spacing:
            raise TicksInvalid(key)

    def _modify(self, key: PositionKey, delta: int) -> None:
        if delta:
            self._update_tick(key.tick_lower, delta, delta)
            self._update_tick(key.tick_upper, delta, -delta)
        self._book_fees(self.positions.setdefault(key, Position()), key, delta)
        if delta < 0:
            self._clear_tick(key.tick_lower)
            self._clear_tick(key.tick_upper)
        if key.tick_lower <= self.tick < key.tick_upper:
            self.liquidity += delta

    def _update_tick(self, tick: int, gross: int, net: int) -> None:
        info = self.ticks.get(tick)
        if info is None:
            info = self.ticks[tick] = TickInfo()
            insort(self._sorted, tick)
            if tick <= self.tick:  # by convention all growth so far happened below
                info.growth_outside0, info.growth_outside1 = self.growth0, self.growth1
        info.liquidity_gross += gross
        info.liquidity_net += net

    def _clear_tick(self, tick: int) -> None:
        if self.ticks[tick].liquidity_gross == 0:
            del self.ticks[tick]
            del self._sorted[bisect_left(self._sorted, tick)]

    def _book_fees(self, position: Position, key: PositionKey, delta: int) -> None:
        inside0, inside1 = self.growth_inside(key.tick_lower, key.tick_upper)
        earned0 = (inside0 - position.growth_inside0) % _MOD256 * position.liquidity // Q128
        earned1 = (inside1 - position.growth_inside1) % _MOD256 * position.liquidity // Q128
        position.growth_inside0, position.growth_inside1 = inside0, inside1
        position.owed0 += earned0
        position.owed1 += earned1
        position.liquidity += delta


def _bounds(key: PositionKey) -> tuple[int, int]:
    return sqrt_price_at_tick(key.tick_lower), sqrt_price_at_tick(key.tick_upper)
