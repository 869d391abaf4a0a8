"""The EVM side folded: head, vault, pools, and what became of each chain command."""

from keeper.core.dispatch import is_ready
from keeper.core.state import PoolState, State
from keeper.domain.events import (
    BlockReverted,
    BlockSeen,
    CommandResult,
    DutiesObserved,
    PoolObserved,
    ReportCollected,
    TransactionMined,
    VaultObserved,
)
from keeper.markets.ranges import (
    asset_of,
    base_of,
    base_value_down,
    holdings,
    mark_sqrt_price,
    most_base_up,
)

__all__ = [
    "apply_result",
    "collect_report",
    "mine",
    "observe_duties",
    "observe_pool",
    "observe_vault",
    "on_chain_value",
    "revert_block",
    "see_block",
]

_BACKOFF_BLOCKS = 5
_SHADOW_BLOCKS = 60
_BACKOFF_MAX_DOUBLINGS = 6


def see_block(state: State, event: BlockSeen) -> None:
    """Follow the head; a lower number is old news (a revert is told by BlockReverted)."""
    chain = state.chain
    if event.number < chain.head_number:
        return
    chain.head_number, chain.head_hash = event.number, event.hash
    chain.head_timestamp = event.timestamp
    chain.base_fee_wei = event.base_fee_wei


def revert_block(state: State, event: BlockReverted) -> None:
    """What was observed in a block that is no longer canonical is stale at once."""
    chain = state.chain
    if chain.vault is not None and chain.vault.block_hash == event.hash:
        chain.vault_t_ns = -1
    if state.duties.seen is not None and state.duties.seen.block_hash == event.hash:
        state.duties.seen = None
    for pool in state.pools.values():
        if pool.seen is not None and pool.seen.block_hash == event.hash:
            pool.seen_t_ns = -1
    if chain.head_hash == event.hash:
        chain.head_number = event.number - 1


def observe_vault(state: State, event: VaultObserved) -> None:
    """Take the vault's state unless it is older than what is known and valid."""
    chain = state.chain
    known = chain.vault
    if known is not None and chain.vault_t_ns >= 0:
        if event.block_number < known.block_number:
            return
        if event.block_hash == known.block_hash:
            return
    if known is not None and _owes_flows(known, event):
        chain.external += on_chain_value(state, event) - on_chain_value(state, known)
    chain.vault, chain.vault_t_ns = event, state.t_ns


def _owes_flows(known: VaultObserved, event: VaultObserved) -> bool:
    """Tell whether money of depositors moved: in a wind-down all that moves is theirs."""
    return event.state == "WINDDOWN" or (known.epoch, known.state) != (event.epoch, event.state)


def on_chain_value(state: State, vault: VaultObserved) -> int:
    """Idle assets, pools at the middle of their two values, and what left for the CLOB venue.

    Deposits and redemptions change it only when a cut begins, settles or lapses, and all the time
    in a wind-down; every other change is profit of the pools. Asset units.
    """
    total = vault.idle
    for adapter in vault.adapters:
        if adapter.adapter in state.pools:
            total += (adapter.value_bid + adapter.value_ask) // 2
        if adapter.attested:
            total += adapter.sent - adapter.returned
    return total


def observe_pool(state: State, event: PoolObserved) -> None:
    """Take a pool's state likewise, and derive what we hold in it."""
    pool = state.pools.get(event.adapter)
    if pool is None:
        return
    known = pool.seen
    if known is not None and pool.seen_t_ns >= 0:
        if event.block_number < known.block_number:
            return
        if event.block_hash == known.block_hash:
            return
    pool.seen, pool.seen_t_ns = event, state.t_ns
    if is_ready(state, event.adapter, event.block_number):
        pool.coming = pool.going = 0
    _derive(pool, event)


def observe_duties(state: State, event: DutiesObserved) -> None:
    """Take what the vault owes unless it is older than what is known."""
    known = state.duties.seen
    if known is None or event.block_number > known.block_number:
        state.duties.seen = event
        _forget_claims(state, event)


def _forget_claims(state: State, event: DutiesObserved) -> None:
    """Drop what was remembered of claims that nothing is left of: controllers come and go."""
    held = {entry.controller for entry in event.claims}
    chain = state.chain
    for memory in (chain.not_before, chain.failures):
        for key in [k for k in memory if k.startswith("claim:") and k not in chain.outstanding]:
            if key.rpartition(":")[2] not in held:
                del memory[key]


def collect_report(state: State, event: ReportCollected) -> None:
    """Remember how many signed the report of the cut that was last asked about."""
    if event.epoch == state.duties.asked_epoch:
        state.duties.signed, state.duties.quorum = len(event.signatures), event.quorum


def apply_result(state: State, event: CommandResult) -> None:
    """A chain command that was refused or dropped is over; UNKNOWN and ACK leave it under way.

    One of a shadow run is over as well: nothing failed, and it is decided again after a pause.
    """
    if event.outcome not in ("REJECTED", "DROPPED", "SHADOW"):
        return
    for adapter, outstanding in list(state.chain.outstanding.items()):
        if outstanding.command != event.command:
            continue
        if event.outcome == "SHADOW":
            del state.chain.outstanding[adapter]
            state.chain.not_before[adapter] = max(state.chain.head_number, 0) + _SHADOW_BLOCKS
        else:
            _fail(state, adapter)


def mine(state: State, event: TransactionMined) -> None:
    """Settle the command the receipt belongs to; a second receipt finds nothing to settle."""
    chain = state.chain
    for adapter, outstanding in list(chain.outstanding.items()):
        if outstanding.command != event.command:
            continue
        chain.last_gas_wei = event.gas_used * event.effective_gas_price
        if not event.succeeded:
            _fail(state, adapter)
        else:
            del chain.outstanding[adapter]
            chain.failures.pop(adapter, None)
        chain.not_before[adapter] = max(chain.not_before.get(adapter, -1), event.block_number)


def _fail(state: State, adapter: str) -> None:
    """Free the adapter, but only after a pause that doubles with each failure in a row."""
    chain = state.chain
    del chain.outstanding[adapter]
    failures = chain.failures.get(adapter, 0)
    pause = _BACKOFF_BLOCKS << min(failures, _BACKOFF_MAX_DOUBLINGS)
    chain.failures[adapter] = failures + 1
    chain.not_before[adapter] = max(chain.head_number, 0) + pause


def _derive(pool: PoolState, seen: PoolObserved) -> None:
    settings = pool.settings
    idle = (seen.amount0, seen.amount1)
    in_ranges = holdings(seen.ranges, seen.sqrt_price_x96)
    idle_base = base_of(settings, idle)
    pool.base = idle_base + base_of(settings, in_ranges)
    pool.base_low = idle_base
    pool.base_high = idle_base + sum(most_base_up(settings, entry) for entry in seen.ranges)
    mark = mark_sqrt_price(settings, seen)
    if mark > 0:
        at_mark = holdings(seen.ranges, mark)
        base = idle_base + base_of(settings, at_mark)
        pool.value = asset_of(settings, idle) + asset_of(settings, at_mark)
        pool.value += base_value_down(settings, base, mark)
        pool.in_ranges = asset_of(settings, at_mark)
        pool.in_ranges += base_value_down(settings, base_of(settings, at_mark), mark)
