"""Owns a model of the Dutch auction, written from the formulas of docs/bonds.md, not from Solidity.

Integers are token units, asset units and seconds; a price is whole assets per whole token with 36
decimals. Every quotient is an exact fraction, rounded once, in the direction that its name says.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Final

__all__ = ["DutchMarket", "Sale"]

DAY: Final = 86_400
HOUR: Final = 3_600
TUNE_FALL: Final = 6 * HOUR
RISE: Final = Fraction(5, 4)


@dataclass(frozen=True, slots=True)
class Sale:
    """What a purchase gets and pays."""

    payout: int
    cost: int


@dataclass(slots=True, kw_only=True)
class DutchMarket:
    """One market; `buffer` is a fraction of the target."""

    capacity: int
    duration: int
    interval: int
    price: int
    floor: int
    buffer: Fraction
    start: int
    token_decimals: int = 18
    asset_decimals: int = 18
    initial: int = field(init=False)
    max_payout: int = field(init=False)
    scale: int = field(init=False)
    target: int = field(init=False)
    debt: int = field(init=False)
    last: int = field(init=False)
    last_tune: int = field(init=False)
    control: tuple[int, int] = field(init=False)
    tune_below: int = field(init=False)
    breaker: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.initial = self.capacity
        self.max_payout = floor(Fraction(self.capacity * self.interval, self.duration))
        self.scale = 10 ** (36 + self.token_decimals - self.asset_decimals)
        self.target = floor(Fraction(self.capacity * self.decay_interval, self.duration))
        self.debt = self.target
        self.last = self.last_tune = self.start
        first = floor(Fraction(self.price * self.scale, self.target))
        self.control = (first, first)
        self.tune_below = self._step_below()
        self.breaker = (self.max_debt, self.max_debt)

    @property
    def decay_interval(self) -> int:
        return max(3 * DAY, 5 * self.interval)

    @property
    def tune_interval(self) -> int:
        return max(6 * HOUR, self.interval)

    @property
    def max_debt(self) -> int:
        """What the target of the last tune asks for."""
        room = (floor(self.target * self.buffer), floor(Fraction(self.target, 10)))
        return self.target + max(*room, self.max_payout)

    @property
    def end(self) -> int:
        return self.start + self.duration

    def debt_at(self, time: int) -> int:
        leaked = floor(Fraction(self.target * (time - self.last), self.decay_interval))
        return max(0, self.debt - leaked)

    def control_at(self, time: int) -> int:
        since = min(time - self.last_tune, TUNE_FALL)
        high, low = self.control
        return high - floor(Fraction((high - low) * since, TUNE_FALL))

    def max_debt_at(self, time: int) -> int:
        since = min(time - self.last_tune, TUNE_FALL)
        low, high = self.breaker
        return low + floor(Fraction((high - low) * since, TUNE_FALL))

    def price_at(self, time: int) -> int:
        if time >= self.end:
            return self.floor
        raw = ceil(Fraction(self.control_at(time) * self.debt_at(time), self.scale))
        return max(raw, self.floor)

    def available_at(self, time: int) -> int:
        if time >= self.end:
            return 0
        return min(
            self.max_payout, self.capacity, max(0, self.max_debt_at(time) - self.debt_at(time))
        )

    def quote(self, amount: int, time: int) -> Sale:
        if time >= self.end:
            return Sale(0, 0)
        price = self.price_at(time)
        payout = min(floor(Fraction(amount * self.scale, price)), self.available_at(time))
        return Sale(payout, ceil(Fraction(payout * price, self.scale)))

    def buy(self, amount: int, time: int) -> Sale:
        """Sell and tune if that is due; a payout of 0 changes nothing."""
        price, sale = self.price_at(time), self.quote(amount, time)
        if sale.payout:
            self.capacity -= sale.payout
            self.debt = self.debt_at(time) + sale.payout
            self.last = time
            if self.tune_due(time):
                self.tune(price, time)
        return sale

    def neutral(self, time: int) -> int:
        """Time-neutral capacity."""
        return floor(Fraction(self.initial * (time - self.start), self.duration)) + self.capacity

    def tune_due(self, time: int) -> bool:
        since = time - self.last_tune
        if time >= self.end or since < self.tune_interval:
            return False
        oversold = self.capacity < self.tune_below and self.neutral(time) < self.initial
        undersold = since >= DAY and self.neutral(time) - self.initial >= self.max_payout
        return oversold or undersold

    def cut(self, capacity: int, time: int) -> None:
        """Take what is above `capacity` out of the sale, at its share of the schedule.

        Exactly, neutral - initial = capacity - initial * left / duration. Both terms fall by the
        same when initial falls by freed * duration / left; rounded up to a unit.
        """
        freed = max(0, self.capacity - capacity)
        share = ceil(Fraction(freed * self.duration, self.end - time))
        self.initial = max(0, self.initial - share)
        self.tune_below = max(0, self.tune_below - freed)
        self.capacity -= freed

    def tune(self, price: int, time: int) -> None:
        """Set target and control; the debt as it is at `time` stays."""
        now, self.debt = self.control_at(time), self.debt_at(time)
        most = self.max_debt_at(time)
        self.target = floor(Fraction(self.neutral(time) * self.decay_interval, self.duration))
        aim = ceil(Fraction(price * self.scale, self.target))
        aim = min(aim, floor(now * RISE))
        self.control = (max(now, aim), aim)
        self.breaker = (min(most, self.max_debt), self.max_debt)
        self.last = self.last_tune = time
        self.tune_below = self._step_below()

    def _step_below(self) -> int:
        step = floor(Fraction(self.initial * self.tune_interval, self.duration))
        return max(0, self.capacity - step)
