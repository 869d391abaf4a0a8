"""Reads what was burnt of a keeper's stake, from its own logs."""

from dataclasses import dataclass
from typing import Final

from keeper.chain.calls import Block
from keeper.chain.event_logs import Progress, Span, read_logs
from keeper.chain.rpc import JsonRpc

__all__ = ["Penalty", "read_penalties"]

_CONTRACT: Final = "KeeperStake"


@dataclass(frozen=True, slots=True)
class Penalty:
    """One burning: whose shares, for which unpaid cut, how many, for the day that ended `until`."""

    keeper: str
    epoch: int
    shares: int
    until: int
    block: int
    tx_hash: str


async def read_penalties(
    rpc: JsonRpc,
    stake: str,
    *,
    first_block: int,
    block: Block,
    progress: Progress | None = None,
) -> tuple[Penalty, ...]:
    """Read every penalty up to a block, oldest first, of whichever keeper.

    Raises ChainUnavailable, NodeRefused, WireError.
    """
    span = Span(first_block, block.number)
    logs = await read_logs(rpc, _CONTRACT, stake, ("Penalise",), span, progress=progress)
    return tuple(
        Penalty(
            keeper=log.values["keeper"],
            epoch=log.values["epoch"],
            shares=log.values["shares"],
            until=log.values["penalisedUntil"],
            block=log.block,
            tx_hash=log.tx_hash,
        )
        for log in logs
    )
