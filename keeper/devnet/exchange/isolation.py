"""Owns the constraint of isolated markets: a subaccount holds one of them and nothing else."""

from .model import MarketType, Subaccount
from .store import State

__all__ = ["violates_isolation"]


def violates_isolation(state: State, account: Subaccount) -> bool:
    """Return whether a subaccount mixes an isolated market with any other."""
    if len(account.positions) < 2:
        return False
    markets = (state.markets.get(market_id) for market_id in account.positions)
    return any(m is not None and m.market_type == MarketType.ISOLATED for m in markets)
