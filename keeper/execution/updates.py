"""What the venue says about orders: fills, statuses, results, heights; each safe to hear twice.

A transport error ends nothing. Only FILLED or CANCELED (committed), a rejection of the very
message, or a height past `goodTilBlock` ends what an id can do.
"""

from keeper.domain.events import CommandResult, OpenOrder, OrderUpdated
from keeper.domain.orders import TimeInForce
from keeper.execution.orders import Orders, Version, WorkingOrder

__all__ = ["adopt", "advance_height", "apply_fill", "apply_result", "apply_update"]

_IN_CACHE = ("sdk", 19)  # identical bytes: the node has the message already
_ID_SPENT = frozenset(
    {
        ("clob", 7),  # cancelled already
        ("clob", 9),  # a cancel with this or a later block is pending
        ("clob", 24),  # fully filled
        ("clob", 2004),  # an immediate order that was filled in part
    }
)


def apply_fill(orders: Orders, client_id: int, quantums: int, height: int) -> None:
    """Count a fill of a block; the caller has seen to it that it is new."""
    order = orders.working.get(client_id)
    if order is None:
        return
    order.fill_sum += quantums
    order.filled_height = max(order.filled_height, height)
    _drop_if_spent(orders, order)


def apply_update(orders: Orders, update: OrderUpdated, height: int) -> None:
    """Apply the venue's word on an order of ours."""
    order = orders.working.get(update.client_id)
    if order is None:
        return
    order.total_filled = max(order.total_filled, update.total_filled_quantums)
    status = update.status
    if status in ("FILLED", "CANCELED"):
        _settle(orders, order, update.good_til_block)
    elif status in ("OPEN", "BEST_EFFORT_OPENED"):
        _acknowledge(order, update.good_til_block, height)
    elif "REPLACED" not in update.removal_reason:
        stale = update.good_til_block is not None and update.good_til_block < order.highest_gtb
        order.ended = order.ended or not stale


def apply_result(orders: Orders, key: int, result: CommandResult, height: int) -> None:
    """Apply a node's answer to the message that `key` names; UNKNOWN leaves everything alive."""
    if result.outcome == "UNKNOWN":
        return
    pending = orders.pending.pop(key, None)
    order = None if pending is None else orders.working.get(pending.client_id)
    if pending is None or order is None:
        return
    word = (result.codespace, result.code)
    taken = result.outcome in ("ACK", "SHADOW")
    if taken or (result.outcome == "REJECTED" and word == _IN_CACHE):
        _acknowledge(order, pending.good_til_block, height)
        return
    if result.outcome == "REJECTED" and word in _ID_SPENT:
        order.ended = True
    order.versions = [
        version
        for version in order.versions
        if version.acknowledged or version.good_til_block != pending.good_til_block
    ]
    if not order.versions:
        _remove(orders, order)


def advance_height(orders: Orders, height: int) -> None:
    """Forget versions whose last block lies below `height`, and ids that have none left."""
    for order in list(orders.working.values()):
        if order.versions[0].good_til_block >= height:
            continue
        order.versions = [v for v in order.versions if v.good_til_block >= height]
        if not order.versions:
            _remove(orders, order)
    expired = [key for key, sent in orders.pending.items() if sent.good_til_block < height]
    for key in expired:
        del orders.pending[key]


def adopt(orders: Orders, found: OpenOrder, height: int) -> None:
    """Take over an order the venue has open: update a known one, own an unknown one.

    An unknown one belongs to no slot and is therefore cancelled by the next reconciliation. What
    is working here and not open there stays counted: the venue's list may lag behind its book.
    """
    order = orders.working.get(found.client_id)
    if order is not None:
        order.total_filled = max(order.total_filled, found.filled_quantums)
        return
    version = Version(
        quantums=found.quantums,
        subticks=found.subticks,
        good_til_block=found.good_til_block,
        acknowledged=True,
    )
    orders.working[found.client_id] = WorkingOrder(
        client_id=found.client_id,
        market=found.market,
        side=found.side,
        slot="",
        time_in_force=TimeInForce.GTT,
        reduce_only=False,
        versions=[version],
        highest_gtb=found.good_til_block,
        sent_height=height,
        fill_sum=found.filled_quantums,
        total_filled=found.filled_quantums,
    )


def _acknowledge(order: WorkingOrder, good_til_block: int | None, height: int) -> None:
    if good_til_block is None:
        return
    for version in order.versions:
        if version.good_til_block == good_til_block:
            version.acknowledged = True
        elif version.good_til_block < good_til_block and version.superseded_at < 0:
            version.superseded_at = height


def _settle(orders: Orders, order: WorkingOrder, good_til_block: int | None) -> None:
    """Keep of a finished id only the fills that were announced and have not arrived.

    A larger version sent after the one that is finished may rest yet: its message was on its way.
    """
    newest = order.versions[-1]
    is_older = good_til_block is not None and good_til_block < newest.good_til_block
    if is_older and newest.quantums > order.filled:
        return
    order.ended = True
    order.versions = [
        Version(
            quantums=order.total_filled,
            subticks=newest.subticks,
            good_til_block=order.highest_gtb,
            acknowledged=True,
        )
    ]
    _drop_if_spent(orders, order)


def _drop_if_spent(orders: Orders, order: WorkingOrder) -> None:
    if order.ended and order.exposure == 0 and len(order.versions) == 1:
        _remove(orders, order)


def _remove(orders: Orders, order: WorkingOrder) -> None:
    del orders.working[order.client_id]
    for slot in orders.slots.values():
        if slot.client_id == order.client_id:
            slot.client_id = -1
