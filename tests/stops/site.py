"""A local world with a funded vault, a real pool, takers, and one keeper process after another."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from keeper.control.asking import NotRunning, Request, ask
from keeper.devnet.story.facts import ExchangeWatch, Facts
from keeper.devnet.story.narrator import Narrator
from keeper.devnet.story.scenes import Play
from keeper.devnet.story.stage import Stage
from keeper.devnet.world import World

__all__ = ["Running", "Site", "open_site"]

_CROWD: Final = 3
_COOLDOWN_SECONDS: Final = 61
_LOOK_SECONDS: Final = 0.3
_OVERRIDES: Final = (
    *("markets.0.hedge_max_slippage_ppm=20000", "limits.drawdown_ppm=900000"),
    "limits.stress_shock_ppm=0",
)
"""So that an exit finds somebody to leave to, no stop trips but the one that is meant, and a keeper
that may lose nothing goes on quoting until it has lost something."""


@dataclass(frozen=True, slots=True)
class Site:
    """The world and the product's other processes; keepers come and go."""

    world: World
    stage: Stage
    play: Play
    indexer: httpx.AsyncClient

    async def state(self) -> dict[str, Any]:
        """The exchange's own state."""
        return await self.world.exchange.state()

    async def height(self) -> int:
        """The exchange's height."""
        return int((await self.state())["height"])

    @property
    def _own(self) -> str:
        return f"{self.world.owner_wallet.address}/0"

    async def resting(self) -> int:
        """How many orders of ours rest on the exchange's book."""
        orders = (await self.state())["resting"]
        return sum(order["subaccount"] == self._own for order in orders)

    async def position(self) -> int:
        """Our committed position, in base quantums."""
        held = (await self.state())["subaccounts"].get(self._own, {"positions": {}})
        return sum(position["quantums"] for position in held["positions"].values())

    async def fills(self) -> list[dict[str, Any]]:
        """Our fills by the indexer's word, oldest first."""
        return list(reversed(await self.play.facts.fills()))

    async def is_reduce_only(self, order_id: str) -> bool:
        """Whether the exchange knows an order as one that can only reduce."""
        answer = await self.indexer.get(f"/v4/orders/{order_id}")
        answer.raise_for_status()
        return bool(answer.json()["reduceOnly"])

    @property
    def asset_is_token0(self) -> bool:
        """Whether the vault's asset is the pool's first token."""
        contracts = self.world.contracts
        return int(contracts.usdc, 16) < int(contracts.weth, 16)

    async def ranges(self) -> int:
        """How many ranges the adapter holds in the pool, by the chain's word."""
        return len(await self.play.facts.ranges())

    async def until(
        self, what: str, probe: Callable[[], Awaitable[bool]], seconds: float = 90
    ) -> None:
        """Wait for a condition. Raises TimeoutError."""
        await self.stage.until(what, probe, patience_seconds=seconds)

    async def blocks(self, count: int) -> None:
        """Let the exchange make so many blocks."""
        target = await self.height() + count

        async def made() -> bool:
            return await self.height() >= target

        await self.until(f"{count} blocks", made)

    async def cool_down(
        self, what: str, probe: Callable[[], Awaitable[bool]], rounds: int = 8
    ) -> None:
        """Let one pool cooldown after another pass until a condition holds."""
        for _ in range(rounds):
            for _ in range(12):
                if await probe():
                    return
                await asyncio.sleep(_LOOK_SECONDS)
            await self.world.advance(_COOLDOWN_SECONDS)
        await self.until(what, probe)


@dataclass(slots=True)
class Running:
    """One journal and the keeper process on it."""

    site: Site
    journal: Path

    async def start(self) -> None:
        """Start a keeper on the journal and wait until it answers."""
        stage, world = self.site.stage, self.site.world
        keys = {
            "KEEPER_HOT_KEY": world.people["keeper"].key,
            "KEEPER_VENUE_KEY": world.hot_wallet.key,
        }
        await stage.start("keeper", ("run", *self.where), keys)

        async def answers() -> bool:
            return bool(await self.ask("status"))

        await self.site.until("the keeper's answer", answers)

    @property
    def where(self) -> Sequence[str]:
        """Options that name this keeper."""
        settings = (f"journal.folder={self.journal}", *_OVERRIDES)
        words = [word for each in settings for word in ("--set", each)]
        return ("--config", str(self.site.stage.config), *words)

    async def ask(self, verb: str) -> dict[str, Any]:
        """Ask its control socket; empty while nobody answers."""
        with contextlib.suppress(NotRunning):
            answer = await asyncio.to_thread(ask, self.journal, Request(verb=verb))
            return dict(answer[verb])
        return {}

    async def say(self, *words: str) -> dict[str, Any]:
        """Run a command of the product on it, as a person would."""
        return await self.site.stage.run(*words, *self.where, "--json")

    async def kill(self) -> None:
        """SIGKILL."""
        child = self.site.stage.children["keeper"]
        child.stopping = True
        child.process.send_signal(signal.SIGKILL)
        await child.process.wait()

    async def stop(self) -> None:
        """Ask it to end."""
        await self.site.stage.stop("keeper")


@asynccontextmanager
async def open_site(out: Path, seed: int) -> AsyncIterator[Site]:
    """Start everything but the keeper, have the first deposits settled, let others trade."""
    async with AsyncExitStack() as stack:
        world = World(out / "world", seed)
        stack.push_async_callback(world.stop)
        stage = Stage(world)
        stack.push_async_callback(stage.close)
        await world.start()
        facts = Facts(world)
        stack.push_async_callback(facts.close)
        play = Play(world, stage, facts, ExchangeWatch(world), Narrator())
        await play.open()
        await play.deposit()
        await play.settle(first=True)
        await world.fund_operator()
        for _ in range(_CROWD):
            world.open_order_flow()
        indexer = httpx.AsyncClient(base_url=world.exchange.endpoints.rest, timeout=10)
        await stack.enter_async_context(indexer)
        yield Site(world, stage, play, indexer)
