"""How much liquidity the limits leave room for, and how much of it the hedge no longer carries."""

from keeper.domain.units import PPM, div_up
from keeper.markets.perpetual import value_abs_up
from keeper.markets.ranges import base_of, holdings
from keeper.risk.chain import PoolView
from keeper.risk.exposure import MarketExposure
from keeper.risk.stress import hedge_rate

__all__ = ["base_to_shed", "range_room"]

_SHED_TO_PPM = 900_000  # of the equity, so that the next tick does not shed again


def range_room(view: PoolView) -> int | None:
    """Asset units that may still go into ranges; None without a cap."""
    most = view.risk.limits.max_lp_quote_quantums
    return max(0, most - view.risk.ranges_value) if most else None


def base_to_shed(view: PoolView) -> int:
    """Base units of this pool to turn into the asset, because its hedge would not survive a shock.

    0 while equity carries every short through a rise by the hedge's shock; beyond it, what brings
    the need to nine tenths of the equity. The hedge itself is left alone. 0 also while equity is
    unknown: nothing is sold on a guess.
    """
    hedge, risk = view.risk.hedge, view.risk
    if hedge is None or risk.equity is None or not risk.limits.hedge_shock_ppm:
        return 0
    if risk.hedge_needs <= risk.equity:
        return 0
    over = risk.hedge_needs - max(0, risk.equity) * _SHED_TO_PPM // PPM
    rate = hedge_rate(hedge, risk.limits.hedge_shock_ppm)
    carried = _short_value(hedge) - div_up(over * PPM * PPM, rate)
    pool_value = value_abs_up(hedge.market, max(0, hedge.pool), hedge.oracle_price)
    base = _base_held(view)
    if pool_value <= 0 or carried >= pool_value:
        return 0
    return min(base, div_up(base * (pool_value - max(0, carried)), pool_value))


def _short_value(hedge: MarketExposure) -> int:
    short = max(0, -hedge.position, hedge.pool)
    return value_abs_up(hedge.market, short, hedge.oracle_price)


def _base_held(view: PoolView) -> int:
    idle = (view.seen.amount0, view.seen.amount1)
    in_ranges = holdings(view.seen.ranges, view.seen.sqrt_price_x96)
    return base_of(view.pool, idle) + base_of(view.pool, in_ranges)
