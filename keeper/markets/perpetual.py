"""Perpetual account arithmetic as the venue does it: value, equity, margin, fills, sizes."""

from typing import Final

from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side
from keeper.domain.units import PPM, div_down, div_up

__all__ = [
    "base_quantums_down",
    "base_quantums_up",
    "bounded_price",
    "fill_cost",
    "multiple_down",
    "multiple_up",
    "quantums_for_value_down",
    "value_abs_up",
    "value_trunc",
]


_BUY: Final = Side.BUY  # a member costs three times a name


def value_trunc(market: PerpetualMarket, quantums: int, oracle_price: int) -> int:
    """Value signed base quantums at the oracle in quote quantums, towards zero (as the venue)."""
    if quantums >= 0:
        return market.oracle_value_down(quantums, oracle_price)
    return -market.oracle_value_down(-quantums, oracle_price)


def value_abs_up(market: PerpetualMarket, quantums: int, oracle_price: int) -> int:
    """Value |quantums| at the oracle in quote quantums, towards plus infinity."""
    return -market.oracle_value_down(-abs(quantums), oracle_price)


def fill_cost(
    market: PerpetualMarket, side: Side, quantums: int, subticks: int, oracle_price: int
) -> int:
    """Equity lost at once, in quote quantums, if that much filled at that price (0 if it gains)."""
    if quantums == 0:
        return 0
    paid = market.quote_quantums_up(quantums, subticks)
    worth = market.oracle_value_down(quantums, oracle_price)
    cost = paid - worth if side is _BUY else worth - paid
    return cost if cost > 0 else 0


def quantums_for_value_down(market: PerpetualMarket, quote_quantums: int, oracle_price: int) -> int:
    """Base quantums worth `quote_quantums` at the oracle, towards zero to a multiple of the step.

    Raises ZeroDivisionError when the oracle price is zero.
    """
    exponent = market.oracle_exponent + market.atomic_resolution + 6
    if exponent >= 0:
        quantums = div_down(quote_quantums, oracle_price * 10**exponent)
    else:
        quantums = div_down(quote_quantums * 10**-exponent, oracle_price)
    return multiple_down(quantums, market.step_base_quantums)


def base_quantums_down(market: PerpetualMarket, units: int, decimals: int) -> int:
    """Base quantums of a market that `units` of the base token are, rounded down."""
    shift = -market.atomic_resolution - decimals
    quantums: int = units * 10**shift if shift >= 0 else units // 10**-shift
    return quantums


def base_quantums_up(market: PerpetualMarket, units: int, decimals: int) -> int:
    """Base quantums of a market that `units` of the base token are, rounded up."""
    return -base_quantums_down(market, -units, decimals)


def bounded_price(market: PerpetualMarket, oracle_price: int, side: Side, distance_ppm: int) -> int:
    """Subticks `distance_ppm` worse than the oracle for a taker of `side`, rounded inwards."""
    tick = market.subticks_per_tick
    if side is Side.BUY:
        exact = div_down(market.subticks_down(oracle_price) * (PPM + distance_ppm), PPM)
        return multiple_down(exact, tick)
    exact = div_up(market.subticks_up(oracle_price) * (PPM - distance_ppm), PPM)
    return max(tick, multiple_up(exact, tick))


def multiple_down(value: int, unit: int) -> int:
    """Largest multiple of `unit` that is not above `value`."""
    return value - value % unit


def multiple_up(value: int, unit: int) -> int:
    """Smallest multiple of `unit` that is not below `value`."""
    return value + -value % unit
