"""The limits of the vault as a whole."""

from keeper.config.fields import Milliseconds, NonNegative, Positive, Ppm, Section, described

__all__ = ["Limits"]


class Limits(Section):
    """Vault-wide limits, evaluated per event."""

    max_order_quote_quantums: Positive = described("Largest order, in 1e-6 USDC.")
    max_gross_quote_quantums: Positive = described("Largest open exposure, in 1e-6 USDC.")
    price_band_ppm: Ppm = described("Farthest order from the reference price, in ppm.")
    daily_loss_quote_quantums: Positive = described("Loss of a day that stops it, in 1e-6 USDC.")
    drawdown_ppm: Ppm = described("Fall from the highest equity that stops it, in ppm.")
    max_messages_per_block: Positive = described("Most order messages in one venue block.")
    max_intent_age_ms: Milliseconds = described("Older commands are decided again, in ms.")
    max_height_age_ms: Milliseconds = described("A venue height older than this is stale, in ms.")
    max_clock_skew_ms: Milliseconds = described("Most the venue's clock may differ, in ms.")
    stress_shock_ppm: Ppm = described(
        "Move of all markets together whose loss is bounded, in ppm; 0: not bounded.", 200_000
    )
    stress_loss_multiple: Positive = described(
        "Most that move may cost, in multiples of daily_loss_quote_quantums.", 3
    )
    hedge_shock_ppm: Ppm = described(
        "Rise that the pools' hedge survives without fresh collateral, in ppm; 0: not checked.",
        250_000,
    )
    max_lp_quote_quantums: NonNegative = described(
        "Largest value of all ranges in pools, in 1e-6 USDC; 0: no cap.", 0
    )
    max_open_interest_ppm: Ppm = described(
        "Largest position as a part of the market's open interest, in ppm; 0: no cap.", 0
    )
    max_volume_ppm: Ppm = described(
        "Largest position as a part of what the market trades in 24 hours, in ppm; 0: no cap.", 0
    )
    depth_refills: NonNegative = described(
        "Largest position in multiples of what the closing side of the book shows near its best "
        "price: how often that returns in 10 minutes; 0: no cap.",
        0,
        le=10_000,
    )
    depth_band_ppm: Ppm = described("How near, in ppm.", 20_000)
    max_market_facts_age_ms: Milliseconds = described(
        "Older open interest, volume and funding stop what raises net delta, in ms.", 900_000
    )
    max_funding_ppm_per_day: NonNegative = described(
        "Funding beyond which the side that pays it raises nothing, in ppm a day; 0: no ceiling.", 0
    )
    other_venue_band_ppm: Ppm = described(
        "Farthest order from the leader's and the pools' price, in ppm; 0: no band.", 0
    )
    loss_window_minutes: Positive = described(
        "Minutes over which loss_window_quote_quantums counts.", 60, le=1_440
    )
    loss_window_quote_quantums: NonNegative = described(
        "Loss within the window that stops it, in 1e-6 USDC; 0: no window.", 0
    )
    max_report_age_seconds: NonNegative = described(
        "Age of the last settled report beyond which nothing is raised, in seconds; 0: none.",
        518_400,
    )
    max_depeg_ppm: Ppm = described(
        "Distance of the asset's price from 1 beyond which nothing is raised, in ppm; 0: not "
        "judged. Needs vault.asset_feed.",
        0,
    )
    max_asset_price_age_seconds: Positive = described(
        "An older price of the asset stops what raises net delta, in seconds.", 90_000
    )
    max_base_fee_wei: NonNegative = described(
        "Base fee per gas beyond which all but exits waits, in wei; 0: no ceiling.", 0
    )
