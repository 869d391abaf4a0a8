"""Histories from logs: every epoch and movement once, from nodes that answer small spans alone."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from keeper.chain.event_logs import Span, read_logs
from keeper.chain.rpc import JsonRpc, NodeRefused
from keeper.chain.vault_history import HistoryReader
from keeper.domain.errors import WireError
from keeper.domain.history import VaultHistory

VAULT = "0x" + "11" * 20
REPORTER = "0x" + "22" * 20
ADA = "0x00000000000000000000000000000000000000AA"
HEAD = 99
SETTLE = (
    "Settle(uint64,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,"
    "bool)"
)


def word(kind: str, value: Any) -> str:
    return "0x" + encode([kind], [value]).hex()


def logged(
    address: str, block: int, signature: str, indexed: list[str], kinds: list[str], *values: Any
) -> dict[str, Any]:
    return {
        "address": address,
        "blockNumber": hex(block),
        "logIndex": "0x0",
        "transactionHash": "0x" + f"{block:064x}",
        "topics": ["0x" + keccak(text=signature).hex(), *indexed],
        "data": "0x" + encode(kinds, values).hex(),
    }


def request(block: int, assets: int) -> dict[str, Any]:
    who = word("address", ADA)
    signature = "DepositRequest(address,address,uint256,address,uint256)"
    kinds = ["address", "uint256"]
    return logged(VAULT, block, signature, [who, who, word("uint256", 0)], kinds, ADA, assets)


def epoch_one() -> list[dict[str, Any]]:
    number = [word("uint64", 1)]
    cut = "CloseEpoch(uint64,uint64,uint256,uint256,uint256,uint256,uint256)"
    report = "SubmitReport(uint64,bytes32,uint256,uint256,int256[5],int256,bytes32,bytes32)"
    leg = "LegReported(uint64,uint256,int256,uint128,uint128,uint64)"
    return [
        logged(VAULT, 10, cut, number, ["uint64", *["uint256"] * 5], 1_000, 5, 6, 7, 8, 9),
        logged(
            REPORTER,
            12,
            report,
            [*number, word("bytes32", b"\x01" * 32)],
            ["uint256", "uint256", "int256[5]", "int256", "bytes32", "bytes32"],
            *(100, 90, [1, -2, 3, -4, 5], -6, b"\x02" * 32, b"\x00" * 32),
        ),
        logged(
            REPORTER,
            12,
            leg,
            [*number, word("uint256", 0)],
            ["int256", "uint128", "uint128", "uint64"],
            *(70, 80, 20, 400),
        ),
        logged(VAULT, 12, SETTLE, number, [*["uint256"] * 10, "bool"], *(*range(11, 21), False)),
    ]


class Node:
    """Answers logs of at most `reach` blocks at once, and every block's time as ten times it."""

    def __init__(self, logs: list[dict[str, Any]], reach: int = 1_000) -> None:
        self.logs, self.reach, self.spans = logs, reach, list[tuple[int, int]]()

    def rpc(self) -> JsonRpc:
        return JsonRpc("http://node", transport=httpx.MockTransport(self._handle))

    def _handle(self, http: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[self._answer(item) for item in json.loads(http.content)])

    def _answer(self, item: dict[str, Any]) -> dict[str, Any]:
        result: Any
        if item["method"] == "eth_getLogs":
            (query,) = item["params"]
            first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
            self.spans.append((first, last))
            if last - first >= self.reach:
                error = {"code": -32005, "message": "too many blocks"}
                return {"jsonrpc": "2.0", "id": item["id"], "error": error}
            result = [
                log
                for log in self.logs
                if log["address"] == query["address"]
                and first <= int(log["blockNumber"], 16) <= last
                and log["topics"][0] in query["topics"][0]
            ]
        else:
            tag = item["params"][0]
            number = HEAD if tag == "latest" else int(tag, 16)
            same = {"hash": "0x1", "parentHash": "0x0"}
            result = {"number": hex(number), "timestamp": hex(number * 10), **same}
        return {"jsonrpc": "2.0", "id": item["id"], "result": result}


def history(node: Node) -> VaultHistory:
    async def read() -> VaultHistory:
        async with node.rpc() as rpc:
            return await HistoryReader(rpc, VAULT, REPORTER).read()

    return asyncio.run(read())


def test_read__an_epoch__has_its_cut_report_and_settlement() -> None:
    (epoch,) = history(Node(epoch_one())).epochs

    assert (epoch.number, epoch.cut.time_s, epoch.cut.leg_bid) == (1, 1_000, 6)
    assert epoch.posted is not None
    assert epoch.posted.pnl == (1, -2, 3, -4, 5)
    assert (epoch.posted.equity, epoch.posted.venue_heights) == (70, (400,))
    assert epoch.settled is not None
    assert (epoch.settled.time_s, epoch.settled.accepted, epoch.settled.supply_after) == (
        *(120, 11),
        20,
    )


def test_read__a_cut_without_report__stands_alone() -> None:
    (epoch,) = history(Node(epoch_one()[:1])).epochs

    assert epoch.posted is None
    assert epoch.settled is None


def test_read__a_request__names_account_amount_and_time() -> None:
    (movement,) = history(Node([request(7, 500)])).movements

    assert (movement.kind, movement.account) == ("deposit requested", ADA)
    assert (movement.assets, movement.shares, movement.time_s) == (500, None, 70)


def test_read_logs__a_node_with_a_limit__is_asked_in_parts_and_nothing_is_lost() -> None:
    node = Node([request(block, block) for block in range(0, 100, 7)], reach=16)

    found = history(node)

    assert [m.assets for m in found.movements] == list(range(0, 100, 7))
    assert max(last - first for first, last in node.spans if last - first < 16) >= 7


def test_read_logs__a_single_block_refused__is_the_nodes_word() -> None:
    async def read() -> None:
        async with Node([], reach=0).rpc() as rpc:
            await read_logs(rpc, "MarketMakingVault", VAULT, ("Settle",), Span(0, 3))

    with pytest.raises(NodeRefused):
        asyncio.run(read())


def test_read_logs__data_of_another_shape__is_a_wire_error() -> None:
    broken = {**request(7, 500), "data": "0x12"}

    with pytest.raises(WireError):
        history(Node([broken]))
