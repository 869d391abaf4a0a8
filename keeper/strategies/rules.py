"""The one place that knows which function belongs to which rule's parameters."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from keeper.domain.strategies import (
    AvellanedaStoikovParams,
    ConstantProductParams,
    FixedSpreadParams,
    GlftParams,
    MegaVaultParams,
    RangeOnBookParams,
    Strategy,
)
from keeper.domain.units import PPM
from keeper.strategies import avellaneda_stoikov, curve, fixed_spread, glft, megavault
from keeper.strategies.snapshot import MarketSnapshot, Quotes

__all__ = ["has_horizon", "half_spread_ppm", "order_value", "problems", "quote"]


class _Rule(NamedTuple):
    quote: Callable[[Any, MarketSnapshot], Quotes]
    problems: Callable[[Any], tuple[str, ...]]
    half_spread_ppm: Callable[[Any], int]


def _fixed_half_spread(params: FixedSpreadParams) -> int:
    return params.half_spread_ppm


_RULES: Final[dict[type, _Rule]] = {
    AvellanedaStoikovParams: _Rule(
        avellaneda_stoikov.quote, avellaneda_stoikov.problems, avellaneda_stoikov.half_spread_ppm
    ),
    ConstantProductParams: _Rule(curve.quote, curve.problems, curve.half_spread_ppm),
    FixedSpreadParams: _Rule(fixed_spread.quote, fixed_spread.problems, _fixed_half_spread),
    GlftParams: _Rule(glft.quote, glft.problems, glft.half_spread_ppm),
    MegaVaultParams: _Rule(
        megavault.quote, megavault.problems, lambda params: megavault.spread_ppm(params, 0)
    ),
    RangeOnBookParams: _Rule(curve.quote, curve.problems, curve.half_spread_ppm),
}


def quote(rule: Strategy, snapshot: MarketSnapshot) -> Quotes:
    """Ask a rule for its ladder."""
    return _RULES[type(rule)].quote(rule, snapshot)


def problems(rule: Strategy) -> tuple[str, ...]:
    """List what is wrong with a rule's parameters; empty when they can be quoted."""
    return _RULES[type(rule)].problems(rule)


def half_spread_ppm(rule: Strategy, min_price_change_ppm: int) -> int:
    """Distance of the front layer from the reference without inventory, in ppm, at its least."""
    if isinstance(rule, MegaVaultParams):
        return megavault.spread_ppm(rule, min_price_change_ppm)
    return _RULES[type(rule)].half_spread_ppm(rule)


def order_value(rule: Strategy, equity: int) -> int:
    """Worth of one order in quote quantums, rounded down."""
    if isinstance(rule, MegaVaultParams):
        return rule.order_size_pct_ppm * equity // PPM
    return rule.order_size_quote_quantums


def has_horizon(rule: Strategy) -> bool:
    """Tell whether a rule's quotes follow the clock."""
    return isinstance(rule, AvellanedaStoikovParams | GlftParams) and rule.horizon_seconds > 0
