"""A running keeper's orders and holdings as plain data, for `keeper orders` and `positions`."""

from typing import Any

import msgspec

from keeper.accounting.held import Held
from keeper.core.state import State
from keeper.execution.orders import WorkingOrder

__all__ = ["held_of", "orders_of"]


def held_of(state: State) -> dict[str, Any]:
    """Return what the state holds, as the JSON of `Held`."""
    account = state.account
    held = Held(
        t_ns=state.t_ns,
        height=state.height,
        cash=account.usdc + sum(p.quote_balance for p in account.positions.values())
        if account.known
        else None,
        positions={m: p.quantums for m, p in account.positions.items() if p.quantums},
        oracle={m: market.oracle_price for m, market in state.markets.items()},
        listings={m: k.listing for m, k in state.markets.items() if k.listing is not None},
        pools={a: pool.seen for a, pool in state.pools.items() if pool.seen is not None},
        settings={adapter: pool.settings for adapter, pool in state.pools.items()},
    )
    found: dict[str, Any] = msgspec.to_builtins(held)
    return found


def orders_of(state: State) -> dict[str, Any]:
    """Return every order that may still fill: base quantums, subticks, blocks.

    `state` is OPEN, SENT (not acknowledged), CANCELLING, ENDING (rests no more, but a fill may
    still arrive until its last block), or SHADOW (decided, never sent).
    """
    working = state.orders.working
    return {
        "mode": state.mode,
        "t_ns": state.t_ns,
        "height": state.height,
        "orders": [_order(state, working[client_id]) for client_id in sorted(working)],
    }


def _order(state: State, order: WorkingOrder) -> dict[str, Any]:
    newest = order.versions[-1]
    return {
        "client_id": order.client_id,
        "market": order.market,
        "slot": order.slot or None,
        "side": order.side.value,
        "subticks": newest.subticks,
        "quantums": newest.quantums,
        "filled_quantums": order.filled,
        "good_til_block": order.highest_gtb,
        "age_blocks": state.height - order.sent_height,
        "time_in_force": order.time_in_force.value,
        "reduce_only": order.reduce_only,
        "state": _word(state, order),
    }


def _word(state: State, order: WorkingOrder) -> str:
    if state.mode == "shadow":
        return "SHADOW"
    if order.ended:
        return "ENDING"
    if order.cancel_gtb >= 0:
        return "CANCELLING"
    return "OPEN" if any(version.acknowledged for version in order.versions) else "SENT"
