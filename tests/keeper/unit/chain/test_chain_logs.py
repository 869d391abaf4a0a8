"""Events over ranges a node limits, decoded by the ABI."""

import asyncio
from typing import Any

import pytest
from eth_abi.abi import encode

from keeper.chain.codec import contract
from keeper.chain.logs import LogQuery, read_logs
from keeper.chain.rpc import NodeRefused, RpcFailure
from keeper.domain.errors import WireError

VAULT = "0x" + "11" * 20
ADA = "0x" + "33" * 20
DEPOSIT = contract("MarketMakingVault").event("Deposit")


def deposit_log(block: int, assets: int) -> dict[str, Any]:
    who = "0x" + ADA[2:].rjust(64, "0")
    return {
        "topics": [DEPOSIT.topic, who, who],
        "data": "0x" + encode(["uint256", "uint256"], [assets, 2 * assets]).hex(),
        "blockNumber": hex(block),
        "logIndex": hex(0),
        "transactionHash": "0xabc",
    }


class LimitedNode:
    """Refuses to search more than `most` blocks at once; remembers what it was asked."""

    def __init__(self, logs: list[dict[str, Any]], most: int) -> None:
        self.logs, self.most = logs, most
        self.asked: list[tuple[int, int]] = []
        self.topics: Any = None

    async def call(self, method: str, query: dict[str, Any]) -> Any:
        assert method == "eth_getLogs"
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        self.asked.append((first, last))
        self.topics = query["topics"]
        if last - first + 1 > self.most:
            raise NodeRefused(RpcFailure(-32005, "query exceeds max block range"))
        return [log for log in self.logs if first <= int(log["blockNumber"], 16) <= last]


def read(node: Any, last: int = 99, **changes: Any) -> Any:
    query = LogQuery("MarketMakingVault", VAULT, ("Deposit",), 0, last, **changes)
    steps: list[int] = []
    return asyncio.run(read_logs(node, query, steps.append)), steps


def test_read_logs__node_without_a_limit__is_asked_once() -> None:
    node = LimitedNode([deposit_log(7, 5)], most=1_000)

    (log,), steps = read(node)

    assert node.asked == [(0, 99)]
    assert steps == [100]
    assert (log.event, log.block, log.fields["assets"], log.fields["shares"]) == (
        *("Deposit", 7),
        5,
        10,
    )
    assert log.fields["owner"] == ADA


def test_read_logs__limited_node__every_block_is_read_exactly_once() -> None:
    node = LimitedNode([deposit_log(block, block) for block in range(100)], most=17)

    logs, steps = read(node)

    assert [log.block for log in logs] == list(range(100))
    assert sum(steps) == 100


def test_read_logs__not_even_one_block_allowed__raises() -> None:
    with pytest.raises(NodeRefused):
        read(LimitedNode([], most=0))


def test_read_logs__topics__addresses_become_words_and_none_is_any() -> None:
    node = LimitedNode([], most=1_000)

    read(node, topics=(None, ADA))

    assert node.topics == [[DEPOSIT.topic], None, "0x" + "00" * 12 + "33" * 20]


def test_event_decode__too_little_data__raises() -> None:
    log = deposit_log(1, 1)

    with pytest.raises(WireError, match="Deposit"):
        DEPOSIT.decode(log["topics"], log["data"][:20])
