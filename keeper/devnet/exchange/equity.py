"""Owns equity tiers: how many stateful orders a subaccount may have open for what it is worth."""

from .config import EquityTier
from .liquidation import net_collateral
from .model import SubaccountId
from .results import clob
from .store import State

__all__ = ["check_equity_tier", "open_limit"]


def open_limit(tiers: tuple[EquityTier, ...], worth: int) -> int:
    """Return how many stateful orders a worth of quote quantums allows."""
    return max((tier.limit for tier in tiers if worth >= tier.required), default=0)


def check_equity_tier(state: State, tiers: tuple[EquityTier, ...], key: SubaccountId) -> None:
    """Check that a subaccount may open one more stateful order. Raises Rejected clob 10001."""
    held = sum(
        1 for order_id, found in state.stateful.items() if found.live and order_id.subaccount == key
    )
    limit = open_limit(tiers, net_collateral(state, key))
    if held >= limit:
        raise clob(10001, f"{held} stateful orders are open, allowed are {limit}")
