"""An EVM node scripted by the test: a head, a pool of raw transactions, receipts, outages."""

import json
from typing import Any

import httpx
from eth_utils.crypto import keccak

from keeper.chain.rpc import JsonRpc

__all__ = ["FakeNode", "block_hash"]


def block_hash(number: int, fork: str = "a") -> str:
    return "0x" + keccak(text=f"{fork}{number}").hex()


class FakeNode:
    """Answers JSON-RPC from plain attributes; `sent` is every raw transaction it was given."""

    def __init__(self) -> None:
        self.blocks: dict[str, dict[str, Any]] = {}
        self.head = ""
        self.sent: list[str] = []
        self.receipts: dict[str, dict[str, Any]] = {}
        self.mined_nonces = 0
        self.revert_data = ""
        self.send_error: dict[str, Any] | None = None
        self.lose_answers_of = ""
        self.base_fee = 1_000_000_000
        self.unreachable = False
        self.chain_id = 31337
        self.extend(1)

    def rpc(self) -> JsonRpc:
        return JsonRpc("http://node", transport=httpx.MockTransport(self._handle))

    def extend(self, number: int, fork: str = "a", parent_fork: str = "a") -> None:
        """Make block `number` of `fork` the head."""
        self.head = block_hash(number, fork)
        self.blocks[self.head] = {
            "number": hex(number),
            "hash": self.head,
            "parentHash": block_hash(number - 1, parent_fork),
            "timestamp": hex(1_700_000_000 + number),
            "baseFeePerGas": hex(self.base_fee),
        }

    def mine(self, raw: str, number: int, *, fork: str = "a", status: int = 1) -> None:
        """Include a raw transaction in block `number`."""
        tx_hash = "0x" + keccak(hexstr=raw).hex()
        self.receipts[tx_hash] = {
            "transactionHash": tx_hash,
            "blockNumber": hex(number),
            "blockHash": block_hash(number, fork),
            "status": hex(status),
            "gasUsed": hex(50_000),
            "effectiveGasPrice": hex(self.base_fee),
            "logs": [],
        }

    def _handle(self, request: httpx.Request) -> httpx.Response:
        if self.unreachable:
            raise httpx.ConnectError("refused", request=request)
        answers = [self._answer(item) for item in json.loads(request.content)]
        if f'"{self.lose_answers_of}"' in request.content.decode():
            raise httpx.ReadTimeout("late", request=request)
        return httpx.Response(200, json=answers)

    def _answer(self, item: dict[str, Any]) -> dict[str, Any]:
        answer = self._result(item["method"], item["params"])
        key = "error" if isinstance(answer, dict) and "code" in answer else "result"
        return {"jsonrpc": "2.0", "id": item["id"], key: answer}

    def _result(self, method: str, params: list[Any]) -> Any:
        match method:
            case "eth_chainId":
                return hex(self.chain_id)
            case "eth_call" if self.revert_data:
                return {"code": 3, "message": "execution reverted", "data": self.revert_data}
            case "eth_call":
                return "0x"
            case "eth_estimateGas":
                return hex(100_000)
            case "eth_getTransactionCount":
                return hex(self.mined_nonces)
            case "eth_maxPriorityFeePerGas":
                return hex(1_000)
            case "eth_getBlockByNumber":
                return self.blocks[self.head]
            case "eth_getBlockByHash":
                return self.blocks.get(params[0])
            case "eth_blockNumber":
                return self.blocks[self.head]["number"]
            case "eth_getTransactionReceipt":
                return self.receipts.get(params[0])
            case "eth_sendRawTransaction":
                return self._accept(params[0])
        raise AssertionError(f"the test's node was asked for {method}")

    def _accept(self, raw: str) -> Any:
        if self.send_error is not None:
            return self.send_error
        self.sent.append(raw)
        return "0x" + keccak(hexstr=raw).hex()
