"""The local world for these tests: `keeper devnet up` in a process of its own, and its state."""

import asyncio
import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from eth_abi.abi import decode

from keeper.devnet.clob_flow import Trader
from keeper.devnet.clock import WorldClock
from keeper.devnet.identities import OWNER_WALLET, key_variables, venue_identity
from keeper.devnet.tokens import Call
from keeper.devnet.world import ETH_USD
from keeper.venues.dydx.node import BroadcastReply, Node
from tests.e2e.console import KEEPER, Run, keeper

__all__ = ["UNIT", "LocalWorld", "Service", "until"]

T = TypeVar("T")
UNIT = 10**6
QUIET_ROLES = ("ada", "bruno", "carla", "keeper", "relayer", "guardian")
"""Accounts that nobody but a test moves."""
_START_SECONDS = 420
_STOP_SECONDS = 60


class Service:
    """A long-running command, its output in a log."""

    def __init__(
        self, arguments: tuple[str, ...], log: Path, environment: Mapping[str, str]
    ) -> None:
        self.log = log
        self._printed = b""
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [KEEPER, *arguments],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )

    def line(self, patience_seconds: float) -> str:
        """Return the next line it prints. Raises AssertionError when none comes."""
        end = time.monotonic() + patience_seconds
        while b"\n" not in self._printed:
            self._printed += self._more(end - time.monotonic())
        text, _, self._printed = self._printed.partition(b"\n")
        return text.decode() + "\n"

    def _more(self, patience_seconds: float) -> bytes:
        """Read past the pipe's buffered file, which would hide lines from the selector."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(max(0.0, patience_seconds)), f"silent: {self.log.read_text()}"
        found = os.read(self.process.stdout.fileno(), 65_536)
        assert found, f"ended: {self.log.read_text()}"
        return found

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait, and return the exit code; it is killed when it does not end."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.communicate(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        return self.process.returncode


@dataclass(frozen=True, slots=True)
class LocalWorld:
    """A running world: chain, contracts, exchange and other traders, without the product."""

    folder: Path
    record: dict[str, Any]
    service: Service
    client: httpx.Client

    @classmethod
    def start(cls, out: Path) -> "LocalWorld":
        """Start it and wait until everything listens. Raises AssertionError."""
        service = Service(("devnet", "up", "--out", str(out)), out / "up.log", {})
        try:
            record = json.loads(service.line(_START_SECONDS))
        except BaseException:
            service.stop()
            raise
        return cls(out / "world", record, service, httpx.Client(timeout=30))

    def stop(self) -> int:
        """Stop it and return its exit code."""
        self.client.close()
        return self.service.stop()

    @property
    def config(self) -> Path:
        return self.folder / "keeper.toml"

    @property
    def wallet(self) -> str:
        """Address of the vault's account on the exchange."""
        return str(self.record["owner_wallet"])

    def address(self, role: str) -> str:
        return str(self.record["people"][role])

    def contract(self, name: str) -> str:
        return str(self.record["contracts"][name])

    def endpoint(self, name: str) -> str:
        return str(self.record["venue"][name])

    def keys(self, person: str = "ada") -> dict[str, str]:
        """The keys of every role, in the variables the configuration names."""
        return key_variables(person)

    def keeper(self, *arguments: str, person: str = "ada", settings: Mapping[str, str]) -> Run:
        """Run a command on the world's configuration with some values of it replaced."""
        overrides = [word for item in settings.items() for word in ("--set", "=".join(item))]
        where = ("--config", str(self.config))
        return keeper((*arguments, *where, *overrides), self.keys(person))

    def vault(self, person: str, *arguments: str) -> Run:
        """Run `keeper vault ...` as a person."""
        return self.keeper("vault", *arguments, person=person, settings={})

    def rpc(self, method: str, *params: Any) -> Any:
        """Ask the node. Raises AssertionError on its error."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self.client.post(self.record["evm_rpc_url"], json=body).json()
        assert "error" not in answer, answer
        return answer["result"]

    def read(self, contract: str, call: Call, *returns: str) -> Any:
        """Read a view; a single value comes bare."""
        answer = self.rpc("eth_call", {"to": self.contract(contract), "data": call.data}, "latest")
        values = decode(returns, bytes.fromhex(answer[2:]))
        return values[0] if len(values) == 1 else values

    def transact(self, role: str, contract: str, call: Call) -> None:
        """Send a person's transaction and wait for its block."""
        body = {"from": self.address(role), "to": self.contract(contract), "data": call.data}
        digest = self.rpc("eth_sendTransaction", body)
        receipt = until(lambda: self.rpc("eth_getTransactionReceipt", digest), "a receipt")
        assert receipt["status"] == "0x1", call.signature

    def mint(self, role: str, assets: int) -> None:
        """Give a person assets."""
        self.transact("owner", "usdc", Call("mint(address,uint256)", self.address(role), assets))

    def exchange(self) -> dict[str, Any]:
        """The exchange's committed state and what rests on its books."""
        answer = self.client.get(f"{self.endpoint('admin')}/admin/state")
        answer.raise_for_status()
        state: dict[str, Any] = answer.json()
        return state

    def traces(self) -> dict[str, Any]:
        """Everything that a command which refuses must leave as it was."""
        state = self.exchange()
        own = (f"{self.wallet}/",)
        return {
            "people": {role: self._account(role) for role in QUIET_ROLES},
            "queue": self.read("vault", Call("depositQueue()"), "uint256", "uint256"),
            "supply": self.read("vault", Call("totalSupply()"), "uint256"),
            "wallet": state["bank"].get(self.wallet),
            "account": state["accounts"].get(self.wallet),
            "subaccounts": [
                (name, found)
                for name, found in state["subaccounts"].items()
                if name.startswith(own)
            ],
            "orders": self.orders(state),
        }

    def orders(self, state: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """What the vault's account has resting on the exchange's books."""
        resting: list[dict[str, Any]] = (state or self.exchange())["resting"]
        return [order for order in resting if order["subaccount"].startswith(f"{self.wallet}/")]

    def fund_venue_account(self, assets: int) -> None:
        """Let the vault's venue account own `assets` and put nine tenths into its subaccount."""
        credit = {"recipient": self.wallet, "amount": assets, "memo": "a test's gift"}
        route = f"{self.endpoint('admin')}/admin/bridge/credit"
        self.client.post(route, json=credit).raise_for_status()
        until(lambda: self.exchange()["bank"].get(self.wallet), "the gift")
        reply = asyncio.run(self._as_venue_account(lambda trader: trader.deposit(assets * 9 // 10)))
        assert reply.code == 0, reply.raw_log
        until(lambda: self.exchange()["subaccounts"].get(f"{self.wallet}/0"), "the subaccount")

    async def _as_venue_account(
        self, work: Callable[[Trader], Awaitable[BroadcastReply]]
    ) -> BroadcastReply:
        node = Node(self.endpoint("grpc"), insecure=True, query_deadline_ms=5_000)
        clock = WorldClock(self.folder / "clock.json")
        try:
            return await work(Trader(node, clock, venue_identity(OWNER_WALLET), ETH_USD))
        finally:
            await node.close()

    def _account(self, role: str) -> tuple[int, ...]:
        address = self.address(role)
        return (
            int(self.rpc("eth_getTransactionCount", address, "pending"), 16),
            int(self.rpc("eth_getBalance", address, "latest"), 16),
            self.read("usdc", Call("balanceOf(address)", address), "uint256"),
            self.read("vault", Call("balanceOf(address)", address), "uint256"),
        )


def until(look: Callable[[], T | None], what: str, *, patience_seconds: float = 60) -> T:
    """Look until there is something to see, and return it. Raises AssertionError."""
    end = time.monotonic() + patience_seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"waited {patience_seconds:.0f} s for {what}"
        time.sleep(0.25)
