"""The MegaVault rule, integer-exact: layered quotes skewed by leverage; all factors in ppm.

`ceil` rounds towards plus infinity, for negative numbers too. Python integers do not overflow,
where the same products leave 64 bits. The venue's own version keeps long-term orders alive by a
refresh rule; ours places short-term orders, so refresh and ids are here as pure functions only.
"""

from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Quote, Side, TimeInForce
from keeper.domain.strategies import MegaVaultParams
from keeper.domain.units import PPM, div_down, div_up
from keeper.markets.perpetual import multiple_down, value_trunc
from keeper.strategies.ladder import MAX_WIRE, basis, closing, refused
from keeper.strategies.snapshot import MarketSnapshot, Quotes

__all__ = [
    "client_id",
    "is_active",
    "order_quantums",
    "problems",
    "quote",
    "refreshed_client_id",
    "spread_ppm",
    "withdrawal_slippage",
]

_PPM_SQUARED = PPM * PPM
_MAX_LAYERS = 255  # a layer has eight bits of the client id


def quote(params: MegaVaultParams, snapshot: MarketSnapshot) -> Quotes:
    """Compute the ladder, ask and bid of the front layer first; Refused when there is no basis.

    Refused as `ladder.basis` says, ORDER_BEYOND_WIRE (base quantums) for a size that the venue's
    messages cannot carry, and NOT_ACTIVATED; nothing where one order is less than the step.
    """
    no_basis = basis(snapshot)
    if no_basis is not None:
        return no_basis
    quantums = order_quantums(params, snapshot)
    if quantums == 0:
        return ()
    if quantums > MAX_WIRE:
        return refused("ORDER_BEYOND_WIRE", snapshot, MAX_WIRE, quantums)
    if not is_active(params, snapshot.usdc, snapshot.inventory != 0):
        threshold = params.activation_threshold_quote_quantums
        return refused("NOT_ACTIVATED", snapshot, threshold, snapshot.usdc)
    return closing(snapshot, _ladder(params, snapshot, quantums))


def order_quantums(params: MegaVaultParams, snapshot: MarketSnapshot) -> int:
    """Size of each order in base quantums: one rounding of pct*equity/oracle, down to the step."""
    market = snapshot.market
    exponent = market.oracle_exponent + market.atomic_resolution + 6
    value, price = params.order_size_pct_ppm * snapshot.equity, snapshot.oracle_price * PPM
    if exponent >= 0:
        price *= 10**exponent
    else:
        value *= 10**-exponent
    return multiple_down(value // price, market.step_base_quantums)


def is_active(params: MegaVaultParams, usdc: int, has_position: bool) -> bool:
    """Tell whether the rule quotes: with a position always, else from the threshold upwards."""
    return has_position or usdc >= params.activation_threshold_quote_quantums


def spread_ppm(params: MegaVaultParams, min_price_change_ppm: int) -> int:
    """Half spread before skew."""
    return max(params.spread_min_ppm, params.spread_buffer_ppm + min_price_change_ppm)


def client_id(side: Side, layer: int) -> int:
    """Name the rule's own order: side in bit 31 (1 for a sell), layer in bits 23 to 30."""
    return (1 if side is Side.SELL else 0) << 31 | layer << 23


def refreshed_client_id(current: int, refreshed: bool) -> int:
    """Flip the lowest bit at each refresh, so that the old and the new order differ in id."""
    return current ^ 1 if refreshed else current


def problems(params: MegaVaultParams) -> tuple[str, ...]:
    """List what is wrong with the parameters; empty when they can be quoted."""
    checks = (
        (params.layers < 0 or params.layers > _MAX_LAYERS, "layers must lie between 0 and 255"),
        (params.spread_min_ppm <= 0, "spread_min_ppm must be positive"),
        (params.spread_buffer_ppm < 0, "spread_buffer_ppm must not be negative"),
        (params.skew_factor_ppm < 0, "skew_factor_ppm must not be negative"),
        (params.order_size_pct_ppm <= 0, "order_size_pct_ppm must be positive"),
        (
            params.activation_threshold_quote_quantums < 0,
            "activation_threshold_quote_quantums must not be negative",
        ),
    )
    return tuple(text for broken, text in checks if broken)


def withdrawal_slippage(
    params: MegaVaultParams,
    market: PerpetualMarket,
    leverage: tuple[int, int],
    shares: tuple[int, int],
) -> tuple[int, int]:
    """Slippage of withdrawing shares (part, total) at a leverage (fraction), as a fraction.

    A short's is that of the long of its size. The smaller of leverage * initial margin and
    spread * (1 + average skew) * leverage, the skew averaged over the leverage path
    l .. l / (1 - part/total); antiderivative of the skew: k*l^2 + k^2*l^3/3.
    Raises ValueError unless 0 < part <= total.
    """
    part, total = shares
    if not 0 < part <= total:
        raise ValueError(f"cannot withdraw {part} of {total} shares")
    low, unit = abs(leverage[0]), abs(leverage[1])
    simple = (low * market.initial_margin_ppm, unit * PPM)
    if low == 0 or part == total:
        return _reduced(*simple)
    # Leverages over a common denominator: l = low/unit, l' = low*total/(unit*(total-part)).
    before, after = low * (total - part), low * total
    common = unit * (total - part)
    area = _skew_area(params.skew_factor_ppm, after, common)
    area -= _skew_area(params.skew_factor_ppm, before, common)
    # area is the integral times 3 * PPM^2 * common^3; the average divides by (after-before)/common.
    average_unit = 3 * _PPM_SQUARED * common * common * (after - before)
    spread = spread_ppm(params, market.min_price_change_ppm)
    estimated = (spread * (average_unit + area) * low, PPM * average_unit * unit)
    smaller = estimated if estimated[0] * simple[1] < simple[0] * estimated[1] else simple
    return _reduced(*smaller)


def _ladder(params: MegaVaultParams, snapshot: MarketSnapshot, quantums: int) -> tuple[Quote, ...]:
    market = snapshot.market
    notional = value_trunc(market, snapshot.inventory, snapshot.oracle_price)
    leverage = div_up(notional * PPM, snapshot.equity)
    spread = spread_ppm(params, market.min_price_change_ppm)
    scaled, unit = _in_ticks(market, snapshot.centre)
    tick = market.subticks_per_tick
    most = MAX_WIRE // tick
    ask_tif = TimeInForce.POST_ONLY if leverage <= 0 else TimeInForce.GTT
    bid_tif = TimeInForce.POST_ONLY if leverage >= 0 else TimeInForce.GTT
    quotes: list[Quote] = []
    for layer in range(params.layers):
        shift = layer * params.order_size_pct_ppm
        ask_scaled = div_up((leverage - shift) * params.skew_factor_ppm, PPM)
        bid_scaled = div_up((leverage + shift) * params.skew_factor_ppm, PPM)
        ask_skew, bid_skew = _skews(leverage, ask_scaled, bid_scaled)
        ask = div_up(scaled * (_PPM_SQUARED + (PPM + ask_skew) * spread), unit)
        bid = div_down(scaled * (_PPM_SQUARED - (PPM - bid_skew) * spread), unit)
        for side, ticks, tif in ((Side.SELL, ask, ask_tif), (Side.BUY, bid, bid_tif)):
            quotes.append(
                Quote(
                    market=market.ticker,
                    side=side,
                    layer=layer,
                    quantums=quantums,
                    subticks=min(max(1, ticks), most) * tick,
                    time_in_force=tif,
                )
            )
    return tuple(quotes)


def _skews(leverage: int, ask_scaled: int, bid_scaled: int) -> tuple[int, int]:
    """Skews (ask, bid) of a layer from its scaled leverages.

    The side that reduces inventory moves linearly, the other by the square; which is which follows
    from the leverage without layers, not from the layer's.
    """
    if leverage < 0:
        return div_up((ask_scaled - PPM) * (ask_scaled - PPM), PPM) - PPM, -bid_scaled
    return -ask_scaled, PPM - div_up((bid_scaled + PPM) * (bid_scaled + PPM), PPM)


def _in_ticks(market: PerpetualMarket, centre: int) -> tuple[int, int]:
    """The centre in ticks times 1e12, as a fraction: one rounding takes it to a tick."""
    shift = market.oracle_exponent + 6 + market.atomic_resolution
    shift -= market.quantum_conversion_exponent
    unit = _PPM_SQUARED * market.subticks_per_tick
    return (centre * 10**shift, unit) if shift >= 0 else (centre, unit * 10**-shift)


def _skew_area(factor_ppm: int, leverage: int, unit: int) -> int:
    """Antiderivative of the skew at leverage/unit, times 3 * PPM^2 * unit^3."""
    square = leverage * leverage
    return 3 * PPM * factor_ppm * square * unit + factor_ppm * factor_ppm * square * leverage


def _reduced(numerator: int, denominator: int) -> tuple[int, int]:
    a, b = numerator, denominator
    while b:
        a, b = b, a % b
    return numerator // a, denominator // a
