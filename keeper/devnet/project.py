"""A project beside the world: its token with a feed and a pool, its vault, bonds for everybody."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from keeper.devnet.deployment import EXTERNALS, PROTOCOL, ROOT, run_script
from keeper.devnet.identities import EVM_ROLES
from keeper.devnet.pool_flow import PoolFlow, PoolRoute
from keeper.devnet.prices import FeedRoute, SeededPath
from keeper.devnet.tokens import Call
from keeper.devnet.world import ASSET_UNIT, World

__all__ = ["PROJECT_REPORTERS", "TOKEN_UNIT", "Project", "found_project"]

PROJECT_REPORTERS: Final = (
    "project_reporter_one",
    "project_reporter_two",
    "project_reporter_three",
)
TOKEN_UNIT: Final = 10**18
_POOL_NAME: Final = "alb-usdc"
_PARAMS: Final = "local_project.toml"
_PRICE_E8: Final = 2 * 10**8
_FEE_PPM: Final = 500
_LISTING_ASSETS: Final = 220_000 * ASSET_UNIT
_SWAPPER_ASSETS: Final = 100_000 * ASSET_UNIT
_SWAPPER_TOKENS: Final = 50_000 * TOKEN_UNIT
_NOISE_ASSETS: Final = 300 * ASSET_UNIT


@dataclass(frozen=True, slots=True)
class Project:
    """Addresses of a project's contracts, and of the bonds' that serve it."""

    token: str
    feed: str
    pool: str
    vault: str
    stake: str
    reporter: str
    pool_adapter: str
    teller: str
    note: str
    lens: str


async def found_project(world: World) -> Project:
    """Deploy it as its team would, publish its feed, and let others trade in its pool.

    The team brings what it lists with. Raises ChildFailed.
    """
    await world.mint("project", _LISTING_ASSETS)
    project = await _deploy(world)
    path = SeededPath(world.seed + 3, _PRICE_E8, volatility_ppm=60, pull_ppm=20_000)
    publisher = world.people["project"].address
    world.oracle.publish_too(FeedRoute(project.feed, publisher, path, 60, 1_000))
    await _let_trade(world, project, path)
    (world.folder / "project.world.json").write_text(json.dumps(asdict(project), indent=2) + "\n")
    return project


async def _deploy(world: World) -> Project:
    folder = world.folder
    vault, record = folder / _PARAMS, folder / "project.json"
    vault.write_text(_with_people(world))
    await run_script(
        folder,
        "local_project",
        *("--network", world.anvil.url, "--account", f"TEST::{EVM_ROLES.index('project')}"),
        *("--world", str(folder / EXTERNALS), "--protocol", str(folder / PROTOCOL)),
        *("--vault", str(vault), "--out", str(record)),
    )
    return _read(record, folder / PROTOCOL)


def _with_people(world: World) -> str:
    """The parameters with addresses for roles. Raises KeyError for a role nobody has."""
    written = (ROOT / "scripts" / "params" / _PARAMS).read_text()
    return re.sub(r'"<(\w+)>"', lambda found: f'"{world.people[found[1]].address}"', written)


def _read(record: Path, protocol: Path) -> Project:
    named = {
        name: entry["address"]
        for file in (protocol, record)
        for name, entry in json.loads(file.read_text())["contracts"].items()
    }
    return Project(
        token=named["project_token"],
        feed=named["project_feed"],
        pool=named["uniswap_v3_pool"],
        vault=named["vault"],
        stake=named["stake"],
        reporter=named["reporter"],
        pool_adapter=named[f"uniswap_v3.{_POOL_NAME}"],
        teller=named["bond_teller"],
        note=named["bond_note"],
        lens=named["bond_lens"],
    )


async def _let_trade(world: World, project: Project, path: SeededPath) -> None:
    route = PoolRoute(
        pool=project.pool,
        router=world.contracts.router,
        asset=world.contracts.usdc,
        base=project.token,
        asset_is_token0=int(world.contracts.usdc, 16) < int(project.token, 16),
        asset_decimals=6,
        base_decimals=18,
        fee_ppm=_FEE_PPM,
        arbitrageur=world.people["arbitrageur"].address,
        noise=world.people["noise"].address,
        noise_assets=_NOISE_ASSETS,
    )
    team = world.people["project"].address
    for role in ("arbitrageur", "noise"):
        await world.mint(role, _SWAPPER_ASSETS)
        call = Call("transfer(address,uint256)", world.people[role].address, _SWAPPER_TOKENS)
        await world.accounts.send(team, project.token, call)
    flow = PoolFlow(world.anvil.rpc, path, route, world.seed + 4)
    await flow.prepare()
    world.spawn(flow.run_forever())
