"""One pool as a log tells it: price, the feed's mark, the range held, and its delta."""

from dataclasses import dataclass, field
from typing import Final

from keeper.domain.events import PoolObserved
from keeper.domain.settings import PoolSettings
from keeper.markets.ranges import base_of, holdings
from keeper.markets.univ3 import sqrt_price_at_tick
from keeper.pages.report_data import PoolChart
from keeper.pages.series import Points, append, scaled, thinned

__all__ = ["PoolReading", "price_e6"]

_USDC_DECIMALS: Final = 6
_BASE_SCALE: Final = 9
_Q192: Final = 1 << 192


@dataclass(slots=True)
class PoolReading:
    """What has been read of a pool; prices of the base in 1e-6 of the asset, base in 1e-9."""

    settings: PoolSettings
    price: Points = field(default_factory=list)
    mark: Points = field(default_factory=list)
    lower: Points = field(default_factory=list)
    upper: Points = field(default_factory=list)
    base: Points = field(default_factory=list)

    def take(self, at_ms: int, seen: PoolObserved) -> None:
        """Fold one observation."""
        append(self.price, at_ms, price_e6(self.settings, seen.sqrt_price_x96))
        append(self.mark, at_ms, scaled(seen.mark_price, _USDC_DECIMALS - seen.mark_decimals))
        ticks = [tick for held in seen.ranges for tick in (held.tick_lower, held.tick_upper)]
        prices = [price_e6(self.settings, sqrt_price_at_tick(tick)) for tick in ticks]
        append(self.lower, at_ms, min(prices, default=None))
        append(self.upper, at_ms, max(prices, default=None))
        ranged = holdings(seen.ranges, seen.sqrt_price_x96)
        units = base_of(self.settings, (seen.amount0 + ranged[0], seen.amount1 + ranged[1]))
        append(self.base, at_ms, scaled(units, _BASE_SCALE - self.settings.base_decimals))

    def chart(self) -> PoolChart:
        """Return the chart."""
        return PoolChart(
            pool=self.settings.pool,
            price=thinned(self.price),
            mark=thinned(self.mark),
            lower=thinned(self.lower),
            upper=thinned(self.upper),
        )


def price_e6(pool: PoolSettings, sqrt_price_x96: int) -> int:
    """Price of the pool's base in 1e-6 of the asset, down."""
    scale: int = 10 ** (pool.base_decimals - pool.asset_decimals + _USDC_DECIMALS)
    squared = sqrt_price_x96 * sqrt_price_x96
    if pool.asset_is_token0:
        return _Q192 * scale // squared
    return squared * scale // _Q192
