"""The world keepers are killed in: one chain, one exchange, a funded vault, busy takers."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from keeper.devnet.leader import LeaderServer
from keeper.devnet.story.facts import ExchangeWatch, Facts
from keeper.devnet.story.narrator import Narrator
from keeper.devnet.story.scenes import DEPOSITS, Play
from keeper.devnet.story.stage import REPORTERS, Stage
from keeper.devnet.world import World
from keeper.domain.units import NS_PER_MS
from keeper.recordings import load_recordings
from tests.e2e.console import ROOT
from tests.e2e.crash.keepers import Nursery
from tests.e2e.crash.relay import Relay, open_relay
from tests.e2e.crash.witness import Witness
from tests.keeper.recorded import T0_MS, small

__all__ = ["Ground", "leader_settings", "open_ground"]

_SEED: Final = 20_261_122
_CROWD: Final = 3
"""How many of the world's usual order flows there are at once: a keeper lives for a second."""
_RECORDED_MS: Final = 25
_QUORUM: Final = 2
_SIGNER: Final = ROOT / "tests" / "keeper" / "adapters" / "dydx" / "signing_command.py"
_SIGNING_MS: Final = 1_500
_VENUE_KEY: Final = 'env = "KEEPER_VENUE_KEY"'


@dataclass(frozen=True, slots=True)
class Ground:
    """The running world and what stands around the keepers in it.

    `signed_config` is the keeper's file with a command that signs for its venue key.
    """

    world: World
    play: Play
    relay: Relay
    leader: LeaderServer
    nursery: Nursery
    witness: Witness
    signed_config: Path

    @property
    def journal(self) -> Path:
        return self.play.stage.journal

    async def administer(self, path: str, **body: Any) -> None:
        """Ask something of the exchange's administration."""
        await self.witness.administer(path, **body)


@asynccontextmanager
async def open_ground(out: Path) -> AsyncIterator[Ground]:
    """Start the world, have three people's deposits settled, and let the takers trade."""
    async with AsyncExitStack() as stack:
        world = World(out / "world", _SEED)
        stack.push_async_callback(world.stop)
        stage = Stage(world)
        stack.push_async_callback(stage.close)
        await world.start()
        facts = Facts(world)
        stack.push_async_callback(facts.close)
        play = Play(world, stage, facts, ExchangeWatch(world), Narrator())
        await _settle(play)
        endpoints = world.exchange.endpoints
        relay = await stack.enter_async_context(open_relay(endpoints.websocket))
        indexer = httpx.AsyncClient(base_url=endpoints.rest, timeout=10)
        await stack.enter_async_context(indexer)
        leader = _leader(out)
        await leader.open()
        stack.push_async_callback(leader.close)
        nursery = await _nursery(world, stage, out)
        stack.push_async_callback(nursery.close)
        witness = Witness(world, indexer)
        await witness.forget()  # how the keeper's account came to its stake is in no journal
        signed = _signed_config(stage.config, world)
        yield Ground(world, play, relay, leader, nursery, witness, signed)


async def _settle(play: Play) -> None:
    """Bring the vault its first money, for people who leave their claims to the keeper.

    A quorum of reporters stays.
    """
    await play.open()
    await play.deposit()
    await play.settle(first=True)
    for person in DEPOSITS:
        await play.stage.vault(person, "operator", play.world.people["keeper"].address)
    for role in REPORTERS[_QUORUM:]:
        await play.stage.stop(role)
    await play.world.fund_operator()
    for _ in range(_CROWD):
        play.world.open_order_flow()


def _leader(out: Path) -> LeaderServer:
    """Another exchange, quiet since the first instant of a small recording."""
    folder = out / "recordings"
    folder.mkdir()
    small().write(folder / "usdm_ethusdt_20240719.gz")
    instant = (T0_MS + _RECORDED_MS) * NS_PER_MS
    return LeaderServer(load_recordings(folder), lambda: instant)


def leader_settings(leader: LeaderServer) -> tuple[str, ...]:
    """Have a keeper follow it, and decide nothing by it: its prices are of another time."""
    market = {
        "symbol": "ETHUSDT",
        "weight_ppm": 0,
        "venue_weight_ppm": 0,
        "max_age_ms": 5_000,
        "band_ppm": 500_000,
        "pull_band_ppm": 1_000_000,
        "basis_seconds": 60,
        "max_basis_ppm": 1_000_000,
        "on_missing": "widen",
        "missing_widen_ppm": 1,
    }
    return (
        "leader.kind=binance-usdm",
        f"leader.ws_url={leader.ws_url}",
        f"leader.rest_url={leader.rest_url}",
        *(f"markets.0.leader.{name}={value}" for name, value in market.items()),
    )


def _signed_config(config: Path, world: World) -> Path:
    """Write the keeper's file anew beside it, the key of its orders held by a command."""
    wallet, starts = world.hot_wallet, config.with_name("signers")
    command = [sys.executable, str(_SIGNER), wallet.key.removeprefix("0x"), "well", str(starts)]
    lines = (
        f"command = {json.dumps(command)}",
        f'public_key = "{wallet.signer.public_key.hex()}"',
        f"timeout_ms = {_SIGNING_MS}",
    )
    written = config.read_text()
    assert written.count(_VENUE_KEY) == 1, "the keeper's file names its venue key once"
    signed = config.with_name("signed.toml")
    signed.write_text(written.replace(_VENUE_KEY, "\n".join(lines)))
    return signed


async def _nursery(world: World, stage: Stage, out: Path) -> Nursery:
    keys = {
        "KEEPER_HOT_KEY": world.people["keeper"].key,
        "KEEPER_VENUE_KEY": world.hot_wallet.key,
    }
    nursery = Nursery(stage.config, keys, out / "keepers.log")
    await nursery.open()
    return nursery
