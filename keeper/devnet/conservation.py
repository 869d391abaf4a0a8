"""Counts all money in the local world from the chain and the exchange, never from the keeper."""

from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from keeper.devnet.rpc import JsonRpc
from keeper.devnet.tokens import TRANSFER_TOPIC, Call, NodeAccounts
from keeper.pages.report_data import Check

__all__ = ["Holdings", "compare", "holdings"]

_DEPOSIT_TOPIC = "0x" + keccak(text="Deposit(address,uint256)").hex()
_NOBODY = "0x" + "0" * 40


@dataclass(frozen=True, slots=True)
class Holdings:
    """A token's supply and what each address that ever took part in a transfer owns."""

    token: str
    total_supply: int
    balances: dict[str, int]

    @property
    def held(self) -> int:
        return sum(self.balances.values())


def compare(name: str, left_name: str, left: int, right_name: str, right: int) -> Check:
    """Put two figures that must be equal side by side, with where each was read."""
    return Check(name=name, left_name=left_name, left=left, right_name=right_name, right=right)


async def holdings(rpc: JsonRpc, token: str, block: str = "latest") -> Holdings:
    """Find every holder from the token's logs and read each balance. Raises RpcError."""
    query = {"fromBlock": "0x0", "toBlock": block, "address": token}
    holders = {
        holder
        for log in await rpc.call("eth_getLogs", query)
        for holder in _parties(log)
        if holder != _NOBODY
    }
    accounts = NodeAccounts(rpc)
    balances = {
        str(to_checksum_address(holder)): await accounts.balance(token, holder, block)
        for holder in sorted(holders)
    }
    supply = await accounts.read(token, Call("totalSupply()"), "uint256", block=block)
    return Holdings(token, supply, dict(balances))


def _parties(log: dict[str, Any]) -> list[str]:
    topics = log["topics"]
    if topics[0] == TRANSFER_TOPIC:
        return ["0x" + topic[-40:] for topic in topics[1:3]]
    if topics[0] == _DEPOSIT_TOPIC:
        return ["0x" + topics[1][-40:]]
    return []
