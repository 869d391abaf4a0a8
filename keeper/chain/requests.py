"""Reads what a vault asked home from an order-book venue: the treasurer's port on a node."""

from dataclasses import dataclass

from keeper.chain.calls import block_of, read_at, view
from keeper.chain.rpc import JsonRpc, quantity

__all__ = ["ClobRequests"]


@dataclass(frozen=True, slots=True)
class ClobRequests:
    """One ClobAdapter, read `confirmations` blocks behind the head: a fork asks for nothing."""

    rpc: JsonRpc
    adapter: str
    confirmations: int

    async def requested(self) -> int:
        """Cumulative asset units asked home. Raises ChainUnavailable, CallReverted, WireError."""
        head = quantity(await self.rpc.call("eth_blockNumber"))
        number = hex(max(0, head - self.confirmations))
        block = block_of(await self.rpc.call("eth_getBlockByNumber", number, False))
        ((total,),) = await read_at(
            self.rpc, block, [view("ClobAdapter", self.adapter, "returnRequested")]
        )
        return int(total)
