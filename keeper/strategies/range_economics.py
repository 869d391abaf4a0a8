"""How wide a range should be, where it should stand, and whether moving it pays.

Loss versus rebalancing after Milionis, Moallemi, Roughgarden and Zhang (2022): a constant-product
pool loses sigma^2/8 of its value per unit of time to arbitrage; a range loses what the pool with
its virtual reserves would, as long as the price is inside it. All money in asset units; the same
horizon bounds what a range earns, loses and how far the price is expected to go.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from keeper.domain.approval import Refused
from keeper.domain.settings import PoolEconomics, PoolSettings
from keeper.domain.units import PPM, div_down, div_up
from keeper.markets.fixed import ln_down, ln_up, sqrt_down
from keeper.markets.univ3 import Q96

__all__ = [
    "MoveCosts",
    "expected_fees",
    "expected_loss",
    "half_width_ticks",
    "move_verdict",
    "reservation_shift",
    "virtual_reserve",
]

SECONDS_PER_DAY: Final = 86_400
UNIT: Final = 10**18
LN_TICK: Final = ln_down(10_001, 10_000, UNIT)


class MoveCosts(NamedTuple):
    """What moving a range costs at once, in asset units: gas, and fee and slippage of the swap."""

    gas: int
    slippage: int


def half_width_ticks(pool: PoolSettings, fee_ppm: int) -> int:
    """Ticks from the middle of a range to either end.

    With economics: ln(1 + w)/ln(1.0001) up, w = width * volatility * sqrt(horizon in days) + fee.
    """
    economics = pool.economics
    if economics is None or economics.width_ppm == 0:
        return pool.half_width_ticks
    return _ticks_of(economics, fee_ppm)


def reservation_shift(pool: PoolSettings, net: int, most: int) -> int:
    """Ticks by which the middle stands aside of the mark for a net inventory (base, signed).

    In proportion to the inventory and bounded by `skew_ticks`, reached at `most`; rounded towards
    zero. A long inventory lowers the base's price, which raises the tick where the asset is token0.
    """
    if pool.economics is None or most <= 0:
        return 0
    reach = pool.economics.skew_ticks * min(abs(net), most) // most
    return reach if (net > 0) is pool.asset_is_token0 else -reach


def virtual_reserve(pool: PoolSettings, liquidity: int, sqrt_price: int) -> int:
    """Asset units of either virtual reserve behind a liquidity at a price, rounded down."""
    if pool.asset_is_token0:
        return div_down(liquidity * Q96, sqrt_price)
    return div_down(liquidity * sqrt_price, Q96)


def expected_fees(economics: PoolEconomics, fee_ppm: int, ours: int, others: int) -> int:
    """Fees over the horizon: volume times fee times our share of the liquidity, rounded down."""
    if ours + others <= 0:
        return 0
    volume = economics.volume_assets_per_day * economics.standing_seconds
    return div_down(volume * fee_ppm * ours, PPM * SECONDS_PER_DAY * (ours + others))


def expected_loss(economics: PoolEconomics, reserve: int) -> int:
    """Loss versus rebalancing over the horizon, rounded up: sigma^2/8 of both virtual reserves."""
    variance = economics.volatility_ppm**2 * economics.standing_seconds
    return div_up(2 * reserve * variance, 8 * PPM * PPM * SECONDS_PER_DAY)


def move_verdict(adapter: str, fees: int, loss: int, costs: MoveCosts) -> Refused | None:
    """Refuse a move (MOVE_NOT_WORTH) unless fees exceed gas, slippage and loss together."""
    total = costs.gas + costs.slippage + loss
    if fees > total:
        return None
    return Refused(code="MOVE_NOT_WORTH", subject=adapter, limit=total, value=fees)


@lru_cache(maxsize=64)
def _ticks_of(economics: PoolEconomics, fee_ppm: int) -> int:
    deviation = sqrt_down(
        economics.volatility_ppm**2 * economics.standing_seconds, SECONDS_PER_DAY, 1
    )
    width = div_up(deviation * economics.width_ppm, PPM) + fee_ppm
    return div_up(ln_up(PPM + width, PPM, UNIT), LN_TICK)
