"""Who trades on the exchange besides the product: seeded flow, or the accounts of a recording."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final

from keeper.devnet.clob_flow import SlowMaker, TakerFlow, Trader
from keeper.devnet.clock import WorldClock
from keeper.devnet.identities import venue_identity
from keeper.devnet.markets import ETH_USD
from keeper.devnet.prices import PricePath
from keeper.venues.dydx.node import Node

__all__ = ["TAPE_MAKER", "TAPE_TAKER", "BookActors", "Stake"]

TAPE_MAKER: Final = "tape_maker"
TAPE_TAKER: Final = "tape_taker"
_UNIT: Final = 10**6
_SEEDED: Final = ("taker_one", "taker_two", "slow_maker")
_SEEDED_ASSETS: Final = 500_000 * _UNIT
_TAPE_ASSETS: Final = 250_000_000 * _UNIT  # a busy recording moves a hundred million in minutes
_POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Stake:
    """A trader and what it brings to the exchange, in asset units."""

    trader: Trader
    assets: int


class BookActors:
    """Seeded takers and a slow maker in ETH-USD where it is not recorded; a tape's two accounts."""

    def __init__(
        self, node: Node, clock: WorldClock, *, seeded: tuple[PricePath, int] | None, tape: bool
    ) -> None:
        roles = (*(_SEEDED if seeded else ()), *((TAPE_MAKER, TAPE_TAKER) if tape else ()))
        self.stakes = tuple(
            Stake(
                Trader(node, clock, venue_identity(role), ETH_USD),
                _SEEDED_ASSETS if role in _SEEDED else _TAPE_ASSETS,
            )
            for role in roles
        )
        self._takers: TakerFlow | None = None
        self._slow_maker: SlowMaker | None = None
        if seeded is not None:
            path, seed = seeded
            one, two, maker = (stake.trader for stake in self.stakes[: len(_SEEDED)])
            self._takers = TakerFlow((one, two), path, ETH_USD, seed)
            self._slow_maker = SlowMaker(maker, path, ETH_USD)

    @property
    def giver(self) -> Trader:
        """Whoever makes gifts."""
        return self.stakes[-1].trader

    @property
    def is_seeded(self) -> bool:
        """Whether a seeded flow trades, which a scene may lean to one side."""
        return self._takers is not None

    def lean(self, buy_ppm: int) -> None:
        """Make this share of the seeded takers' orders buy."""
        if self._takers is not None:
            self._takers.buy_ppm = buy_ppm

    def quoting(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """What makes the book two-sided without the product."""
        return () if self._slow_maker is None else (self._slow_maker.run_forever(),)

    def taking(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """What takes from the book."""
        return () if self._takers is None else (self._takers.run_forever(),)

    async def until_credited(self, stake: Stake) -> None:
        """Wait until the bridge has brought a stake to its wallet. Raises TimeoutError."""
        async with asyncio.timeout(60):
            while await stake.trader.wallet() < stake.assets:
                await asyncio.sleep(_POLL_SECONDS)
