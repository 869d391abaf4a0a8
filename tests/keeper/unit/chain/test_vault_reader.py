"""What a vault's observation takes from the chain's answers beside the vault's own."""

import asyncio
from typing import Any, cast

import pytest

from keeper.chain import vault
from keeper.chain.calls import Block, Call
from keeper.chain.rpc import JsonRpc
from keeper.chain.vault import AssetFeed, VaultReader

VAULT, ADAPTER, FEED = (f"0x{number:040x}" for number in (1, 2, 3))
BLOCK = Block(number=7, hash="0xb7", parent_hash="0xb6", timestamp=1_000, base_fee_wei=9)
OWN: list[tuple[Any, ...]] = [
    *((0,), ((3, 900),), (2_000,), (50,), (60,), ((0, 0),)),
    *((10**18,), (1,), ((0, 0),), (800,)),
    *(((0, 5_000, 3_000),), (0,), (0,), (VAULT,)),
    *((True,), (1,), (2,), (3, 4), (5,)),
]


@pytest.mark.parametrize("feed", [None, AssetFeed(FEED, 8)])
def test_observe__asset_feed__its_price_is_read_in_the_same_call(
    monkeypatch: pytest.MonkeyPatch, feed: AssetFeed | None
) -> None:
    asked: list[Call] = []

    async def read_at(_rpc: JsonRpc, _block: Block, calls: list[Call]) -> list[tuple[Any, ...]]:
        asked.extend(calls)
        return OWN if feed is None else [*OWN, (11, 99_980_000, 940, 950, 11)]

    monkeypatch.setattr(vault, "read_at", read_at)
    reader = VaultReader(cast(JsonRpc, None), VAULT, VAULT, (ADAPTER,), (ADAPTER,), feed)

    seen = asyncio.run(reader.observe(BLOCK))

    priced = (seen.asset_price, seen.asset_price_decimals, seen.asset_priced_at)
    assert priced == ((0, 0, 0) if feed is None else (99_980_000, 8, 950))
    assert (FEED in {call.to for call in asked}) is (feed is not None)
    assert seen.adapters[0].requested == 5


@pytest.mark.parametrize(
    ("account", "other"), [(VAULT, ""), (FEED, VAULT), ("", "")], ids=["ours", "another", "nobody"]
)
def test_observe__contract_names_a_keeper__told_where_it_is_not_who_sends(
    monkeypatch: pytest.MonkeyPatch, account: str, other: str
) -> None:
    async def read_at(*_: object) -> list[tuple[Any, ...]]:
        return OWN

    monkeypatch.setattr(vault, "read_at", read_at)
    reader = VaultReader(cast(JsonRpc, None), VAULT, VAULT, (ADAPTER,), (ADAPTER,), account=account)

    assert asyncio.run(reader.observe(BLOCK)).other_keeper == other
