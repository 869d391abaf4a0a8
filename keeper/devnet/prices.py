"""The local world's price: a seeded path, published as feed rounds and as the venue's oracle."""

import asyncio
import random
from dataclasses import dataclass

import httpx

from keeper.devnet.clock import WorldClock
from keeper.devnet.rpc import JsonRpc
from keeper.devnet.tokens import Call, NodeAccounts
from keeper.domain.units import NS_PER_SECOND, PPM

__all__ = ["FeedRoute", "Oracle", "PricePath"]

PRICE_DECIMALS = 8
"""Path prices are USD with 8 decimals, as the common on-chain feeds have them."""


class PricePath:
    """A driftless multiplicative random walk that a pull keeps within reach of its start.

    `volatility_ppm` is the standard deviation of one second's return, in ppm; `pull_ppm` the part
    of the distance to the start undone each second. A scene may lean on it with `push_ppm`.
    """

    def __init__(self, seed: int, start: int, *, volatility_ppm: int, pull_ppm: int) -> None:
        self._random = random.Random(seed)
        self._start = start
        self._volatility_ppm = volatility_ppm
        self._pull_ppm = pull_ppm
        self.push_ppm = 0
        self.price = start

    def step(self) -> int:
        """Advance one second and return the price (USD, 8 decimals)."""
        noise_ppm = round(self._random.gauss(0, self._volatility_ppm))
        home = (self._start - self.price) * self._pull_ppm // PPM
        self.price += self.price * (noise_ppm + self.push_ppm) // PPM + home
        return self.price


@dataclass(frozen=True, slots=True)
class FeedRoute:
    """Where a price is published: the feed contract and the exchange's market."""

    feed: str
    publisher: str
    market: str
    market_exponent: int
    heartbeat_seconds: int
    deviation_ppm: int


class Oracle:
    """Publishes the path: every second on the exchange, by heartbeat or deviation on-chain."""

    def __init__(
        self, rpc: JsonRpc, admin_url: str, clock: WorldClock, path: PricePath, route: FeedRoute
    ) -> None:
        self._accounts = NodeAccounts(rpc)
        self._admin = httpx.AsyncClient(base_url=admin_url, timeout=10)
        self._clock = clock
        self._route = route
        self._pushed_price = 0
        self._pushed_at = 0
        self.path = path

    async def run_forever(self) -> None:
        """Publish once a second."""
        while True:
            self.path.step()
            await self.publish()
            await asyncio.sleep(1)

    async def publish(self) -> None:
        """Tell the exchange; push a feed round when the heartbeat or the deviation asks for it."""
        price = self.path.price * 10**-self._route.market_exponent // 10**PRICE_DECIMALS
        body = {"market": self._route.market, "price": price}
        (await self._admin.post("/admin/oracle", json=body)).raise_for_status()
        if self._round_due():
            await self.push_round()

    async def push_round(self) -> None:
        """Push a round on-chain now."""
        call = Call("push(int256)", self.path.price)
        await self._accounts.send(self._route.publisher, self._route.feed, call)
        self._pushed_price, self._pushed_at = self.path.price, self._now()

    def _round_due(self) -> bool:
        moved = abs(self.path.price - self._pushed_price) * PPM
        late = self._now() - self._pushed_at >= self._route.heartbeat_seconds
        return late or moved >= self._pushed_price * self._route.deviation_ppm

    def _now(self) -> int:
        return self._clock.now_ns() // NS_PER_SECOND

    async def close(self) -> None:
        await self._admin.aclose()
