"""Sound parameters of every rule, for tests that hold for all of them."""

from typing import Final

from keeper.domain.strategies import (
    AvellanedaStoikovParams,
    ConstantProductParams,
    FixedSpreadParams,
    GlftParams,
    MegaVaultParams,
    RangeOnBookParams,
    Strategy,
)

__all__ = ["EXAMPLES"]

SIZE: Final = 1_500_000_000
"""1,500 USDC."""

EXAMPLES: Final[tuple[Strategy, ...]] = (
    MegaVaultParams(
        layers=2,
        spread_min_ppm=3_000,
        spread_buffer_ppm=1_500,
        skew_factor_ppm=2_000_000,
        order_size_pct_ppm=100_000,
        activation_threshold_quote_quantums=1_000_000_000,
    ),
    FixedSpreadParams(
        layers=2, half_spread_ppm=1_000, layer_step_ppm=500, order_size_quote_quantums=SIZE
    ),
    AvellanedaStoikovParams(
        layers=2,
        layer_step_ppm=300,
        order_size_quote_quantums=SIZE,
        gamma_e9=20,
        k_e9=4_000_000,
        volatility_ppm=30_000,
        horizon_seconds=3_600,
        max_inventory_orders=10,
    ),
    AvellanedaStoikovParams(
        layers=2,
        layer_step_ppm=300,
        order_size_quote_quantums=SIZE,
        gamma_e9=200,
        k_e9=4_000_000,
        volatility_ppm=30_000,
        horizon_seconds=0,
        max_inventory_orders=10,
    ),
    GlftParams(
        layers=2,
        layer_step_ppm=300,
        order_size_quote_quantums=SIZE,
        gamma_e9=2_000,
        k_e9=4_000_000,
        arrivals_per_day=2_000,
        volatility_ppm=30_000,
        drift_ppm=0,
        impact_ppm=0,
        horizon_seconds=0,
        max_inventory_orders=10,
    ),
    GlftParams(
        layers=2,
        layer_step_ppm=300,
        order_size_quote_quantums=SIZE,
        gamma_e9=2_000,
        k_e9=4_000_000,
        arrivals_per_day=2_000,
        volatility_ppm=30_000,
        drift_ppm=0,
        impact_ppm=20,
        horizon_seconds=3_600,
        max_inventory_orders=5,
    ),
    ConstantProductParams(
        layers=2,
        order_size_quote_quantums=SIZE,
        reserves_quote_quantums=1_000_000_000_000,
        fee_ppm=500,
    ),
    RangeOnBookParams(
        layers=2,
        order_size_quote_quantums=SIZE,
        reserves_quote_quantums=100_000_000_000,
        fee_ppm=500,
        width_ppm=100_000,
    ),
)
