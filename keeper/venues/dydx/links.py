"""The adapter's connections and what it was told, bundled; opened lazily, closed together."""

from dataclasses import dataclass
from typing import Protocol

from keeper.ports import Clock
from keeper.venues.dydx.indexer import Indexer
from keeper.venues.dydx.node import Node
from keeper.venues.dydx.reader import Reader
from keeper.venues.dydx.settings import DydxSettings

__all__ = ["Gate", "Links", "make_links"]


class Gate(Protocol):
    """What must work besides the connections before anything is quoted: the signer."""

    async def ready(self) -> None:
        """Return once it works. Raises VenueUnavailable."""
        ...

    async def lost(self) -> None:
        """Wait until it works no more, then raise VenueUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Links:
    """Everything a part of the adapter may talk to."""

    settings: DydxSettings
    node: Node
    reader: Reader
    indexer: Indexer
    clock: Clock
    gate: Gate | None = None

    async def close(self) -> None:
        """Close node and indexer connections."""
        await self.indexer.close()
        await self.node.close()


def make_links(settings: DydxSettings, clock: Clock, gate: Gate | None = None) -> Links:
    """Build the transports of these settings; nothing is connected yet. Reading needs no gate."""
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
    return Links(settings, node, Reader(node), indexer, clock, gate)
