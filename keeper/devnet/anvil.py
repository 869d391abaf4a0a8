"""A real EVM node (anvil) whose block times follow the world clock."""

import asyncio
import contextlib
import shutil
import socket
from pathlib import Path

import httpx

from keeper.devnet.clock import WorldClock
from keeper.devnet.rpc import JsonRpc
from keeper.domain.units import NS_PER_SECOND

__all__ = ["MNEMONIC", "Anvil", "free_port"]

MNEMONIC = "test test test test test test test test test test test junk"
"""The development mnemonic every local EVM node prints; worthless anywhere else by design."""

KEPT_STATES = 1_800
"""Blocks whose state can still be read: half an hour of ticks, all of it in memory. Without a bound
the node writes the whole state of every older block to the disk, gigabytes in an hour."""


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Anvil:
    """Starts the node, mines one block a tick at world time, stops it."""

    def __init__(self, folder: Path, clock: WorldClock, *, chain_id: int, accounts: int) -> None:
        self._folder = folder
        self._clock = clock
        self._chain_id = chain_id
        self._accounts = accounts
        self._process: asyncio.subprocess.Process | None = None
        self._last_timestamp = 0
        self.tick_seconds = 1.0
        self.url = f"http://127.0.0.1:{free_port()}"
        self.rpc = JsonRpc(self.url)

    async def start(self) -> None:
        """Start the process and wait until it answers. Raises FileNotFoundError, TimeoutError."""
        binary = shutil.which("anvil")
        if binary is None:
            raise FileNotFoundError("anvil is not on PATH: run `make install` first")
        with (self._folder / "anvil.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                binary, *self._arguments(), stdout=log, stderr=log
            )
        async with asyncio.timeout(30):
            while not await self._answers():
                await asyncio.sleep(0.05)

    def _arguments(self) -> list[str]:
        genesis = self._clock.now_ns() // NS_PER_SECOND
        self._last_timestamp = genesis
        return [
            *("--host", "127.0.0.1", "--port", self.url.rsplit(":", 1)[1]),
            *("--chain-id", str(self._chain_id), "--accounts", str(self._accounts)),
            *("--mnemonic", MNEMONIC, "--balance", "10000", "--hardfork", "cancun"),
            *("--timestamp", str(genesis), "--no-mining", "--order", "fifo"),
            *("--prune-history", str(KEPT_STATES)),
        ]

    async def _answers(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            await self.rpc.call("eth_chainId")
            return True
        return False

    async def mine_forever(self) -> None:
        """Mine one block a tick, its timestamp the world's second, strictly increasing."""
        while True:
            await self.mine()
            await asyncio.sleep(self.tick_seconds)

    async def mine(self) -> None:
        """Mine one block now."""
        self._last_timestamp = max(self._last_timestamp + 1, self._clock.now_ns() // NS_PER_SECOND)
        await self.rpc.call("evm_setNextBlockTimestamp", self._last_timestamp)
        await self.rpc.call("evm_mine")

    async def stop(self) -> None:
        """Terminate the node and wait for it."""
        await self.rpc.close()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()
