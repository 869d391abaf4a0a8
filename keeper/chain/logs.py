"""Reads contracts' events over any range of blocks, in as few requests as the node allows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keeper.chain.codec import contract
from keeper.chain.rpc import JsonRpc, NodeRefused, quantity
from keeper.domain.errors import ChainUnavailable

__all__ = ["Log", "LogQuery", "Progress", "read_logs"]

Progress = Callable[[int], None]
"""Told after each request how many more blocks have been read."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Events of one contract by name; `topics` are the indexed values to match after the event's.

    Blocks are inclusive at both ends. A topic is an address, or None for any.
    """

    contract: str
    address: str
    events: tuple[str, ...]
    from_block: int
    to_block: int
    topics: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Log:
    """One event that happened; `fields` by the ABI's names."""

    event: str
    block: int
    index: int
    tx_hash: str
    fields: dict[str, Any]


async def read_logs(rpc: JsonRpc, query: LogQuery, progress: Progress | None = None) -> list[Log]:
    """Read the events in the order they happened.

    The whole range is asked for at once; a node that refuses is asked for halves. Raises
    ChainUnavailable, NodeRefused (a single block is refused), WireError.
    """
    events = {contract(query.contract).event(name).topic: name for name in query.events}
    wanted: list[Any] = [list(events), *(_topic(value) for value in query.topics)]
    found: list[Log] = []
    start, span = query.from_block, max(1, query.to_block - query.from_block + 1)
    while start <= query.to_block:
        end = min(query.to_block, start + span - 1)
        place = {"fromBlock": hex(start), "toBlock": hex(end)}
        try:
            answer = await rpc.call(
                "eth_getLogs", {**place, "address": query.address, "topics": wanted}
            )
        except NodeRefused:
            if start == end:
                raise
            span = (end - start + 1) // 2
            continue
        found += [_log(query.contract, events, raw) for raw in _listed(answer)]
        if progress is not None:
            progress(end - start + 1)
        start = end + 1
    return sorted(found, key=lambda log: (log.block, log.index))


def _topic(value: str | None) -> str | None:
    return None if value is None else "0x" + value.removeprefix("0x").lower().rjust(64, "0")


def _listed(answer: Any) -> list[dict[str, Any]]:
    if not isinstance(answer, list):
        raise ChainUnavailable("the node does not answer eth_getLogs with a list")
    return answer


def _log(contract_name: str, events: dict[str, str], raw: dict[str, Any]) -> Log:
    name = events[raw["topics"][0]]
    return Log(
        event=name,
        block=quantity(raw["blockNumber"]),
        index=quantity(raw["logIndex"]),
        tx_hash=raw["transactionHash"],
        fields=contract(contract_name).event(name).decode(raw["topics"], raw["data"]),
    )
