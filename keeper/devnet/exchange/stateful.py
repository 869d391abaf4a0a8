"""Owns stateful orders in committed state: placing, cancelling, triggering, expiring.

They reach a book only after the block that includes them. None is ever replaced.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

from .config import ExchangeConfig, MarketConfig
from .equity import check_equity_tier
from .isolation import violates_isolation
from .ledger import PositionChange, apply_change
from .liquidation import current
from .margin import scaled, update_is_allowed
from .model import (
    Condition,
    Order,
    OrderFlags,
    OrderId,
    Side,
    StatefulOrder,
    Subaccount,
    TimeInForce,
)
from .results import clob
from .store import State

__all__ = ["StatefulRules", "expired", "remove", "triggered"]

NS = 10**9
WINDOW_SECONDS = 95 * 86_400


@dataclass(frozen=True, slots=True)
class StatefulRules:
    """What a stateful placement or cancel must satisfy at a block time."""

    config: ExchangeConfig
    time_ns: int

    def place(self, state: State, order: Order) -> None:
        """Put an order into the state. Raises Rejected clob 2005, 3002-3005, 3007 or 10001."""
        self._check_time(order.good_til_time)
        if order.id.flags == OrderFlags.LONG_TERM and order.time_in_force is TimeInForce.IOC:
            raise clob(3002, f"client id {order.id.client_id}")
        known = state.stateful.get(order.id)
        if known is not None and known.live:
            raise clob(3005, f"client id {order.id.client_id}")
        check_equity_tier(state, self.config.equity_tiers, order.id.subaccount)
        is_conditional = order.id.flags == OrderFlags.CONDITIONAL
        if not is_conditional:
            self._check_collateral(state, order)
        state.stateful.put(order.id, StatefulOrder(order, triggered=not is_conditional))

    def cancel(self, state: State, order_id: OrderId, good_til_time: int) -> Order:
        """Take an order out of the state and return it. Raises Rejected clob 29, 3003, 3004 or
        3006."""
        self._check_time(good_til_time)
        known = state.stateful.get(order_id)
        if known is None or not known.live:
            raise clob(3006, f"client id {order_id.client_id}")
        if good_til_time < known.order.good_til_time:
            raise clob(
                29,
                f"cancel to {good_til_time}, the order lives to {known.order.good_til_time}",
            )
        remove(state, order_id)
        return known.order

    def _check_time(self, good_til_time: int) -> None:
        now = self.time_ns // NS
        if good_til_time <= now:
            raise clob(3003, f"goodTilBlockTime {good_til_time}, block time {now}")
        if good_til_time > now + WINDOW_SECONDS:
            raise clob(3004, f"goodTilBlockTime {good_til_time}, latest {now + WINDOW_SECONDS}")

    def _check_collateral(self, state: State, order: Order) -> None:
        market = state.markets.get(order.id.clob_pair_id)
        if market is None:
            raise clob(8, str(order.id.clob_pair_id))
        before = current(state, order.id.subaccount)
        quote = scaled(order.quantums * order.subticks, market.quantum_conversion_exponent)
        sign = order.side.sign
        trial = state.branch()
        change = PositionChange(market.id, sign * order.quantums, -sign * quote, 0)
        apply_change(trial, order.id.subaccount, change)
        after = trial.subaccounts.get(order.id.subaccount) or Subaccount()
        if violates_isolation(trial, after):
            raise clob(2005, f"client id {order.id.client_id}")
        if not update_is_allowed(trial, before, after):
            raise clob(3007, f"client id {order.id.client_id}, result NewlyUndercollateralized")


def remove(state: State, order_id: OrderId) -> None:
    """End an order in the state."""
    known = state.stateful.get(order_id)
    if known is not None:
        state.stateful.put(order_id, replace(known, live=False))


def expired(state: State, time_ns: int) -> list[Order]:
    """End the orders whose time has come and return them."""
    due = [
        found.order
        for _, found in state.stateful.items()
        if found.live and found.order.good_til_time * NS <= time_ns
    ]
    for order in due:
        remove(state, order.id)
    return due


def triggered(state: State) -> list[Order]:
    """Mark the conditional orders that the oracle price has reached and return them."""
    reached = [
        found
        for _, found in state.stateful.items()
        if found.live and not found.triggered and _is_reached(state, found.order)
    ]
    for found in reached:
        state.stateful.put(found.order.id, replace(found, triggered=True))
    return [found.order for found in reached]


def _is_reached(state: State, order: Order) -> bool:
    market, price = (
        state.markets.get(order.id.clob_pair_id),
        state.prices.get(order.id.clob_pair_id),
    )
    if market is None or price is None:
        return False
    above = _subticks(market, price) >= order.trigger_subticks
    below = _subticks(market, price) <= order.trigger_subticks
    rising = (order.condition is Condition.STOP_LOSS) == (order.side is Side.BUY)
    return above if rising else below


def _subticks(market: MarketConfig, price: int) -> Fraction:
    exponent = market.notional_exponent - market.quantum_conversion_exponent
    return price * Fraction(10) ** exponent
