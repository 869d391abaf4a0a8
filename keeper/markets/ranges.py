"""Concentrated-liquidity holdings in terms of asset and base token, whichever way the pool sorts.

"Asset" is the vault's token, "base" the other one. Amounts in token units; prices are square root
prices of the pool (token1 per token0, times 2^96).
"""

from keeper.domain.events import PoolObserved, RangeState
from keeper.domain.settings import PoolSettings
from keeper.domain.units import PPM, div_up
from keeper.markets.univ3 import (
    amounts_down,
    amounts_up,
    quote0_in_1_down,
    quote1_in_0_down,
    sqrt_price_at_tick,
    sqrt_price_down,
)

__all__ = [
    "Holdings",
    "asset_of",
    "base_of",
    "base_value_down",
    "base_worth_up",
    "cost_up",
    "fair_output",
    "greatest_cost",
    "holdings",
    "least_output",
    "least_proceeds",
    "mark_sqrt_price",
    "most_base_up",
    "moved",
    "price_gap_ppm",
    "worth_down",
]

_HOME_PPM = 3_000
"""`HOME_LOSS_PPM` of the adapter: what a swap home may lose beyond the pool's fee, as an exit."""

Holdings = tuple[int, int]
"""(token0 units, token1 units)"""


def mark_sqrt_price(pool: PoolSettings, seen: PoolObserved) -> int:
    """Square root price at the mark; 0 when the feed has no positive answer."""
    if seen.feedless:
        return sqrt_price_at_tick(seen.twap_tick)
    if seen.mark_price <= 0:
        return 0
    asset_units = seen.mark_price * 10**pool.asset_decimals
    base_units = 10 ** (seen.mark_decimals + pool.base_decimals)
    if pool.asset_is_token0:
        return sqrt_price_down(asset_units, base_units)
    return sqrt_price_down(base_units, asset_units)


def asset_of(pool: PoolSettings, amounts: Holdings) -> int:
    """Asset units among two amounts."""
    return amounts[0] if pool.asset_is_token0 else amounts[1]


def base_of(pool: PoolSettings, amounts: Holdings) -> int:
    """Base units among two amounts."""
    return amounts[1] if pool.asset_is_token0 else amounts[0]


def holdings(ranges: tuple[RangeState, ...], sqrt_price: int) -> Holdings:
    """What all ranges hold at a price, rounded down, fees excluded."""
    total0 = total1 = 0
    for entry in ranges:
        lower, upper = sqrt_price_at_tick(entry.tick_lower), sqrt_price_at_tick(entry.tick_upper)
        amount0, amount1 = amounts_down(sqrt_price, lower, upper, entry.liquidity)
        total0 += amount0
        total1 += amount1
    return total0, total1


def most_base_up(pool: PoolSettings, entry: RangeState) -> int:
    """Base units that a range holds once the base token fell out of it, rounded up."""
    lower, upper = sqrt_price_at_tick(entry.tick_lower), sqrt_price_at_tick(entry.tick_upper)
    end = upper if pool.asset_is_token0 else lower
    return base_of(pool, amounts_up(end, lower, upper, entry.liquidity))


def base_value_down(pool: PoolSettings, base_units: int, sqrt_price: int) -> int:
    """Worth of base units in asset units at a price, rounded down."""
    if pool.asset_is_token0:
        return quote1_in_0_down(base_units, sqrt_price)
    return quote0_in_1_down(base_units, sqrt_price)


def worth_down(pool: PoolSettings, amounts: Holdings, sqrt_price: int) -> int:
    """Value of both tokens in asset units at a price, down."""
    return asset_of(pool, amounts) + base_value_down(pool, base_of(pool, amounts), sqrt_price)


def base_worth_up(pool: PoolSettings, asset_units: int, sqrt_price: int) -> int:
    """Base units that asset units are worth at a price, rounded up."""
    quoted = quote0_in_1_down if pool.asset_is_token0 else quote1_in_0_down
    return quoted(asset_units, sqrt_price) + 1


def cost_up(entry: RangeState, sqrt_price: int) -> Holdings:
    """What minting an entry costs at a price, rounded up."""
    lower, upper = sqrt_price_at_tick(entry.tick_lower), sqrt_price_at_tick(entry.tick_upper)
    return amounts_up(sqrt_price, lower, upper, entry.liquidity)


def moved(sqrt_price: int, ppm: int) -> int:
    """Square root price after the price itself moved by about `ppm` (half of it in the root)."""
    return sqrt_price * (2 * PPM + ppm) // (2 * PPM)


def price_gap_ppm(sqrt_a: int, sqrt_b: int) -> int:
    """Distance between two prices in ppm of the lower one, rounded down."""
    low, high = sorted((sqrt_a * sqrt_a, sqrt_b * sqrt_b))
    return (high - low) * PPM // low


def least_proceeds(sqrt_price: int, entry: RangeState, slippage_ppm: int) -> Holdings:
    """Least of each token that burning an entry pays while the price moves within the limit."""
    lower, upper = sqrt_price_at_tick(entry.tick_lower), sqrt_price_at_tick(entry.tick_upper)
    high = amounts_down(moved(sqrt_price, slippage_ppm), lower, upper, entry.liquidity)
    low = amounts_down(moved(sqrt_price, -slippage_ppm), lower, upper, entry.liquidity)
    return high[0], low[1]


def greatest_cost(sqrt_price: int, entry: RangeState, slippage_ppm: int) -> Holdings:
    """Most of each token that minting an entry costs while the price moves within the limit."""
    lower, upper = sqrt_price_at_tick(entry.tick_lower), sqrt_price_at_tick(entry.tick_upper)
    low = amounts_up(moved(sqrt_price, -slippage_ppm), lower, upper, entry.liquidity)
    high = amounts_up(moved(sqrt_price, slippage_ppm), lower, upper, entry.liquidity)
    return low[0], high[1]


def least_output(
    pool: PoolSettings, seen: PoolObserved, mark: int, zero_for_one: bool, amount_in: int
) -> int:
    """Least a swap must pay: its worth at the mark less the pool's fee and the slippage limit."""
    quoted = quote0_in_1_down if zero_for_one else quote1_in_0_down
    worth = quoted(amount_in, mark)
    return worth * max(0, PPM - seen.fee_ppm - pool.max_slippage_ppm) // PPM


def fair_output(pool: PoolSettings, seen: PoolObserved, mark: int, base_units: int) -> int:
    """Least that base units must bring for the adapter to call the swap an exit: see _HOME_PPM."""
    worth = base_value_down(pool, base_units, mark)
    # One unit more: the adapter rounds its worth before and after.
    return div_up(worth * (PPM - seen.fee_ppm - _HOME_PPM), PPM) + 1
