"""Worst cases beyond one market: what the rest of the vault adds, and what a pool is judged by."""

from typing import NamedTuple

from keeper.core.state import PoolState, State
from keeper.core.views import account_equity, exposure, position_of
from keeper.domain.orders import Side
from keeper.domain.settings import RiskLimits
from keeper.domain.units import PPM, div_up
from keeper.markets.ranges import base_value_down, mark_sqrt_price
from keeper.risk.exposure import MarketExposure
from keeper.risk.pools import PoolRisk
from keeper.risk.stress import hedge_need, stress_loss

__all__ = [
    "Others",
    "everything",
    "hedge_needs",
    "others",
    "pool_risk",
    "ranges_value",
]


class Others(NamedTuple):
    """Gross worst case, margin, and what is lost when prices fall or rise; in quote quantums."""

    gross: int
    margin: int
    fall: int
    rise: int


def others(state: State, ticker: str, limits: RiskLimits) -> Others:
    """Add up every other market with a position, an order or a pool, and pools without a hedge."""
    gross = margin = rise = 0
    fall = unhedged_fall(state, limits.stress_shock_ppm) if state.pools else 0
    for other, market in state.markets.items():
        if other == ticker or market.listing is None:
            continue
        if market.settings is None and position_of(state, other) == 0:
            continue
        worst = exposure(state, market.listing, market.oracle_price)
        gross += worst.gross
        margin += worst.margin
        if limits.stress_shock_ppm:
            fall += stress_loss(worst, Side.BUY, limits.stress_shock_ppm)
            rise += stress_loss(worst, Side.SELL, limits.stress_shock_ppm)
    return Others(gross, margin, fall, rise)


def everything(state: State, limits: RiskLimits) -> Others:
    """The same over all markets."""
    return others(state, "", limits)


def unhedged_fall(state: State, shock_ppm: int) -> int:
    """Quote quantums that pools without a hedge lose when their tokens fall by the shock.

    One unit of the vault's asset is one quote quantum.
    """
    total = 0
    for pool in state.pools.values():
        hedge = state.markets.get(pool.settings.hedge_market)
        if pool.seen is None or (hedge is not None and hedge.settings is not None):
            continue
        mark = mark_sqrt_price(pool.settings, pool.seen)
        most = pool.base_high + pool.coming
        if mark > 0 and most:
            worth = base_value_down(pool.settings, most, mark) + 1
            total += div_up(worth * shock_ppm, PPM)
    return total


def ranges_value(state: State) -> int:
    """What all ranges in pools are worth at their marks, in asset units."""
    return sum(pool.in_ranges for pool in state.pools.values())


def hedge_needs(state: State, limits: RiskLimits) -> int:
    """Quote quantums of equity that every short takes to survive a rise by the hedge's shock."""
    return sum(
        hedge_need(exposure(state, market.listing, market.oracle_price), limits.hedge_shock_ppm)
        for ticker, market in state.markets.items()
        if market.listing is not None
        and market.oracle_price > 0
        and (market.settings is not None or position_of(state, ticker))
    )


def pool_risk(state: State, pool: PoolState) -> PoolRisk:
    """Collect what a pool's operation adds to."""
    if state.settings is None:
        raise AssertionError("unreachable: a pool is judged once settings are known")
    limits = state.settings.limits
    market = state.markets.get(pool.settings.hedge_market)
    settings = None if market is None else market.settings
    hedge: MarketExposure | None = None
    if market is not None and market.listing is not None and market.oracle_price > 0:
        hedge = exposure(state, market.listing, market.oracle_price)
    whole = everything(state, limits)
    return PoolRisk(
        limits=limits,
        ranges_value=ranges_value(state),
        is_hedged=settings is not None,
        hedge=hedge,
        max_position=0 if settings is None else settings.max_position_quote_quantums,
        fall=whole.fall,
        rise=whole.rise,
        hedge_needs=hedge_needs(state, limits) if limits.hedge_shock_ppm else 0,
        equity=account_equity(state),
    )
