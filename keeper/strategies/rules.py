"""The one place that knows which function belongs to which rule's parameters."""

from keeper.domain.settings import MegaVaultParams, Strategy
from keeper.strategies import fixed_spread, megavault
from keeper.strategies.snapshot import MarketSnapshot, Quotes

__all__ = ["half_spread_ppm", "quote"]


def quote(rule: Strategy, snapshot: MarketSnapshot) -> Quotes:
    """Ask a rule for its ladder."""
    if isinstance(rule, MegaVaultParams):
        return megavault.quote(rule, snapshot)
    return fixed_spread.quote(rule, snapshot)


def half_spread_ppm(rule: Strategy, min_price_change_ppm: int) -> int:
    """Distance of the front layer from the reference without inventory, in ppm."""
    if isinstance(rule, MegaVaultParams):
        return megavault.spread_ppm(rule, min_price_change_ppm)
    return rule.half_spread_ppm
