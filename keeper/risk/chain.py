"""Checks of chain commands: caps and owed redemptions, slippage and deadlines, age and cooldown."""

from dataclasses import dataclass

from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import (
    Allocate,
    BurnRange,
    Deallocate,
    MintRange,
    SwapExactIn,
    SyncAdapter,
)
from keeper.domain.events import PoolObserved, RangeState
from keeper.domain.settings import PoolSettings
from keeper.domain.units import BPS
from keeper.markets.ranges import (
    fair_output,
    greatest_cost,
    least_output,
    least_proceeds,
    price_gap_ppm,
)
from keeper.risk.bounds import Stop
from keeper.risk.phase import Phase
from keeper.risk.pools import PoolRisk, change_of, check_change

__all__ = [
    "Allowance",
    "PoolView",
    "VaultView",
    "approve_allocate",
    "approve_housekeeping",
    "approve_pool",
]

PoolCommand = MintRange | BurnRange | SwapExactIn


@dataclass(frozen=True, slots=True)
class Allowance:
    """From when the mandate allows new risk: losses refilled, pause over; all in unix seconds.

    Beside it what makes it wait: the base fee against its ceiling, in wei, and the age of the last
    settled report against the greatest, in seconds; 0 is no ceiling. `asset` is what its price
    forbids.
    """

    refilled_at: int
    paused_until: int
    now: int
    base_fee_wei: int = 0
    max_base_fee_wei: int = 0
    report_age: int = 0
    max_report_age: int = 0
    asset: Stop | None = None

    def refusal(self, subject: str) -> Refused | None:
        """Why an operation that takes risk would revert now; None when it would not."""
        if self.now < self.refilled_at:
            return _refused("LOSSES_SPENT", subject, self.refilled_at, self.now)
        if self.now < self.paused_until:
            return _refused("VAULT_PAUSED", subject, self.paused_until, self.now)
        return None

    def wait(self, subject: str) -> Refused | None:
        """Why what is no exit waits though the mandate allows it; None when it need not."""
        if 0 < self.max_base_fee_wei < self.base_fee_wei:
            return _refused("GAS_CEILING", subject, self.max_base_fee_wei, self.base_fee_wei)
        if 0 < self.max_report_age < self.report_age:
            return _refused("REPORT_AGE", subject, self.max_report_age, self.report_age)
        if self.asset is not None:
            return _refused(self.asset.code, subject, self.asset.limit, self.asset.value)
        return None


@dataclass(frozen=True, slots=True)
class VaultView:
    """What a move of capital is judged by; amounts in asset units, `on_chain` includes idle."""

    phase: Phase
    state: str
    age_ms: int
    max_age_ms: int
    idle: int
    owed: int
    outgoing: int
    nav: int
    clob_adapter: str | None
    clob: int
    on_chain: int
    venue_cap_bps: int
    min_on_chain_bps: int
    allowance: Allowance


@dataclass(frozen=True, slots=True)
class PoolView:
    """What a pool operation is judged by; `mark` is a square root price, times in unix seconds."""

    phase: Phase
    pool: PoolSettings
    seen: PoolObserved
    mark: int
    age_ms: int
    now: int
    deadline_seconds: int
    allowance: Allowance
    risk: PoolRisk


def approve_allocate(command: Allocate, view: VaultView) -> Approved[Allocate] | Refused:
    """Check a move out of the vault: owed redemptions stay, caps hold after it."""
    name = command.adapter
    if view.phase is not Phase.ACTIVE:
        return _refused(view.phase.value, name, 0, command.assets)
    if view.state != "OPEN":
        return _refused("VAULT_STATE", name, 0, 1)
    if view.age_ms > view.max_age_ms:
        return _refused("STALE_VAULT", name, view.max_age_ms, view.age_ms)
    refused = view.allowance.refusal(name) or view.allowance.wait(name)
    if refused is not None:
        return refused
    spare = view.idle - view.owed - view.outgoing
    if command.assets <= 0 or command.assets > spare:
        return _refused("IDLE_SHORT", name, spare, command.assets)
    if command.adapter == view.clob_adapter:
        cap = view.nav * view.venue_cap_bps // BPS
        if view.clob + command.assets > cap:
            return _refused("VENUE_CAP", name, cap, view.clob + command.assets)
        floor = -(-view.nav * view.min_on_chain_bps // BPS)
        left = view.on_chain - view.outgoing - command.assets
        if left < floor:
            return _refused("MIN_ON_CHAIN", name, floor, left)
    return Approved(command)


def approve_housekeeping(
    command: Deallocate | SyncAdapter, phase: Phase
) -> Approved[Deallocate | SyncAdapter] | Refused:
    """Pass what only brings assets home, except while HALTED."""
    subject = command.adapter
    if phase is Phase.HALTED:
        return _refused("HALTED", subject, 0, 1)
    if isinstance(command, Deallocate) and command.assets <= 0:
        return _refused("IDLE_SHORT", subject, 1, command.assets)
    return Approved(command)


def approve_pool(command: PoolCommand, view: PoolView) -> Approved[PoolCommand] | Refused:
    """Check a mint, burn or swap: fresh snapshot, cooldown, deadline, bounds on every amount."""
    name = command.adapter
    if view.phase is Phase.HALTED:
        return _refused("HALTED", name, 0, 1)
    if view.phase is Phase.EXITING and not _is_exit(command, view.pool):
        return _refused("EXITING", name, 0, 1)
    if view.age_ms > view.pool.snapshot_max_age_ms:
        return _refused("SNAPSHOT_AGE", name, view.pool.snapshot_max_age_ms, view.age_ms)
    ready = view.seen.last_operation_at + view.pool.cooldown_seconds
    if view.seen.last_operation_at and view.now < ready:
        return _refused("COOLDOWN", name, ready, view.now)
    if not view.now < command.deadline <= view.now + view.deadline_seconds:
        return _refused("DEADLINE", name, view.now + view.deadline_seconds, command.deadline)
    if isinstance(command, BurnRange):
        return _check_burn(command, view)
    if view.mark <= 0:
        return _refused("ZERO_MARK", name, 1, view.mark)
    refused = view.allowance.refusal(name)
    if refused is not None and not _comes_home(command, view):
        return refused
    if not _is_exit(command, view.pool) and (waits := view.allowance.wait(name)) is not None:
        return waits
    gap = price_gap_ppm(view.seen.sqrt_price_x96, view.mark)
    if gap > view.pool.max_slippage_ppm:
        return _refused("POOL_OFF_MARK", name, view.pool.max_slippage_ppm, gap)
    verdict = (
        _check_swap(command, view)
        if isinstance(command, SwapExactIn)
        else _check_mint(command, view)
    )
    if isinstance(verdict, Refused):
        return verdict
    change = change_of(command, view.pool, view.seen, view.mark)
    return check_change(name, change, view.pool, view.mark, view.risk) or verdict


def _is_exit(command: PoolCommand, pool: PoolSettings) -> bool:
    """Leaving a range, or selling the base token for the vault's asset."""
    if isinstance(command, SwapExactIn):
        return command.zero_for_one is not pool.asset_is_token0
    return isinstance(command, BurnRange)


def _comes_home(command: PoolCommand, view: PoolView) -> bool:
    """Whether a swap sells the base token dearly enough to need no allowance.

    Without a feed nothing says what is fair, and every swap needs one.
    """
    if not isinstance(command, SwapExactIn) or not _is_exit(command, view.pool):
        return False
    if view.seen.feedless:
        return False
    least = fair_output(view.pool, view.seen, view.mark, command.amount_in)
    return command.amount_out_min >= least


def _check_burn(command: BurnRange, view: PoolView) -> Approved[PoolCommand] | Refused:
    held = sum(
        entry.liquidity
        for entry in view.seen.ranges
        if (entry.tick_lower, entry.tick_upper) == (command.tick_lower, command.tick_upper)
    )
    if not 0 < command.liquidity <= held:
        return _refused("LIQUIDITY", command.adapter, held, command.liquidity)
    least = least_proceeds(view.seen.sqrt_price_x96, _entry(command), view.pool.max_slippage_ppm)
    if command.amount0_min < least[0]:
        return _refused("SLIPPAGE", command.adapter, least[0], command.amount0_min)
    if command.amount1_min < least[1]:
        return _refused("SLIPPAGE", command.adapter, least[1], command.amount1_min)
    return Approved(command)


def _check_mint(command: MintRange, view: PoolView) -> Approved[PoolCommand] | Refused:
    if command.liquidity <= 0 or command.tick_lower >= command.tick_upper:
        return _refused("LIQUIDITY", command.adapter, 1, command.liquidity)
    most = greatest_cost(view.seen.sqrt_price_x96, _entry(command), view.pool.max_slippage_ppm)
    limits = (min(most[0], view.seen.amount0), min(most[1], view.seen.amount1))
    if command.amount0_max > limits[0]:
        return _refused("SLIPPAGE", command.adapter, limits[0], command.amount0_max)
    if command.amount1_max > limits[1]:
        return _refused("SLIPPAGE", command.adapter, limits[1], command.amount1_max)
    return Approved(command)


def _check_swap(command: SwapExactIn, view: PoolView) -> Approved[PoolCommand] | Refused:
    held = view.seen.amount0 if command.zero_for_one else view.seen.amount1
    if not 0 < command.amount_in <= held:
        return _refused("IDLE_SHORT", command.adapter, held, command.amount_in)
    least = least_output(view.pool, view.seen, view.mark, command.zero_for_one, command.amount_in)
    if command.amount_out_min < max(1, least):
        return _refused("SLIPPAGE", command.adapter, max(1, least), command.amount_out_min)
    return Approved(command)


def _entry(command: MintRange | BurnRange) -> RangeState:
    return RangeState(
        tick_lower=command.tick_lower,
        tick_upper=command.tick_upper,
        liquidity=command.liquidity,
    )


def _refused(code: str, subject: str, limit: int, value: int) -> Refused:
    return Refused(code=code, subject=subject, limit=limit, value=value)
