"""A local world with a funded vault, a real pool, takers, and one keeper process after another."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from keeper.cli.exits import ExitCode
from keeper.control.asking import NotRunning, Request, ask
from keeper.devnet.anvil import free_port
from keeper.devnet.processes import start_child
from keeper.devnet.story.facts import ExchangeWatch, Facts
from keeper.devnet.story.narrator import Narrator
from keeper.devnet.story.scenes import Play
from keeper.devnet.story.stage import Stage
from keeper.devnet.tokens import Call
from keeper.devnet.world import World
from tests.stops.relay import NodeRelay

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
_FEED_UNIT: Final = 10**8
_ASSET_FEED: Final = "0x00000000000000000000000000000000a55e7fee"
_ETHER: Final = 10**18


@dataclass(frozen=True, slots=True)
class Site:
    """The world and the product's other processes; keepers come and go."""

    world: World
    stage: Stage
    play: Play
    indexer: httpx.AsyncClient
    relay: NodeRelay
    asset_feed: str

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

    async def quotes_both(self) -> bool:
        """Whether orders of ours rest on both sides of the book."""
        orders = (await self.state())["resting"]
        return len({it["side"] for it in orders if it["subaccount"] == self._own}) > 1

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

    async def act(self, sender: str, to: str, call: Call) -> None:
        """Send a transaction as anybody the node signs for and wait until it is mined."""
        accounts = self.world.accounts
        digest = await accounts.send(sender, to, call)

        async def mined() -> bool:
            return await accounts.receipt(digest) is not None

        await self.until(f"{call.signature}", mined)

    async def price_asset(self, ppm: int) -> None:
        """Have the feed of the vault's asset answer so many ppm of 1, now."""
        price = _FEED_UNIT * ppm // 10**6
        owner = self.world.people["owner"].address
        await self.act(owner, self.asset_feed, Call("push(int256)", price))

    async def give_gas(self, address: str, wei: int = 100 * _ETHER) -> None:
        """Set what an account has for gas."""
        await self.world.anvil.rpc.call("anvil_setBalance", address, hex(wei))

    async def impersonate(self, address: str) -> None:
        """Have the node sign for an address whose key nobody has."""
        await self.world.anvil.rpc.call("anvil_impersonateAccount", address)
        await self.give_gas(address)

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
    """One journal and the keeper process on it, with settings of its own; `broken` names what is
    broken in it on purpose."""

    site: Site
    journal: Path
    settings: Sequence[str] = ()
    broken: str = ""
    ended: str = field(default="", init=False)
    """Code of the error that its last start ended with."""

    async def start(self) -> None:
        """Start a keeper on the journal and wait until it answers, or has ended."""
        stage, world = self.site.stage, self.site.world
        keys = {
            "KEEPER_HOT_KEY": world.people["keeper"].key,
            "KEEPER_VENUE_KEY": world.hot_wallet.key,
        }
        program: tuple[str, ...] = (str(Path(sys.executable).with_name("keeper")),)
        if self.broken:
            program = (sys.executable, "-m", "tests.stops.broken", self.broken)
        command = (*program, "run", *self.where)
        log = world.folder / "keeper.log"
        child = await start_child("keeper", command, log, keys)
        child.stopping = True
        stage.children["keeper"] = child

        async def decided() -> bool:
            return child.process.returncode is not None or bool(await self.ask("status"))

        await self.site.until("the keeper's answer", decided)
        code = child.process.returncode
        child.stopping = False
        self.ended = "" if code is None else _said(code)
        if self.ended:
            del stage.children["keeper"]

    @property
    def where(self) -> Sequence[str]:
        """Options that name this keeper."""
        settings = (f"journal.folder={self.journal}", *_OVERRIDES, *self.settings)
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
        """SIGKILL, of what still runs."""
        child = self.site.stage.children.get("keeper")
        if child is None:
            return
        child.stopping = True
        child.process.send_signal(signal.SIGKILL)
        await child.process.wait()

    async def stop(self) -> None:
        """Ask it to end."""
        if "keeper" in self.site.stage.children:
            await self.site.stage.stop("keeper")


def _said(exit_code: int) -> str:
    return "CHAIN_UNAVAILABLE" if exit_code == ExitCode.CHAIN else f"exit code {exit_code}"


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
        relay = NodeRelay(world.anvil.url, free_port())
        stack.push_async_callback(relay.close)
        await relay.open()
        site = Site(world, stage, play, indexer, relay, _ASSET_FEED)
        await _place_asset_feed(site)
        yield site


async def _place_asset_feed(site: Site) -> None:
    """Put a feed like the ether's where the asset's is read: same publisher, no round yet."""
    rpc = site.world.anvil.rpc
    code = await rpc.call("eth_getCode", site.world.contracts.feed, "latest")
    await rpc.call("anvil_setCode", site.asset_feed, code)
    await site.price_asset(10**6)
