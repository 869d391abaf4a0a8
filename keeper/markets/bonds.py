"""The bonds' Dutch auction as the contracts compute it: price, breaker, tunes, in exact integers.

Amounts are token units and asset units, times unix seconds. A price is whole assets per whole token
with 36 decimals: asset units per token unit times `scale`. Divisions round down unless the name
says up; docs/bonds.md has the formulas.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

__all__ = [
    "BPS",
    "PRICE_ONE",
    "DutchAuction",
    "DutchTerms",
    "Lot",
    "Point",
    "Sale",
    "begin",
    "buy",
    "cost_up",
    "demand_path",
    "discount_bps",
    "discounted_up",
    "floor_reached_at",
    "payout_down",
    "quiet_path",
    "scale_of",
]

BPS: Final = 10_000
PRICE_DECIMALS: Final = 36
PRICE_ONE: Final = 10**PRICE_DECIMALS
"""One whole asset per whole token."""

MIN_DECAY_SECONDS: Final = 3 * 86_400
DECAY_DEPOSIT_INTERVALS: Final = 5
LEAST_BUFFER_BPS: Final = 1_000
MIN_TUNE_SECONDS: Final = 6 * 3_600
TUNE_FALL_SECONDS: Final = 6 * 3_600
TUNE_RISE_BPS: Final = 12_500
UNDERSOLD_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class DutchTerms:
    """What a project names: prices [price], seconds, and the buffer above the target [bps]."""

    price: int
    floor: int
    deposit_interval: int
    debt_buffer_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """What every kind of auction keeps: tokens left for sale and freed, the sale's span, floor."""

    capacity: int
    freed: int
    opened_at: int
    conclusion: int
    floor: int
    scale: int

    @property
    def duration(self) -> int:
        """Length of the sale [s]."""
        return self.conclusion - self.opened_at


@dataclass(frozen=True, slots=True)
class Sale:
    """What a purchase gets [token units] and pays [asset units]."""

    payout: int
    cost: int


@dataclass(frozen=True, slots=True)
class Point:
    """One moment of a price path: the price then; sold and paid by then [token, asset units]."""

    time: int
    price: int
    sold: int = 0
    paid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DutchAuction:
    """State of an auction, as `IDutchAuctioneer.Auction` and in its order."""

    initial: int
    target: int
    max_debt_from: int
    max_debt_to: int
    max_payout: int
    debt: int
    tune_below: int
    last: int
    last_tune: int
    decay_interval: int
    tune_interval: int
    debt_buffer_bps: int
    control_from: int
    control_to: int

    def debt_up(self, time: int) -> int:
        """Debt at a time not before the last sale."""
        return max(0, self.debt - self.target * (time - self.last) // self.decay_interval)

    def control_up(self, time: int) -> int:
        """Control variable at a time not before the last tune."""
        since = min(time - self.last_tune, TUNE_FALL_SECONDS)
        return self.control_from - (self.control_from - self.control_to) * since // (
            TUNE_FALL_SECONDS
        )

    def max_debt_down(self, time: int) -> int:
        """Debt that no sale exceeds, at a time not before the last tune."""
        since = min(time - self.last_tune, TUNE_FALL_SECONDS)
        return self.max_debt_from + (self.max_debt_to - self.max_debt_from) * since // (
            TUNE_FALL_SECONDS
        )

    def price_up(self, time: int, lot: Lot) -> int:
        """Price at a time not before the last sale and tune, if nobody buys until then."""
        return max(_up(self.control_up(time) * self.debt_up(time), lot.scale), lot.floor)

    def available(self, time: int, lot: Lot) -> int:
        """The most that one purchase gets."""
        room = max(0, self.max_debt_down(time) - self.debt_up(time))
        return min(self.max_payout, lot.capacity, room)

    def quote(self, amount: int, time: int, lot: Lot) -> Sale:
        """What a purchase for at most `amount` gets and pays; zeros for nothing."""
        if time >= lot.conclusion:
            return Sale(0, 0)
        price = self.price_up(time, lot)
        payout = min(payout_down(amount, price, lot.scale), self.available(time, lot))
        return Sale(payout, cost_up(payout, price, lot.scale))

    def neutral(self, time: int, lot: Lot) -> int:
        """Capacity that a market on its schedule would have begun with to stand as this one."""
        return self.initial * (time - lot.opened_at) // lot.duration + lot.capacity

    def tune_due(self, time: int, lot: Lot) -> bool:
        """Whether a step too much was sold, or a purchase is missing after a day; see `tune`."""
        since = time - self.last_tune
        if time >= lot.conclusion or since < self.tune_interval:
            return False
        neutral = self.neutral(time, lot)
        oversold = lot.capacity < self.tune_below and neutral < self.initial
        missing = neutral >= self.initial + self.max_payout
        return oversold or (since >= UNDERSOLD_SECONDS and missing)


def begin(terms: DutchTerms, lot: Lot) -> DutchAuction:
    """Open an auction, its debt at the target.

    Raises ZeroDivisionError where the capacity is so small that the target is nothing.
    """
    decay = max(MIN_DECAY_SECONDS, DECAY_DEPOSIT_INTERVALS * terms.deposit_interval)
    tune_interval = max(MIN_TUNE_SECONDS, terms.deposit_interval)
    target = lot.capacity * decay // lot.duration
    max_payout = lot.capacity * terms.deposit_interval // lot.duration
    most = _max_debt(target, terms.debt_buffer_bps, max_payout)
    control = terms.price * lot.scale // target
    return DutchAuction(
        initial=lot.capacity,
        target=target,
        max_debt_from=most,
        max_debt_to=most,
        max_payout=max_payout,
        debt=target,
        tune_below=_tune_below(lot.capacity, tune_interval, lot),
        last=lot.opened_at,
        last_tune=lot.opened_at,
        decay_interval=decay,
        tune_interval=tune_interval,
        debt_buffer_bps=terms.debt_buffer_bps,
        control_from=control,
        control_to=control,
    )


def buy(auction: DutchAuction, lot: Lot, amount: int, time: int) -> tuple[DutchAuction, Lot, Sale]:
    """Sell for at most `amount` and tune if that is due; a payout of 0 changes nothing."""
    price, sale = auction.price_up(time, lot), auction.quote(amount, time, lot)
    if not sale.payout:
        return auction, lot, sale
    after = replace(lot, capacity=lot.capacity - sale.payout)
    sold = replace(auction, debt=auction.debt_up(time) + sale.payout, last=time)
    if sold.tune_due(time, after):
        sold = tuned(sold, after, price, time)
    return sold, after, sale


def tuned(auction: DutchAuction, lot: Lot, price: int, time: int) -> DutchAuction:
    """Set target, breaker and control so that what is left sells by the end.

    `price` is that of the purchase that made the tune due, or of now.
    """
    control = auction.control_up(time)
    target = auction.neutral(time, lot) * auction.decay_interval // lot.duration
    aim = _up(price * lot.scale, target)
    control_to = min(aim, control * TUNE_RISE_BPS // BPS)
    most = _max_debt(target, auction.debt_buffer_bps, auction.max_payout)
    return replace(
        auction,
        target=target,
        max_debt_from=min(auction.max_debt_down(time), most),
        max_debt_to=most,
        debt=auction.debt_up(time),
        tune_below=_tune_below(auction.initial, auction.tune_interval, lot),
        last=time,
        last_tune=time,
        control_from=max(control, control_to),
        control_to=control_to,
    )


def quiet_path(auction: DutchAuction, lot: Lot, start: int, points: int) -> list[Point]:
    """Return the prices from `start` to the last second of the sale if nobody buys or tunes.

    At least two evenly spaced `points`. Raises ValueError once the sale is over.
    """
    if start >= lot.conclusion:
        raise ValueError("the sale is over")
    last = lot.conclusion - 1
    times = [start + (last - start) * n // (points - 1) for n in range(points)]
    return [Point(time, auction.price_up(time, lot)) for time in times]


def demand_path(
    auction: DutchAuction, lot: Lot, step: int, limit: int | None = None
) -> list[Point]:
    """Return the prices that buyers of the largest purchase every `step` seconds would meet.

    They buy at no price above `limit`, if there is one; the tunes that fall due are made. Ends with
    the sale or the capacity; empty where nobody buys.
    """
    return list(_demand(auction, lot, step, limit))


def _demand(auction: DutchAuction, lot: Lot, step: int, limit: int | None) -> Iterator[Point]:
    whole, paid = lot.capacity, 0
    last = lot.conclusion - 1
    for time in (*range(lot.opened_at + step, last, step), last):
        price = auction.price_up(time, lot)
        if limit is not None and price > limit:
            continue
        wanted = auction.available(time, lot)
        auction, lot, sale = buy(auction, lot, cost_up(wanted, price, lot.scale), time)
        paid += sale.cost
        yield Point(time, price, whole - lot.capacity, paid)
        if lot.capacity == 0:
            return


def floor_reached_at(auction: DutchAuction, lot: Lot, start: int) -> int | None:
    """Return the first second from `start` on at which the price is the floor if nobody buys.

    None where the sale ends before.
    """
    if start >= lot.conclusion or auction.price_up(lot.conclusion - 1, lot) > lot.floor:
        return None
    low, high = start, lot.conclusion - 1
    while low < high:
        middle = (low + high) // 2
        if auction.price_up(middle, lot) > lot.floor:
            low = middle + 1
        else:
            high = middle
    return low


def discount_bps(price: int, reference: int) -> int:
    """How far a price is below another [bps, towards zero], negative when above."""
    gap = abs(reference - price) * BPS // reference
    return gap if price <= reference else -gap


def scale_of(token_decimals: int, asset_decimals: int) -> int:
    """Price of one asset unit per token unit."""
    return int(10 ** (PRICE_DECIMALS + token_decimals - asset_decimals))


def payout_down(amount: int, price: int, scale: int) -> int:
    """What `amount` [asset units] buys [token units]."""
    return amount * scale // price


def cost_up(payout: int, price: int, scale: int) -> int:
    """What `payout` [token units] costs [asset units]."""
    return _up(payout * price, scale)


def discounted_up(oracle: int, discount_bps: int, floor: int) -> int:
    """Price of an oracle auction: the oracle's less a discount, at least the floor."""
    return max(_up(oracle * (BPS - discount_bps), BPS), floor)


def _max_debt(target: int, buffer_bps: int, max_payout: int) -> int:
    return target + max(target * buffer_bps // BPS, target * LEAST_BUFFER_BPS // BPS, max_payout)


def _tune_below(initial: int, tune_interval: int, lot: Lot) -> int:
    return max(0, lot.capacity - initial * tune_interval // lot.duration)


def _up(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
