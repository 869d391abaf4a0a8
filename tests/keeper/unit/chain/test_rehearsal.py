"""Several transactions tried in order, on nodes that can and on nodes that cannot simulate."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from keeper.chain.operations import Operation
from keeper.chain.rehearsal import rehearse
from keeper.chain.rpc import JsonRpc, NodeRefused

ADA = "0x" + "33" * 20
APPROVE, REQUEST, PROBE = (Operation("0x" + "22" * 20, data) for data in ("0xa1", "0xb2", "0xc3"))
REVERT = "0x" + (keccak(text="NothingToCancel(address)")[:4] + encode(["address"], [ADA])).hex()


class Node:
    """Reverts the calldata in `bad`; simulates only if it `can`."""

    def __init__(self, bad: set[str], *, can: bool, code: int = -32601) -> None:
        self.bad, self.can, self.code = bad, can, code
        self.asked: list[str] = []

    def rpc(self) -> JsonRpc:
        return JsonRpc("http://node", transport=httpx.MockTransport(self._handle))

    def _handle(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            200, json=[self._answer(item) for item in json.loads(request.content)]
        )

    def _answer(self, item: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(item["method"])
        if item["method"] == "eth_simulateV1":
            if not self.can:
                return {"id": item["id"], "error": {"code": self.code, "message": "no"}}
            calls = item["params"][0]["blockStateCalls"][0]["calls"]
            assert all(call["from"] == ADA for call in calls)
            return {"id": item["id"], "result": [{"calls": [self._outcome(c) for c in calls]}]}
        call = item["params"][0]
        if call["data"] in self.bad:
            error = {"code": 3, "message": "execution reverted", "data": REVERT}
            return {"id": item["id"], "error": error}
        return {"id": item["id"], "result": "0x"}

    def _outcome(self, call: dict[str, Any]) -> dict[str, Any]:
        if call["data"] in self.bad:
            return {"status": "0x0", "returnData": REVERT, "error": {"code": 3, "data": REVERT}}
        return {"status": "0x1", "returnData": "0x"}


def tried(node: Node, *operations: Operation) -> Any:
    return asyncio.run(rehearse(node.rpc(), ADA, operations, PROBE))


def test_rehearse__all_would_succeed__is_none() -> None:
    assert tried(Node(set(), can=True), APPROVE, REQUEST) is None


def test_rehearse__second_would_fail__is_named_before_the_first_is_sent() -> None:
    found = tried(Node({"0xb2"}, can=True), APPROVE, REQUEST)

    assert found[:2] == (1, "NothingToCancel")
    assert ADA in found[2]


def test_rehearse__node_cannot_simulate__the_probe_stands_for_the_last() -> None:
    node = Node({"0xc3"}, can=False)

    assert tried(node, APPROVE, REQUEST)[:2] == (1, "NothingToCancel")
    assert node.asked == ["eth_simulateV1", "eth_call", "eth_call"]


def test_rehearse__node_cannot_simulate_and_one_transaction__that_one_is_called() -> None:
    assert tried(Node({"0xb2"}, can=False), REQUEST)[0] == 0


def test_rehearse__node_fails_otherwise__is_not_taken_for_a_missing_method() -> None:
    with pytest.raises(NodeRefused):
        tried(Node(set(), can=False, code=-32000), APPROVE, REQUEST)


def test_rehearse__nothing__asks_nothing() -> None:
    node = Node(set(), can=True)

    assert tried(node) is None
    assert node.asked == []
