"""What the story acts with: the configuration of the product, its processes and its commands."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from keeper.devnet.anvil import free_port
from keeper.devnet.exchange_process import CHAIN_ID as VENUE_CHAIN_ID
from keeper.devnet.processes import Child, run_to_end, start_child
from keeper.devnet.story.quoting import inline, limits, markets
from keeper.devnet.world import World

__all__ = ["REPORTERS", "Stage"]

REPORTERS = ("reporter_one", "reporter_two", "reporter_three")


class Stage:
    """Runs `keeper` as a person would: by its command line, with keys in the environment."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.config = world.folder / "keeper.toml"
        self.journal = world.folder / "journal"
        self.children: dict[str, Child] = {}
        self._reporter_ports = [free_port() for _ in REPORTERS]

    async def write_config(self) -> None:
        """Write the configuration of every role with `keeper config init`."""
        self.config.unlink(missing_ok=True)
        contracts, venue = self.world.contracts, self.world.exchange.endpoints
        asset_is_token0 = int(contracts.usdc, 16) < int(contracts.weth, 16)
        urls = [f"http://127.0.0.1:{port}" for port in self._reporter_ports]
        values = {
            "vault.address": contracts.vault,
            "vault.reporter": contracts.reporter,
            "evm.rpc_url": self.world.anvil.url,
            "venue.chain_id": VENUE_CHAIN_ID,
            "venue.grpc_endpoint": venue.grpc,
            "venue.rest_url": venue.rest,
            "venue.ws_url": venue.websocket,
            "venue.address": self.world.owner_wallet.address,
            "venue.authenticator_ids": json.dumps([self.world.authenticator_id]),
            "clock.source": str(self.world.clock.path.resolve()),
            "pools.0.adapter": contracts.pool_adapter,
            "pools.0.pool": contracts.pool,
            "markets": inline(markets(self.world.tape)),
            **{f"limits.{name}": str(value) for name, value in limits(self.world.tape).items()},
            **self._leader(),
            "pools.0.cooldown_seconds": "60",
            "pools.0.asset_is_token0": json.dumps(asset_is_token0),
            "venue.adapter": contracts.clob_adapter,
            "reporter.evm_rpc_url": self.world.anvil.url,
            "reporter.venue_grpc_endpoint": venue.grpc,
            "reporter.venue_grpc_insecure": "true",
            "reporter.venue_rest_url": venue.rest,
            "venue.bridge_address": await self.world.exchange.bridge_account(),
            "relay.reporter_urls": json.dumps(urls),
        }
        roles = [
            word
            for role in ("keeper", "reporter", "treasurer", "relay")
            for word in ("--role", role)
        ]
        settings = [word for item in values.items() for word in ("--set", "=".join(item))]
        out = ("--venue", "local", "--out", str(self.config), "--no-input", "--json")
        await self.run("config", "init", *out, *roles, *settings)

    def _leader(self) -> dict[str, str]:
        """Where the keeper finds the exchange that leads the venue's, where one is recorded."""
        server, tape = self.world.leader, self.world.tape
        if server is None or tape is None:
            return {}
        market = tape.markets[0].recording.market
        return {
            "leader.kind": f"binance-{market}",
            "leader.ws_url": server.ws_url,
            "leader.rest_url": server.rest_url,
        }

    async def run(self, *arguments: str, person: str | None = None) -> dict[str, Any]:
        """Run a keeper command to its end and return its JSON. Raises ChildFailed."""
        name = "keeper " + " ".join(arguments[:2])
        log = self.world.folder / "commands.log"
        output = await run_to_end(name, (*self._keeper, *arguments), log, self._keys(person))
        answer: dict[str, Any] = json.loads(output)
        return answer

    async def vault(self, person: str, *arguments: str) -> dict[str, Any]:
        """Run `keeper vault ...` as a person of the world."""
        return await self.run(
            "vault", *arguments, "--config", str(self.config), "--json", person=person
        )

    async def start_reporters(self) -> None:
        """Start every reporter in a process of its own, with its own key, port and captures."""
        for role, port in zip(REPORTERS, self._reporter_ports, strict=True):
            await self.start(
                role,
                ("reporter", "serve", "--config", str(self.config)),
                {
                    "KEEPER__REPORTER__BIND_PORT": str(port),
                    "KEEPER__REPORTER__CAPTURE_FOLDER": f"captures-{role}",
                    "KEEPER_REPORTER_KEY": self.world.people[role].key,
                },
            )

    def captures(self, role: str, epoch: int) -> list[Path]:
        """What a reporter has kept of an epoch's cut."""
        return list(self.world.folder.glob(f"captures-{role}/cut-{epoch:08d}-*.json"))

    async def start_treasurer(self) -> None:
        """Start the treasurer with the owner key of the venue account."""
        key = {"KEEPER_TREASURER_KEY": self.world.owner_wallet.key}
        await self.start("treasurer", ("treasurer", "serve", "--config", str(self.config)), key)

    async def start_keeper(self) -> None:
        """Start the keeper with its two hot keys."""
        keys = {
            "KEEPER_HOT_KEY": self.world.people["keeper"].key,
            "KEEPER_VENUE_KEY": self.world.hot_wallet.key,
        }
        await self.start("keeper", ("run", "--config", str(self.config)), keys)

    async def start(self, name: str, arguments: tuple[str, ...], keys: dict[str, str]) -> None:
        """Start a long-running keeper command."""
        log = self.world.folder / f"{name}.log"
        self.children[name] = await start_child(name, (*self._keeper, *arguments), log, keys)

    async def stop(self, name: str) -> int:
        """Stop a process and return its exit code."""
        return await self.children[name].stop()

    async def until(
        self, what: str, condition: Callable[[], Awaitable[bool]], *, patience_seconds: float = 90
    ) -> None:
        """Wait for a condition, checking that every process still runs. Raises TimeoutError."""
        end = time.monotonic() + patience_seconds
        while not await condition():
            self.world.check()
            for child in self.children.values():
                child.check()
            if time.monotonic() > end:
                raise TimeoutError(f"waited {patience_seconds:.0f} s for: {what}")
            await asyncio.sleep(0.5)

    async def close(self) -> None:
        """Stop every process, newest first."""
        for child in reversed(list(self.children.values())):
            await child.stop()

    @property
    def tickers(self) -> tuple[str, ...]:
        """The markets that the keeper quotes."""
        return tuple(market["ticker"] for market in markets(self.world.tape))

    @property
    def _keeper(self) -> tuple[str, ...]:
        return (str(Path(sys.executable).with_name("keeper")),)

    def _keys(self, person: str | None) -> dict[str, str]:
        if person is None:
            return {}
        key = self.world.people[person].key
        return {"KEEPER_DEPOSITOR_KEY": key, "KEEPER_RELAYER_KEY": key}
