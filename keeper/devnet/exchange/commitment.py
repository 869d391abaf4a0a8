"""Owns the commit of matches: what waited on the book becomes the state, and the events of it."""

from .events import Event, FillCommitted, OrderFilled, StatefulRemoved, SubaccountChanged
from .matching import Match, apply_match
from .memclob import MemClob
from .model import Order, OrderId, Removal
from .stateful import remove
from .store import State

__all__ = ["commit_matches", "content_of"]


def content_of(matches: list[Match]) -> bytes:
    """Return what a block's hash covers of its matches."""
    parts = (b"%s%s%d" % (m.taker.digest, m.maker.digest, m.quantums) for m in matches)
    return b"".join(parts)


def commit_matches(state: State, clob: MemClob) -> list[Event]:
    """Apply the pending matches to the committed state."""
    filled = _filled_before(clob)
    events: list[Event] = []
    orders: dict[OrderId, Order] = {}
    for number, match in enumerate(clob.pending):
        apply_match(state, match)
        totals = []
        for order in (match.taker, match.maker):
            filled[order.id] = filled.get(order.id, 0) + match.quantums
            totals.append(filled[order.id])
            if order.is_own:
                orders[order.id] = order
        events.append(_fill_of(match, (totals[0], totals[1]), number))
    events += _order_totals(state, clob, orders, filled)
    keys = {o.id.subaccount: None for m in clob.pending for o in (m.taker, m.maker)}
    return events + [SubaccountChanged(key) for key in keys]


def _filled_before(clob: MemClob) -> dict[OrderId, int]:
    """Return what the matched orders had filled before this block's matches."""
    filled: dict[OrderId, int] = {}
    for match in clob.pending:
        for order in (match.taker, match.maker):
            if order.is_own:
                known = filled.get(order.id, clob.filled(order.id))
                filled[order.id] = known - match.quantums
    return filled


def _order_totals(
    state: State, clob: MemClob, orders: dict[OrderId, Order], filled: dict[OrderId, int]
) -> list[Event]:
    events: list[Event] = []
    for key, matched in orders.items():
        resting = clob.resting(key)
        order = resting or matched
        events.append(OrderFilled(order, filled[key], resting is not None))
        if order.is_stateful and filled[key] >= order.quantums:
            remove(state, key)
            clob.forget(key)
            events.append(StatefulRemoved(order, Removal.FULLY_FILLED, filled[key]))
    return events


def _fill_of(match: Match, totals: tuple[int, int], event_index: int) -> FillCommitted:
    """Return the committed fill of a match, with the (taker, maker) totals after it."""
    return FillCommitted(
        match.market_id,
        match.taker,
        match.maker,
        match.quantums,
        match.maker.subticks,
        match.quote,
        match.taker_fee + match.insurance,
        match.maker_fee,
        *totals,
        event_index,
        match.transaction,
    )
