"""Asks the exchange and the node what the keeper's accounts did, after its death."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from keeper.devnet.world import World
from tests.e2e.crash.audit import Mined, Testimony

__all__ = ["Witness"]

_PAGE: Final = 1_000
_PAUSE_SECONDS: Final = 0.05
_EXPIRED_BLOCKS: Final = 20
"""More than any order of a keeper's lives."""
_REREAD_BLOCKS: Final = 8
"""How deep a reorganisation of the story goes, and more."""


@dataclass(slots=True)
class Witness:
    """Remembers the chain it has read, all but its newest blocks."""

    world: World
    indexer: httpx.AsyncClient
    mined: list[Mined] = field(default_factory=list)
    next_block: int = 0
    _forgotten: set[str] = field(default_factory=set)

    async def administer(self, path: str, **body: Any) -> None:
        """Ask something of the exchange's administration."""
        admin = self.world.exchange.endpoints.admin
        (await self.indexer.post(f"{admin}{path}", json=body)).raise_for_status()

    async def forget(self) -> None:
        """Wait until nothing rests or waits; leave out what was there from all that follows."""
        await self.administer("/admin/block", count=_EXPIRED_BLOCKS)
        await self.world.anvil.mine()
        assert not await self._waiting(), "a transaction outlived its block"
        seen = await self.look()
        assert not seen.resting, "an order outlived its last block"
        self._forgotten |= {row["id"] for row in seen.orders}
        self._forgotten |= {sent.tx_hash for sent in seen.transactions}

    async def look(self) -> Testimony:
        """Everything, the exchange's at one committed height."""
        wallet, exchange = self.world.owner_wallet.address, self.world.exchange
        sent = await self._sent()
        while True:
            state = await exchange.state()
            height = int((await self._get("/v4/height"))["height"])
            fills = (await self._own("/v4/fills") or {"fills": []})["fills"]
            orders = await self._own("/v4/orders") or []
            assert len(fills) < _PAGE, "more fills than the exchange lists at once"
            if (await exchange.state())["height"] == state["height"] <= height:
                return Testimony(
                    wallet=wallet,
                    state=state,
                    fills=fills,
                    orders=[row for row in orders if row["id"] not in self._forgotten],
                    transactions=[tx for tx in sent if tx.tx_hash not in self._forgotten],
                )
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _sent(self) -> list[Mined]:
        """Every transaction of the keeper's: what waits is asked for first.

        The other way round, one that is mined between the two questions is in neither answer.
        """
        waiting = await self._waiting()
        await self._read_chain()
        included = {sent.tx_hash for sent in self.mined}
        return [*self.mined, *(sent for sent in waiting if sent.tx_hash not in included)]

    async def _own(self, path: str) -> Any:
        wallet = self.world.owner_wallet.address
        return await self._get(path, address=wallet, subaccountNumber="0", limit=str(_PAGE))

    async def _get(self, path: str, **query: str) -> Any:
        answer = await self.indexer.get(path, params=query)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        return answer.json()

    async def _read_chain(self) -> None:
        """Read what is new; anew where a block went away between two questions."""
        newest = await self._newest()
        while newest is None:
            newest = await self._newest()
        found, head = newest
        self.mined = [*(sent for sent in self.mined if sent.block < self.next_block), *found]
        self.next_block = max(0, head - _REREAD_BLOCKS)

    async def _newest(self) -> tuple[list[Mined], int] | None:
        """The keeper's transactions from `next_block` on, and the head they were read up to."""
        rpc, keeper = self.world.anvil.rpc, self.world.people["keeper"].address.lower()
        head, found = int(await rpc.call("eth_blockNumber"), 16), []
        for number in range(self.next_block, head + 1):
            block = await rpc.call("eth_getBlockByNumber", hex(number), True)
            if block is None:
                return None
            for sent in block["transactions"]:
                if sent["from"].lower() != keeper:
                    continue
                receipt = await rpc.call("eth_getTransactionReceipt", sent["hash"])
                if receipt is None:
                    return None
                found.append(Mined(sent["hash"], number, receipt["status"] == "0x1"))
        return found, head

    async def _waiting(self) -> list[Mined]:
        pool = await self.world.anvil.rpc.call("txpool_content")
        keeper = self.world.people["keeper"].address.lower()
        found = {sender.lower(): sent for sender, sent in pool["pending"].items()}
        return [Mined(sent["hash"], -1, False) for sent in found.get(keeper, {}).values()]
