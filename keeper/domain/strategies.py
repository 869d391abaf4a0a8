"""Parameters of every quoting rule and of the overlays that bend it; units are in the names.

Where a rule speaks of prices, `_ppm` is of the price quotes are placed around. One order is the
unit of inventory: `gamma_e9` is risk aversion and `k_e9` the decay of the fill intensity
A*exp(-k*distance), both in 1e-9 per ppm of distance (and order); `volatility_ppm` is the standard
deviation of a day's move.
"""

import msgspec

__all__ = [
    "AvellanedaStoikovParams",
    "ConstantProductParams",
    "FeeOverlay",
    "FixedSpreadParams",
    "FundingOverlay",
    "GlftParams",
    "ImbalanceOverlay",
    "InventoryTarget",
    "MegaVaultParams",
    "Overlays",
    "RangeOnBookParams",
    "ReduceOnlyLadder",
    "SessionGate",
    "Strategy",
    "ToxicityOverlay",
    "TrendOverlay",
    "VolatilityOverlay",
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


class TrendOverlay(msgspec.Struct, frozen=True, kw_only=True):
    """Move with the short-term trend: by a share of the fast less the slow average of the price."""

    fast_seconds: int
    slow_seconds: int
    gain_ppm: int
    max_shift_ppm: int


class ImbalanceOverlay(msgspec.Struct, frozen=True, kw_only=True):
    """Move with the order-flow imbalance of the best levels; the shift at an imbalance of one."""

    seconds: int
    shift_ppm: int


class VolatilityOverlay(msgspec.Struct, frozen=True, kw_only=True):
    """Widen by a share of the daily volatility, measured over `seconds`, above a floor."""

    seconds: int
    floor_ppm: int
    gain_ppm: int
    max_widen_ppm: int


class FundingOverlay(msgspec.Struct, frozen=True, kw_only=True):
    """Carry funding into the reservation price: what a position costs over its holding time."""

    holding_seconds: int
    max_shift_ppm: int


class ToxicityOverlay(msgspec.Struct, frozen=True, kw_only=True):
    """Widen a side by a share of what its fills lost against the price `horizon_seconds` later."""

    horizon_seconds: int
    fills: int
    gain_ppm: int
    max_widen_ppm: int


class FeeOverlay(msgspec.Struct, frozen=True, kw_only=True):
    """Move both sides out by the maker fee of the account's tier (negative: in by a rebate)."""

    maker_fee_ppm: int


class InventoryTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Skew towards an inventory other than none, signed, in quote quantums at the oracle."""

    quote_quantums: int


class SessionGate(msgspec.Struct, frozen=True, kw_only=True):
    """Quote within weekly windows alone: minutes (from, to) since Monday 00:00 UTC.

    `outside` is "pull" or "reduce".
    """

    windows: tuple[tuple[int, int], ...]
    outside: str


class ReduceOnlyLadder(msgspec.Struct, frozen=True, kw_only=True):
    """From an inventory of this worth on, quote nothing but the side that reduces it."""

    from_quote_quantums: int


class Overlays(msgspec.Struct, frozen=True, kw_only=True):
    """What bends a market's rule; None: not at all."""

    trend: TrendOverlay | None = None
    imbalance: ImbalanceOverlay | None = None
    volatility: VolatilityOverlay | None = None
    funding: FundingOverlay | None = None
    toxicity: ToxicityOverlay | None = None
    fee: FeeOverlay | None = None
    target: InventoryTarget | None = None
    session: SessionGate | None = None
    reduce_only: ReduceOnlyLadder | None = None
