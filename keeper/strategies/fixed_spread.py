"""Fixed spread: constant distances from the reference, the rule every other must beat."""

from keeper.domain.approval import Refused
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Quote, Side, TimeInForce
from keeper.domain.settings import FixedSpreadParams
from keeper.domain.units import PPM, div_down, div_up
from keeper.markets.perpetual import multiple_down, multiple_up, quantums_for_value_down
from keeper.strategies.snapshot import MarketSnapshot, Quotes, reducing_only

__all__ = ["problems", "quote"]


def quote(params: FixedSpreadParams, snapshot: MarketSnapshot) -> Quotes:
    """Quote `half_spread + layer * layer_step` from the reference on both sides, post-only."""
    market, oracle = snapshot.market, snapshot.oracle_price
    if oracle <= 0:
        return Refused(code="ZERO_ORACLE", subject=market.ticker, limit=1, value=oracle)
    if snapshot.equity <= 0:
        return Refused(code="NO_EQUITY", subject=market.ticker, limit=1, value=snapshot.equity)
    quantums = quantums_for_value_down(market, params.order_size_quote_quantums, oracle)
    if quantums == 0:
        return ()
    quotes = tuple(
        Quote(
            market=market.ticker,
            side=side,
            layer=layer,
            quantums=quantums,
            subticks=_price(market, snapshot.centre, side, _distance_ppm(params, layer)),
            time_in_force=TimeInForce.POST_ONLY,
        )
        for layer in range(params.layers)
        for side in (Side.SELL, Side.BUY)
    )
    if not snapshot.close_only:
        return quotes
    return reducing_only(quotes, snapshot.inventory, snapshot.market.step_base_quantums)


def problems(params: FixedSpreadParams) -> tuple[str, ...]:
    """List what is wrong with the parameters; empty when they can be quoted."""
    checks = (
        (params.layers < 0, "layers must not be negative"),
        (params.half_spread_ppm <= 0, "half_spread_ppm must be positive"),
        (params.layer_step_ppm < 0, "layer_step_ppm must not be negative"),
        (params.layers > 0 and _distance_ppm(params, params.layers - 1) >= PPM, "bids reach zero"),
        (params.order_size_quote_quantums <= 0, "order_size_quote_quantums must be positive"),
    )
    return tuple(text for broken, text in checks if broken)


def _distance_ppm(params: FixedSpreadParams, layer: int) -> int:
    return params.half_spread_ppm + layer * params.layer_step_ppm


def _price(market: PerpetualMarket, centre: int, side: Side, distance_ppm: int) -> int:
    tick = market.subticks_per_tick
    if side is Side.SELL:
        exact = div_up(market.subticks_up(centre) * (PPM + distance_ppm), PPM)
        return multiple_up(exact, tick)
    exact = div_down(market.subticks_down(centre) * (PPM - distance_ppm), PPM)
    return max(tick, multiple_down(exact, tick))
