"""How far every limit is used right now: its number now beside the number it may not pass."""

from collections.abc import Iterator

import msgspec

from keeper.core.bounds import bounds_of, facts_age_ms, funding_ppm_per_day, report_age
from keeper.core.exposures import everything, hedge_needs, ranges_value
from keeper.core.pools import pool_view
from keeper.core.state import MarketState, PoolState, State
from keeper.core.stops import profit_and_capital
from keeper.core.views import account_equity, exposure
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side
from keeper.domain.settings import MarketSettings, PoolSettings, RiskLimits, StepSettings
from keeper.domain.units import BPS, NS_PER_MS, NS_PER_SECOND, PPM, div_up
from keeper.execution.orders import Leg, exposure_of
from keeper.markets.perpetual import value_abs_up
from keeper.markets.ranges import price_gap_ppm
from keeper.risk.bounds import depeg_ppm
from keeper.risk.exposure import MarketExposure, net_worst
from keeper.risk.losses import fall_ppm
from keeper.risk.stress import stress_limit

__all__ = ["MS", "PPM_UNIT", "USDC", "VAULT", "Usage", "fullest_first", "usage"]

VAULT = "vault"
"""The scope of what binds everything together; others are a market's ticker or an adapter."""

USDC = "1e-6 USDC"
PPM_UNIT = "ppm"
MS = "ms"


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """One limit: the refusal code it ends in, what it is about, the two numbers and their unit.

    `value` is None while it cannot be known, or where it is judged message by message. Beyond the
    limit is what the code refuses; a value equal to it is still allowed.
    """

    code: str
    scope: str
    limit: int
    value: int | None
    unit: str

    @property
    def used_ppm(self) -> int | None:
        """Part of the limit that is used, up; more than 1,000,000 is beyond it."""
        if self.value is None:
            return None
        if self.limit <= 0:
            return 0 if self.value <= self.limit else 10 * PPM
        return div_up(max(0, self.value) * PPM, self.limit)


def usage(state: State, settings: StepSettings) -> tuple[Usage, ...]:
    """Return a row for every limit in force, the vault's first; ages are as of the last event."""
    limits = settings.limits
    rows = [*_losses(state, limits), *_account(state, settings), *_venue(state, limits)]
    rows += [*_chain(state, limits), *_capital(state)]
    for entry in settings.markets:
        market = state.markets.get(entry.ticker)
        if market is not None:
            rows += _market(state, market, entry, limits)
    for pool in settings.pools:
        found = state.pools.get(pool.adapter)
        if found is not None:
            rows += _pool(state, found, settings)
    return tuple(rows)


def fullest_first(rows: tuple[Usage, ...]) -> list[Usage]:
    """Order by the part used, unknown ones last."""
    return sorted(rows, key=lambda row: (-_rank(row), row.scope != VAULT, row.scope, row.code))


def _rank(row: Usage) -> int:
    return -1 if row.used_ppm is None else row.used_ppm


def _row(code: str, scope: str, limit: int, value: int | None, unit: str) -> Usage:
    return Usage(code=code, scope=scope, limit=limit, value=value, unit=unit)


def _losses(state: State, limits: RiskLimits) -> Iterator[Usage]:
    """What was lost since the day began, and since the highest profit, as the stops count it."""
    loss, measured = state.guard.loss, profit_and_capital(state)
    day = fall = None
    if loss.started and measured is not None:
        profit, capital = measured
        day, fall = max(0, loss.day_start - profit), fall_ppm(loss.high - profit, capital)
    yield _row("DAILY_LOSS", VAULT, limits.daily_loss_quote_quantums, day, USDC)
    if limits.loss_window_quote_quantums:
        high = loss.window[0][1] if loss.window else None
        since = None if high is None or measured is None else max(0, high - measured[0])
        yield _row("LOSS_WINDOW", VAULT, limits.loss_window_quote_quantums, since, USDC)
    yield _row("DRAWDOWN", VAULT, limits.drawdown_ppm, fall, PPM_UNIT)


def _account(state: State, settings: StepSettings) -> Iterator[Usage]:
    """Gross exposure and margin over all markets, at the worst case of what may still fill."""
    worst = list(_exposures(state))
    gross = sum(entry.gross for entry in worst)
    yield _row("MAX_GROSS", VAULT, settings.limits.max_gross_quote_quantums, gross, USDC)
    equity = account_equity(state)
    margin = sum(entry.margin for entry in worst)
    if equity is not None and settings.markets:
        yield _row("MARGIN", VAULT, equity, margin, USDC)
    yield from _shocks(state, settings, equity)


def _shocks(state: State, settings: StepSettings, equity: int | None) -> Iterator[Usage]:
    """What a move of all markets costs, what lies in ranges, and what their hedge takes."""
    limits = settings.limits
    if limits.stress_shock_ppm:
        whole = everything(state, limits)
        yield _row("STRESS", VAULT, stress_limit(limits), max(0, whole.fall, whole.rise), USDC)
    if limits.max_lp_quote_quantums:
        yield _row("MAX_LP", VAULT, limits.max_lp_quote_quantums, ranges_value(state), USDC)
    if limits.hedge_shock_ppm and settings.pools and equity is not None:
        yield _row("HEDGE_MARGIN", VAULT, max(0, equity), hedge_needs(state, limits), USDC)


def _exposures(state: State) -> Iterator[MarketExposure]:
    for _, market in sorted(state.markets.items()):
        if market.listing is not None and market.oracle_price > 0:
            yield exposure(state, market.listing, market.oracle_price)


def _venue(state: State, limits: RiskLimits) -> Iterator[Usage]:
    """Messages of the block that goes on, age of the height, and how far its clock is off."""
    guard, seen = state.guard, state.height_t_ns
    sent = guard.messages if guard.messages_height == state.height else 0
    yield _row("MESSAGE_RATE", VAULT, limits.max_messages_per_block, sent, "messages")
    yield _row("INTENT_AGE", VAULT, limits.max_intent_age_ms, None, MS)
    yield _row("STALE_HEIGHT", VAULT, limits.max_height_age_ms, _age_ms(state, seen), MS)
    skew = None if seen < 0 else abs(seen - state.height_time_ns) // NS_PER_MS
    yield _row("CLOCK_SKEW", VAULT, limits.max_clock_skew_ms, skew, MS)


def _chain(state: State, limits: RiskLimits) -> Iterator[Usage]:
    """Base fee, and the age of the last report that settled."""
    if limits.max_base_fee_wei:
        fee = state.chain.base_fee_wei or None
        yield _row("GAS_CEILING", VAULT, limits.max_base_fee_wei, fee, "wei")
    if limits.max_report_age_seconds:
        yield _row("REPORT_AGE", VAULT, limits.max_report_age_seconds, report_age(state), "s")
    if limits.max_depeg_ppm:
        vault, age, away = state.chain.vault, None, None
        if vault is not None and vault.asset_priced_at:
            age = max(0, state.t_ns // NS_PER_SECOND - vault.asset_priced_at)
            away = depeg_ppm(vault.asset_price, vault.asset_price_decimals)
        yield _row("ASSET_PRICE", VAULT, limits.max_asset_price_age_seconds, age, "s")
        yield _row("DEPEG", VAULT, limits.max_depeg_ppm, away, PPM_UNIT)


def _sizes(state: State, market: MarketState, limits: RiskLimits) -> Iterator[Usage]:
    """The position against the market's size, its funding, and prices elsewhere."""
    listing = market.listing
    if listing is None or market.oracle_price <= 0:
        return
    ticker, worst = listing.ticker, exposure(state, listing, market.oracle_price)
    bounds = bounds_of(state, market, listing, limits)
    for side, position in ((Side.BUY, worst.longest), (Side.SELL, -worst.shortest)):
        cap = bounds.cap(side)
        if cap is not None:
            name = f"{ticker}/{side.value}"
            yield _row(cap.code, name, cap.quantums, max(0, position), "base quantums")
    if limits.max_open_interest_ppm or limits.max_volume_ppm or limits.max_funding_ppm_per_day:
        age = None if market.facts_t_ns < 0 else facts_age_ms(state, market)
        yield _row("MARKET_FACTS", ticker, limits.max_market_facts_age_ms, age, MS)
    if limits.max_funding_ppm_per_day:
        paid = None if market.facts_t_ns < 0 else abs(funding_ppm_per_day(market))
        yield _row("FUNDING", ticker, limits.max_funding_ppm_per_day, paid, "ppm a day")
    if limits.other_venue_band_ppm:
        legs = exposure_of(state.orders, ticker).legs
        far = [
            abs(subticks - price) * PPM // price
            for _, _, subticks in legs
            for price in bounds.elsewhere
        ]
        away = max(far, default=0) if bounds.elsewhere else None
        yield _row("VENUE_BAND", ticker, limits.other_venue_band_ppm, away, PPM_UNIT)


def _capital(state: State) -> Iterator[Usage]:
    """Custody: the most that may be at the venue, by the vault's own rule."""
    vault = state.chain.vault
    allocation = None if state.settings is None else state.settings.allocation
    equity = account_equity(state)
    if vault is None or allocation is None or allocation.clob_adapter is None:
        return
    cap = vault.accepted_nav * vault.venue_cap_bps // BPS
    yield _row("VENUE_CAP", allocation.clob_adapter, cap, equity, "asset units")


def _market(
    state: State, market: MarketState, settings: MarketSettings, limits: RiskLimits
) -> Iterator[Usage]:
    ticker, listing = settings.ticker, market.listing
    if listing is not None and market.oracle_price > 0:
        yield from _orders(state, listing, market.oracle_price, settings, limits)
        yield from _sizes(state, market, limits)
    oracle, book = _age_ms(state, market.oracle_t_ns), _age_ms(state, market.book_t_ns)
    yield _row("STALE_ORACLE", ticker, settings.oracle_max_age_ms, oracle, MS)
    yield _row("STALE_BOOK", ticker, settings.book_max_age_ms, book, MS)
    if settings.leader is not None:
        told = _age_ms(state, market.leader.t_ns)
        yield _row("STALE_LEADER", ticker, settings.leader.max_age_ms, told, MS)


def _orders(
    state: State,
    listing: PerpetualMarket,
    oracle_price: int,
    settings: MarketSettings,
    limits: RiskLimits,
) -> Iterator[Usage]:
    """Net delta if one side filled, the largest order, and the one farthest from the oracle."""
    ticker, worst = listing.ticker, exposure(state, listing, oracle_price)
    net = max(0, *(net_worst(worst, side) for side in Side))
    value = value_abs_up(listing, net, oracle_price)
    yield _row("MAX_POSITION", ticker, settings.max_position_quote_quantums, value, USDC)
    legs = exposure_of(state.orders, ticker).legs
    largest = max((_worth(listing, leg, oracle_price) for leg in legs), default=0)
    yield _row("MAX_ORDER", ticker, limits.max_order_quote_quantums, largest, USDC)
    reference = listing.subticks_down(oracle_price)
    far = max((abs(subticks - reference) for _, _, subticks in legs), default=0)
    distance = far * PPM // max(1, reference)
    yield _row("PRICE_BAND", ticker, limits.price_band_ppm, distance, PPM_UNIT)


def _worth(listing: PerpetualMarket, leg: Leg, oracle_price: int) -> int:
    _, quantums, subticks = leg
    at_oracle = value_abs_up(listing, quantums, oracle_price)
    return max(at_oracle, listing.quote_quantums_up(quantums, subticks))


def _pool(state: State, pool: PoolState, settings: StepSettings) -> Iterator[Usage]:
    """Age of the snapshot that operations are judged on, and how far its price is off the mark."""
    entry: PoolSettings = pool.settings
    seen, age, gap = pool.seen, None, None
    if seen is not None and pool.seen_t_ns >= 0:
        age = (state.t_ns - seen.block_timestamp * NS_PER_SECOND) // NS_PER_MS
        if settings.allocation is not None:
            mark = pool_view(state, pool, seen, settings.allocation).mark
            gap = price_gap_ppm(seen.sqrt_price_x96, mark) if mark > 0 else None
    yield _row("SNAPSHOT_AGE", entry.adapter, entry.snapshot_max_age_ms, age, MS)
    yield _row("POOL_OFF_MARK", entry.adapter, entry.max_slippage_ppm, gap, PPM_UNIT)


def _age_ms(state: State, then_ns: int) -> int | None:
    return None if then_ns < 0 else (state.t_ns - then_ns) // NS_PER_MS
