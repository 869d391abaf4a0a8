"""Puts together what bounds a market's position: facts the venue told, its book, other venues."""

from keeper.core.reference import leader_price
from keeper.core.state import MarketState, State
from keeper.core.views import asset_stop, pool_price
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side
from keeper.domain.settings import RiskLimits
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND, PPM
from keeper.execution.orders import exposure_of
from keeper.risk.bounds import (
    UNBOUNDED,
    Bounds,
    Cap,
    Stop,
    depth_cap,
    funding_stop,
    interest_cap,
    smallest,
    stale_stop,
    volume_cap,
)

__all__ = ["bounds_of", "facts_age_ms", "funding_ppm_per_day", "report_age", "sample_depth"]

_HOURS = 24
_PPB_PER_PPM = 1_000


def bounds_of(
    state: State, market: MarketState, listing: PerpetualMarket, limits: RiskLimits
) -> Bounds:
    """Return what bounds a market now; `UNBOUNDED` while nothing does."""
    stop = _report_stop(state, limits) or asset_stop(state, limits)
    elsewhere = _elsewhere(state, market, listing) if limits.other_venue_band_ppm else ()
    needs_facts = (
        limits.max_open_interest_ppm or limits.max_volume_ppm or limits.max_funding_ppm_per_day
    )
    if not (stop or elsewhere or needs_facts or limits.depth_refills):
        return UNBOUNDED
    if needs_facts and stop is None:
        age = facts_age_ms(state, market)
        stop = stale_stop("MARKET_FACTS", age, limits.max_market_facts_age_ms)
    shared = _shared_caps(market, listing, limits)
    buy, sell = list(shared), list(shared)
    if limits.depth_refills:
        buy.append(depth_cap(market.bid_depth, limits.depth_refills))
        sell.append(depth_cap(market.ask_depth, limits.depth_refills))
    return Bounds(
        buy_cap=smallest(buy),
        sell_cap=smallest(sell),
        buy_stop=stop or _funding(market, limits, Side.BUY),
        sell_stop=stop or _funding(market, limits, Side.SELL),
        elsewhere=elsewhere,
    )


def sample_depth(state: State, limits: RiskLimits) -> None:
    """Once a venue block: what of each book is near its best price and not our own."""
    if not limits.depth_refills:
        return
    for ticker, market in state.markets.items():
        book, ours = market.book, exposure_of(state.orders, ticker)
        if market.settings is None:
            continue
        if not book.ready:
            market.bid_depth = market.ask_depth = 0
            continue
        floor = -(-book.best_bid * (PPM - limits.depth_band_ppm) // PPM)
        roof = book.best_ask * (PPM + limits.depth_band_ppm) // PPM
        bids = sum(size for subticks, size in book.bids.items() if subticks >= floor)
        asks = sum(size for subticks, size in book.asks.items() if subticks <= roof)
        market.bid_depth = max(0, bids - ours.buys)
        market.ask_depth = max(0, asks - ours.sells)


def facts_age_ms(state: State, market: MarketState) -> int:
    """Age of what the venue last told of the market's size and funding, in ms; -1: nothing."""
    told = market.facts_t_ns
    return -1 if told < 0 else (state.t_ns - told) // NS_PER_MS


def funding_ppm_per_day(market: MarketState) -> int:
    """What a long position pays a day at the next rate, in ppm, towards zero."""
    daily = abs(market.funding_ppb_per_hour) * _HOURS // _PPB_PER_PPM
    return daily if market.funding_ppb_per_hour >= 0 else -daily


def report_age(state: State) -> int | None:
    """Seconds since the vault last settled a report; None before the first, or unknown."""
    vault = state.chain.vault
    if vault is None or vault.last_settled_at == 0:
        return None
    return max(0, state.t_ns // NS_PER_SECOND - vault.last_settled_at)


def _report_stop(state: State, limits: RiskLimits) -> Stop | None:
    if not limits.max_report_age_seconds:
        return None
    age = report_age(state)
    return None if age is None else stale_stop("REPORT_AGE", age, limits.max_report_age_seconds)


def _shared_caps(market: MarketState, listing: PerpetualMarket, limits: RiskLimits) -> list[Cap]:
    caps: list[Cap] = []
    if limits.max_open_interest_ppm:
        caps.append(interest_cap(market.open_interest, limits.max_open_interest_ppm))
    if limits.max_volume_ppm and market.oracle_price > 0:
        caps.append(
            volume_cap(
                listing,
                market.volume_quote_quantums,
                limits.max_volume_ppm,
                market.oracle_price,
            )
        )
    return caps


def _funding(market: MarketState, limits: RiskLimits, side: Side) -> Stop | None:
    if not limits.max_funding_ppm_per_day:
        return None
    return funding_stop(side, funding_ppm_per_day(market), limits.max_funding_ppm_per_day)


def _elsewhere(state: State, market: MarketState, listing: PerpetualMarket) -> tuple[int, ...]:
    """Prices in subticks that the leader and the market's pools show, those known and fresh."""
    prices = [leader_price(state, market, listing)]
    prices += [
        pool_price(state, pool, listing)
        for pool in state.pools.values()
        if pool.settings.hedge_market == listing.ticker
    ]
    return tuple(listing.subticks_down(price) for price in prices if price > 0)
