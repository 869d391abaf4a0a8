"""The slow loop over a pool: bring capital home, leave a range, rebalance tokens, hold a range."""

from typing import NamedTuple

import msgspec

from keeper.core.dispatch import is_ready, send
from keeper.core.exposures import pool_risk
from keeper.core.pool_commands import (
    BALANCE_PPM,
    balanced,
    burn_command,
    mint_command,
    swap_command,
)
from keeper.core.pool_filling import fitting, worth_shedding
from keeper.core.state import PoolState, State
from keeper.core.views import allowance, gas_cost, net_delta
from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import BurnRange, Command, Deallocate, MintRange, SwapExactIn
from keeper.domain.events import PoolObserved, RangeState
from keeper.domain.settings import AllocationSettings
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND, PPM, div_up
from keeper.markets.perpetual import quantums_for_value_down
from keeper.markets.ranges import (
    asset_of,
    base_of,
    base_value_down,
    holdings,
    mark_sqrt_price,
    worth_down,
)
from keeper.risk.chain import PoolView, approve_housekeeping, approve_pool
from keeper.risk.phase import Phase
from keeper.risk.pools import change_of
from keeper.strategies.range_economics import (
    MoveCosts,
    expected_fees,
    expected_loss,
    move_verdict,
    reservation_shift,
    virtual_reserve,
)
from keeper.strategies.range_liquidity import (
    balancing_swap,
    centred_ticks,
    is_off_centre,
    range_for,
)

__all__ = ["manage_pool", "pool_view", "range_shift", "send_pool"]

_HOME_MARGIN_PPM = 20_000  # more is freed than asked for, since fees and price move in between
_OPERATIONS_OF_A_MOVE = 3  # burn, swap, mint

PoolCommand = MintRange | BurnRange | SwapExactIn


class Shrunk(NamedTuple):
    """An operation that is smaller than it was to be, and what cut it."""

    command: PoolCommand
    by: Refused


Wish = PoolCommand | Deallocate | Shrunk | Refused | None


def manage_pool(
    state: State, adapter: str, allocation: AllocationSettings, out: list[Approved[Command]]
) -> list[Refused]:
    """Take at most one step in a pool on a fresh observation; returns what the limits refused."""
    pool = state.pools.get(adapter)
    if pool is None or pool.seen is None or pool.seen_t_ns < 0:
        return []
    if state.guard.phase is Phase.HALTED or not is_ready(state, adapter, pool.seen.block_number):
        return []
    if state.chain.vault is not None and state.chain.vault.state == "WINDDOWN":
        return []
    view = pool_view(state, pool, pool.seen, allocation)
    wish = _wish(state, pool, pool.seen, view, allocation)
    if wish is None:
        return []
    if isinstance(wish, Refused):
        return [wish]
    if isinstance(wish, Deallocate):
        home = approve_housekeeping(wish, state.guard.phase)
        refused = send(state, adapter, home, wish.assets, out)
        return [] if refused is None else [refused]
    command, notes = (wish.command, [wish.by]) if isinstance(wish, Shrunk) else (wish, [])
    refused = send_pool(state, command, view, out)
    return notes if refused is None else [*notes, refused]


def send_pool(
    state: State, command: PoolCommand, view: PoolView, out: list[Approved[Command]]
) -> Refused | None:
    """Check a pool's command and append it; until its outcome is seen, what it adds is held."""
    refused = send(state, command.adapter, approve_pool(command, view), 0, out)
    if refused is None:
        change = change_of(command, view.pool, view.seen, view.mark)
        pool = state.pools[command.adapter]
        pool.coming, pool.going = change.coming, change.going
    return refused


def pool_view(
    state: State, pool: PoolState, seen: PoolObserved, allocation: AllocationSettings
) -> PoolView:
    """Collect what a pool operation is judged by."""
    return PoolView(
        phase=state.guard.phase,
        pool=pool.settings,
        seen=seen,
        mark=mark_sqrt_price(pool.settings, seen),
        age_ms=(state.t_ns - seen.block_timestamp * NS_PER_SECOND) // NS_PER_MS,
        now=state.t_ns // NS_PER_SECOND,
        deadline_seconds=allocation.transaction_deadline_seconds,
        allowance=allowance(state),
        risk=pool_risk(state, pool),
    )


def _wish(
    state: State,
    pool: PoolState,
    seen: PoolObserved,
    view: PoolView,
    allocation: AllocationSettings,
) -> Wish:
    """Decide the next step; None when the pool is as it should be or has to cool down first."""
    settings = pool.settings
    if view.mark <= 0:
        return Refused(code="ZERO_MARK", subject=settings.adapter, limit=1, value=seen.mark_price)
    cooling = seen.last_operation_at and view.now < (
        seen.last_operation_at + settings.cooldown_seconds
    )
    idle = (seen.amount0, seen.amount1)
    if pool.home > 0 and asset_of(settings, idle) >= pool.home:
        return Deallocate(adapter=settings.adapter, assets=pool.home)
    if cooling:
        return None
    failures = state.chain.failures.get(settings.adapter, 0)
    if state.guard.phase is Phase.EXITING:
        return _leave(view, failures)
    if pool.home > 0:
        return _free(view, pool.home, failures)
    if state.guard.phase is Phase.REDUCING:
        return None
    return _hold(state, view, allocation.min_move_assets, failures)


def _leave(view: PoolView, failures: int) -> Wish:
    """Burn what is held, then sell the base token."""
    if view.seen.ranges:
        return burn_command(view, view.seen.ranges[0])
    base = base_of(view.pool, (view.seen.amount0, view.seen.amount1))
    return swap_command(view, not view.pool.asset_is_token0, base, failures)


def _free(view: PoolView, home: int, failures: int) -> Wish:
    """Turn holdings into the asset until `home` lies idle: idle base first, then liquidity."""
    pool, seen = view.pool, view.seen
    idle = (seen.amount0, seen.amount1)
    shortage = home - asset_of(pool, idle)
    shortage += shortage * _HOME_MARGIN_PPM // PPM
    base = base_of(pool, idle)
    worth = base_value_down(pool, base, view.mark)
    if worth >= shortage or not seen.ranges:
        amount = base if worth <= shortage else div_up(base * shortage, worth)
        if amount == 0:
            asset = asset_of(pool, idle)
            return Deallocate(adapter=pool.adapter, assets=asset) if asset else None
        return swap_command(view, not pool.asset_is_token0, amount, failures)
    entry = seen.ranges[0]
    held = holdings((entry,), seen.sqrt_price_x96)
    value = worth_down(pool, held, view.mark)
    part = entry.liquidity
    if value > shortage - worth:
        part = min(part, div_up(entry.liquidity * (shortage - worth), value))
    return burn_command(view, msgspec.structs.replace(entry, liquidity=max(1, part)))


def _hold(state: State, view: PoolView, min_move_assets: int, failures: int) -> Wish:
    """Keep one range around the reservation price and put idle tokens into it."""
    pool, seen = view.pool, view.seen
    shed = worth_shedding(view, min_move_assets)
    if shed:
        return _shed(view, shed, failures)
    shift = range_shift(state, view)
    for entry in seen.ranges:
        if is_off_centre(pool, entry, view.mark, shift):
            waits = view.allowance.wait(pool.adapter)
            return waits or _move_verdict(state, view, entry, shift) or burn_command(view, entry)
    return _fill(view, min_move_assets, shift, failures)


def _fill(view: PoolView, min_move_assets: int, shift: int, failures: int) -> Wish:
    """Put idle tokens into the range, as many as the limits leave room for."""
    fit = fitting(view, min_move_assets, shift)
    if fit is None:
        return None
    if fit.refused is not None and not fit.is_enough:
        return fit.refused
    swap = balancing_swap(view.seen, fit.ticks, fit.amounts, BALANCE_PPM)
    if swap is None:
        wish: Wish = mint_command(view, fit.ticks, fit.amounts)
    else:
        wish = swap_command(view, swap[0], swap[1], failures)
    if fit.refused is None or not isinstance(wish, MintRange | SwapExactIn):
        return wish
    return Shrunk(wish, fit.refused)


def _shed(view: PoolView, base: int, failures: int) -> Wish:
    """Turn base tokens into the asset: idle ones first, then out of the range."""
    pool, seen = view.pool, view.seen
    idle = base_of(pool, (seen.amount0, seen.amount1))
    if idle > 0 or not seen.ranges:
        return swap_command(view, not pool.asset_is_token0, min(idle, base), failures)
    entry = seen.ranges[0]
    held = max(1, base_of(pool, holdings((entry,), seen.sqrt_price_x96)))
    part = min(entry.liquidity, div_up(entry.liquidity * base, held))
    return burn_command(view, msgspec.structs.replace(entry, liquidity=part))


def range_shift(state: State, view: PoolView) -> int:
    """Ticks the range stands aside for the net inventory of the market that hedges it."""
    market = state.markets.get(view.pool.hedge_market)
    if view.pool.economics is None or market is None or market.settings is None:
        return 0
    if market.listing is None or market.oracle_price <= 0:
        return 0
    most = market.settings.max_position_quote_quantums
    room = quantums_for_value_down(market.listing, most, market.oracle_price)
    return reservation_shift(view.pool, net_delta(state, market.listing), room)


def _move_verdict(state: State, view: PoolView, entry: RangeState, shift: int) -> Refused | None:
    """Refuse to move a range that the new one would not pay for; None without economics."""
    pool, seen, economics = view.pool, view.seen, view.pool.economics
    if economics is None:
        return None
    held = holdings((entry,), seen.sqrt_price_x96)
    amounts = (held[0] + seen.amount0, held[1] + seen.amount1)
    ticks = centred_ticks(pool, seen, view.mark, shift)
    slippage, ready = balanced(view, ticks, amounts)
    ours = range_for(pool, seen, ticks, ready).liquidity
    active = entry.tick_lower <= seen.tick < entry.tick_upper
    others = max(0, seen.liquidity - (entry.liquidity if active else 0))
    loss = expected_loss(economics, virtual_reserve(pool, ours, view.mark))
    gas = max(economics.gas_assets, _OPERATIONS_OF_A_MOVE * gas_cost(state))
    fees = expected_fees(economics, seen.fee_ppm, ours, others)
    return move_verdict(pool.adapter, fees, loss, MoveCosts(gas, slippage))
