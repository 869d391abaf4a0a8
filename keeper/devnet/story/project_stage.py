"""What a project acts with: a configuration of its own, its keeper, its reporters, its commands."""

import json
from typing import Any

from keeper.devnet.anvil import free_port
from keeper.devnet.deployment import PROTOCOL
from keeper.devnet.exchange_process import CHAIN_ID as VENUE_CHAIN_ID
from keeper.devnet.identities import venue_identity
from keeper.devnet.project import PROJECT_REPORTERS, Project
from keeper.devnet.story.stage import Stage

__all__ = ["ProjectStage"]

JOURNAL = "project-journal"
_SETTINGS = {
    "venue.adapter": "none",
    "markets": "[]",
    "pools.0.hedge_market": "none",
    "pools.0.cooldown_seconds": "60",
    "allocation.clob_target_ppm": "0",
    "allocation.pool_target_ppm": "600000",
    "limits.daily_loss_quote_quantums": "10000000000",
    "journal.folder": JOURNAL,
    "reporter.journal_folder": JOURNAL,
    "reporter.venue_grpc_insecure": "true",
}
"""A vault of one pool: no order book, and nothing that hedges."""


class ProjectStage:
    """Runs `keeper` for a project's vault, beside the story's own stage and through it."""

    def __init__(self, stage: Stage, project: Project) -> None:
        self.project = project
        self.config = stage.world.folder / "project.toml"
        self.stage = stage
        self._ports = [free_port() for _ in PROJECT_REPORTERS]

    async def write_config(self) -> None:
        """Write the configuration of every role with `keeper config init`."""
        self.config.unlink(missing_ok=True)
        values = {**_SETTINGS, **self._places(), **await self._venue()}
        roles = [word for role in ("keeper", "reporter", "relay") for word in ("--role", role)]
        settings = [word for item in values.items() for word in ("--set", "=".join(item))]
        out = ("--venue", "local", "--out", str(self.config), "--no-input", "--json")
        await self.stage.run("config", "init", *out, *roles, *settings)

    def _places(self) -> dict[str, str]:
        project, world = self.project, self.stage.world
        asset_is_token0 = int(world.contracts.usdc, 16) < int(project.token, 16)
        urls = [f"http://127.0.0.1:{port}" for port in self._ports]
        return {
            "vault.address": project.vault,
            "vault.reporter": project.reporter,
            "evm.rpc_url": world.anvil.url,
            "reporter.evm_rpc_url": world.anvil.url,
            "clock.source": str(world.clock.path.resolve()),
            "pools.0.adapter": project.pool_adapter,
            "pools.0.pool": project.pool,
            "pools.0.asset_is_token0": json.dumps(asset_is_token0),
            "relay.reporter_urls": json.dumps(urls),
        }

    async def _venue(self) -> dict[str, str]:
        """The exchange, by whose blocks reporters and keeper know how late it is."""
        exchange = self.stage.world.exchange
        ends = exchange.endpoints
        return {
            "venue.chain_id": VENUE_CHAIN_ID,
            "venue.grpc_endpoint": ends.grpc,
            "venue.rest_url": ends.rest,
            "venue.ws_url": ends.websocket,
            "venue.address": venue_identity("project").address,
            "venue.bridge_address": await exchange.bridge_account(),
            "reporter.venue_grpc_endpoint": ends.grpc,
            "reporter.venue_rest_url": ends.rest,
        }

    async def vault(self, person: str, *arguments: str) -> dict[str, Any]:
        """Run `keeper vault ...` as a person of the project's world."""
        return await self.run("vault", *arguments, person=person)

    async def run(self, *arguments: str, person: str) -> dict[str, Any]:
        """Run a keeper command on the project's configuration."""
        where = ("--config", str(self.config), "--json")
        return await self.stage.run(*arguments, *where, person=person)

    async def bond(self, person: str, *arguments: str) -> dict[str, Any]:
        """Run `keeper bond ...` as a person does who has the address book and a node."""
        world = self.stage.world
        where = ("--rpc-url", world.anvil.url, "--book", str(world.folder / PROTOCOL))
        return await self.stage.run("bond", *arguments, *where, "--json", person=person)

    async def start_reporters(self) -> None:
        """Start the quorum: every reporter with its own key, port and captures."""
        for role, port in zip(PROJECT_REPORTERS, self._ports, strict=True):
            await self.stage.start(
                role,
                ("reporter", "serve", "--config", str(self.config)),
                {
                    "KEEPER__REPORTER__BIND_PORT": str(port),
                    "KEEPER__REPORTER__CAPTURE_FOLDER": f"captures-{role}",
                    "KEEPER_REPORTER_KEY": self.stage.world.people[role].key,
                },
            )

    def is_captured(self, epoch: int) -> bool:
        """Whether every reporter has captured an epoch's cut."""
        return all(self.stage.captures(role, epoch) for role in PROJECT_REPORTERS)

    async def start_keeper(self) -> None:
        """Start the keeper with its one hot key: there is no order book to trade on."""
        keys = {"KEEPER_HOT_KEY": self.stage.world.people["project_keeper"].key}
        run = ("run", "--config", str(self.config))
        await self.stage.start("project_keeper", run, keys)

    async def stop(self) -> None:
        """Stop keeper and quorum. Raises RuntimeError when the keeper did not end well."""
        code = await self.stage.stop("project_keeper")
        for role in PROJECT_REPORTERS:
            await self.stage.stop(role)
        if code != 0:
            raise RuntimeError(f"the project's keeper ended with code {code}")
