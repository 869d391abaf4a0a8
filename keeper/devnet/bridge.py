"""Moves collateral between the EVM chain and the exchange, each unit once.

Out: a transfer of the asset to the bridge's account, from a registered address, becomes a credit
to that address's wallet on the exchange. Home: a wallet's send to the bridge module, its memo an
EVM address, becomes a transfer of the asset from the bridge's account to that address.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx

from keeper.devnet.rpc import JsonRpc
from keeper.devnet.tokens import TRANSFER_TOPIC, Call, NodeAccounts

__all__ = ["Bridge", "BridgeBooks"]


@dataclass(slots=True)
class BridgeBooks:
    """What the bridge has done so far, in asset units."""

    credited: int = 0
    paid: int = 0
    unattributed: int = 0
    refused: list[str] = field(default_factory=list)


class Bridge:
    """Watches both sides and settles; its EVM account holds exactly what the exchange owes."""

    def __init__(self, rpc: JsonRpc, admin_url: str, asset: str, account: str) -> None:
        self._rpc = rpc
        self._accounts = NodeAccounts(rpc)
        self._admin = httpx.AsyncClient(base_url=admin_url, timeout=10)
        self._asset = asset
        self._account = account
        self._routes: dict[str, str] = {}
        self._next_block = 0
        self._last_withdrawal = 0
        self.books = BridgeBooks()

    def register(self, evm_address: str, wallet: str) -> None:
        """Attribute transfers from `evm_address` to `wallet`; allow payments back to it."""
        self._routes[evm_address.lower()] = wallet

    async def run_forever(self) -> None:
        """Settle both directions about twice a block."""
        while True:
            await self.settle_once()
            await asyncio.sleep(0.5)

    async def settle_once(self) -> None:
        """Credit new arrivals, pay new withdrawals."""
        await self._credit_arrivals()
        await self._pay_withdrawals()

    async def _credit_arrivals(self) -> None:
        head = int(await self._rpc.call("eth_blockNumber"), 16)
        if head < self._next_block:
            return
        query = {
            "fromBlock": hex(self._next_block),
            "toBlock": hex(head),
            "address": self._asset,
            "topics": [TRANSFER_TOPIC, None, "0x" + self._account[2:].lower().rjust(64, "0")],
        }
        for log in await self._rpc.call("eth_getLogs", query):
            await self._credit(log)
        self._next_block = head + 1

    async def _credit(self, log: dict[str, Any]) -> None:
        sender, amount = "0x" + log["topics"][1][-40:], int(log["data"], 16)
        wallet = self._routes.get(sender.lower())
        if wallet is None:
            self.books.unattributed += amount
            return
        memo = f"{log['transactionHash']}:{int(log['logIndex'], 16)}"
        await self._post("/admin/bridge/credit", recipient=wallet, amount=amount, memo=memo)
        self.books.credited += amount

    async def _pay_withdrawals(self) -> None:
        answer = await self._admin.get(
            "/admin/bridge/withdrawals", params={"after": self._last_withdrawal}
        )
        answer.raise_for_status()
        for withdrawal in answer.json()["withdrawals"]:
            await self._pay(withdrawal)
            self._last_withdrawal = withdrawal["id"]

    async def _pay(self, withdrawal: dict[str, Any]) -> None:
        recipient, amount = str(withdrawal["memo"]).lower(), int(withdrawal["amount"])
        if recipient not in self._routes:
            self.books.refused.append(f"{withdrawal['txhash']}: no route to {recipient!r}")
            return
        call = Call("transfer(address,uint256)", recipient, amount)
        await self._accounts.send(self._account, self._asset, call)
        self.books.paid += amount

    async def _post(self, path: str, **body: Any) -> None:
        (await self._admin.post(path, json=body)).raise_for_status()

    async def close(self) -> None:
        await self._admin.aclose()
