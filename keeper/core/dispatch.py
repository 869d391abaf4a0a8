"""Books approved chain commands: one under way per adapter until its receipt, then a fresh look."""

from keeper.core.state import Outstanding, State
from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import ChainCommand, Command, CommandId

__all__ = ["EPOCH", "is_ready", "outgoing", "send"]

EPOCH = "epoch"
"""The key under which the epoch's own command is kept among those of adapters."""


def is_ready(state: State, adapter: str, block_number: int) -> bool:
    """Tell whether an adapter may be given a command on the strength of an observation."""
    chain = state.chain
    if adapter in chain.outstanding:
        return False
    return block_number >= chain.not_before.get(adapter, -1)


def outgoing(state: State) -> int:
    """Asset units that are about to leave the vault."""
    return sum(
        entry.assets for entry in state.chain.outstanding.values() if entry.kind == "Allocate"
    )


def send(
    state: State,
    adapter: str,
    verdict: Approved[ChainCommand] | Refused,
    assets: int,
    out: list[Approved[Command]],
) -> Refused | None:
    """Append an approved command and remember it until its receipt; return a refusal as it is."""
    if isinstance(verdict, Refused):
        return verdict
    state.chain.outstanding[adapter] = Outstanding(
        command=CommandId(run=state.run, seq=state.seq, ordinal=len(out)),
        kind=type(verdict.value).__name__,
        assets=assets,
        since_block=state.chain.head_number,
    )
    out.append(verdict)
    return None
