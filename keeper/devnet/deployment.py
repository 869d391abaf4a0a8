"""Deploys the world's contracts through the repository's own Ape scripts, and reads the record."""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from keeper.devnet.identities import EvmIdentity
from keeper.devnet.processes import run_to_end

__all__ = ["CHAIN_ID", "EXTERNALS", "PROTOCOL", "Deployment", "VaultPlace", "deploy", "run_script"]

CHAIN_ID = 31_337
ROOT = Path(__file__).resolve().parents[2]
POOL_NAME = "weth-usdc"
CLOB_NAME = "dydx"
EXTERNALS = "externals.json"
PROTOCOL = f"{CHAIN_ID}.json"


class VaultPlace(Protocol):
    """Where one vault of the world is."""

    @property
    def vault(self) -> str: ...
    @property
    def stake(self) -> str: ...
    @property
    def reporter(self) -> str: ...
    @property
    def pool_adapter(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Deployment:
    """Addresses of the world's contracts."""

    usdc: str
    weth: str
    feed: str
    router: str
    pool: str
    factory: str
    vault: str
    stake: str
    silo: str
    reporter: str
    pool_adapter: str
    clob_adapter: str


async def deploy(
    rpc_url: str, folder: Path, people: dict[str, EvmIdentity], price: int
) -> Deployment:
    """Run both scripts against the node, the pool and the feed at a price (USD, 8 decimals).

    Raises ChildFailed with the end of their log.
    """
    externals, protocol = folder / EXTERNALS, folder / PROTOCOL
    parameters, foreign = folder / "protocol.toml", folder / "local_world.toml"
    parameters.write_text(_protocol_parameters(people))
    foreign.write_text(_foreign_parameters(price))
    where = ("--network", rpc_url, "--account", "TEST::0")
    await run_script(
        folder, "local_world", *where, "--params", str(foreign), "--out", str(externals)
    )
    files = ("--params", str(parameters), "--externals", str(externals), "--out", str(protocol))
    await run_script(folder, "deploy", *where, *files)
    return _read(externals, protocol)


async def run_script(folder: Path, script: str, *arguments: str) -> None:
    """Run one of the repository's Ape scripts. Raises ChildFailed with the end of its log."""
    ape = str(Path(sys.executable).with_name("ape"))
    command = (ape, "run", script, *arguments)
    environment = {"SOLCX_BINARY_PATH": str(ROOT / "scripts" / "toolchain")}
    await run_to_end(f"ape run {script}", command, folder / f"{script}.log", environment, cwd=ROOT)


def _read(externals: Path, protocol: Path) -> Deployment:
    named = {
        name: entry["address"]
        for record in (externals, protocol)
        for name, entry in json.loads(record.read_text())["contracts"].items()
    }
    return Deployment(
        usdc=named["usdc"],
        weth=named["weth"],
        feed=named["feed"],
        router=named["uniswap_v3_router"],
        pool=named["uniswap_v3_pool"],
        factory=named["factory"],
        vault=named["vault"],
        stake=named["stake"],
        silo=named["silo"],
        reporter=named["reporter"],
        pool_adapter=named[f"uniswap_v3.{POOL_NAME}"],
        clob_adapter=named[f"clob.{CLOB_NAME}"],
    )


def _foreign_parameters(price: int) -> str:
    """The local world's parameters at another price."""
    written = (ROOT / "scripts" / "params" / "local_world.toml").read_text()
    changed, count = re.subn(r"(?m)^eth_price_e8 = [\d_]+", f"eth_price_e8 = {price:_}", written)
    if count != 1:
        raise ValueError("the local world's parameters no longer hold one eth_price_e8")
    return changed


def _protocol_parameters(people: dict[str, EvmIdentity]) -> str:
    """The production example with the world's people in place of its placeholders."""
    example = (ROOT / "scripts" / "params" / "protocol.example.toml").read_text()
    places = {
        "owner": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "keeper": "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
        "guardian": "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
        "reporter_one": "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65",
        "reporter_two": "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc",
        "reporter_three": "0x976EA74026E726554dB657fA54763abd0C3a0aa9",
        "bridge": "0x14dC79964da2C08b23698B3D3cc7Ca32193d9955",
    }
    for role, placeholder in places.items():
        if placeholder not in example:
            raise ValueError(f"the example parameters no longer hold {placeholder} for {role}")
        example = example.replace(placeholder, f"<{role}>")
    for role in places:
        example = example.replace(f"<{role}>", people[role].address)
    return example
