"""Figures derived from the state: equity, net delta, worst-case exposure, what gates look at."""

from typing import Final

from keeper.core.fold import EVM_SOURCE_PREFIX
from keeper.core.reference import LEADER_SOURCE_PREFIX
from keeper.core.state import MarketState, PoolState, State
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side
from keeper.domain.settings import RiskLimits
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from keeper.execution.orders import exposure_of
from keeper.markets.perpetual import (
    base_quantums_down,
    base_quantums_up,
    fill_cost,
    value_trunc,
)
from keeper.markets.ranges import base_value_down
from keeper.risk.bounds import Stop, depeg_stop, stale_stop
from keeper.risk.chain import Allowance
from keeper.risk.exposure import MarketExposure
from keeper.risk.gates import GateView

__all__ = [
    "account_equity",
    "allowance",
    "asset_stop",
    "base_quantums_down",
    "bare_exposure",
    "exposure",
    "gas_cost",
    "gate_view",
    "net_delta",
    "pool_delta",
    "pool_price",
    "pool_span",
    "position_of",
    "venue_sources_down",
    "venue_was_up",
]

_BUY: Final = Side.BUY  # a member costs three times a name
_PRICE_DIGITS: Final = 6
_GAS_MARKET = "ETH-USD"  # gas is paid in ether


def position_of(state: State, ticker: str) -> int:
    """Signed base quantums of the perpetual position."""
    position = state.account.positions.get(ticker)
    return 0 if position is None else position.quantums


def account_equity(state: State) -> int | None:
    """Equity of the trading subaccount in quote quantums; None while it cannot be known.

    A vault without an order-book leg has none there: 0.
    """
    allocation = None if state.settings is None else state.settings.allocation
    if allocation is not None and allocation.clob_adapter is None:
        return 0
    if not state.account.known:
        return None
    total = state.account.usdc
    for ticker, position in state.account.positions.items():
        total += position.quote_balance
        quantums = position.quantums
        if quantums == 0:
            continue
        market = state.markets.get(ticker)
        if market is None or market.listing is None or market.oracle_price <= 0:
            return None
        total += value_trunc(market.listing, quantums, market.oracle_price)
    return total


def allowance(state: State) -> Allowance:
    """From when the mandate allows new risk, as last observed; nothing forbids it before that."""
    vault = state.chain.vault
    now = state.t_ns // NS_PER_SECOND
    limits = None if state.settings is None else state.settings.limits
    settled = 0 if vault is None else vault.last_settled_at
    return Allowance(
        refilled_at=0 if vault is None else vault.losses_refilled_at,
        paused_until=0 if vault is None else vault.paused_until,
        now=now,
        base_fee_wei=state.chain.base_fee_wei,
        max_base_fee_wei=0 if limits is None else limits.max_base_fee_wei,
        report_age=max(0, now - settled) if settled else 0,
        max_report_age=0 if limits is None else limits.max_report_age_seconds,
        asset=None if limits is None else asset_stop(state, limits),
    )


def asset_stop(state: State, limits: RiskLimits) -> Stop | None:
    """What the price of the vault's asset forbids: off 1, or not told lately; None if nothing."""
    vault = state.chain.vault
    if not limits.max_depeg_ppm or vault is None:
        return None
    told = vault.asset_priced_at
    age = -1 if told == 0 else max(0, state.t_ns // NS_PER_SECOND - told)
    return stale_stop("ASSET_PRICE", age, limits.max_asset_price_age_seconds) or depeg_stop(
        vault.asset_price, vault.asset_price_decimals, limits.max_depeg_ppm
    )


def pool_delta(state: State, market: PerpetualMarket) -> int:
    """Base quantums held in pools that this market hedges, at the pools' prices, rounded down."""
    return sum(
        base_quantums_down(market, pool.base, pool.settings.base_decimals)
        for pool in state.pools.values()
        if pool.settings.hedge_market == market.ticker
    )


def pool_span(state: State, market: PerpetualMarket) -> tuple[int, int, int]:
    """Pool delta now, and the least and the most of it as the price passes through the ranges."""
    now = low = high = 0
    if not state.pools:
        return now, low, high
    for pool in state.pools.values():
        if pool.settings.hedge_market == market.ticker:
            decimals = pool.settings.base_decimals
            now += base_quantums_down(market, pool.base, decimals)
            low += base_quantums_down(market, pool.base_low - pool.going, decimals)
            high += base_quantums_up(market, pool.base_high + pool.coming, decimals)
    return now, low, high


def net_delta(state: State, market: PerpetualMarket) -> int:
    """Position plus pool delta: what quotes and hedges bring to zero.

    The target of the perpetual position is minus the pool's delta: with a hedged range the quotes
    skew until the perpetual offsets what the range holds, instead of until it is flat.
    """
    return position_of(state, market.ticker) + pool_delta(state, market)


def bare_exposure(state: State, market: PerpetualMarket, oracle_price: int) -> MarketExposure:
    """The market's position and pools as if no order were working."""
    pool, pool_low, pool_high = pool_span(state, market)
    return MarketExposure(
        market=market,
        oracle_price=oracle_price,
        position=position_of(state, market.ticker),
        buys=0,
        sells=0,
        buy_loss=0,
        sell_loss=0,
        pool=pool,
        pool_low=pool_low,
        pool_high=pool_high,
    )


def exposure(state: State, market: PerpetualMarket, oracle_price: int) -> MarketExposure:
    """The market's worst case with every order that may still fill."""
    worst = exposure_of(state.orders, market.ticker)
    buy_loss = sell_loss = 0
    for side, quantums, subticks in worst.legs:
        loss = fill_cost(market, side, quantums, subticks, oracle_price)
        if side is _BUY:
            buy_loss += loss
        else:
            sell_loss += loss
    pool, pool_low, pool_high = pool_span(state, market)
    return MarketExposure(
        market=market,
        oracle_price=oracle_price,
        position=position_of(state, market.ticker),
        buys=worst.buys,
        sells=worst.sells,
        buy_loss=buy_loss,
        sell_loss=sell_loss,
        pool=pool,
        pool_low=pool_low,
        pool_high=pool_high,
    )


def pool_price(state: State, pool: PoolState, listing: PerpetualMarket) -> int:
    """A pool's price in the unit of the market's oracle, down; 0 while unknown or too old."""
    seen, settings = pool.seen, pool.settings
    if seen is None or pool.seen_t_ns < 0:
        return 0
    if state.t_ns - seen.block_timestamp * NS_PER_SECOND > settings.snapshot_max_age_ms * NS_PER_MS:
        return 0
    units = 10 ** (settings.base_decimals + _PRICE_DIGITS)
    worth = base_value_down(settings, units, seen.sqrt_price_x96)
    shift = -listing.oracle_exponent - _PRICE_DIGITS - settings.asset_decimals
    price: int = worth * 10**shift if shift >= 0 else worth // 10**-shift
    return price


def venue_was_up(state: State) -> bool:
    """Whether a source of the venue has been connected in this run."""
    return any(_is_venue(source) for source in state.sources)


def venue_sources_down(state: State, market: MarketState) -> int:
    """How many sources are missing that quoting this market needs.

    Those of its book and oracle have to be up; any other of the venue must not be known as down.
    """
    sources = state.sources
    if market.book.source in sources and market.oracle_source in sources and all(sources.values()):
        return 0
    down = {source for source, up in sources.items() if not up and _is_venue(source)}
    for source in (market.book.source, market.oracle_source):
        if source and not state.sources.get(source, False):
            down.add(source)
    return len(down)


def _is_venue(source: str) -> bool:
    return not source.startswith((EVM_SOURCE_PREFIX, LEADER_SOURCE_PREFIX))


def gate_view(
    state: State, ticker: str, market: MarketState, limits: RiskLimits, equity: int | None
) -> GateView:
    """Collect what `market_gate` looks at for a configured market."""
    settings, book = market.settings, market.book
    return GateView(
        ticker=ticker,
        now_ns=state.t_ns,
        status="" if market.listing is None else market.listing.status,
        paused=market.paused,
        oracle_price=market.oracle_price,
        oracle_subticks=_oracle_subticks(market),
        oracle_t_ns=market.oracle_t_ns,
        oracle_max_age_ms=0 if settings is None else settings.oracle_max_age_ms,
        book_ready=book.ready,
        book_t_ns=market.book_t_ns,
        book_max_age_ms=0 if settings is None else settings.book_max_age_ms,
        best_bid=book.best_bid,
        best_ask=book.best_ask,
        height=state.height,
        height_t_ns=state.height_t_ns,
        height_time_ns=state.height_time_ns,
        max_height_age_ms=limits.max_height_age_ms,
        max_clock_skew_ms=limits.max_clock_skew_ms,
        quiet_until_height=state.guard.quiet_until_height,
        account_known=equity is not None,
        equity=0 if equity is None else equity,
        sources_down=venue_sources_down(state, market),
        pool_ages_ms=_pool_ages_ms(state, ticker) if state.pools else (),
    )


def _pool_ages_ms(state: State, ticker: str) -> tuple[tuple[int, int], ...]:
    """Age of what is known of each pool that a market hedges, and the largest allowed, in ms.

    A pool not yet seen holds nothing that is known of, and is not judged.
    """
    return tuple(
        (
            (state.t_ns - pool.seen.block_timestamp * NS_PER_SECOND) // NS_PER_MS,
            pool.settings.snapshot_max_age_ms,
        )
        for pool in state.pools.values()
        if pool.seen is not None and pool.settings.hedge_market == ticker
    )


def _oracle_subticks(market: MarketState) -> int:
    if market.listing is None or market.oracle_price <= 0:
        return 0
    return market.listing.subticks_down(market.oracle_price)


def gas_cost(state: State) -> int:
    """What the last transaction's gas was worth, in quote quantums; 0 until one was mined."""
    ether = state.markets.get(_GAS_MARKET)
    if ether is None or ether.listing is None or ether.oracle_price <= 0:
        return 0
    scale = 18 - 6 - ether.listing.oracle_exponent
    cost: int = state.chain.last_gas_wei * ether.oracle_price // 10**scale
    return cost
