"""Settled funding as exact differences of a position's funding index between two states."""

from collections.abc import Mapping

from keeper.domain.units import PPM, div_down
from keeper.venues.dydx.reader import SubaccountState

__all__ = ["closed_positions", "settled_funding"]


def closed_positions(before: SubaccountState, after: SubaccountState) -> tuple[int, ...]:
    """Return the perpetual ids held in `before` and no longer in `after`."""
    held = {position.perpetual_id for position in after.positions}
    return tuple(p.perpetual_id for p in before.positions if p.perpetual_id not in held)


def settled_funding(
    before: SubaccountState, after: SubaccountState, index_of_closed: Mapping[int, int]
) -> dict[int, int]:
    """Return quote quantums received (+) or paid (-) per perpetual id, each rounded down.

    Exact when the subaccount changed at one height between the two states: the chain settles
    what was held before the change. `index_of_closed` is the index closed positions settled at.
    """
    indexes = {p.perpetual_id: p.funding_index for p in after.positions}
    indexes.update(index_of_closed)
    payments = {
        p.perpetual_id: div_down((p.funding_index - indexes[p.perpetual_id]) * p.quantums, PPM)
        for p in before.positions
    }
    return {perpetual_id: amount for perpetual_id, amount in payments.items() if amount}
