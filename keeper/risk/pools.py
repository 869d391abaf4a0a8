"""What a mint or a purchase of base tokens adds: liquidity, net delta, stress, hedge margin."""

from dataclasses import dataclass

from msgspec.structs import replace

from keeper.domain.approval import Refused
from keeper.domain.commands import BurnRange, MintRange, SwapExactIn
from keeper.domain.events import PoolObserved, RangeState
from keeper.domain.orders import Side
from keeper.domain.settings import PoolSettings, RiskLimits
from keeper.domain.units import PPM, div_up
from keeper.markets.perpetual import base_quantums_up, value_abs_up
from keeper.markets.ranges import (
    asset_of,
    base_of,
    base_value_down,
    base_worth_up,
    cost_up,
    holdings,
    most_base_up,
)
from keeper.risk.exposure import MarketExposure, net_worst
from keeper.risk.stress import hedge_need, stress_limit, stress_loss

__all__ = ["PoolChange", "PoolRisk", "change_of", "check_change"]


@dataclass(frozen=True, slots=True)
class PoolRisk:
    """What a pool's operation adds to; money in quote quantums, which asset units are.

    `ranges_value` is what all ranges of all pools are worth, `hedge` the market that hedges this
    one (None while `is_hedged` means that it is not known yet), `fall` and `rise` what the vault
    loses in the stress move, `hedge_needs` the equity that all shorts take; `equity` is None while
    a part of it is unknown.
    """

    limits: RiskLimits
    ranges_value: int
    is_hedged: bool
    hedge: MarketExposure | None
    max_position: int
    fall: int
    rise: int
    hedge_needs: int
    equity: int | None


@dataclass(frozen=True, slots=True)
class PoolChange:
    """Base units that an operation adds to the most a pool holds, takes from the least, adds now;

    `value` is what it puts into ranges, in asset units.
    """

    coming: int
    going: int
    now: int
    value: int


_NOTHING = PoolChange(0, 0, 0, 0)


def change_of(
    command: MintRange | BurnRange | SwapExactIn, pool: PoolSettings, seen: PoolObserved, mark: int
) -> PoolChange:
    """Return what a command adds; nothing for one that leaves a range or sells the base token."""
    if isinstance(command, BurnRange):
        return _NOTHING
    if isinstance(command, SwapExactIn):
        if command.zero_for_one is not pool.asset_is_token0:
            return _NOTHING
        bought = base_worth_up(pool, command.amount_in, seen.sqrt_price_x96)
        return PoolChange(coming=bought, going=0, now=bought, value=0)
    entry = RangeState(
        tick_lower=command.tick_lower,
        tick_upper=command.tick_upper,
        liquidity=command.liquidity,
    )
    paid = cost_up(entry, seen.sqrt_price_x96)
    kept = base_of(pool, holdings((entry,), seen.sqrt_price_x96))
    return PoolChange(
        coming=most_base_up(pool, entry) - kept,
        going=base_of(pool, paid),
        now=0,
        value=asset_of(pool, paid) + base_value_down(pool, base_of(pool, paid), mark) + 1,
    )


def check_change(
    name: str, change: PoolChange, pool: PoolSettings, mark: int, risk: PoolRisk
) -> Refused | None:
    """Refuse a change beyond what may lie in ranges, the net delta, the stress or the hedge."""
    if change == _NOTHING:
        return None
    limits = risk.limits
    in_ranges = risk.ranges_value + change.value
    if change.value and 0 < limits.max_lp_quote_quantums < in_ranges:
        return _refused("MAX_LP", name, limits.max_lp_quote_quantums, in_ranges)
    if not risk.is_hedged:
        added = base_value_down(pool, change.coming, mark) + 1
        loss = div_up(added * limits.stress_shock_ppm, PPM)
        return _check_stress(name, limits, risk.fall, risk.fall + loss)
    if risk.hedge is None:
        return _refused("MARKET_UNKNOWN", name, 0, 1)
    return _check_hedged(name, change, pool, risk, risk.hedge)


def _check_hedged(
    name: str, change: PoolChange, pool: PoolSettings, risk: PoolRisk, before: MarketExposure
) -> Refused | None:
    market, decimals = before.market, pool.base_decimals
    after = replace(
        before,
        pool=before.pool + base_quantums_up(market, change.now, decimals),
        pool_low=before.pool_low - base_quantums_up(market, change.going, decimals),
        pool_high=before.pool_high + base_quantums_up(market, change.coming, decimals),
    )
    for side, total in ((Side.BUY, risk.fall), (Side.SELL, risk.rise)):
        worst = net_worst(after, side)
        if worst > max(0, net_worst(before, side)):
            value = value_abs_up(market, worst, before.oracle_price)
            if value > risk.max_position:
                return _refused("MAX_POSITION", name, risk.max_position, value)
        shock_ppm = risk.limits.stress_shock_ppm
        was, loss = stress_loss(before, side, shock_ppm), stress_loss(after, side, shock_ppm)
        refused = _check_stress(name, risk.limits, total, total - was + loss)
        if refused is not None:
            return refused
    return _check_hedge(name, risk, before, after)


def _check_stress(name: str, limits: RiskLimits, before: int, after: int) -> Refused | None:
    limit = stress_limit(limits)
    if not limits.stress_shock_ppm or after <= limit or after <= before:
        return None
    return _refused("STRESS", name, limit, after)


def _check_hedge(
    name: str, risk: PoolRisk, before: MarketExposure, after: MarketExposure
) -> Refused | None:
    shock_ppm = risk.limits.hedge_shock_ppm
    if not shock_ppm:
        return None
    need = risk.hedge_needs - hedge_need(before, shock_ppm) + hedge_need(after, shock_ppm)
    equity = 0 if risk.equity is None else risk.equity
    return None if need <= equity else _refused("HEDGE_MARGIN", name, equity, need)


def _refused(code: str, subject: str, limit: int, value: int) -> Refused:
    return Refused(code=code, subject=subject, limit=limit, value=value)
