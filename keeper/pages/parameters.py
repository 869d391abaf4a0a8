"""The settings of a run as rows for people: every field with its unit, none left out."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from keeper.domain.settings import LeaderSettings, MarketSettings, StepSettings
from keeper.domain.units import PPM
from keeper.pages.report_data import Parameter

__all__ = ["parameter_rows", "with_reasons"]

_USDC_DECIMALS: Final = 6
_MEANINGS: Final = {
    "layers": "orders per side",
    "spread_min_ppm": "least half spread, of the reference price",
    "spread_buffer_ppm": "added to the market's least price change; the larger half spread counts",
    "skew_factor_ppm": "how strongly quotes lean against inventory",
    "order_size_pct_ppm": "size of one order, of the account's equity",
    "activation_threshold_quote_quantums": "least collateral to quote with",
    "gamma_e9": "risk aversion, per ppm of price and order",
    "k_e9": "how fast the chance of a fill falls with distance, per ppm",
    "arrivals_per_day": "fills of an order at no distance",
    "volatility_ppm": "standard deviation of a day's move",
    "drift_ppm": "expected move of a day",
    "impact_ppm": "move against us with each order that fills",
    "horizon_seconds": "length of a horizon; 0: without end",
    "max_inventory_orders": "inventory from which no more is added",
    "reserves_quote_quantums": "worth of what the curve holds without inventory",
    "fee_ppm": "fee on what comes in, as a pool takes it",
    "width_ppm": "the range from price/(1 + width) to price*(1 + width)",
    "fast_seconds": "time constant of the fast average",
    "slow_seconds": "time constant of the slow average",
    "seconds": "time constant of the measurement",
    "gain_ppm": "share of what is measured that counts",
    "max_shift_ppm": "most that quotes move",
    "shift_ppm": "move when all flow is on one side",
    "floor_ppm": "daily volatility up to which nothing widens",
    "max_widen_ppm": "most that quotes widen",
    "holding_seconds": "how long a position is usually held",
    "fills": "fills the average is over",
    "maker_fee_ppm": "fee of the account's tier, negative for a rebate",
    "quote_quantums": "wanted inventory",
    "windows": "minutes since Monday 00:00 UTC",
    "outside": "what is done outside of the windows",
    "from_quote_quantums": "inventory from which only the reducing side is quoted",
    "half_spread_ppm": "distance of the first order from the reference",
    "layer_step_ppm": "distance between orders of one side",
    "order_size_quote_quantums": "size of one order",
    "good_til_block_offset": "venue blocks after which an order dies by itself",
    "refresh_blocks": "venue blocks left at which an order is renewed",
    "price_tolerance_ppm": "price change worth a replacement",
    "size_tolerance_ppm": "size change worth a replacement",
    "oracle_max_age_ms": "an older oracle price stops quoting",
    "book_max_age_ms": "an older book stops quoting",
    "max_position_quote_quantums": "largest position",
    "inventory_band_quote_quantums": "net inventory brought home by an immediate order",
    "hedge_max_slippage_ppm": "worst price of that order",
    "min_resting_ms": "how long an order rests before its price or size changes",
    "urgent_ppm": "an order nearer to the market than wanted by more than this does not wait",
    "window_seconds": "how far back messages and fills are counted",
    "free_messages": "messages in that time that are not counted",
    "max_ratio": "most messages for each fill, less one",
    "max_volume_ratio": "most volume offered for that filled, less one",
    "symbol": "market whose book leads ours",
    "base_units": "of our base asset that are one of the leader's",
    "weight_ppm": "of the leader in the reference price",
    "venue_weight_ppm": "of the venue's own book; the rest is the oracle's",
    "max_age_ms": "an older quote of the leader counts as missing",
    "band_ppm": "distance of a source from the reference at which quotes widen",
    "pull_band_ppm": "distance at which quotes are pulled",
    "basis_seconds": "memory of the usual distance between leader and oracle",
    "max_basis_ppm": "largest usual distance that is believed",
    "on_missing": "what is done without the leader",
    "missing_widen_ppm": "how much farther out quotes stand while the leader is missing",
    "half_width_ticks": "half of the range's width",
    "recentre_ticks": "drift at which the range moves",
    "max_slippage_ppm": "worst price of a mint, burn or swap",
    "snapshot_max_age_ms": "an older view of the pool stops acting",
    "standing_seconds": "how long a moved range is meant to stand",
    "volume_assets_per_day": "volume of the pool",
    "gas_assets": "least gas of a move",
    "skew_ticks": "how far the range stands aside at the largest position",
    "cooldown_seconds": "least time between two moves",
    "clob_target_ppm": "share of NAV on the order book",
    "pool_target_ppm": "share of NAV in pools",
    "min_move_assets": "least amount worth moving",
    "transaction_deadline_seconds": "life of a pool transaction",
    "reporters": "who are asked for a report of each cut",
    "cut_lead_seconds": "how long a due cut is left to others",
    "cut_jitter_seconds": "up to so much longer, so that keepers do not race",
    "report_retry_seconds": "pause before reporters are asked again",
    "redemption_buffer_ppm": "kept for redemptions beyond their worth at the settled price",
    "claim_floor_assets": "least claim worth its gas",
    "report_alert_seconds": "of the report window left when a missing report is told",
    "payment_alert_seconds": "before a payment is late, or may end the vault",
    "settlement_alert_seconds": "age of the last settlement that is told",
    "stake_room_alert_ppm": "least room for deposits under the keeper's stake",
    "max_order_quote_quantums": "largest order",
    "max_gross_quote_quantums": "largest open exposure",
    "price_band_ppm": "farthest order from the reference",
    "daily_loss_quote_quantums": "loss of a day that stops everything",
    "drawdown_ppm": "fall from the highest equity that stops everything",
    "max_messages_per_block": "most order messages in one venue block",
    "max_intent_age_ms": "an older command is decided again",
    "max_height_age_ms": "a venue height older than this is stale",
    "max_clock_skew_ms": "most the venue's clock may differ",
    "stress_shock_ppm": "move of all markets together whose loss is bounded",
    "stress_loss_multiple": "most that move may cost, in losses of a day",
    "hedge_shock_ppm": "rise that the pools' hedge survives without fresh collateral",
    "max_lp_quote_quantums": "largest value of all ranges in pools",
    "max_open_interest_ppm": "largest position, of the market's open interest",
    "max_volume_ppm": "largest position, of what the market trades in a day",
    "depth_refills": "how often the book's depth returns in ten minutes",
    "depth_band_ppm": "how near the best price depth counts",
    "max_market_facts_age_ms": "older facts of a market stop what raises net delta",
    "max_funding_ppm_per_day": "funding beyond which its payer raises nothing",
    "other_venue_band_ppm": "farthest order from the leader's and the pools' price",
    "loss_window_minutes": "over which a loss of the window counts",
    "loss_window_quote_quantums": "loss within the window that stops everything",
    "max_report_age_seconds": "age of the last report beyond which nothing is raised",
    "max_depeg_ppm": "distance of the asset's price from 1 beyond which nothing is raised",
    "max_asset_price_age_seconds": "an older price of the asset stops what raises net delta",
    "max_base_fee_wei": "base fee beyond which all but exits waits",
}
_UNITS: Final = (
    ("_pct_ppm", "ppm"),
    ("_ppm", "ppm"),
    ("_e9", "e-9"),
    ("quote_quantums", "usdc"),
    ("_assets", "usdc"),
    ("_ms", "ms"),
    ("_seconds", "s"),
    ("_ticks", "ticks"),
    ("_blocks", "blocks"),
)
_IDENTITIES: Final = frozenset(
    {"ticker", "adapter", "pool", "hedge_market", "clob_adapter", "asset_is_token0"}
    | {"asset_decimals", "base_decimals"}
)


def parameter_rows(settings: StepSettings) -> tuple[Parameter, ...]:
    """Return every number a run decides by, market after market, then pools, capital, limits."""
    rows = [row for market in settings.markets for row in _market(market)]
    for pool in settings.pools:
        values = msgspec.structs.asdict(pool)
        economics = msgspec.to_builtins(values.pop("economics")) or {}
        rows += _rows(f"pool hedged by {pool.hedge_market}", values | economics)
    if settings.allocation is not None:
        rows += _rows("capital", msgspec.structs.asdict(settings.allocation))
    if settings.housekeeping is not None:
        rows += _rows("housekeeping", msgspec.structs.asdict(settings.housekeeping))
    rows += _rows("limits of the vault", msgspec.structs.asdict(settings.limits))
    return tuple(rows)


def with_reasons(rows: Iterable[Parameter], reasons: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Return the rows; where a reason is given for one, it stands in place of its meaning."""
    given = {(r.scope, _label(r.name)): r.meaning for r in reasons if r.meaning}
    return tuple(
        msgspec.structs.replace(row, meaning=given.get((row.scope, row.name), row.meaning))
        for row in rows
    )


def _label(name: str) -> str:
    return _shown(name, 0)[1]


def _market(market: MarketSettings) -> Iterator[Parameter]:
    values = msgspec.structs.asdict(market)
    strategy = msgspec.to_builtins(values.pop("strategy"))
    leader: LeaderSettings | None = values.pop("leader")
    overlays = msgspec.to_builtins(values.pop("overlays")) or {}
    resting = msgspec.to_builtins(values.pop("resting")) or {}
    cap = msgspec.to_builtins(values.pop("order_to_trade")) or {}
    kind = strategy.pop("type")
    yield Parameter(scope=market.ticker, name="quoting rule", value=kind.replace("_", " "))
    yield from _rows(market.ticker, strategy)
    yield from _rows(market.ticker, values)
    yield from _rows(market.ticker, resting)
    yield from _rows(f"{market.ticker}, orders to trades", cap)
    if leader is not None:
        yield from _rows(f"{market.ticker}, its leader", msgspec.structs.asdict(leader))
    for name, parameters in overlays.items():
        if parameters is not None:
            yield from _rows(f"{market.ticker}, {name.replace('_', ' ')} overlay", parameters)


def _rows(scope: str, values: dict[str, Any]) -> Iterator[Parameter]:
    for name, value in values.items():
        if name not in _IDENTITIES:
            shown, label = _shown(name, value)
            yield Parameter(scope=scope, name=label, value=shown, meaning=_MEANINGS.get(name, ""))


def _shown(name: str, value: int | str | tuple[tuple[int, int], ...]) -> tuple[str, str]:
    """Return value with unit, and the name without it."""
    if isinstance(value, str):
        return value, name.replace("_", " ")
    if isinstance(value, tuple):
        return ", ".join(f"{start:,} to {end:,}" for start, end in value), name
    if value < 0:
        shown, label = _shown(name, -value)
        return f"-{shown}", label
    for suffix, unit in _UNITS:
        if name.endswith(suffix):
            label = name.removesuffix(suffix).strip("_") or name
            return _with_unit(value, unit), label.replace("_", " ")
    return f"{value:,}", name.replace("_", " ")


def _with_unit(value: int, unit: str) -> str:
    if unit == "usdc":
        whole, rest = divmod(value, 10**_USDC_DECIMALS)
        return f"{whole:,}{f'.{rest:06d}'.rstrip('0') if rest else ''} USDC"
    if unit == "ppm":
        return f"{_plain(value * 100, PPM)} %"
    if unit == "ms" and value >= 1_000 and value % 1_000 == 0:
        return f"{value // 1_000:,} s"
    return f"{value:,} {unit}"


def _plain(numerator: int, denominator: int) -> str:
    """Write a fraction whose denominator is a power of ten, exactly."""
    digits = len(str(denominator)) - 1
    whole, rest = divmod(numerator, denominator)
    fraction = str(rest).rjust(digits, "0").rstrip("0")
    return f"{whole:,}{'.' + fraction if fraction else ''}"
