"""Parameters of every quoting rule; units are in the names.

Where a rule speaks of prices, `_ppm` is of the price quotes are placed around. One order is the
unit of inventory: `gamma_e9` is risk aversion and `k_e9` the decay of the fill intensity
A*exp(-k*distance), both in 1e-9 per ppm of distance (and order); `volatility_ppm` is the standard
deviation of a day's move.
"""

import msgspec

__all__ = [
    "AvellanedaStoikovParams",
    "ConstantProductParams",
    "FixedSpreadParams",
    "GlftParams",
    "MegaVaultParams",
    "RangeOnBookParams",
    "Strategy",
]


class MegaVaultParams(msgspec.Struct, frozen=True, kw_only=True, tag="megavault"):
    """Parameters of the dYdX MegaVault rule, all in ppm unless named otherwise."""

    layers: int
    spread_min_ppm: int
    spread_buffer_ppm: int
    skew_factor_ppm: int
    order_size_pct_ppm: int
    activation_threshold_quote_quantums: int


class FixedSpreadParams(msgspec.Struct, frozen=True, kw_only=True, tag="fixed_spread"):
    """Quote at a constant distance from the reference: the rule every other must beat."""

    layers: int
    half_spread_ppm: int
    layer_step_ppm: int
    order_size_quote_quantums: int


class AvellanedaStoikovParams(msgspec.Struct, frozen=True, kw_only=True, tag="avellaneda_stoikov"):
    """Avellaneda and Stoikov (2008). `horizon_seconds` 0: their infinite horizon.

    Above `max_inventory_orders` the side that adds to inventory is not quoted.
    """

    layers: int
    layer_step_ppm: int
    order_size_quote_quantums: int
    gamma_e9: int
    k_e9: int
    volatility_ppm: int
    horizon_seconds: int
    max_inventory_orders: int


class GlftParams(msgspec.Struct, frozen=True, kw_only=True, tag="glft"):
    """Gueant, Lehalle and Fernandez-Tapia (2013). `horizon_seconds` 0: their closed form.

    `arrivals_per_day` is the intensity A; `drift_ppm` a day's expected move, signed; `impact_ppm`
    how far the price moves against us with each order of ours that fills.
    """

    layers: int
    layer_step_ppm: int
    order_size_quote_quantums: int
    gamma_e9: int
    k_e9: int
    arrivals_per_day: int
    volatility_ppm: int
    drift_ppm: int
    impact_ppm: int
    horizon_seconds: int
    max_inventory_orders: int


class ConstantProductParams(msgspec.Struct, frozen=True, kw_only=True, tag="constant_product"):
    """x*y=k as limit orders; `reserves_quote_quantums` is what both reserves are worth at rest."""

    layers: int
    order_size_quote_quantums: int
    reserves_quote_quantums: int
    fee_ppm: int


class RangeOnBookParams(msgspec.Struct, frozen=True, kw_only=True, tag="range_on_book"):
    """A Uniswap v3 range as limit orders: from price/(1 + width) to price*(1 + width)."""

    layers: int
    order_size_quote_quantums: int
    reserves_quote_quantums: int
    fee_ppm: int
    width_ppm: int


Strategy = (
    MegaVaultParams
    | FixedSpreadParams
    | AvellanedaStoikovParams
    | GlftParams
    | ConstantProductParams
    | RangeOnBookParams
)
