"""The local world's prices: a seeded or a recorded path, published on-chain and on the exchange."""

import asyncio
import random
from dataclasses import dataclass
from typing import Protocol

import httpx

from keeper.devnet.clock import WorldClock
from keeper.devnet.markets import PRICE_DECIMALS, MarketRoute
from keeper.devnet.rpc import JsonRpc
from keeper.devnet.tape import TapeMarket
from keeper.devnet.tokens import Call, NodeAccounts
from keeper.domain.units import NS_PER_SECOND, PPM

__all__ = [
    "PRICE_DECIMALS",
    "FeedRoute",
    "Listing",
    "Oracle",
    "PricePath",
    "RecordedPath",
    "SeededPath",
]


class PricePath(Protocol):
    """A price that moves; USD with 8 decimals."""

    @property
    def price(self) -> int:
        """The price now."""

    def step(self) -> None:
        """A second has passed."""


class RecordedPath:
    """The recorded mid at the tape's time."""

    def __init__(self, market: TapeMarket, tape_clock: WorldClock) -> None:
        self._market = market
        self._clock = tape_clock

    @property
    def price(self) -> int:
        return self._market.mid(self._clock.now_ns())

    def step(self) -> None:
        """The tape's clock moves it."""


class SeededPath:
    """A driftless multiplicative random walk that a pull keeps within reach of its start.

    `volatility_ppm` is the standard deviation of one second's return, in ppm; `pull_ppm` the part
    of the distance to the start undone each second.
    """

    def __init__(self, seed: int, start: int, *, volatility_ppm: int, pull_ppm: int) -> None:
        self._random = random.Random(seed)
        self._start = start
        self._volatility_ppm = volatility_ppm
        self._pull_ppm = pull_ppm
        self.price = start

    def step(self) -> None:
        noise_ppm = round(self._random.gauss(0, self._volatility_ppm))
        home = (self._start - self.price) * self._pull_ppm // PPM
        self.price += self.price * noise_ppm // PPM + home

    def shift(self, ppm: int) -> None:
        """Move at once, for good: the walk is at home there from now on."""
        self._start += self._start * ppm // PPM
        self.price += self.price * ppm // PPM


@dataclass(frozen=True, slots=True)
class Listing:
    """A market of the exchange and the path its oracle price follows."""

    route: MarketRoute
    path: PricePath

    @property
    def oracle_price(self) -> int:
        """The price in the exponent of the exchange."""
        price: int = self.path.price * 10**-self.route.oracle_exponent // 10**PRICE_DECIMALS
        return price


@dataclass(frozen=True, slots=True)
class FeedRoute:
    """Where a price is published on-chain, by whom, and how often at least."""

    feed: str
    publisher: str
    path: PricePath
    heartbeat_seconds: int
    deviation_ppm: int


class _Feed:
    """One on-chain feed and what was published there last."""

    def __init__(self, route: FeedRoute) -> None:
        self.route = route
        self._price = 0
        self._at = 0

    def round_due(self, now: int) -> bool:
        """Whether heartbeat or deviation asks for a round."""
        moved = abs(self.route.path.price - self._price) * PPM
        late = now - self._at >= self.route.heartbeat_seconds
        return late or moved >= self._price * self.route.deviation_ppm

    async def push(self, accounts: NodeAccounts, now: int) -> None:
        """Publish the path's price."""
        price = self.route.path.price
        await accounts.send(self.route.publisher, self.route.feed, Call("push(int256)", price))
        self._price, self._at = price, now


class Oracle:
    """Publishes prices: every second on the exchange, by heartbeat or deviation on-chain."""

    def __init__(
        self,
        rpc: JsonRpc,
        admin_url: str,
        clock: WorldClock,
        listings: tuple[Listing, ...],
        feed: FeedRoute,
    ) -> None:
        self._accounts = NodeAccounts(rpc)
        self._admin = httpx.AsyncClient(base_url=admin_url, timeout=10)
        self._clock = clock
        self._listings = listings
        self._paths = [listing.path for listing in listings]
        self._feeds = [_Feed(feed)]

    def publish_too(self, feed: FeedRoute) -> None:
        """Publish one more feed from now on, of a price that no market of the exchange has."""
        self._paths.append(feed.path)
        self._feeds.append(_Feed(feed))

    async def run_forever(self) -> None:
        """Publish once a second."""
        while True:
            for path in self._paths:
                path.step()
            await self.publish()
            await asyncio.sleep(1)

    async def publish(self) -> None:
        """Tell the exchange; push a feed round when the heartbeat or the deviation asks for it."""
        for listing in self._listings:
            body = {"market": listing.route.market, "price": listing.oracle_price}
            (await self._admin.post("/admin/oracle", json=body)).raise_for_status()
        for feed in self._feeds:
            if feed.round_due(self._now()):
                await feed.push(self._accounts, self._now())

    async def push_round(self) -> None:
        """Push a round of every feed on-chain now."""
        for feed in self._feeds:
            await feed.push(self._accounts, self._now())

    def _now(self) -> int:
        return self._clock.now_ns() // NS_PER_SECOND

    async def close(self) -> None:
        await self._admin.aclose()
