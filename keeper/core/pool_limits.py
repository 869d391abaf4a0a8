"""How much liquidity the limits leave room for, and how much of it the hedge no longer carries."""

from collections.abc import Callable
from dataclasses import replace

from msgspec import structs

from keeper.domain.approval import Refused
from keeper.domain.units import PPM, div_up
from keeper.markets.perpetual import value_abs_up
from keeper.markets.ranges import base_of, holdings
from keeper.risk.chain import PoolView
from keeper.risk.exposure import MarketExposure
from keeper.risk.pools import PoolChange, PoolRisk, check_change
from keeper.risk.stress import hedge_rate

__all__ = ["WHOLE", "base_to_shed", "fitting_parts"]

WHOLE = 1 << 16
"""Parts that a wish is cut into to fit the limits."""

_USED_PPM = 900_000  # of what a limit allows, so that the next tick does not shed again


def fitting_parts(
    view: PoolView, change: Callable[[int], PoolChange]
) -> tuple[int, Refused | None]:
    """Return how many of `WHOLE` parts of a wish the limits let in, and what refused all of it.

    `change` is what so many parts add. All of it goes in where the limits bear that; else only
    what leaves a tenth of position, stress and hedge to the quotes, and sheds nothing at the next
    tick. Cut by halving, so the work is bounded.
    """
    name, pool, mark = view.pool.adapter, view.pool, view.mark
    refused = check_change(name, change(WHOLE), pool, mark, view.risk)
    if refused is None:
        return WHOLE, None
    risk, fits, too_many = _held_back(view.risk), 0, WHOLE
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if check_change(name, change(middle), pool, mark, risk) is None:
            fits = middle
        else:
            too_many = middle
    return fits, refused


def _held_back(risk: PoolRisk) -> PoolRisk:
    """Leave a tenth of everything but the cap on liquidity itself."""
    daily = risk.limits.daily_loss_quote_quantums * _USED_PPM // PPM
    return replace(
        risk,
        limits=structs.replace(risk.limits, daily_loss_quote_quantums=daily),
        max_position=risk.max_position * _USED_PPM // PPM,
        equity=None if risk.equity is None else risk.equity * _USED_PPM // PPM,
    )


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
    over = risk.hedge_needs - max(0, risk.equity) * _USED_PPM // PPM
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
