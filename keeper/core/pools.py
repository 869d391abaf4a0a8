"""The slow loop over a pool: bring capital home, leave a range, rebalance tokens, hold a range."""

import msgspec

from keeper.core.dispatch import is_ready, send
from keeper.core.exposures import pool_risk
from keeper.core.pool_limits import base_to_shed, range_room
from keeper.core.state import PoolState, State
from keeper.core.views import allowance, gas_cost, net_delta
from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import BurnRange, Command, Deallocate, MintRange, SwapExactIn
from keeper.domain.events import PoolObserved, RangeState
from keeper.domain.settings import AllocationSettings
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND, PPM, div_up
from keeper.inventory.costs import swap_output
from keeper.markets.perpetual import quantums_for_value_down
from keeper.markets.ranges import (
    asset_of,
    base_of,
    base_value_down,
    fair_output,
    greatest_cost,
    holdings,
    least_output,
    least_proceeds,
    mark_sqrt_price,
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

__all__ = ["manage_pool", "pool_view", "send_pool", "swap_command"]

_IDLE_SHARE_PPM = 100_000  # idle tokens beyond this share of the pool leg go into the range
_BALANCE_PPM = 20_000  # tokens this close to the range's ratio are minted as they are
_HOME_MARGIN_PPM = 20_000  # more is freed than asked for, since fees and price move in between
_OPERATIONS_OF_A_MOVE = 3  # burn, swap, mint
_HALVINGS = 8  # a swap the pool cannot fill well is tried down to 1/128 of its size

PoolCommand = MintRange | BurnRange | SwapExactIn
Wish = PoolCommand | Deallocate | Refused | None


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
    else:
        refused = send_pool(state, wish, view, out)
    return [] if refused is None else [refused]


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


def swap_command(
    view: PoolView, zero_for_one: bool, amount_in: int, failures: int
) -> SwapExactIn | Refused | None:
    """Shape a swap that the pool can fill above its minimum, halving the amount where it cannot."""
    pool, seen = view.pool, view.seen
    amount = amount_in >> min(failures, _HALVINGS)
    for _ in range(_HALVINGS):
        least = _least(view, zero_for_one, amount)
        if amount == 0 or least == 0:
            return None
        if swap_output(seen, zero_for_one, amount) >= least:
            return SwapExactIn(
                adapter=pool.adapter,
                zero_for_one=zero_for_one,
                amount_in=amount,
                amount_out_min=least,
                deadline=view.now + view.deadline_seconds,
            )
        amount //= 2
    expected = swap_output(seen, zero_for_one, amount_in)
    least = _least(view, zero_for_one, amount_in)
    return Refused(code="POOL_TOO_THIN", subject=pool.adapter, limit=least, value=expected)


def _least(view: PoolView, zero_for_one: bool, amount_in: int) -> int:
    """Least that a swap must pay; more of one that comes home while no new risk is allowed."""
    pool, seen = view.pool, view.seen
    least = least_output(pool, seen, view.mark, zero_for_one, amount_in)
    if zero_for_one is pool.asset_is_token0 or view.allowance.refusal(pool.adapter) is None:
        return least
    return max(least, fair_output(pool, seen, view.mark, amount_in))


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
        return _burn(view, view.seen.ranges[0])
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
    value = asset_of(pool, held) + base_value_down(pool, base_of(pool, held), view.mark)
    part = entry.liquidity
    if value > shortage - worth:
        part = min(part, div_up(entry.liquidity * (shortage - worth), value))
    return _burn(view, msgspec.structs.replace(entry, liquidity=max(1, part)))


def _hold(state: State, view: PoolView, min_move_assets: int, failures: int) -> Wish:
    """Keep one range around the reservation price and put idle tokens into it."""
    pool, seen = view.pool, view.seen
    shed = base_to_shed(view)
    if shed and base_value_down(pool, shed, view.mark) >= min_move_assets:
        return _shed(view, shed, failures)
    shift = _shift(state, view)
    for entry in seen.ranges:
        if is_off_centre(pool, entry, view.mark, shift):
            waits = view.allowance.wait(pool.adapter)
            return waits or _move_verdict(state, view, entry, shift) or _burn(view, entry)
    idle = (seen.amount0, seen.amount1)
    idle_value = asset_of(pool, idle) + base_value_down(pool, base_of(pool, idle), view.mark)
    held = holdings(seen.ranges, view.mark)
    held_value = asset_of(pool, held) + base_value_down(pool, base_of(pool, held), view.mark)
    worth_it = max(1, min_move_assets, (idle_value + held_value) * _IDLE_SHARE_PPM // PPM)
    if idle_value < worth_it:
        return None
    room = range_room(view)
    if room is not None and room < idle_value:
        if room < min_move_assets:
            limit = view.risk.limits.max_lp_quote_quantums
            value = view.risk.ranges_value + idle_value
            return Refused(code="MAX_LP", subject=pool.adapter, limit=limit, value=value)
        idle = (idle[0] * room // idle_value, idle[1] * room // idle_value)
    if seen.ranges:
        ticks = (seen.ranges[0].tick_lower, seen.ranges[0].tick_upper)
    else:
        ticks = centred_ticks(pool, seen, view.mark, shift)
    swap = balancing_swap(seen, ticks, idle, _BALANCE_PPM)
    if swap is not None:
        return swap_command(view, swap[0], swap[1], failures)
    return _mint(view, ticks, idle)


def _shed(view: PoolView, base: int, failures: int) -> Wish:
    """Turn base tokens into the asset: idle ones first, then out of the range."""
    pool, seen = view.pool, view.seen
    idle = base_of(pool, (seen.amount0, seen.amount1))
    if idle > 0 or not seen.ranges:
        return swap_command(view, not pool.asset_is_token0, min(idle, base), failures)
    entry = seen.ranges[0]
    held = max(1, base_of(pool, holdings((entry,), seen.sqrt_price_x96)))
    part = min(entry.liquidity, div_up(entry.liquidity * base, held))
    return _burn(view, msgspec.structs.replace(entry, liquidity=part))


def _shift(state: State, view: PoolView) -> int:
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
    slippage, balanced = _balanced(view, ticks, amounts)
    ours = range_for(pool, seen, ticks, balanced).liquidity
    active = entry.tick_lower <= seen.tick < entry.tick_upper
    others = max(0, seen.liquidity - (entry.liquidity if active else 0))
    loss = expected_loss(economics, virtual_reserve(pool, ours, view.mark))
    gas = max(economics.gas_assets, _OPERATIONS_OF_A_MOVE * gas_cost(state))
    fees = expected_fees(economics, seen.fee_ppm, ours, others)
    return move_verdict(pool.adapter, fees, loss, MoveCosts(gas, slippage))


def _balanced(
    view: PoolView, ticks: tuple[int, int], amounts: tuple[int, int]
) -> tuple[int, tuple[int, int]]:
    """What the swap to a range's ratio would cost in asset units, and what is held after it."""
    pool, seen = view.pool, view.seen
    swap = balancing_swap(seen, ticks, amounts, _BALANCE_PPM)
    if swap is None:
        return 0, amounts
    zero_for_one, amount_in = swap
    paid = swap_output(seen, zero_for_one, amount_in)
    after = (
        (amounts[0] - amount_in, amounts[1] + paid)
        if zero_for_one
        else (amounts[0] + paid, amounts[1] - amount_in)
    )
    before_value, after_value = (
        asset_of(pool, each) + base_value_down(pool, base_of(pool, each), view.mark)
        for each in (amounts, after)
    )
    return max(0, before_value - after_value), after


def _mint(view: PoolView, ticks: tuple[int, int], idle: tuple[int, int]) -> Wish:
    target = range_for(view.pool, view.seen, ticks, idle)
    if target.liquidity <= 0:
        return None
    entry = RangeState(
        tick_lower=target.tick_lower, tick_upper=target.tick_upper, liquidity=target.liquidity
    )
    most = greatest_cost(view.seen.sqrt_price_x96, entry, view.pool.max_slippage_ppm)
    return MintRange(
        adapter=target.adapter,
        tick_lower=target.tick_lower,
        tick_upper=target.tick_upper,
        liquidity=target.liquidity,
        amount0_max=min(most[0], idle[0]),
        amount1_max=min(most[1], idle[1]),
        deadline=view.now + view.deadline_seconds,
    )


def _burn(view: PoolView, entry: RangeState) -> BurnRange:
    least = least_proceeds(view.seen.sqrt_price_x96, entry, view.pool.max_slippage_ppm)
    return BurnRange(
        adapter=view.pool.adapter,
        tick_lower=entry.tick_lower,
        tick_upper=entry.tick_upper,
        liquidity=entry.liquidity,
        amount0_min=least[0],
        amount1_min=least[1],
        deadline=view.now + view.deadline_seconds,
    )
