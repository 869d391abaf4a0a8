"""The adapter's connections and what it was told, bundled; opened lazily, closed together."""

from dataclasses import dataclass

from keeper.ports import Clock
from keeper.venues.dydx.indexer import Indexer
from keeper.venues.dydx.node import Node
from keeper.venues.dydx.reader import Reader
from keeper.venues.dydx.settings import DydxSettings

__all__ = ["Links", "make_links"]


@dataclass(frozen=True, slots=True)
class Links:
    """Everything a part of the adapter may talk to."""

    settings: DydxSettings
    node: Node
    reader: Reader
    indexer: Indexer
    clock: Clock

    async def close(self) -> None:
        """Close node and indexer connections."""
        await self.indexer.close()
        await self.node.close()


def make_links(settings: DydxSettings, clock: Clock) -> Links:
    """Build the transports of these settings; nothing is connected yet."""
    node = Node(
        settings.grpc_endpoint,
        insecure=settings.grpc_insecure,
        query_deadline_ms=settings.query_deadline_ms,
        fallbacks=settings.grpc_fallbacks,
        chain_id=settings.chain_id,
    )
    indexer = Indexer(
        settings.rest_url,
        address=settings.address,
        subaccount=settings.subaccount,
        deadline_ms=settings.query_deadline_ms,
    )
    return Links(settings, node, Reader(node), indexer, clock)
