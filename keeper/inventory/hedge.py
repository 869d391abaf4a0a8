"""How much delta to move, and the immediate order that moves it within its worst price."""

from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Hedge, Side
from keeper.domain.settings import MarketSettings, RiskLimits
from keeper.domain.units import PPM, div_down
from keeper.markets.perpetual import (
    bounded_price,
    multiple_down,
    quantums_for_value_down,
    value_abs_up,
)

__all__ = ["band_excess", "flattening", "hedge_order"]


def band_excess(
    market: PerpetualMarket, settings: MarketSettings, net_delta: int, oracle_price: int
) -> int:
    """Base quantums to move when |net delta| is worth more than the band, to half the band; else 0.

    Half of it, so that the fixed part of the cost is not paid again at the next small fill.
    """
    if value_abs_up(market, net_delta, oracle_price) <= settings.inventory_band_quote_quantums:
        return 0
    inner = quantums_for_value_down(
        market, settings.inventory_band_quote_quantums // 2, oracle_price
    )
    return multiple_down(max(0, abs(net_delta) - inner), market.step_base_quantums)


def flattening(position: int, pool_delta: int) -> int:
    """Signed base quantums to trade so that the perpetual offsets the pool and nothing more.

    Only ever towards zero: what still hedges liquidity that is not burnt yet stays.
    """
    net = position + pool_delta
    if position > 0:
        return -min(position, max(0, net))
    return min(-position, max(0, -net))


def hedge_order(
    market: PerpetualMarket,
    settings: MarketSettings,
    limits: RiskLimits,
    signed_quantums: int,
    oracle_price: int,
    reduce_only: bool,
) -> Hedge | None:
    """Shape an immediate order: at most the order limit, never beyond the slippage limit."""
    side = Side.BUY if signed_quantums > 0 else Side.SELL
    value = div_down(limits.max_order_quote_quantums * PPM, PPM + settings.hedge_max_slippage_ppm)
    largest = quantums_for_value_down(market, value, oracle_price)
    quantums = min(multiple_down(abs(signed_quantums), market.step_base_quantums), largest)
    if quantums <= 0:
        return None
    return Hedge(
        market=market.ticker,
        side=side,
        quantums=quantums,
        worst_subticks=bounded_price(market, oracle_price, side, settings.hedge_max_slippage_ppm),
        reduce_only=reduce_only,
    )
