"""The slow loop over the vault: epoch, arrivals, owed redemptions, allocation to the targets."""

from keeper.core.dispatch import EPOCH, is_ready, outgoing, send
from keeper.core.state import State
from keeper.core.views import account_equity
from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import Allocate, CloseEpoch, Command, Deallocate, SyncAdapter
from keeper.domain.events import AdapterState, VaultObserved
from keeper.domain.settings import AllocationSettings
from keeper.domain.units import NS_PER_MS, NS_PER_SECOND
from keeper.inventory.allocation import Capital, plan_transfers
from keeper.risk.chain import VaultView, approve_allocate, approve_housekeeping
from keeper.risk.phase import Phase

__all__ = ["manage_vault"]

_MAX_AGE_MS = 60_000  # an observation of an older block is a lagging node's
_SYNC_EVERY_BLOCKS = 15
_PAID_FROM = ("OPEN", "CUT")


def manage_vault(
    state: State, allocation: AllocationSettings, out: list[Approved[Command]]
) -> list[Refused]:
    """Act on a fresh observation of the vault; returns what the limits refused."""
    vault = state.chain.vault
    if vault is None or state.chain.vault_t_ns < 0 or state.guard.phase is Phase.HALTED:
        return []
    refused = [_close_epoch(state, vault, out)]
    capital = _capital(state, vault, allocation)
    if capital is not None and vault.state in _PAID_FROM:
        refused.append(_recognise_arrivals(state, vault, allocation, out))
        for transfer in plan_transfers(capital, allocation):
            if transfer.assets > 0:
                refused.append(
                    _allocate(
                        state, vault, capital, allocation, transfer.adapter, transfer.assets, out
                    )
                )
            elif transfer.adapter == allocation.clob_adapter:
                refused.append(_call_home(state, vault, transfer.adapter, -transfer.assets, out))
        _tell_pools(state, capital, allocation)
    return [entry for entry in refused if entry is not None]


def _close_epoch(
    state: State, vault: VaultObserved, out: list[Approved[Command]]
) -> Refused | None:
    """Cut the epoch as soon as the contract allows it: anyone may, and depositors wait for it."""
    due = 0 < vault.next_cut_at <= vault.block_timestamp
    if not due or vault.state != "OPEN" or not is_ready(state, EPOCH, vault.block_number):
        return None
    verdict = approve_housekeeping(CloseEpoch(epoch=vault.epoch + 1), state.guard.phase)
    return send(state, EPOCH, verdict, 0, out)


def _capital(state: State, vault: VaultObserved, allocation: AllocationSettings) -> Capital | None:
    """Where the capital is; None while the venue account is unknown.

    The CLOB leg is the account's equity plus what is in transit, counted from the moment both
    sides were first known.
    """
    equity = account_equity(state)
    clob = _adapter(vault, allocation.clob_adapter)
    if equity is None or clob is None:
        return None
    account, chain = state.account, state.chain
    if chain.flow_base is None:
        chain.flow_base = (
            clob.sent,
            clob.returned,
            account.transferred_in,
            account.transferred_out,
        )
    sent, returned, came, went = chain.flow_base
    arriving = max(0, clob.sent - sent - (account.transferred_in - came))
    leaving = max(0, account.transferred_out - went - (clob.returned - returned))
    return Capital(
        nav=vault.accepted_nav,
        idle=vault.idle,
        owed=vault.owed_assets,
        outgoing=outgoing(state),
        clob=equity + arriving + leaving,
        clob_homing=max(0, chain.requested - (clob.returned - returned)),
        pools=tuple(
            (entry.adapter, entry.value_bid)
            for entry in vault.adapters
            if entry.adapter in state.pools
        ),
        venue_cap_bps=vault.venue_cap_bps,
        min_on_chain_bps=vault.min_on_chain_bps,
    )


def _recognise_arrivals(
    state: State,
    vault: VaultObserved,
    allocation: AllocationSettings,
    out: list[Approved[Command]],
) -> Refused | None:
    """Have the CLOB adapter book what came back, while something is on its way home."""
    chain, name = state.chain, allocation.clob_adapter
    clob = _adapter(vault, name)
    if clob is None or chain.flow_base is None:
        return None
    _, returned, _, went = chain.flow_base
    leaving = state.account.transferred_out - went - (clob.returned - returned)
    rested = chain.sync_block < 0 or (vault.block_number >= chain.sync_block + _SYNC_EVERY_BLOCKS)
    if leaving <= 0 or not rested or not is_ready(state, name, vault.block_number):
        return None
    chain.sync_block = vault.block_number
    verdict = approve_housekeeping(SyncAdapter(adapter=name), state.guard.phase)
    return send(state, name, verdict, 0, out)


def _allocate(
    state: State,
    vault: VaultObserved,
    capital: Capital,
    allocation: AllocationSettings,
    adapter: str,
    assets: int,
    out: list[Approved[Command]],
) -> Refused | None:
    if vault.state != "OPEN" or not is_ready(state, adapter, vault.block_number):
        return None
    view = VaultView(
        phase=state.guard.phase,
        state=vault.state,
        age_ms=(state.t_ns - vault.block_timestamp * NS_PER_SECOND) // NS_PER_MS,
        max_age_ms=_MAX_AGE_MS,
        idle=capital.idle,
        owed=capital.owed,
        outgoing=outgoing(state),
        nav=capital.nav,
        clob_adapter=allocation.clob_adapter,
        clob=capital.clob,
        on_chain=capital.idle + sum(value for _, value in capital.pools),
        venue_cap_bps=capital.venue_cap_bps,
        min_on_chain_bps=capital.min_on_chain_bps,
    )
    verdict = approve_allocate(Allocate(adapter=adapter, assets=assets), view)
    return send(state, adapter, verdict, assets, out)


def _call_home(
    state: State,
    vault: VaultObserved,
    adapter: str,
    assets: int,
    out: list[Approved[Command]],
) -> Refused | None:
    if not is_ready(state, adapter, vault.block_number):
        return None
    verdict = approve_housekeeping(Deallocate(adapter=adapter, assets=assets), state.guard.phase)
    return send(state, adapter, verdict, assets, out)


def _tell_pools(state: State, capital: Capital, allocation: AllocationSettings) -> None:
    """Leave with each pool what the vault wants back; it acts on its own next observation."""
    wanted = {
        transfer.adapter: -transfer.assets
        for transfer in plan_transfers(capital, allocation)
        if transfer.assets < 0
    }
    for adapter, pool in state.pools.items():
        pool.home = wanted.get(adapter, 0)


def _adapter(vault: VaultObserved, name: str) -> AdapterState | None:
    for entry in vault.adapters:
        if entry.adapter == name:
            return entry
    return None
