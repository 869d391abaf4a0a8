"""Perpetual markets as dYdX lists them, for the keeper's tests."""

from keeper.domain.instruments import PerpetualMarket

ETH = PerpetualMarket(
    ticker="ETH-USD",
    clob_pair_id=1,
    atomic_resolution=-9,
    quantum_conversion_exponent=-9,
    step_base_quantums=1_000_000,
    subticks_per_tick=100_000,
    oracle_exponent=-6,
    min_price_change_ppm=1_000,
    initial_margin_ppm=50_000,
    maintenance_margin_ppm=30_000,
    status="ACTIVE",
)
"""One subtick is 1e-6 USDC, one base quantum 1e-9 ETH."""
BTC = PerpetualMarket(
    ticker="BTC-USD",
    clob_pair_id=0,
    atomic_resolution=-10,
    quantum_conversion_exponent=-9,
    step_base_quantums=1_000_000,
    subticks_per_tick=100_000,
    oracle_exponent=-5,
    min_price_change_ppm=1_000,
    initial_margin_ppm=50_000,
    maintenance_margin_ppm=30_000,
    status="ACTIVE",
)
