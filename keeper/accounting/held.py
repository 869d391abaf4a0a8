"""What is held at one moment, and the figures a person reads off it."""

from typing import Any

import msgspec

from keeper.accounting.holding import Holding
from keeper.accounting.pool_leg import value_down
from keeper.domain.events import PoolObserved
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.settings import PoolSettings
from keeper.domain.units import PPM, div_up
from keeper.markets.perpetual import value_abs_up, value_trunc
from keeper.markets.ranges import asset_of, base_of, holdings, mark_sqrt_price

__all__ = ["Held", "MarketFigures", "PoolFigures", "RangeFigures", "market_figures", "pool_figures"]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Cash in quote quantums (None: not known), base quantums and oracle prices by market, pools.

    `pools` and `settings` are by adapter; an adapter without an observation is only in `settings`.
    """

    t_ns: int
    height: int
    cash: int | None
    positions: dict[str, int]
    oracle: dict[str, int]
    listings: dict[str, PerpetualMarket]
    pools: dict[str, PoolObserved]
    settings: dict[str, PoolSettings]


class MarketFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One market: base quantums, and quote quantums where nothing else is said.

    `entry` is what the open position cost; `pool_delta` what pools hedged here hold, at their own
    price. Without an oracle price value, gain and margins are None; the gain is also None where
    `entry` is of another position, as of a moment before or after.
    """

    market: str
    position: int
    entry: Holding
    oracle_price: int | None
    value: int | None
    unrealised: int | None
    initial_margin: int | None
    maintenance_margin: int | None
    pool_delta: int

    @property
    def is_entry_known(self) -> bool:
        """Whether the cost is of this very position."""
        return self.entry.quantums == self.position

    @property
    def net_delta(self) -> int:
        """Position and pools together."""
        return self.position + self.pool_delta


class RangeFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One range: its ticks, liquidity, what it holds at the pool's price, and if that is inside."""

    tick_lower: int
    tick_upper: int
    liquidity: int
    asset: int
    base: int
    in_range: bool


class PoolFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One adapter: idle tokens and ranges in token units, its value at the mark in asset units."""

    adapter: str
    pool: str
    hedge_market: str
    block: int
    tick: int
    idle_asset: int
    idle_base: int
    value: int | None
    ranges: tuple[RangeFigures, ...]


def market_figures(held: Held, entries: dict[str, Holding]) -> list[MarketFigures]:
    """Return the figures of every market held, hedged or listed, by name."""
    hedged = {pool.hedge_market for pool in held.settings.values()}
    markets = sorted({*held.positions, *held.listings, *hedged} & set(held.listings))
    return [_market(held, market, entries.get(market, Holding())) for market in markets]


def pool_figures(held: Held) -> list[PoolFigures]:
    """Return the figures of every pool observed, by adapter."""
    return [
        _pool(held.settings[adapter], seen)
        for adapter, seen in sorted(held.pools.items())
        if adapter in held.settings
    ]


def _market(held: Held, market: str, entry: Holding) -> MarketFigures:
    listing, position = held.listings[market], held.positions.get(market, 0)
    price = held.oracle.get(market)
    figures: dict[str, Any] = dict.fromkeys(
        ("value", "unrealised", "initial_margin", "maintenance_margin")
    )
    if price:
        value, size = value_trunc(listing, position, price), value_abs_up(listing, position, price)
        figures = {
            "value": value,
            "unrealised": value - entry.cost if entry.quantums == position else None,
            "initial_margin": div_up(size * listing.initial_margin_ppm, PPM),
            "maintenance_margin": div_up(size * listing.maintenance_margin_ppm, PPM),
        }
    return MarketFigures(
        market=market,
        position=position,
        entry=entry,
        oracle_price=price or None,
        pool_delta=_pool_delta(held, listing),
        **figures,
    )


def _pool_delta(held: Held, listing: PerpetualMarket) -> int:
    total = 0
    for adapter, seen in held.pools.items():
        pool = held.settings.get(adapter)
        if pool is not None and pool.hedge_market == listing.ticker:
            inside = holdings(seen.ranges, seen.sqrt_price_x96)
            units = base_of(pool, (seen.amount0, seen.amount1)) + base_of(pool, inside)
            total += _base_quantums_down(listing, units, pool.base_decimals)
    return total


def _base_quantums_down(market: PerpetualMarket, units: int, decimals: int) -> int:
    shift = -market.atomic_resolution - decimals
    quantums: int = units * 10**shift if shift >= 0 else units // 10**-shift
    return quantums


def _pool(pool: PoolSettings, seen: PoolObserved) -> PoolFigures:
    idle = (seen.amount0, seen.amount1)
    mark = mark_sqrt_price(pool, seen)
    return PoolFigures(
        adapter=pool.adapter,
        pool=pool.pool,
        hedge_market=pool.hedge_market,
        block=seen.block_number,
        tick=seen.tick,
        idle_asset=asset_of(pool, idle),
        idle_base=base_of(pool, idle),
        value=value_down(pool, seen, mark) if mark > 0 else None,
        ranges=tuple(_range(pool, seen, n) for n in range(len(seen.ranges))),
    )


def _range(pool: PoolSettings, seen: PoolObserved, number: int) -> RangeFigures:
    held = seen.ranges[number]
    inside = holdings((held,), seen.sqrt_price_x96)
    return RangeFigures(
        tick_lower=held.tick_lower,
        tick_upper=held.tick_upper,
        liquidity=held.liquidity,
        asset=asset_of(pool, inside),
        base=base_of(pool, inside),
        in_range=held.tick_lower <= seen.tick < held.tick_upper,
    )
