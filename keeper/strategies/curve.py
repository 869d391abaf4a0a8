"""Pool curves laid out as limit orders on a book: constant product, and a Uniswap v3 range.

Adams, Zinsmeister and Robinson, "Uniswap v2 Core" (2020); Adams et al., "Uniswap v3 Core" (2021).
At rest the curve stands at the reference price P with x0 = reserves/(2P) of base, and inventory
moves it: x = x0 + inventory. An order of d base between x and x+d takes exactly what the pool
would, since on x*y = k the base bought for y is d at the price k/(x*(x+d)):
    bid_i = P*x0^2/(x_i*(x_i + d)) * (1 - fee),   x_i = x + i*d
    ask_i = P*x0^2/(x_i*(x_i - d)) / (1 - fee),   x_i = x - i*d
A range from P/(1+w) to P*(1+w) is the same curve on virtual reserves, x0 = reserves/(2P) *
g/(g - 1) with g = sqrt(1 + w), that ends where the range does: x stays within x0/g and x0*g.
One rounding takes each price to its tick: bids down, asks up.
"""

from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from keeper.domain.orders import Quote, Side
from keeper.domain.strategies import ConstantProductParams, RangeOnBookParams
from keeper.domain.units import PPM, div_down, div_up
from keeper.markets.fixed import sqrt_down
from keeper.markets.perpetual import multiple_down, multiple_up
from keeper.strategies.ladder import (
    MAX_WIRE,
    basis,
    closing,
    order_quantums,
    post_only,
    refused,
)
from keeper.strategies.snapshot import MarketSnapshot, Quotes

__all__ = ["Curve", "curve_of", "half_spread_ppm", "prices", "problems", "quote"]

CurveParams = ConstantProductParams | RangeOnBookParams
ROOT: Final = 10**18


class Curve(NamedTuple):
    """Base reserves at rest and the least and most of them, in base quantums (None: no most)."""

    rest: int
    least: int
    most: int | None


def quote(params: CurveParams, snapshot: MarketSnapshot) -> Quotes:
    """Quote the next orders along the curve on both sides, post-only, front layer first.

    Refused as `ladder.basis` says, and INVENTORY_BEYOND_CURVE (base quantums) where the inventory
    is more than the curve has; nothing where one order is less than the step.
    """
    no_basis = basis(snapshot)
    if no_basis is not None:
        return no_basis
    order = order_quantums(snapshot, params.order_size_quote_quantums)
    if order == 0:
        return ()
    curve = curve_of(params, snapshot)
    reserve = curve.rest + snapshot.inventory
    if reserve < curve.least:
        return refused("INVENTORY_BEYOND_CURVE", snapshot, curve.least, reserve)
    if curve.most is not None and reserve > curve.most:
        return refused("INVENTORY_BEYOND_CURVE", snapshot, curve.most, reserve)
    quotes: list[Quote] = []
    for layer, (ask, bid) in enumerate(prices(curve, snapshot.inventory, order, params.layers)):
        for side, price in ((Side.SELL, ask), (Side.BUY, bid)):
            if price is None:
                continue
            subticks = _placed(snapshot, side, price, params.fee_ppm)
            if subticks > MAX_WIRE:
                return refused("PRICE_ABSURD", snapshot, MAX_WIRE, subticks)
            if subticks > 0:
                quotes.append(post_only(snapshot, side, layer, order, subticks))
    return closing(snapshot, tuple(quotes))


def curve_of(params: CurveParams, snapshot: MarketSnapshot) -> Curve:
    """Return the curve the parameters mean at the snapshot's reference price, reserves down."""
    market = snapshot.market
    exponent = market.oracle_exponent + market.atomic_resolution + 6
    value, price = params.reserves_quote_quantums, 2 * snapshot.centre
    if exponent >= 0:
        price *= 10**exponent
    else:
        value *= 10**-exponent
    if isinstance(params, ConstantProductParams):
        return Curve(rest=value // price, least=1, most=None)
    root = _root(params.width_ppm)
    rest = value * root // (price * (root - ROOT))
    return Curve(rest=rest, least=div_up(rest * ROOT, root), most=rest * root // ROOT)


def prices(
    curve: Curve, inventory: int, order: int, layers: int
) -> list[tuple[Fraction | None, Fraction | None]]:
    """Exact prices (ask, bid) of each layer before fees, in units of the price at rest.

    None where the order would leave the curve.
    """
    start = curve.rest + inventory
    square = curve.rest * curve.rest
    found: list[tuple[Fraction | None, Fraction | None]] = []
    for layer in range(layers):
        above, below = start - layer * order, start + layer * order
        has_ask = above - order >= curve.least
        has_bid = curve.most is None or below + order <= curve.most
        found.append(
            (
                Fraction(square, above * (above - order)) if has_ask else None,
                Fraction(square, below * (below + order)) if has_bid else None,
            )
        )
    return found


def half_spread_ppm(params: CurveParams) -> int:
    """Least distance of the front layer without inventory, in ppm, rounded down: the fee, and what
    one order moves the curve by."""
    rest = Fraction(params.reserves_quote_quantums, 2)
    if isinstance(params, RangeOnBookParams):
        root = _root(params.width_ppm)
        rest *= Fraction(root, root - ROOT)
    bid = rest / (rest + params.order_size_quote_quantums) * Fraction(PPM - params.fee_ppm, PPM)
    return int((1 - bid) * PPM)


def problems(params: CurveParams) -> tuple[str, ...]:
    """List what is wrong with the parameters; empty when they can be quoted."""
    size, reserves = params.order_size_quote_quantums, params.reserves_quote_quantums
    checks = [
        (not 0 < params.layers <= 255, "layers must lie between 1 and 255"),
        (size <= 0, "order_size_quote_quantums must be positive"),
        (reserves <= 0, "reserves_quote_quantums must be positive"),
        (not 0 <= params.fee_ppm < PPM, "fee_ppm must lie between 0 and 999999"),
        (
            reserves > 0 and 2 * size * params.layers >= reserves,
            "the layers of one side are worth as much as the reserve: fewer layers, smaller "
            "orders or larger reserves",
        ),
    ]
    if isinstance(params, RangeOnBookParams):
        checks.append((params.width_ppm <= 0, "width_ppm must be positive"))
    return tuple(text for broken, text in checks if broken)


def _placed(snapshot: MarketSnapshot, side: Side, price: Fraction, fee_ppm: int) -> int:
    """Subticks of a layer; 0 where a bid is less than a tick."""
    market, tick = snapshot.market, snapshot.market.subticks_per_tick
    top, bottom = price.numerator, price.denominator
    if side is Side.SELL:
        exact = market.subticks_up(snapshot.centre) * top * PPM
        return multiple_up(div_up(exact, bottom * (PPM - fee_ppm)), tick)
    exact = market.subticks_down(snapshot.centre) * top * (PPM - fee_ppm)
    return multiple_down(div_down(exact, bottom * PPM), tick)


@lru_cache(maxsize=64)
def _root(width_ppm: int) -> int:
    return sqrt_down(PPM + width_ppm, PPM, ROOT)
