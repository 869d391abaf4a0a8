"""The slow loop over the vault: arrivals, owed redemptions, allocation to the targets."""

from dataclasses import dataclass
from typing import Final

from keeper.core.dispatch import EPOCH, is_ready, outgoing, send
from keeper.core.state import State
from keeper.core.views import account_equity, allowance, venue_was_up
from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import Allocate, Command, Deallocate, SyncAdapter
from keeper.domain.events import AdapterState, VaultObserved
from keeper.domain.orders import Transfer
from keeper.domain.settings import AllocationSettings
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND, PPM, div_up
from keeper.inventory.allocation import Capital, plan_transfers
from keeper.risk.chain import VaultView, approve_allocate, approve_housekeeping
from keeper.risk.phase import Phase

__all__ = ["manage_vault"]

_MAX_AGE_MS = 60_000  # an observation of an older block is a lagging node's
_SYNC_EVERY_BLOCKS = 15
_FAILURES = 3  # in a row
_PAID_FROM = ("OPEN", "CUT")

_GIVES_BACK: Final = frozenset(
    ("MAX_LP", "MAX_POSITION", "STRESS", "HEDGE_MARGIN", "MOVE_NOT_WORTH", "SNAPSHOT_AGE")
)
"""Refusals after which a pool still pays what is asked home."""


def manage_vault(
    state: State,
    allocation: AllocationSettings,
    buffer_ppm: int,
    out: list[Approved[Command]],
) -> list[Refused]:
    """Act on a fresh observation of the vault; returns what the limits refused.

    `buffer_ppm` is kept for redemptions beyond what they are worth at the settled price.
    """
    vault = state.chain.vault
    if vault is None or state.chain.vault_t_ns < 0 or state.guard.phase is Phase.HALTED:
        return []
    desk = _Desk(state, vault, allocation, out)
    refused: list[Refused | None] = []
    capital = _capital(desk, buffer_ppm)
    if capital is not None and vault.state in _PAID_FROM:
        refused.append(_recognise_arrivals(desk))
        moves = plan_transfers(capital, allocation)
        refused.extend(_move(desk, capital, transfer) for transfer in moves)
        _tell_pools(state, moves)
    return [entry for entry in refused if entry is not None]


@dataclass(frozen=True, slots=True)
class _Desk:
    """What every action of one observation needs."""

    state: State
    vault: VaultObserved
    allocation: AllocationSettings
    out: list[Approved[Command]]

    def is_ready(self, key: str) -> bool:
        return is_ready(self.state, key, self.vault.block_number)

    def adapter(self, name: str) -> AdapterState | None:
        return next((entry for entry in self.vault.adapters if entry.adapter == name), None)


def _capital(desk: _Desk, buffer_ppm: int) -> Capital | None:
    """Where the capital is; None while the venue account is unknown.

    The CLOB leg is the account's equity plus what is in transit, counted from the moment both
    sides were first known. What was ever asked home from it and has not arrived is on its way.
    """
    state, vault = desk.state, desk.vault
    equity, found = account_equity(state), _order_book_leg(desk)
    if equity is None or found is None:
        return None
    coming, homing = found
    return Capital(
        nav=vault.accepted_nav,
        idle=vault.idle,
        owed=vault.owed_assets + div_up(vault.owed_assets * buffer_ppm, PPM),
        outgoing=outgoing(state),
        clob=equity + coming,
        clob_homing=homing,
        pools=tuple(
            (entry.adapter, entry.value_bid)
            for entry in vault.adapters
            if entry.adapter in state.pools
        ),
        stuck=frozenset(name for name in state.pools if _is_stuck(state, name)),
        venue_cap_bps=vault.venue_cap_bps,
        min_on_chain_bps=vault.min_on_chain_bps,
    )


def _order_book_leg(desk: _Desk) -> tuple[int, int] | None:
    """Assets in transit either way, and those asked home; None for an adapter not wired."""
    name = desk.allocation.clob_adapter
    if name is None:
        return 0, 0
    clob = desk.adapter(name)
    if clob is None:
        return None
    arriving, leaving = _transit(desk.state, clob)
    return max(0, arriving) + max(0, leaving), max(0, clob.requested - clob.returned)


def _is_stuck(state: State, pool: str) -> bool:
    """Whether a pool gives nothing back now: its last step was refused, or its commands fail.

    What only keeps more from going in, or waits for the next observation, is no such refusal.
    """
    failing = state.chain.failures.get(pool, 0) >= _FAILURES
    refused = state.guard.active.get(pool, ())
    return failing or any(key.partition(":")[0] not in _GIVES_BACK for key in refused)


def _transit(state: State, clob: AdapterState) -> tuple[int, int]:
    """Assets on their way out and on their way home, since both ends were known."""
    account, chain = state.account, state.chain
    if chain.flow_base is None:
        chain.flow_base = (
            clob.sent,
            clob.returned,
            account.transferred_in,
            account.transferred_out,
        )
    sent, returned, came, went = chain.flow_base
    arriving = (clob.sent - sent) - (account.transferred_in - came)
    leaving = (account.transferred_out - went) - (clob.returned - returned)
    return arriving, leaving


def _recognise_arrivals(desk: _Desk) -> Refused | None:
    """Have the CLOB adapter book what came back, while something is on its way home."""
    state, name = desk.state, desk.allocation.clob_adapter
    clob = None if name is None else desk.adapter(name)
    if name is None or clob is None or _transit(state, clob)[1] <= 0 or not desk.is_ready(name):
        return None
    block, last = desk.vault.block_number, state.chain.sync_block
    if last >= 0 and block < last + _SYNC_EVERY_BLOCKS:
        return None
    state.chain.sync_block = block
    verdict = approve_housekeeping(SyncAdapter(adapter=name), state.guard.phase)
    return send(state, name, verdict, 0, desk.out)


def _move(desk: _Desk, capital: Capital, transfer: Transfer) -> Refused | None:
    """Send assets out, or call them home from the CLOB; pools act on their own observation."""
    name, assets = transfer.adapter, transfer.assets
    if not desk.is_ready(name):
        return None
    if assets > 0 and name == desk.allocation.clob_adapter and not venue_was_up(desk.state):
        return None  # no collateral towards a venue this run has not reached
    if assets > 0:
        return _allocate(desk, capital, Allocate(adapter=name, assets=assets))
    if name != desk.allocation.clob_adapter:
        return None
    command = Deallocate(adapter=name, assets=-assets)
    verdict = approve_housekeeping(command, desk.state.guard.phase)
    return send(desk.state, name, verdict, command.assets, desk.out)


def _allocate(desk: _Desk, capital: Capital, command: Allocate) -> Refused | None:
    state, vault = desk.state, desk.vault
    if vault.state != "OPEN" or EPOCH in state.chain.outstanding:
        return None  # once the cut is taken the contract refuses it
    view = VaultView(
        phase=state.guard.phase,
        state=vault.state,
        age_ms=(state.t_ns - vault.block_timestamp * NS_PER_SECOND) // NS_PER_MS,
        max_age_ms=_MAX_AGE_MS,
        idle=capital.idle,
        owed=capital.owed,
        outgoing=outgoing(state),
        nav=capital.nav,
        clob_adapter=desk.allocation.clob_adapter,
        clob=capital.clob,
        on_chain=capital.idle + sum(value for _, value in capital.pools),
        venue_cap_bps=capital.venue_cap_bps,
        min_on_chain_bps=capital.min_on_chain_bps,
        allowance=allowance(state),
    )
    verdict = approve_allocate(command, view)
    return send(state, command.adapter, verdict, command.assets, desk.out)


def _tell_pools(state: State, moves: tuple[Transfer, ...]) -> None:
    """Leave with each pool what the vault wants back; it acts on its own next observation."""
    wanted = {move.adapter: -move.assets for move in moves if move.assets < 0}
    for adapter, pool in state.pools.items():
        pool.home = wanted.get(adapter, 0)
