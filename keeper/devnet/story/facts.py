"""What the story may rely on: reads of the chain and of the exchange, never of the keeper."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import httpx
from eth_abi.abi import decode
from eth_utils.crypto import keccak

from keeper.devnet.deployment import VaultPlace
from keeper.devnet.tokens import Call
from keeper.devnet.world import World

__all__ = ["CutFacts", "ExchangeWatch", "Facts", "ReportFacts", "SettleFacts"]

_SETTLE = (
    "Settle(uint64,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,"
    "bool)"
)
_SUBMIT = "SubmitReport(uint64,bytes32,uint256,uint256,int256[5],int256,bytes32,bytes32)"
_LEG = "LegReported(uint64,uint256,int256,uint128,uint128,uint64)"
_CUT = "cut()"
_CUT_TYPES = ("(uint64,uint64,uint64,uint256,uint256,uint256)",)
_KEPT_STATES = 240


@dataclass(frozen=True, slots=True)
class CutFacts:
    """The vault's newest cut; money in asset units, time in unix seconds."""

    epoch: int
    time: int
    block: int
    idle: int
    leg_bid: int
    leg_ask: int


@dataclass(frozen=True, slots=True)
class SettleFacts:
    """One settlement; assets in asset units, shares in share units."""

    epoch: int
    accepted: int
    gross: int
    gross_ask: int
    fee_shares: int
    deposit_assets: int
    deposit_shares: int
    redeem_shares: int
    redeem_assets: int
    accepted_after: int
    supply_after: int


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """One accepted report; `pnl` is spread, inventory, funding, fees and rebates, incentives."""

    epoch: int
    gross: int
    accepted: int
    pnl: tuple[int, ...]
    external_flow: int
    data_root: str
    equity: int
    credited: int
    debited: int
    venue_height: int


class Facts:
    """Reads contracts by eth_call and logs, and the indexer by its public REST.

    The vault is the world's own unless another place is given.
    """

    def __init__(self, world: World, place: VaultPlace | None = None) -> None:
        self._world = world
        self._place: VaultPlace = place or world.contracts
        self._indexer = httpx.AsyncClient(base_url=world.exchange.endpoints.rest, timeout=10)

    async def cut(self) -> CutFacts:
        """The newest cut."""
        values = await self._vault(_CUT, *_CUT_TYPES)
        return CutFacts(*values)

    async def vault_number(self, signature: str, *arguments: Any) -> int:
        """A uint256 view of the vault."""
        call = Call(signature, *arguments)
        vault = self._place.vault
        number: int = await self._world.accounts.read(vault, call, "uint256")
        return number

    async def settlements(self) -> list[SettleFacts]:
        """Every settlement, oldest first."""
        types = ("uint256",) * 10 + ("bool",)
        found = await self._logs(self._place.vault, _SETTLE)
        return [
            SettleFacts(int(log["topics"][1], 16), *decode(types, _data(log))[:10]) for log in found
        ]

    async def reports(self) -> list[ReportFacts]:
        """Every accepted report with its first leg, oldest first."""
        reporter = self._place.reporter
        submits = await self._logs(reporter, _SUBMIT)
        legs = await self._logs(reporter, _LEG)
        return [_report(submit, leg) for submit, leg in zip(submits, legs, strict=True)]

    async def balance(self, token: str, holder: str) -> int:
        """Token units `holder` owns."""
        return await self._world.accounts.balance(token, holder)

    async def stake_of(self, account: str) -> int:
        """Shares of an account that count in the vault's stake."""
        call, stake = Call("stakeOf(address)", account), self._place.stake
        counting: int = await self._world.accounts.read(stake, call, "uint256")
        return counting

    async def fills(self, number: int = 0) -> list[dict[str, Any]]:
        """The venue account's fills in a subaccount, newest first."""
        owner = self._world.owner_wallet.address
        query = {"address": owner, "subaccountNumber": str(number), "limit": "1000"}
        answer = await self._indexer.get("/v4/fills", params=query)
        if answer.status_code == 404:
            return []
        answer.raise_for_status()
        fills: list[dict[str, Any]] = answer.json()["fills"]
        return fills

    async def book(self) -> dict[str, list[dict[str, str]]]:
        """The exchange's book of the market."""
        answer = await self._indexer.get("/v4/orderbooks/perpetualMarket/ETH-USD")
        answer.raise_for_status()
        book: dict[str, list[dict[str, str]]] = answer.json()
        return book

    async def open_orders(self) -> list[dict[str, Any]]:
        """The venue account's open orders in the trading subaccount."""
        owner, states = self._world.owner_wallet.address, "OPEN,BEST_EFFORT_OPENED"
        query = {"address": owner, "subaccountNumber": "0", "status": states}
        answer = await self._indexer.get("/v4/orders", params=query)
        if answer.status_code == 404:
            return []
        answer.raise_for_status()
        orders: list[dict[str, Any]] = answer.json()
        return orders

    async def ranges(self) -> list[tuple[int, int, int]]:
        """The pool adapter's ranges: lower tick, upper tick, liquidity."""
        adapter = self._place.pool_adapter
        call, shape = Call("ranges()"), "(int24,int24,uint128)[]"
        found: list[tuple[int, int, int]] = await self._world.accounts.read(adapter, call, shape)
        return list(found)

    async def adapter_events(self, signature: str) -> int:
        """How often the pool adapter logged an event."""
        return len(await self._logs(self._place.pool_adapter, signature))

    async def close(self) -> None:
        await self._indexer.aclose()

    async def _vault(self, signature: str, *returns: str) -> Any:
        return await self._world.accounts.read(self._place.vault, Call(signature), *returns)

    async def _logs(self, address: str, signature: str) -> list[dict[str, Any]]:
        topic = "0x" + keccak(text=signature).hex()
        query = {"fromBlock": "0x0", "address": address, "topics": [topic]}
        found: list[dict[str, Any]] = await self._world.anvil.rpc.call("eth_getLogs", query)
        return found


def _report(submit: dict[str, Any], leg: dict[str, Any]) -> ReportFacts:
    gross, accepted, pnl, external, root, _ = decode(
        ("uint256", "uint256", "int256[5]", "int256", "bytes32", "bytes32"), _data(submit)
    )
    equity, credited, debited, height = decode(
        ("int256", "uint128", "uint128", "uint64"), _data(leg)
    )
    return ReportFacts(
        epoch=int(submit["topics"][1], 16),
        gross=gross,
        accepted=accepted,
        pnl=tuple(pnl),
        external_flow=external,
        data_root="0x" + root.hex(),
        equity=equity,
        credited=credited,
        debited=debited,
        venue_height=height,
    )


def _data(log: dict[str, Any]) -> bytes:
    return bytes.fromhex(log["data"][2:])


class ExchangeWatch:
    """Keeps the exchange's own state of recent blocks, so that a cut's block can be looked up."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._states: dict[int, dict[str, Any]] = {}

    async def run_forever(self) -> None:
        """Look four times a second; blocks come once a second."""
        while True:
            with contextlib.suppress(httpx.TransportError):
                state = await self._world.exchange.state()
                self._states[state["height"]] = state
            for old in list(self._states)[:-_KEPT_STATES]:
                del self._states[old]
            await asyncio.sleep(0.25)

    def first_at_or_after(self, unix_seconds: int) -> dict[str, Any]:
        """State of the first block with time >= the given. Raises LookupError if not certain."""
        for height, state in sorted(self._states.items()):
            if state["time_ns"] < unix_seconds * 10**9:
                continue
            before = self._states.get(height - 1)
            if before is None or before["time_ns"] >= unix_seconds * 10**9:
                raise LookupError(f"the block before {height} was not seen")
            return state
        raise LookupError(f"no block at or after {unix_seconds} yet")
