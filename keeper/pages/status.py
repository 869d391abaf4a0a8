"""A keeper's state as plain numbers for `keeper status`: nothing here is estimated or rounded."""

from typing import Any

import msgspec

from keeper.core.day import profit_today
from keeper.core.hedging import flattening_limit
from keeper.core.housekeeping import standing
from keeper.core.pool_cuts import cuts
from keeper.core.reference import reference_of
from keeper.core.state import MarketState, PoolState, State
from keeper.core.views import pool_delta
from keeper.domain.events import VaultObserved
from keeper.domain.instruments import PerpetualMarket
from keeper.domain.orders import Side
from keeper.domain.settings import params_hash
from keeper.domain.units import NS_PER_MS
from keeper.inventory.duties import next_duty, worthwhile
from keeper.markets.univ3 import sqrt_price_at_tick
from keeper.pages.pool_reading import price_e6
from keeper.pages.series import scaled

__all__ = ["status_of", "subticks_decimals"]

QUOTE_DECIMALS = 6


def status_of(state: State, now_ns: int) -> dict[str, Any]:
    """Return a JSON-ready summary: ages in ms, sizes in base quantums, money in quote quantums.

    An age of -1 means never seen.
    """
    return {
        "state": state.guard.phase.value,
        "mode": state.mode,
        "network": state.venue_chain_id,
        "evm_chain_id": state.evm_chain_id,
        "params_hash": params_hash(state.settings) if state.settings is not None else "",
        "run": state.run,
        "seq": state.seq,
        "t_ns": state.t_ns,
        "vault": state.vault,
        "subaccount": state.subaccount,
        "venue_height": state.height,
        "venue_height_age_ms": _age_ms(now_ns, state.height_t_ns),
        "evm_block": state.chain.head_number,
        "sources_down": sorted(name for name, is_up in state.sources.items() if not is_up),
        "usdc_quote_quantums": state.account.usdc if state.account.known else None,
        **_profit(state),
        "markets": [_market(state, now_ns, *item) for item in sorted(state.markets.items())],
        "pools": _pools(state, now_ns),
        "vault_view": _vault(state, now_ns),
        "chain_commands_under_way": [
            {"adapter": adapter, "kind": item.kind, "since_block": item.since_block}
            for adapter, item in sorted(state.chain.outstanding.items())
        ],
        "refusals": sorted({key for keys in state.guard.active.values() for key in keys}),
    }


def _profit(state: State) -> dict[str, int | None]:
    """Profit since 00:00 UTC as the ledger counts it; how far below its high, as the limits do."""
    loss = state.guard.loss
    return {
        "profit_today_quote_quantums": profit_today(state),
        "below_high_quote_quantums": max(0, loss.high - loss.samples[-1]) if loss.started else None,
    }


def _age_ms(now_ns: int, seen_ns: int) -> int:
    return -1 if seen_ns < 0 else max(0, now_ns - seen_ns) // NS_PER_MS


def _market(state: State, now_ns: int, ticker: str, market: MarketState) -> dict[str, Any]:
    orders = [order for order in state.orders.working.values() if order.market == ticker]
    resting = [order for order in orders if order.may_rest_at(state.height)]
    bids = [order.versions[-1].subticks for order in resting if order.side is Side.BUY]
    asks = [order.versions[-1].subticks for order in resting if order.side is Side.SELL]
    position, listing = state.account.positions.get(ticker), market.listing
    return {
        "market": ticker,
        "quoted": market.settings is not None,
        "paused": market.paused,
        "status": listing.status if listing else "UNKNOWN",
        "base_decimals": -listing.atomic_resolution if listing else 0,
        "subticks_decimals": subticks_decimals(listing) if listing else 0,
        "position_base_quantums": position.quantums if position else 0,
        "pool_base_quantums": pool_delta(state, listing) if listing else 0,
        "oracle_price": market.oracle_price,
        "oracle_exponent": listing.oracle_exponent if listing else 0,
        "oracle_age_ms": _age_ms(now_ns, market.oracle_t_ns),
        "book_age_ms": _age_ms(now_ns, market.book_t_ns),
        "best_bid_subticks": market.book.best_bid,
        "best_ask_subticks": market.book.best_ask,
        "own_bid_subticks": max(bids, default=None),
        "own_ask_subticks": min(asks, default=None),
        "bids": len(bids),
        "asks": len(asks),
        "flattening_limit_subticks": flattening_limit(state, ticker),
        "orders_not_dead_yet": len(orders),
        "leader": _leader(state, now_ns, ticker, market),
    }


def _leader(state: State, now_ns: int, ticker: str, market: MarketState) -> dict[str, Any] | None:
    """The leader and the reference it is part of, in units of the oracle price; None without one.

    `reference_price` is None while nothing may be quoted by it; `refusals` says why.
    """
    settings = market.settings.leader if market.settings else None
    if settings is None:
        return None
    around = reference_of(state, ticker, market)[0] if market.oracle_price > 0 else None
    return {
        "symbol": settings.symbol,
        "age_ms": _age_ms(now_ns, market.leader.t_ns),
        "price_e8": market.leader.price_e8,
        "basis_ppb": market.leader.basis_ppb,
        "reference_price": None if around is None else around.price or market.oracle_price,
        "confidence_ppm": 0 if around is None else around.confidence_ppm,
        "widen_ppm": 0 if around is None else around.widen_ppm,
    }


def subticks_decimals(listing: PerpetualMarket) -> int:
    """Decimals of a price in subticks, in USDC (negative when a subtick is more than 1 USDC)."""
    return listing.atomic_resolution + QUOTE_DECIMALS - listing.quantum_conversion_exponent


def _pools(state: State, now_ns: int) -> list[dict[str, Any]]:
    """Each pool as last seen; `cut` is what keeps tokens out of its range, None where nothing does.

    Its amounts are in asset units, `limit` and `value` in 1e-6 USDC.
    """
    kept_out = {cut.adapter: msgspec.structs.asdict(cut) for cut in cuts(state)}
    return [
        {**_pool(state, now_ns, adapter), "cut": kept_out.get(adapter)}
        for adapter in sorted(state.pools)
    ]


def _pool(state: State, now_ns: int, adapter: str) -> dict[str, Any]:
    pool = state.pools[adapter]
    seen = pool.seen
    return {
        "adapter": adapter,
        "pool": pool.settings.pool,
        "age_ms": _age_ms(now_ns, pool.seen_t_ns),
        "tick": seen.tick if seen else None,
        **_pool_prices(pool),
        "amount0_units": seen.amount0 if seen else None,
        "amount1_units": seen.amount1 if seen else None,
        "ranges": [
            {
                "tick_lower": held.tick_lower,
                "tick_upper": held.tick_upper,
                "liquidity": held.liquidity,
            }
            for held in (seen.ranges if seen else ())
        ],
    }


def _pool_prices(pool: PoolState) -> dict[str, int | None]:
    """Prices of the base in 1e-6 of the asset, down; None while unknown, bounds without a range."""
    seen, settings = pool.seen, pool.settings
    if seen is None:
        return dict.fromkeys(("price_e6", "mark_e6", "lower_e6", "upper_e6"))
    ticks = [tick for held in seen.ranges for tick in (held.tick_lower, held.tick_upper)]
    bounds = [price_e6(settings, sqrt_price_at_tick(tick)) for tick in ticks]
    return {
        "price_e6": price_e6(settings, seen.sqrt_price_x96),
        "mark_e6": scaled(seen.mark_price, QUOTE_DECIMALS - seen.mark_decimals),
        "lower_e6": min(bounds, default=None),
        "upper_e6": max(bounds, default=None),
    }


def _vault(state: State, now_ns: int) -> dict[str, Any] | None:
    vault = state.chain.vault
    if vault is None:
        return None
    return {
        "age_ms": _age_ms(now_ns, state.chain.vault_t_ns),
        "block": vault.block_number,
        "state": vault.state,
        "epoch": vault.epoch,
        "next_cut_at": vault.next_cut_at,
        "idle_assets": vault.idle,
        "accepted_nav_assets": vault.accepted_nav,
        "owed_assets": vault.owed_assets,
        "housekeeping": _house(state, vault),
    }


def _house(state: State, vault: VaultObserved) -> dict[str, Any] | None:
    """What is due next and when (unix s), what is on its way; None for a keeper that keeps none."""
    settings = state.settings.housekeeping if state.settings is not None else None
    if settings is None:
        return None
    duty, seen = next_duty(standing(state, vault, settings)), state.duties.seen
    is_asked = vault.state == "CUT" and state.duties.asked_epoch == vault.epoch
    claims = () if seen is None else worthwhile(seen.claims, settings.claim_floor_assets)
    return {
        "next_duty": None if duty is None else {"what": duty.what, "due_at": duty.due_at},
        "reporters": settings.reporters,
        "signatures": state.duties.signed if is_asked else None,
        "quorum": state.duties.quorum if is_asked else None,
        "unpaid_since": None if seen is None else seen.unpaid_since,
        "claims_to_send": len(claims),
        "homing_assets": sum(max(0, a.requested - a.returned) for a in vault.adapters),
    }
