"""Desired quotes against working orders: one proposal per slot, one batch cancel per market.

The venue accepts a replacement only with a greater goodTilBlock and puts it at the back of its
level, so an id gets at most one message a block, and nothing for a difference within tolerance.
"""

from collections.abc import Container, Mapping
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
_BUY: Final = Side.BUY  # a member costs three times a name, and this is read for every order
_CANCEL_BATCH = 100  # the venue's limit of ids per batch cancel


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How orders of one market are kept: lifetime in blocks, tolerances in ppm."""

    good_til_block_offset: int
    refresh_blocks: int
    price_tolerance_ppm: int
    size_tolerance_ppm: int


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


def propose(orders: Orders, key: str, quote: Quote, height: int, rules: Rules) -> PlaceOrder | None:
    """Return the message that brings slot `key` to what is wanted, or None when nothing is due.

    A replacement's size is what is wanted plus what has filled, since the venue counts fills
    against it. An id that is filled, cancelled, ended or of another time in force is left behind
    and the slot gets a new one; so is one whose fills the venue would forget while a replacement
    lives, for all of its size would be open again.
    """
    if not may_send(orders, key, height):
        return None
    slot = orders.slots.get(key)
    order = None if slot is None else orders.working.get(slot.client_id)
    if order is None or not _takes_replacement(order, quote, height + rules.good_til_block_offset):
        return _place(
            quote,
            next_client_id(orders),
            quote.quantums,
            height + rules.good_til_block_offset,
        )
    newest = order.versions[-1]
    due = newest.good_til_block - height <= rules.refresh_blocks
    if not due and not _differs(quote, newest, order.remaining, rules):
        return None
    window_end = height + rules.good_til_block_offset
    good_til_block = max(order.highest_gtb + 1, window_end)
    if good_til_block > window_end + _GTB_SLACK:
        return None
    return _place(quote, order.client_id, quote.quantums + order.filled, good_til_block)


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
    if place.side is Side.BUY:
        return lowest_ask, max(highest_bid, place.subticks)
    lowest = place.subticks if lowest_ask == 0 else min(lowest_ask, place.subticks)
    return lowest, highest_bid


def uncrossed(side: Side, subticks: int, bounds: tuple[int, int], subticks_per_tick: int) -> int:
    """Move a price back so far that it cannot meet an own order; the result may be 0 or less."""
    lowest_ask, highest_bid = bounds
    if side is Side.BUY:
        return min(subticks, lowest_ask - subticks_per_tick) if lowest_ask else subticks
    return max(subticks, highest_bid + subticks_per_tick) if highest_bid else subticks


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
        and order.time_in_force is not TimeInForce.IOC
    ]
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
        order.market == market and order.time_in_force is TimeInForce.IOC and order.exposure > 0
        for order in orders.working.values()
    )


def commit_place(orders: Orders, place: PlaceOrder, slot: str, height: int, key: int) -> None:
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
            sent_height=height,
        )
    else:
        order.versions.append(version)
        order.highest_gtb = max(order.highest_gtb, place.good_til_block)
        order.sent_height = height
    orders.pending[key] = Pending(client_id=place.client_id, good_til_block=place.good_til_block)
    if slot:
        entry = orders.slots.setdefault(slot, Slot())
        entry.client_id = place.client_id
        entry.sent_height = height


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


def _takes_replacement(order: WorkingOrder, quote: Quote, window_end: int) -> bool:
    last_block = window_end + _GTB_SLACK
    is_forgotten = 0 <= order.filled_height < last_block - _REMEMBERED_BLOCKS
    return (
        not order.ended
        and not is_forgotten
        and order.cancel_gtb < 0
        and order.remaining > 0
        and order.time_in_force is quote.time_in_force
    )


def _differs(quote: Quote, newest: Version, remaining: int, rules: Rules) -> bool:
    price_gap = abs(quote.subticks - newest.subticks)
    if price_gap * PPM > rules.price_tolerance_ppm * newest.subticks:
        return True
    size_gap = abs(quote.quantums - remaining)
    return size_gap * PPM > rules.size_tolerance_ppm * quote.quantums


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
