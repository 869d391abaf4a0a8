"""Desired quotes against working orders: one proposal per slot, one batch cancel per market.

The venue accepts a replacement only with a greater goodTilBlock and puts it at the back of its
level, so an id gets at most one message a block, and nothing for a difference within tolerance.
What makes an order safer always leaves; a step forward waits until the order has rested, and for
the order-to-trade cap.
"""

from collections.abc import Container, Mapping
from enum import Enum
from typing import Final

import msgspec

from keeper.domain.commands import CancelOrders, PlaceOrder
from keeper.domain.orders import Quote, Side, TimeInForce
from keeper.domain.units import PPM
from keeper.execution.orders import (
    Orders,
    Pending,
    Slot,
    Version,
    WorkingOrder,
    next_client_id,
    spend_client_id,
)

__all__ = [
    "Moment",
    "Proposal",
    "Purpose",
    "Rules",
    "commit_cancel",
    "commit_place",
    "due_slots",
    "has_live_hedge",
    "may_send",
    "own_bounds",
    "propose",
    "uncrossed",
    "widened",
    "withdrawals",
]

_GTB_SLACK = 2  # blocks a replacement may lie beyond the usual window before it waits
_REMEMBERED_BLOCKS: Final = 20
"""The venue forgets an id's fills so many blocks (its smallest window) after the last of them."""
# A member costs three times a name, and these are read for every order.
_BUY: Final = Side.BUY
_IOC: Final = TimeInForce.IOC
_CANCEL_BATCH = 100  # the venue's limit of ids per batch cancel


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How orders of one market are kept: lifetime in blocks, tolerances in ppm.

    An order rests `min_resting_ns` before a change, unless it stands nearer to the market than
    wanted by more than `urgent_ppm`, or has to be smaller.
    """

    good_til_block_offset: int
    refresh_blocks: int
    price_tolerance_ppm: int
    size_tolerance_ppm: int
    min_resting_ns: int = 0
    urgent_ppm: int = 0


class Moment(msgspec.Struct, frozen=True):
    """The venue's height, the time (unix ns), and whether the order-to-trade cap is spent."""

    height: int
    t_ns: int
    is_spent: bool = False


class Purpose(Enum):
    """What a message is for.

    RENEWAL: the same order, within the tolerances, lives longer. RETREAT: farther from the market
    or smaller, nothing else. ADVANCE: a new order, or one nearer to the market or larger.
    """

    RENEWAL = "renewal"
    RETREAT = "retreat"
    ADVANCE = "advance"


_RENEWAL: Final = Purpose.RENEWAL
_RETREAT: Final = Purpose.RETREAT
_ADVANCE: Final = Purpose.ADVANCE


class Proposal(msgspec.Struct, frozen=True):
    """A message and what it is for."""

    place: PlaceOrder
    purpose: Purpose


def may_send(orders: Orders, key: str, height: int) -> bool:
    """Tell whether slot `key` has a message left in this block."""
    slot = orders.slots.get(key)
    return slot is None or slot.sent_height != height


def due_slots(orders: Orders, ladder: Mapping[str, Quote], height: int) -> list[tuple[str, Quote]]:
    """Return the wanted quotes whose slot has a message left in this block."""
    slots = orders.slots
    return [
        item
        for item in ladder.items()
        if (slot := slots.get(item[0])) is None or slot.sent_height != height
    ]


def propose(orders: Orders, key: str, quote: Quote, now: Moment, rules: Rules) -> Proposal | None:
    """Return the message that brings slot `key` towards what is wanted, or None when none is due.

    A replacement's size is what is wanted plus what has filled, since the venue counts fills
    against it. An id that is filled, cancelled, ended or of another time in force is left behind
    and the slot gets a new one; so is one whose fills the venue would forget while a replacement
    lives, for all of its size would be open again.
    """
    if not may_send(orders, key, now.height):
        return None
    slot = orders.slots.get(key)
    order = None if slot is None else orders.working.get(slot.client_id)
    remaining = 0 if order is None else order.remaining
    if order is None or remaining == 0 or order.ended or order.cancel_gtb >= 0:
        if now.is_spent:
            return None
        return Proposal(_new(orders, quote, now, rules), _ADVANCE)
    newest = order.versions[-1]
    is_forgotten = _is_forgotten(order, now, rules)
    is_due = is_forgotten or newest.good_til_block - now.height <= rules.refresh_blocks
    differs = _differs(quote, order, remaining, rules)
    if not (differs or is_due):
        return None
    if now.is_spent or now.t_ns - order.changed_ns < rules.min_resting_ns:
        quote = _kept_back(quote, order, now, rules)
        differs = _differs(quote, order, remaining, rules)
        if not (differs or is_due):
            return None
    if is_forgotten or order.time_in_force is not quote.time_in_force:
        place = _new(orders, quote, now, rules)
    else:
        window_end = now.height + rules.good_til_block_offset
        good_til_block = max(order.highest_gtb + 1, window_end)
        if good_til_block > window_end + _GTB_SLACK:
            return None
        place = _place(quote, order.client_id, quote.quantums + order.filled, good_til_block)
    if not differs:
        return Proposal(place, _RENEWAL)
    return Proposal(place, _RETREAT if _is_back(quote, order, remaining) else _ADVANCE)


def own_bounds(orders: Orders, market: str, height: int) -> tuple[int, int]:
    """Return the lowest own ask and the highest own bid that may rest (0 where there is none)."""
    lowest_ask = highest_bid = 0
    for order in orders.working.values():
        if order.market != market:
            continue
        prices = order.may_rest_at(height)
        if order.side is _BUY:
            for price in prices:
                if price > highest_bid:
                    highest_bid = price
        else:
            for price in prices:
                if price < lowest_ask or lowest_ask == 0:
                    lowest_ask = price
    return lowest_ask, highest_bid


def widened(bounds: tuple[int, int], place: PlaceOrder) -> tuple[int, int]:
    """Return the bounds once `place` is booked; the versions it replaces may rest all the same."""
    lowest_ask, highest_bid = bounds
    price = place.subticks
    if place.side is _BUY:
        return lowest_ask, price if price > highest_bid else highest_bid
    return price if price < lowest_ask or lowest_ask == 0 else lowest_ask, highest_bid


def uncrossed(side: Side, subticks: int, bounds: tuple[int, int], subticks_per_tick: int) -> int:
    """Move a price back so far that it cannot meet an own order; the result may be 0 or less."""
    lowest_ask, highest_bid = bounds
    if side is _BUY:
        highest = lowest_ask - subticks_per_tick
        return highest if lowest_ask and highest < subticks else subticks
    lowest = highest_bid + subticks_per_tick
    return lowest if highest_bid and lowest > subticks else subticks


def withdrawals(
    orders: Orders, market: str, wanted: Container[str], height: int
) -> tuple[CancelOrders, ...]:
    """Cancel every resting id of a market that no wanted slot holds, again each block until the
    venue confirms it or the height passes; goodTilBlock >= the highest ever sent for any of them.
    """
    unwanted = [
        order
        for order in orders.working.values()
        if order.cancel_height < height
        and not order.ended
        and order.market == market
        and (order.slot not in wanted or not _is_held(orders, order))
        and order.time_in_force is not _IOC
    ]
    if not unwanted:
        return ()
    unwanted.sort(key=lambda order: order.client_id)
    batches: list[CancelOrders] = []
    for start in range(0, len(unwanted), _CANCEL_BATCH):
        batch = unwanted[start : start + _CANCEL_BATCH]
        floor = max(max(order.highest_gtb, order.cancel_gtb + 1) for order in batch)
        batches.append(
            CancelOrders(
                market=market,
                client_ids=tuple(order.client_id for order in batch),
                good_til_block=max(floor, height + 1),
            )
        )
    return tuple(batches)


def has_live_hedge(orders: Orders, market: str) -> bool:
    """Tell whether an immediate order of this market may still fill."""
    return any(
        order.market == market and order.time_in_force is _IOC and order.exposure > 0
        for order in orders.working.values()
    )


def commit_place(orders: Orders, place: PlaceOrder, slot: str, now: Moment, key: int) -> None:
    """Book an approved place or replacement that leaves now; `key` names its result."""
    version = Version(
        quantums=place.quantums, subticks=place.subticks, good_til_block=place.good_til_block
    )
    order = orders.working.get(place.client_id)
    if order is None:
        spend_client_id(orders, place.client_id)
        orders.working[place.client_id] = WorkingOrder(
            client_id=place.client_id,
            market=place.market,
            side=place.side,
            slot=slot,
            time_in_force=place.time_in_force,
            reduce_only=place.reduce_only,
            versions=[version],
            highest_gtb=place.good_til_block,
            sent_height=now.height,
            changed_ns=now.t_ns,
        )
    else:
        newest = order.versions[-1]
        if (newest.subticks, newest.quantums) != (place.subticks, place.quantums):
            order.changed_ns = now.t_ns
        order.versions.append(version)
        order.highest_gtb = max(order.highest_gtb, place.good_til_block)
        order.sent_height = now.height
    orders.pending[key] = Pending(client_id=place.client_id, good_til_block=place.good_til_block)
    if slot:
        entry = orders.slots.setdefault(slot, Slot())
        entry.client_id = place.client_id
        entry.sent_height = now.height


def commit_cancel(orders: Orders, cancel: CancelOrders, height: int) -> None:
    """Book an approved cancel that leaves now; its ids take no replacement any more.

    The first cancel is its slot's message of the block, so that a flapping refusal cannot cancel
    and place in turns; a repeated one holds nothing up.
    """
    for client_id in cancel.client_ids:
        order = orders.working[client_id]
        first = order.cancel_gtb < 0
        order.cancel_gtb = max(order.cancel_gtb, cancel.good_til_block)
        order.cancel_height = height
        if first and order.slot:
            slot = orders.slots.setdefault(order.slot, Slot())
            slot.sent_height = max(slot.sent_height, height)


def _new(orders: Orders, quote: Quote, now: Moment, rules: Rules) -> PlaceOrder:
    last_block = now.height + rules.good_til_block_offset
    return _place(quote, next_client_id(orders), quote.quantums, last_block)


def _is_forgotten(order: WorkingOrder, now: Moment, rules: Rules) -> bool:
    """Whether the venue would forget the order's fills while a replacement lives."""
    last_block = now.height + rules.good_til_block_offset + _GTB_SLACK
    return 0 <= order.filled_height < last_block - _REMEMBERED_BLOCKS


def _differs(quote: Quote, order: WorkingOrder, remaining: int, rules: Rules) -> bool:
    if order.time_in_force is not quote.time_in_force:
        return True
    newest = order.versions[-1]
    price_gap = abs(quote.subticks - newest.subticks)
    if price_gap * PPM > rules.price_tolerance_ppm * newest.subticks:
        return True
    size_gap = abs(quote.quantums - remaining)
    return size_gap * PPM > rules.size_tolerance_ppm * quote.quantums


def _kept_back(quote: Quote, order: WorkingOrder, now: Moment, rules: Rules) -> Quote:
    """Return the standing order with those parts of a wish that cannot wait.

    A smaller size never waits; a price farther from the market waits only while the order has not
    rested and stands no more than `urgent_ppm` too near; all else waits.
    """
    standing, remaining = order.versions[-1].subticks, order.remaining
    has_rested = now.t_ns - order.changed_ns >= rules.min_resting_ns
    least_ppm = rules.price_tolerance_ppm if has_rested else rules.urgent_ppm
    too_near = (standing - quote.subticks) * order.side.sign
    is_urgent = too_near * PPM > max(least_ppm, rules.price_tolerance_ppm) * standing
    excess = remaining - quote.quantums
    is_smaller = excess * PPM > rules.size_tolerance_ppm * quote.quantums
    return Quote(
        market=quote.market,
        side=quote.side,
        layer=quote.layer,
        quantums=quote.quantums if is_smaller else remaining,
        subticks=quote.subticks if is_urgent else standing,
        time_in_force=order.time_in_force,
    )


def _is_back(quote: Quote, order: WorkingOrder, remaining: int) -> bool:
    if order.time_in_force is not quote.time_in_force or quote.quantums > remaining:
        return False
    standing = order.versions[-1].subticks
    return quote.subticks <= standing if order.side is _BUY else quote.subticks >= standing


def _is_held(orders: Orders, order: WorkingOrder) -> bool:
    """Whether the order is the one that its slot holds."""
    slot = orders.slots.get(order.slot)
    return slot is not None and slot.client_id == order.client_id


def _place(quote: Quote, client_id: int, quantums: int, good_til_block: int) -> PlaceOrder:
    return PlaceOrder(
        market=quote.market,
        client_id=client_id,
        side=quote.side,
        quantums=quantums,
        subticks=quote.subticks,
        good_til_block=good_til_block,
        time_in_force=quote.time_in_force,
        reduce_only=False,
    )
