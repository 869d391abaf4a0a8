"""What a bond's chapter may rely on: purchases, notes and escrow, read from the chain alone."""

from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from keeper.devnet.conservation import compare, holdings
from keeper.devnet.project import Project
from keeper.devnet.tokens import TRANSFER_TOPIC, Call
from keeper.devnet.world import World
from keeper.pages.report_data import Check

__all__ = ["BondFacts", "Note", "Purchase"]

_PURCHASE = "Purchase(uint256,uint256,address,address,address,uint256,uint256,uint256)"
_REDEEM = "Redeem(uint256,uint256,address,uint256)"
_POSITION = ("uint256", "uint128", "uint128", "uint64", "uint64", "uint64")


@dataclass(frozen=True, slots=True)
class Purchase:
    """One purchase: its note, what was paid [asset units] and bought [token units]."""

    note: int
    cost: int
    payout: int


@dataclass(frozen=True, slots=True)
class Note:
    """A note's position: token units, unix seconds."""

    payout: int
    redeemed: int
    start: int
    expiry: int

    def vested(self, time: int) -> int:
        """What is vested once the cliff is past [token units], by the sentence in the docs."""
        return self.payout * (min(time, self.expiry) - self.start) // (self.expiry - self.start)


class BondFacts:
    """Reads one market by eth_call and logs."""

    def __init__(self, world: World, project: Project, market: int = 1) -> None:
        self._world = world
        self._project = project
        self._market = market

    async def treasury(self) -> str:
        """The project's treasury."""
        call = "projects(uint256,uint256)"
        found = await self._read(self._project.teller, call, (0, 1), "address[]")
        return str(to_checksum_address(found[0]))

    async def purchases(self) -> list[Purchase]:
        """Every purchase, oldest first."""
        found = []
        for log in await self._logs(self._project.teller, "0x" + keccak(text=_PURCHASE).hex()):
            body = decode(("address", "address", "uint256", "uint256", "uint256"), _data(log))
            found.append(Purchase(int(log["topics"][2], 16), body[3], body[4]))
        return found

    async def redeemed(self, note: int | None = None) -> int:
        """What was paid out of a note, or of all of them [token units]."""
        return sum(
            int.from_bytes(_data(log)[:32])
            for log in await self._logs(self._project.teller, "0x" + keccak(text=_REDEEM).hex())
            if note is None or int(log["topics"][1], 16) == note
        )

    async def redeemed_at(self, note: int) -> int:
        """When something was paid out of a note last [unix seconds]."""
        logs = await self._logs(self._project.teller, "0x" + keccak(text=_REDEEM).hex())
        block = [log["blockNumber"] for log in logs if int(log["topics"][1], 16) == note][-1]
        found = await self._world.anvil.rpc.call("eth_getBlockByNumber", block, False)
        return int(found["timestamp"], 16)

    async def note(self, number: int) -> Note:
        """A note that is not yet redeemed in full."""
        position = f"({','.join(_POSITION)})"
        found = await self._read(self._project.note, "position(uint256)", (number,), position)
        _, payout, redeemed, start, _, expiry = found
        return Note(payout, redeemed, start, expiry)

    async def unsold(self) -> int:
        """What the market still has to sell, and what it no longer sells [token units]."""
        lot = ("uint256", "uint256", "uint64", "uint64", "uint256", "uint256")
        auctioneers = await self._read(self._project.teller, "auctioneers()", (), "address[]")
        found = await self._read(
            auctioneers[0], "lot(uint256)", (self._market,), f"({','.join(lot)})"
        )
        return int(found[0] + found[1])

    async def escrow_holds(self, when: str) -> Check:
        """Escrow against unsold and unredeemed."""
        bought = sum(purchase.payout for purchase in await self.purchases())
        owed = await self.unsold() + bought - await self.redeemed()
        escrow = await self._world.accounts.balance(self._project.token, self._project.teller)
        return compare(f"bond escrow, {when}", "tokens held", escrow, "unsold + unredeemed", owed)

    async def payments_arrived(self) -> Check:
        """What buyers paid against what came to the treasury."""
        treasury = await self.treasury()
        to = "0x" + treasury[2:].lower().rjust(64, "0")
        logs = await self._logs(self._world.contracts.usdc, TRANSFER_TOPIC, None, to)
        came = sum(int.from_bytes(_data(log)) for log in logs)
        paid = sum(purchase.cost for purchase in await self.purchases())
        return compare("bond payments", "paid by buyers", paid, "came to the treasury", came)

    async def tokens_held(self) -> list[Check]:
        """Supply of token and shares against the sum of their holders."""
        checks = []
        for name, token in (("ALB", self._project.token), ("athALB", self._project.vault)):
            found = await holdings(self._world.anvil.rpc, token)
            row = ("sum of all holders", found.held, "total supply", found.total_supply)
            checks.append(compare(f"{name} held", *row))
        return checks

    async def _read(self, to: str, signature: str, arguments: tuple[Any, ...], *kinds: str) -> Any:
        return await self._world.accounts.read(to, Call(signature, *arguments), *kinds)

    async def _logs(self, address: str, *topics: str | None) -> list[dict[str, Any]]:
        query = {"fromBlock": "0x0", "address": address, "topics": list(topics)}
        found: list[dict[str, Any]] = await self._world.anvil.rpc.call("eth_getLogs", query)
        return found


def _data(log: dict[str, Any]) -> bytes:
    return bytes.fromhex(log["data"][2:])
