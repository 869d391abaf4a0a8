"""Owns collateral rules: net collateral, initial and maintenance margin, allowed updates."""

from dataclasses import dataclass

from .config import MarketConfig
from .model import Subaccount
from .store import State

__all__ = [
    "Risk",
    "ceil_ppm",
    "initial_margin_ppm",
    "notional",
    "risk",
    "scaled",
    "update_is_allowed",
]

PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Risk:
    """Quote quantums: what the subaccount is worth and what it must be worth."""

    net_collateral: int
    initial: int
    maintenance: int


def scaled(value: int, exponent: int) -> int:
    """Return value * 10**exponent, truncated toward zero."""
    if exponent >= 0:
        return int(value * 10**exponent)
    whole: int = abs(value) // 10**-exponent
    return whole if value >= 0 else -whole


def ceil_ppm(value: int, ppm: int) -> int:
    """Return value * ppm / 1e6 rounded up (toward plus infinity)."""
    return -(-value * ppm // PPM)


def notional(market: MarketConfig, price: int, quantums: int) -> int:
    """Return the oracle value of base quantums in quote quantums, truncated toward zero."""
    return scaled(quantums * price, market.notional_exponent)


def initial_margin_ppm(market: MarketConfig, price: int, open_interest: int) -> int:
    """Return the initial margin fraction; it rises to 100 % as open interest reaches its cap."""
    low, high = market.open_interest_lower_cap, market.open_interest_upper_cap
    base = market.initial_margin_ppm
    if high <= low:
        return base
    excess = min(max(notional(market, price, open_interest) - low, 0), high - low)
    return base + -(-(PPM - base) * excess // (high - low))


def risk(state: State, account: Subaccount) -> Risk:
    """Return the risk of a subaccount whose funding is settled, at the state's oracle prices."""
    worth, initial, maintenance = account.usdc, 0, 0
    for market_id, held in account.positions.items():
        market = state.markets.get(market_id)
        price = state.prices.get(market_id)
        perpetual = state.perpetuals.get(market_id)
        if market is None or price is None or perpetual is None:
            raise ValueError(f"position in market {market_id} that does not exist")
        value = notional(market, price, held.quantums)
        worth += value + held.quote_balance
        ppm = initial_margin_ppm(market, price, perpetual.open_interest)
        initial += ceil_ppm(abs(value), ppm)
        base = ceil_ppm(abs(value), market.initial_margin_ppm)
        maintenance += ceil_ppm(base, market.maintenance_fraction_ppm)
    return Risk(worth, initial, maintenance)


def update_is_allowed(state: State, before: Subaccount, after: Subaccount) -> bool:
    """Return whether a subaccount may go from `before` to `after` (both settled).

    It may when it meets initial margin afterwards, or when it gets no riskier: maintenance
    margin does not grow and collateral per maintenance margin does not fall.
    """
    new = risk(state, after)
    if new.net_collateral >= new.initial:
        return True
    old = risk(state, before)
    if new.maintenance > old.maintenance or new.maintenance == 0:
        return False
    return new.net_collateral * old.maintenance >= old.net_collateral * new.maintenance
