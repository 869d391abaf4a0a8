"""Follows the head of the chain: every block once, reorganisations by parent hash."""

from dataclasses import dataclass
from typing import Final

from keeper.chain.calls import Block, block_of
from keeper.chain.rpc import JsonRpc
from keeper.domain.errors import ChainUnavailable

__all__ = ["BlockFollower", "Step"]

_REMEMBERED: Final = 256
_CATCH_UP: Final = 64


@dataclass(frozen=True, slots=True)
class Step:
    """What one poll found: blocks no longer canonical (newest first), new ones (oldest first).

    `skipped` is set when the head ran too far ahead to fetch every block between.
    """

    reverted: tuple[Block, ...] = ()
    seen: tuple[Block, ...] = ()
    skipped: tuple[int, int] | None = None


class BlockFollower:
    """Remembers the last canonical blocks and compares parent hashes."""

    def __init__(self, rpc: JsonRpc) -> None:
        self._rpc = rpc
        self._chain: list[Block] = []

    @property
    def head(self) -> Block | None:
        return self._chain[-1] if self._chain else None

    async def poll(self) -> Step:
        """Ask for the head and connect it to what is known.

        An older block of the same chain is a lagging node, not news. Raises ChainUnavailable,
        and then remembers what it knew before.
        """
        found = block_of(await self._rpc.call("eth_getBlockByNumber", "latest", False))
        head = self.head
        if any(block.hash == found.hash for block in reversed(self._chain)):
            return Step()
        if head is None or found.number > head.number + _CATCH_UP:
            self._chain = [found]
            skipped = (head.number + 1, found.number) if head is not None else None
            return Step(seen=(found,), skipped=skipped)
        return await self._connect(found)

    async def _connect(self, found: Block) -> Step:
        """Fetch blocks back to the last common ancestor; what lies above it is reverted."""
        known, path, reverted = list(self._chain), [found], []
        while known and known[-1].number >= found.number:
            reverted.append(known.pop())
        while known and path[0].parent_hash != known[-1].hash:
            if path[0].number == known[-1].number + 1:
                reverted.append(known.pop())
            path.insert(0, await self._parent(path[0]))
        self._chain = (known + path)[-_REMEMBERED:]
        return Step(tuple(reverted), tuple(path))

    async def _parent(self, block: Block) -> Block:
        parent = block_of(await self._rpc.call("eth_getBlockByHash", block.parent_hash, False))
        if parent.number != block.number - 1:
            raise ChainUnavailable(f"node gave block {parent.number} as parent of {block.number}")
        return parent
