"""Starts the local exchange as a process of its own and knows where it listens."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from keeper.devnet.clock import WorldClock
from keeper.devnet.processes import Child, start_child, wait_for_file

__all__ = ["CHAIN_ID", "Endpoints", "ExchangeProcess", "RecordedSettings"]

CHAIN_ID = "localdydxprotocol"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the exchange listens, on loopback."""

    grpc: str
    rest: str
    websocket: str
    admin: str


@dataclass(frozen=True, slots=True)
class RecordedSettings:
    """The tape the exchange plays, from where, by which clock, and the accounts it acts with."""

    tape_path: str
    from_ns: int
    clock_path: str
    maker: str
    taker: str


class ExchangeProcess:
    """The running exchange and its administration."""

    def __init__(self, child: Child, endpoints: Endpoints) -> None:
        self.child = child
        self.endpoints = endpoints
        self._admin = httpx.AsyncClient(base_url=endpoints.admin, timeout=10)

    @classmethod
    async def start(
        cls, folder: Path, clock: WorldClock, recorded: RecordedSettings | None = None
    ) -> "ExchangeProcess":
        """Start it on free ports, its blocks on the world's clock; it ends with this process.

        Raises ChildFailed, TimeoutError.
        """
        config, ports = folder / "exchange.json", folder / "exchange.ports.json"
        ports.unlink(missing_ok=True)
        settings = {
            "chain_id": CHAIN_ID,
            "clock_path": str(clock.path.resolve()),
            "ports_file": str(ports.resolve()),
            **({} if recorded is None else {"recorded": asdict(recorded)}),
        }
        config.write_text(json.dumps(settings))
        command = (sys.executable, "-m", "keeper.devnet.exchange", "--config", str(config))
        log = folder / "exchange.log"
        child = await start_child("exchange", (*command, "--tethered"), log, tethered=True)
        try:
            await wait_for_file(ports, child)
        except BaseException:
            await child.stop()
            raise
        bound = json.loads(ports.read_text())
        endpoints = Endpoints(
            grpc=f"127.0.0.1:{bound['grpc']}",
            rest=f"http://127.0.0.1:{bound['rest']}",
            websocket=f"ws://127.0.0.1:{bound['websocket']}",
            admin=f"http://127.0.0.1:{bound['admin']}",
        )
        return cls(child, endpoints)

    async def state(self) -> dict[str, Any]:
        """The exchange's whole integer state."""
        answer = await self._admin.get("/admin/state")
        answer.raise_for_status()
        state: dict[str, Any] = answer.json()
        return state

    async def bridge_account(self) -> str:
        """Address of the module account that collateral passes through."""
        answer = await self._admin.get("/admin/bridge/account")
        answer.raise_for_status()
        return str(answer.json()["address"])

    async def stop(self) -> None:
        """Stop the process and wait for it."""
        await self._admin.aclose()
        await self.child.stop()
