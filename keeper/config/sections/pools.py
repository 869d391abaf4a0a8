"""The pools that ranges are held in, and when moving one pays."""

from typing import Final

from keeper.config.fields import (
    EvmAddress,
    Milliseconds,
    NonNegative,
    Positive,
    Ppm,
    Section,
    described,
)

__all__ = ["NO_HEDGE", "Pool", "PoolEconomics"]

NO_HEDGE: Final = "none"


class PoolEconomics(Section):
    """When moving a pool's range pays, how wide it is then, and how it leans on inventory."""

    standing_seconds: Positive = described("How long a moved range is meant to stand, in seconds.")
    volume_assets_per_day: Positive = described("Volume of the pool, in asset units a day.")
    volatility_ppm: Positive = described("Standard deviation of a day's move, in ppm.")
    width_ppm: NonNegative = described(
        "Half width, in ppm of the deviation over that time (the pool's fee is added); "
        "0: half_width_ticks."
    )
    gas_assets: NonNegative = described("Least gas of a move, in asset units (1e-6 USDC).")
    skew_ticks: NonNegative = described(
        "Ticks the range stands aside at the hedge market's largest position."
    )


class Pool(Section):
    """One Uniswap v3 pool reached through an adapter of the vault."""

    adapter: EvmAddress = described("UniswapV3Adapter contract.")
    pool: EvmAddress = described("Uniswap v3 pool contract.")
    hedge_market: str = described(
        "Ticker of the perpetual that hedges this pool; 'none': nothing does."
    )
    asset_is_token0: bool = described("Whether the vault's asset is the pool's token0.")
    asset_decimals: NonNegative = described("Decimals of the vault's asset.", le=18)
    base_decimals: NonNegative = described("Decimals of the pool's other token.", le=36)
    half_width_ticks: Positive = described("Half of the range's width, in the pool's ticks.")
    recentre_ticks: Positive = described("Drift at which the range is moved, in ticks.")
    max_slippage_ppm: Ppm = described("Worst price of a mint, burn or swap, in ppm.")
    snapshot_max_age_ms: Milliseconds = described("Older pool states stop acting, in ms.")
    cooldown_seconds: NonNegative = described("Least time between two moves, in seconds.")
    economics: PoolEconomics | None = described(
        "Move the range only where it pays; absent: whenever it is off centre.", None
    )
