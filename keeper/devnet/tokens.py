"""ERC-20 reads and transfers over plain JSON-RPC from accounts the local node holds unlocked."""

from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from keeper.devnet.rpc import JsonRpc, RpcError

__all__ = ["Call", "NodeAccounts", "TRANSFER_TOPIC", "selector"]

TRANSFER_TOPIC = "0x" + keccak(text="Transfer(address,address,uint256)").hex()


def selector(signature: str) -> bytes:
    """First four bytes of the signature's hash."""
    return keccak(text=signature)[:4]


class Call:
    """A contract call by signature, for example `Call("mint(address,uint256)", who, 5)`."""

    def __init__(self, signature: str, *arguments: Any) -> None:
        inner = signature[signature.index("(") + 1 : signature.rindex(")")]
        self.signature = signature
        self.data = "0x" + (selector(signature) + encode(_split(inner), arguments)).hex()


def _split(types: str) -> list[str]:
    """Split a parameter list at its top-level commas."""
    parts, depth, current = [], 0, ""
    for character in types:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current] if current else parts


class NodeAccounts:
    """Sends transactions from the node's unlocked accounts and waits for their receipts."""

    def __init__(self, rpc: JsonRpc) -> None:
        self._rpc = rpc

    async def accounts(self) -> list[str]:
        """Checksummed addresses the node signs for."""
        return [to_checksum_address(a) for a in await self._rpc.call("eth_accounts")]

    async def send(self, sender: str, to: str, call: Call) -> str:
        """Broadcast and return the transaction hash; does not wait. Raises RpcError."""
        transaction = {"from": sender, "to": to, "data": call.data}
        async with self._rpc.sending:
            digest: str = await self._rpc.call("eth_sendTransaction", transaction)
        return digest

    async def receipt(self, digest: str) -> dict[str, Any] | None:
        """The receipt, or None while pending. Raises RpcError when the transaction reverted."""
        receipt: dict[str, Any] | None = await self._rpc.call("eth_getTransactionReceipt", digest)
        if receipt is not None and int(receipt["status"], 16) != 1:
            raise RpcError(f"transaction {digest} reverted")
        return receipt

    async def read(self, to: str, call: Call, *returns: str, block: str = "latest") -> Any:
        """eth_call; a single return value comes bare, several as a tuple. Raises RpcError."""
        answer = await self._rpc.call("eth_call", {"to": to, "data": call.data}, block)
        values = decode(returns, bytes.fromhex(answer[2:]))
        return values[0] if len(values) == 1 else values

    async def balance(self, token: str, holder: str, block: str = "latest") -> int:
        """Token units `holder` owns."""
        units: int = await self.read(
            token, Call("balanceOf(address)", holder), "uint256", block=block
        )
        return units
