"""Immediate orders that bring net delta into its band, and those that flatten while exiting."""

from keeper.core.dispatch import is_ready
from keeper.core.placing import send_order
from keeper.core.pool_commands import swap_command
from keeper.core.pools import pool_view, send_pool
from keeper.core.state import MarketState, PoolState, State
from keeper.core.views import (
    account_equity,
    gas_cost,
    gate_view,
    net_delta,
    pool_delta,
    position_of,
)
from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import Command, PlaceOrder, SwapExactIn
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Hedge, Side, TimeInForce
from keeper.domain.settings import MarketSettings, RiskLimits
from keeper.execution.orders import next_client_id
from keeper.execution.reconcile import has_live_hedge, own_bounds, uncrossed
from keeper.inventory.costs import SWAP, TAKE, Way, cheapest, pool_way, take_way, wait_way
from keeper.inventory.hedge import band_excess, flattening, hedge_order
from keeper.markets.book import depth
from keeper.markets.perpetual import bounded_price, value_abs_up
from keeper.markets.ranges import asset_of, base_of
from keeper.risk.chain import PoolView, approve_pool
from keeper.risk.gates import market_gate
from keeper.risk.phase import Phase

__all__ = ["flattening_limit", "rebalance"]

_HEDGE_BLOCKS = 3
_DEFAULT_TAKER_FEE_PPM = 500  # the venue's lowest tier, until a fill of ours tells
_FLATTEN_REGARDLESS = frozenset(
    {"STALE_BOOK", "BOOK_ONE_SIDED", "BOOK_CROSSED", "PAUSED", "NO_EQUITY", "SNAPSHOT_AGE"}
)
"""Reasons not to quote that do not stop a reduce-only order with a worst price."""


def rebalance(
    state: State, ticker: str, limits: RiskLimits, out: list[Approved[Command]]
) -> list[Refused]:
    """Move one market's delta if it has to be moved now; returns what the limits refused."""
    market = state.markets[ticker]
    if market.settings is None or market.listing is None or state.guard.phase is Phase.HALTED:
        return []
    exiting = state.guard.phase is Phase.EXITING
    if not exiting and _excess(state, market.listing, market.settings) == 0:
        return []
    if has_live_hedge(state.orders, ticker):
        return []
    view = gate_view(state, ticker, market, limits, account_equity(state))
    blocked = {entry.code for entry in market_gate(view)}
    if exiting:
        if blocked - _FLATTEN_REGARDLESS:
            return []
        return _flatten(state, market.listing, market.settings, limits, out)
    if blocked or state.guard.loss.breaches:
        return []
    return _into_band(state, market, limits, out)


def flattening_limit(state: State, ticker: str) -> int | None:
    """Worst subticks at which the position would be closed now; None when nothing has to be."""
    market = state.markets[ticker]
    if market.settings is None or market.listing is None or market.oracle_price <= 0:
        return None
    wanted = flattening(position_of(state, ticker), pool_delta(state, market.listing))
    if wanted == 0:
        return None
    side = Side.BUY if wanted > 0 else Side.SELL
    slippage_ppm = market.settings.hedge_max_slippage_ppm
    return bounded_price(market.listing, market.oracle_price, side, slippage_ppm)


def _flatten(
    state: State,
    listing: PerpetualMarket,
    settings: MarketSettings,
    limits: RiskLimits,
    out: list[Approved[Command]],
) -> list[Refused]:
    position = position_of(state, listing.ticker)
    wanted = flattening(position, pool_delta(state, listing))
    oracle = state.markets[listing.ticker].oracle_price
    hedge = hedge_order(listing, settings, limits, wanted, oracle, reduce_only=True)
    return [] if hedge is None else _take(state, listing, hedge, out)


def _into_band(
    state: State, market: MarketState, limits: RiskLimits, out: list[Approved[Command]]
) -> list[Refused]:
    """Compare taking on the book, swapping in the pool and waiting; do the cheapest."""
    listing, settings = market.listing, market.settings
    if listing is None or settings is None:
        return []
    net = net_delta(state, listing)
    excess = _excess(state, listing, settings)
    signed = -excess if net > 0 else excess
    hedge = hedge_order(listing, settings, limits, signed, market.oracle_price, reduce_only=False)
    swap = _best_swap(state, market, net > 0, excess)
    ways = [_wait(listing, settings, net, market.oracle_price)]
    if hedge is not None:
        ways.append(_price_take(state, market, listing, hedge))
    if swap is not None:
        ways.append(swap[0])
    chosen = cheapest(tuple(ways))
    if chosen is not None and chosen.kind == TAKE and hedge is not None:
        return _take(state, listing, hedge, out)
    if chosen is not None and chosen.kind == SWAP and swap is not None:
        _, view, command = swap
        refused = send_pool(state, command, view, out)
        return [] if refused is None else [refused]
    return []


def _excess(state: State, listing: PerpetualMarket, settings: MarketSettings) -> int:
    oracle_price = state.markets[listing.ticker].oracle_price
    return band_excess(listing, settings, net_delta(state, listing), oracle_price)


def _wait(listing: PerpetualMarket, settings: MarketSettings, net: int, oracle_price: int) -> Way:
    return wait_way(
        value_abs_up(listing, net, oracle_price),
        settings.inventory_band_quote_quantums,
        settings.hedge_max_slippage_ppm,
    )


def _price_take(state: State, market: MarketState, listing: PerpetualMarket, hedge: Hedge) -> Way:
    worst = _worst_price(state, listing, hedge)
    fee_ppm = market.taker_fee_ppm if market.taker_fee_ppm >= 0 else _DEFAULT_TAKER_FEE_PPM
    levels = depth(market.book, hedge.side)
    return take_way(
        listing, levels, hedge.side, hedge.quantums, worst, market.oracle_price, fee_ppm
    )


def _worst_price(state: State, listing: PerpetualMarket, hedge: Hedge) -> int:
    """The hedge's limit, moved inside our own resting orders: it never meets them."""
    bounds = own_bounds(state.orders, listing.ticker, state.height)
    return uncrossed(hedge.side, hedge.worst_subticks, bounds, listing.subticks_per_tick)


def _take(
    state: State, listing: PerpetualMarket, hedge: Hedge, out: list[Approved[Command]]
) -> list[Refused]:
    worst = _worst_price(state, listing, hedge)
    if worst <= 0:
        return []
    place = PlaceOrder(
        market=hedge.market,
        client_id=next_client_id(state.orders),
        side=hedge.side,
        quantums=hedge.quantums,
        subticks=worst,
        good_til_block=state.height + _HEDGE_BLOCKS,
        time_in_force=TimeInForce.IOC,
        reduce_only=hedge.reduce_only,
    )
    refused = send_order(state, place, "", out)
    return [] if refused is None else [refused]


Swap = tuple[Way, PoolView, SwapExactIn]


def _best_swap(state: State, market: MarketState, sells_base: bool, excess: int) -> Swap | None:
    """Price moving the excess with idle tokens of a pool this market hedges; None if none can.

    Only of a pool that holds a range: before that, idle tokens wait to go into one.
    """
    listing = market.listing
    if state.settings is None or state.settings.allocation is None or listing is None:
        return None
    for _, pool in sorted(state.pools.items()):
        seen = pool.seen
        if pool.settings.hedge_market != listing.ticker or seen is None or not seen.ranges:
            continue
        if pool.seen_t_ns < 0 or not is_ready(state, pool.settings.adapter, seen.block_number):
            continue
        view = pool_view(state, pool, seen, state.settings.allocation)
        found = _price_swap(state, pool, view, listing, sells_base, excess)
        if found is not None and not isinstance(approve_pool(found[2], view), Refused):
            return found
    return None


def _price_swap(
    state: State,
    pool: PoolState,
    view: PoolView,
    listing: PerpetualMarket,
    sells_base: bool,
    excess: int,
) -> Swap | None:
    settings, seen = pool.settings, view.seen
    idle = (seen.amount0, seen.amount1)
    if sells_base:
        shift = settings.base_decimals + listing.atomic_resolution
        wanted = excess * 10**shift if shift >= 0 else excess // 10**-shift
        held = base_of(settings, idle)
    else:
        oracle = state.markets[listing.ticker].oracle_price
        wanted = value_abs_up(listing, excess, oracle)
        held = asset_of(settings, idle)
    if wanted <= 0 or held < wanted:
        return None
    zero_for_one = sells_base is not settings.asset_is_token0
    command = swap_command(view, zero_for_one, wanted, 0)
    if not isinstance(command, SwapExactIn) or command.amount_in != wanted:
        return None
    way = pool_way(settings, seen, view.mark, zero_for_one, wanted, excess, gas_cost(state))
    return way, view, command
