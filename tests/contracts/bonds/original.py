"""Owns a model of the deployed bond system's formulas, to show beside ours what they allow.

Written from its published formulas; amounts are fractions of one payout token, so that what is
shown is the formulas' and not their rounding's, except where rounding is the point.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Final

__all__ = ["MaxPayoutExceeded", "Original", "exact_maximum"]

DAY: Final = 86_400
HOUR: Final = 3_600


class MaxPayoutExceeded(Exception):
    """The purchase is refused: its payout is above the maximum."""


@dataclass(slots=True, kw_only=True)
class Original:
    """One market of it. The debt is stored; what moves is the time that it decays from."""

    capacity: Fraction
    price: Fraction
    floor: Fraction
    duration: int
    interval: int
    buffer: Fraction
    initial: Fraction = field(init=False)
    decay_interval: int = field(init=False)
    tune_interval: int = field(init=False)
    max_payout: Fraction = field(init=False)
    target: Fraction = field(init=False)
    stored: Fraction = field(init=False)
    max_debt: Fraction = field(init=False)
    control: Fraction = field(init=False)
    last_decay: Fraction = Fraction(0)
    last_tune: int = 0
    tune_below: Fraction = field(init=False)
    fall: tuple[Fraction, int] = (Fraction(0), 0)
    closed: bool = False

    def __post_init__(self) -> None:
        self.initial = self.capacity
        self.decay_interval = max(3 * DAY, 5 * self.interval)
        self.tune_interval = max(DAY, self.interval)
        self.max_payout = self.capacity * self.interval / self.duration
        self.target = self.stored = self.capacity * self.decay_interval / self.duration
        self.max_debt = self.target + max(self.target * self.buffer, self.max_payout)
        self.control = self.price / self.target
        self.tune_below = self.capacity - self._step

    @property
    def _step(self) -> Fraction:
        return self.initial * self.tune_interval / self.duration

    def _offset(self, time: int) -> Fraction:
        return max(Fraction(0), self.decay_interval - (time - self.last_decay))

    def debt(self, time: int) -> Fraction:
        return self.stored * self._offset(time) / self.decay_interval

    def price_at(self, time: int) -> Fraction:
        change, since = self.fall
        fallen = change * min(Fraction(time - since, HOUR), Fraction(1))
        return max(self.floor, (self.control - fallen) * self.debt(time))

    def buy(self, time: int) -> Fraction:
        """Buy the maximum; return the price paid."""
        price, payout = self.price_at(time), min(self.max_payout, self.capacity)
        debt, offset = self.debt(time), self._offset(time)
        moved = self.decay_interval * payout / self.target
        self.last_decay += moved
        self.stored = debt * self.decay_interval / (offset + moved) + payout
        self.capacity -= payout
        self.closed = self.stored > self.max_debt or self.capacity == 0
        if not self.closed:
            self._tune(price, time)
        return price

    def set_decay_interval(self, seconds: int) -> None:
        """What the owner of a live market may do at any time."""
        self.decay_interval = seconds

    def _tune(self, price: Fraction, time: int) -> None:
        neutral = self.initial * time / self.duration + self.capacity
        oversold = self.capacity < self.tune_below and neutral < self.initial
        waited = time >= self.last_tune + self.tune_interval
        if not oversold and not (waited and neutral > self.initial):
            return
        self.max_payout = self.capacity * self.interval / (self.duration - time)
        self.target = neutral * self.decay_interval / self.duration
        control = price / self.target
        if control < self.control:
            self.fall = (self.control - control, time)
        else:
            self.control = control
        self.last_tune = time
        self.tune_below = max(Fraction(0), self.capacity - self._step)


def exact_maximum(max_payout: int, price: int, scale: int) -> int:
    """Buy for exactly the advertised maximum amount, in units. Raises MaxPayoutExceeded."""
    advertised = ceil(Fraction(max_payout * price, scale))
    payout = floor(Fraction(advertised * scale, price))
    if payout > max_payout:
        raise MaxPayoutExceeded(payout - max_payout)
    return payout
