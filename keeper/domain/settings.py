"""What an operator sets and the step function reads; logged whole in `RunStarted`."""

import hashlib

import msgspec

from keeper.domain.strategies import FixedSpreadParams, MegaVaultParams, Overlays, Strategy

__all__ = [
    "AllocationSettings",
    "FixedSpreadParams",
    "HousekeepingSettings",
    "LeaderSettings",
    "MarketSettings",
    "MegaVaultParams",
    "OrderToTrade",
    "PoolEconomics",
    "PoolSettings",
    "Resting",
    "RiskLimits",
    "StepSettings",
    "Strategy",
    "params_hash",
]


class LeaderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the market that leads ours enters the reference price; what is left is the oracle's.

    A leader of weight 0 is recorded and decides nothing. `base_units` of our base asset are one
    of the leader's. `on_missing` is "pull" or "widen".
    """

    symbol: str
    base_units: int
    weight_ppm: int
    venue_weight_ppm: int
    max_age_ms: int
    band_ppm: int
    pull_band_ppm: int
    basis_seconds: int
    max_basis_ppm: int
    on_missing: str
    missing_widen_ppm: int


class OrderToTrade(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages for a price or a size a market may take for what it fills.

    Counted over the last `window_seconds`; the first `free_messages` of them are not counted.
    `max_ratio` is orders / fills - 1, `max_volume_ratio` the same by volume.
    """

    window_seconds: int
    free_messages: int
    max_ratio: int
    max_volume_ratio: int


class Resting(msgspec.Struct, frozen=True, kw_only=True):
    """How long an order rests before its price or size changes.

    It does not wait where it stands nearer to the market than wanted by more than `urgent_ppm`, or
    has to be smaller.
    """

    min_resting_ms: int
    urgent_ppm: int


class MarketSettings(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """How one perpetual market is quoted and how its orders are kept on the venue."""

    ticker: str
    strategy: Strategy
    good_til_block_offset: int
    refresh_blocks: int
    price_tolerance_ppm: int
    size_tolerance_ppm: int
    oracle_max_age_ms: int
    book_max_age_ms: int
    max_position_quote_quantums: int
    inventory_band_quote_quantums: int
    hedge_max_slippage_ppm: int
    leader: LeaderSettings | None = None
    overlays: Overlays | None = None
    resting: Resting | None = None
    order_to_trade: OrderToTrade | None = None


class PoolEconomics(msgspec.Struct, frozen=True, kw_only=True):
    """What a range should earn to be moved; docs/strategies.md has the formulas.

    `standing_seconds` is how long a moved range is meant to stand; meanwhile
    `volume_assets_per_day` passes through the pool and the price moves by `volatility_ppm` a day (a
    standard deviation). The half width is `width_ppm` of that time's deviation and the pool's fee;
    0 keeps `half_width_ticks`. `gas_assets` is the least that a move costs in gas. `skew_ticks` is
    how far the range stands aside at the largest position.
    """

    standing_seconds: int
    volume_assets_per_day: int
    volatility_ppm: int
    width_ppm: int
    gas_assets: int
    skew_ticks: int


class PoolSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One Uniswap v3 pool reached through an adapter, paired with the perpetual that hedges it.

    `base_decimals` are of the token that is not the vault's asset; ticks are the pool's.
    """

    adapter: str
    pool: str
    hedge_market: str
    asset_is_token0: bool
    asset_decimals: int
    base_decimals: int
    half_width_ticks: int
    recentre_ticks: int
    max_slippage_ppm: int
    snapshot_max_age_ms: int
    cooldown_seconds: int
    economics: PoolEconomics | None = None


class AllocationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the vault's capital should be, in ppm of accepted NAV; the rest stays idle.

    `clob_adapter` is None for a vault without an order-book leg.
    """

    clob_adapter: str | None
    clob_target_ppm: int
    pool_target_ppm: int
    min_move_assets: int
    transaction_deadline_seconds: int


class HousekeepingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is done for depositors beside trading; times in seconds.

    `reporters` is how many are asked for a report; without one no cut is taken. A cut is left to
    others for the lead and a part of the jitter. `redemption_buffer_ppm` is kept beyond what
    redemptions are worth at the settled price; a claim below `claim_floor_assets` (asset units) is
    not worth its gas. The `_alert_seconds` say how long before a deadline, and after the last
    settlement, a person is told; `stake_room_alert_ppm` of accepted NAV is the least room for
    deposits that the keeper's stake may leave untold.
    """

    reporters: int
    cut_lead_seconds: int
    cut_jitter_seconds: int
    report_retry_seconds: int
    redemption_buffer_ppm: int
    claim_floor_assets: int
    report_alert_seconds: int
    payment_alert_seconds: int
    settlement_alert_seconds: int
    stake_room_alert_ppm: int


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """Vault-wide limits, evaluated per event; money in quote quantums, time in milliseconds.

    Those with a default are explained in docs/spec.md section 9; 0 turns one of them off.
    """

    max_order_quote_quantums: int
    max_gross_quote_quantums: int
    price_band_ppm: int
    daily_loss_quote_quantums: int
    drawdown_ppm: int
    max_messages_per_block: int
    max_intent_age_ms: int
    max_height_age_ms: int
    max_clock_skew_ms: int
    stress_shock_ppm: int = 200_000
    stress_loss_multiple: int = 3
    hedge_shock_ppm: int = 250_000
    max_lp_quote_quantums: int = 0
    max_open_interest_ppm: int = 0
    max_volume_ppm: int = 0
    depth_refills: int = 0
    depth_band_ppm: int = 20_000
    max_market_facts_age_ms: int = 900_000
    max_funding_ppm_per_day: int = 0
    other_venue_band_ppm: int = 0
    loss_window_minutes: int = 60
    loss_window_quote_quantums: int = 0
    max_report_age_seconds: int = 518_400
    max_depeg_ppm: int = 0
    max_asset_price_age_seconds: int = 90_000
    max_base_fee_wei: int = 0


class StepSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the step function may read besides events."""

    markets: tuple[MarketSettings, ...]
    pools: tuple[PoolSettings, ...]
    allocation: AllocationSettings | None
    limits: RiskLimits
    housekeeping: HousekeepingSettings | None = None


def params_hash(settings: StepSettings) -> str:
    """Hash (sha256, hex) of the settings' canonical bytes: JSON in field order."""
    return hashlib.sha256(msgspec.json.encode(settings)).hexdigest()
