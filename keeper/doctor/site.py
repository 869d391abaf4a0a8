"""What the checks look at: the configuration, its clock, and read-only connections."""

from collections.abc import Mapping
from dataclasses import dataclass

from keeper.chain.rpc import JsonRpc
from keeper.config import LoadedConfig
from keeper.config.model import Config
from keeper.ports import Clock
from keeper.venues.dydx.indexer import Indexer
from keeper.venues.dydx.node import Node
from keeper.venues.dydx.reader import Reader

__all__ = ["Site"]


@dataclass(frozen=True, slots=True)
class Site:
    """Everything is opened lazily; no key is in it, and nothing in it is used to send."""

    loaded: LoadedConfig
    clock: Clock
    environ: Mapping[str, str]
    rpc: JsonRpc
    node: Node
    reader: Reader
    indexer: Indexer

    @property
    def config(self) -> Config:
        return self.loaded.config

    @property
    def is_keeper(self) -> bool:
        """Whether this configuration is one of `keeper run`."""
        return bool(self.config.markets or self.config.pools)

    async def close(self) -> None:
        """Close every connection."""
        await self.rpc.close()
        await self.node.close()
        await self.indexer.close()
