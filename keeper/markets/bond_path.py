"""The price path that a Dutch auction has had: its opening, sales, tunes and floors replayed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from keeper.markets.bonds import DutchAuction, Lot, Point

__all__ = ["Change", "FloorRaised", "Opened", "Sold", "TunedTo", "past_path"]


@dataclass(frozen=True, slots=True)
class Opened:
    """Tokens for sale at the opening [token units], the first price and the floor [price]."""

    capacity: int
    price: int
    floor: int


@dataclass(frozen=True, slots=True)
class Sold:
    """A sale at a time [unix seconds] of so much [token units]."""

    time: int
    payout: int


@dataclass(frozen=True, slots=True)
class TunedTo:
    """What a tune aimed at: control variable and target."""

    time: int
    control: int
    target: int


@dataclass(frozen=True, slots=True)
class FloorRaised:
    """A floor in force from a time on [price]."""

    time: int
    floor: int


Change = Sold | TunedTo | FloorRaised


def past_path(
    auction: DutchAuction,
    lot: Lot,
    opened: Opened,
    changes: Sequence[Change],
    until: int,
    step: int,
) -> list[Point]:
    """Return the price from the opening to `until`, at least every `step` seconds.

    `auction` and `lot` are the present ones, whose intervals are those of the opening; `changes`
    are in the order of the chain. Each sale has a point before and one after it.
    """
    return list(_replayed(_opening(auction, lot, opened), lot, changes, until, step))


def _opening(auction: DutchAuction, lot: Lot, opened: Opened) -> tuple[DutchAuction, int]:
    target = opened.capacity * auction.decay_interval // lot.duration
    control = opened.price * lot.scale // target
    first = replace(
        auction,
        target=target,
        debt=target,
        last=lot.opened_at,
        last_tune=lot.opened_at,
        control_from=control,
        control_to=control,
    )
    return first, opened.floor


def _replayed(
    opening: tuple[DutchAuction, int], lot: Lot, changes: Sequence[Change], until: int, step: int
) -> Iterator[Point]:
    auction, floor = opening
    lot, time, sold = replace(lot, floor=floor), lot.opened_at, 0
    for change in changes:
        for at in (*range(time, change.time, step), change.time):
            yield Point(at, auction.price_up(at, lot), sold)
        auction, lot = _after(auction, lot, change)
        sold += change.payout if isinstance(change, Sold) else 0
        time = change.time
    for at in (*range(time, until, step), until):
        yield Point(at, auction.price_up(at, lot), sold)


def _after(auction: DutchAuction, lot: Lot, change: Change) -> tuple[DutchAuction, Lot]:
    time = change.time
    if isinstance(change, Sold):
        debt = auction.debt_up(time) + change.payout
        return replace(auction, debt=debt, last=time), lot
    if isinstance(change, FloorRaised):
        return auction, replace(lot, floor=change.floor)
    tuned = replace(
        auction,
        target=change.target,
        debt=auction.debt_up(time),
        last=time,
        last_tune=time,
        control_from=max(auction.control_up(time), change.control),
        control_to=change.control,
    )
    return tuned, lot
