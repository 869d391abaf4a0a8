"""Every recorded message and answer: each field the adapter reads survives a round trip."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keeper.domain.errors import WireError
from keeper.venues.dydx import wire

CHANNELS: dict[str, tuple[Any, Any]] = {
    "v4_orderbook": (wire.BookSnapshot, wire.BookLevels),
    "v4_markets": (wire.Markets, wire.MarketsUpdate),
    "v4_block_height": (wire.BlockHeight, wire.BlockHeight),
    "v4_subaccounts": (wire.SubaccountUpdate, wire.SubaccountUpdate),
}
WITHOUT_FEE = ("v4_accounts_channel_data",)
"""Fills of 2023: today the whole row is sent. Without a fee the session ends and REST is read."""
ANSWERS: dict[str, Any] = {
    "orders.json": list[wire.Order],
    "order.json": wire.Order,
    "conditional_order.json": wire.Order,
    "fills.json": wire.Fills,
    "v4_fills.json": wire.Fills,
    "list_perpetual_markets.json": wire.Markets,
    "list_perpetual_markets_v8.json": wire.Markets,
    "list_perpetual_markets_empty_oracle_price.json": wire.Markets,
}


@pytest.fixture(scope="module")
def folder(market_data_dir: Path) -> Path:
    found = market_data_dir / "dydx_samples"
    if not found.is_dir():
        pytest.skip(f"no recorded dYdX payloads at {found}")
    return found


def assert_round_trip(payload: bytes, shape: Any) -> None:
    """What is read is there as it was sent, and reading what was written gives the same."""
    read = wire.decode(payload, shape)
    written = msgspec.json.encode(read)
    assert wire.decode(written, shape) == read
    assert_within(json.loads(written), json.loads(payload))


def assert_within(ours: Any, theirs: Any) -> None:
    """Every value of ours stands in theirs, but for what a type has by default."""
    if isinstance(ours, dict):
        for key, value in ours.items():
            if key in theirs:
                assert_within(value, theirs[key])
            else:
                assert value in (None, [], "", {}), key
    elif isinstance(ours, list):
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            assert_within(mine, other)
    else:
        assert ours == theirs


def test_messages__every_recorded_one__read_whole_and_written_back(folder: Path) -> None:
    seen: dict[str, int] = {}
    for file in sorted((folder / "v4_recorded_ws").glob("*.json")):
        envelope = wire.decode(file.read_bytes(), wire.Envelope)
        if envelope.type == "channel_batch_data" or envelope.channel not in CHANNELS:
            continue
        if envelope.type not in ("subscribed", "channel_data"):
            continue
        if file.stem in WITHOUT_FEE:
            with pytest.raises(WireError, match="fee"):
                wire.decode(envelope.contents, wire.SubaccountUpdate)
            continue
        shape = CHANNELS[envelope.channel][envelope.type == "channel_data"]
        assert_round_trip(bytes(envelope.contents), shape)
        seen[envelope.channel] = seen.get(envelope.channel, 0) + 1

    assert seen.keys() == CHANNELS.keys()
    assert sum(seen.values()) >= 20


def test_messages__batched_ones__each_part_read_and_written_back(folder: Path) -> None:
    file = folder / "v4_recorded_ws" / "v4_orderbook_batched_data.json"
    parts = json.loads(file.read_bytes())["contents"]

    assert parts
    for part in parts:
        assert_round_trip(json.dumps(part).encode(), wire.BookLevels)


@pytest.mark.parametrize("name", ANSWERS)
def test_answers__every_recorded_one__read_whole_and_written_back(folder: Path, name: str) -> None:
    assert_round_trip((folder / "v4_recorded_http" / name).read_bytes(), ANSWERS[name])
