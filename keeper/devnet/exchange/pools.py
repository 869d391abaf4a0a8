"""Owns which module account holds a subaccount's money: one pool and one insurance fund for all
cross-margined markets, and for each isolated market a pool and a fund of its own."""

from collections.abc import Iterator

from .addresses import INSURANCE, SUBACCOUNTS, module_address
from .model import MarketType, Subaccount
from .store import State

__all__ = [
    "CROSS",
    "add_rounding",
    "fund_of",
    "is_pool",
    "isolated_markets",
    "pool_address",
    "pool_of",
    "rounding",
    "worth",
]

CROSS = -1
"""Stands for all cross-margined markets where an isolated one's id would stand."""


def isolated_markets(state: State) -> Iterator[int]:
    """Yield the ids of isolated markets, in order."""
    for market_id, market in sorted(state.markets.items()):
        if market.market_type == MarketType.ISOLATED:
            yield market_id


def market_of(state: State, account: Subaccount) -> int:
    """Return the isolated market a subaccount is in, CROSS where it is in none."""
    for market_id in account.positions:
        market = state.markets.get(market_id)
        if market is not None and market.market_type == MarketType.ISOLATED:
            return market_id
    return CROSS


def pool_of(state: State, account: Subaccount) -> str:
    """Return the address that holds the money of a subaccount with these positions."""
    return pool_address(market_of(state, account))


def pool_address(market_id: int) -> str:
    """Return the address of an isolated market's pool, or of the one for CROSS."""
    return SUBACCOUNTS if market_id == CROSS else module_address(f"subaccounts:{market_id}")


def fund_of(state: State, market_id: int) -> str:
    """Return the address of a market's insurance fund."""
    market = state.markets.get(market_id)
    if market is None or market.market_type != MarketType.ISOLATED:
        return INSURANCE
    return module_address(f"insurance_fund:{market_id}")


def is_pool(state: State, address: str) -> bool:
    """Return whether subaccounts' money is held at an address."""
    return address in {pool_address(each) for each in (CROSS, *isolated_markets(state))}


def worth(account: Subaccount) -> int:
    """Return what a pool holds for a subaccount, in quote quantums."""
    return account.usdc + sum(held.quote_balance for held in account.positions.values())


def add_rounding(state: State, account: Subaccount, amount: int) -> None:
    """Book what settled funding leaves in the pool of a subaccount."""
    name = _rounding_name(market_of(state, account))
    state.totals.put(name, (state.totals.get(name) or 0) + amount)


def rounding(state: State, market_id: int = CROSS) -> int:
    """Return what settled funding has left in a pool so far."""
    return state.totals.get(_rounding_name(market_id)) or 0


def _rounding_name(market_id: int) -> str:
    return "rounding" if market_id == CROSS else f"rounding/{market_id}"
