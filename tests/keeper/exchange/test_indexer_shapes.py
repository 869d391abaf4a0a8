"""Every shape the indexer answers holds the fields of the recorded ones, with their types."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from keeper.devnet.exchange.rest import rest_app
from tests.keeper.exchange.market import TradedMarket
from tests.keeper.exchange.wallets import IOC, SELL, cancel, deposit, order, place, withdraw

LATER_FIELDS = {"removalReason", "closedAt"}


@pytest.fixture(scope="module")
def market() -> TradedMarket:
    """A market with an open order, a canceled one, fills, a position, transfers and funding."""
    market = TradedMarket()
    alice, bob = market.alice, market.bob
    market.trade()
    market.send(place(bob, order(bob, gtb=market.gtb(), size=10)))
    market.send(place(alice, order(alice, gtb=market.gtb(), side=SELL, size=10, tif=IOC)))
    market.send(alice.paid(deposit(alice, 5_000_000), sequence=0))
    market.send(alice.paid(withdraw(alice, 10_000_000), sequence=1))
    market.block(3_600)
    resting = order(alice, gtb=market.gtb(), price=29_000)
    market.send(place(alice, resting))
    gone = order(alice, gtb=market.gtb(), price=28_000)
    market.send(place(alice, gone))
    market.send(cancel(alice, gone.order_id, gone.good_til_block))
    market.chain.set_oracle(1, 3_010_000_000)
    market.block()
    return market


def get(market: TradedMarket, path: str, **params: Any) -> Any:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(
            app=rest_app(market.indexer.tables, market.chain.faults, 0, None)
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://exchange") as client:
            return await client.get(path, params=params)

    answer = asyncio.run(ask())
    assert answer.status_code == 200, answer.text
    return answer.json()


def mine(market: TradedMarket) -> dict[str, Any]:
    return {"address": market.alice.address, "subaccountNumber": 0}


def recorded(folder: Path, path: str) -> Any:
    return json.loads((folder / "dydx_samples" / path).read_text())


def assert_shape(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Fields of the recorded shape are all here and of the same type where both have a value."""
    missing = set(theirs) - set(ours) - LATER_FIELDS
    assert not missing
    for name, value in theirs.items():
        if value is not None and ours.get(name) is not None:
            assert type(ours[name]) is type(value), name


def of(market: TradedMarket, channel: str, key: str) -> list[dict[str, Any]]:
    """Contents of a channel's messages that have a key."""
    return [m.contents for m in market.messages if m.channel == channel and key in m.contents]


def test_rest_perpetual_markets__like_recorded(market: TradedMarket, market_data_dir: Path) -> None:
    theirs = recorded(market_data_dir, "v4_recorded_http/list_perpetual_markets_v8.json")

    ours = get(market, "/v4/perpetualMarkets", ticker="ETH-USD")

    assert_shape(ours["markets"]["ETH-USD"], theirs["markets"]["BTC-USD"])


def test_rest_subaccount__like_recorded(market: TradedMarket, market_data_dir: Path) -> None:
    theirs = recorded(market_data_dir, "v4_recorded_http/subaccount.json")["subaccount"]

    path = f"/v4/addresses/{market.alice.address}/subaccountNumber/0"
    ours = get(market, path)["subaccount"]

    assert_shape(ours, theirs)
    position = theirs["openPerpetualPositions"]["ETH-USD"]
    assert_shape(ours["openPerpetualPositions"]["ETH-USD"], position)
    assert_shape(ours["assetPositions"]["USDC"], theirs["assetPositions"]["USDC"])


def test_rest_addresses__like_recorded(market: TradedMarket, market_data_dir: Path) -> None:
    theirs = recorded(market_data_dir, "v4_recorded_http/addresses.json")

    ours = get(market, f"/v4/addresses/{market.alice.address}")

    assert_shape(ours, theirs)
    assert_shape(ours["subaccounts"][0], theirs["subaccounts"][0])


@pytest.mark.parametrize(
    ("path", "file", "key"),
    [
        ("/v4/fills", "v4_fills.json", "fills"),
        ("/v4/perpetualPositions", "list_perpetual_positions.json", "positions"),
        ("/v4/assetPositions", "asset_positions.json", "positions"),
    ],
)
def test_rest_lists__like_recorded(
    market: TradedMarket, market_data_dir: Path, path: str, file: str, key: str
) -> None:
    theirs = recorded(market_data_dir, f"v4_recorded_http/{file}")[key]

    ours = get(market, path, **mine(market))[key]

    assert_shape(ours[0], theirs[0])


def test_rest_orders__is_bare_array_like_recorded(
    market: TradedMarket, market_data_dir: Path
) -> None:
    theirs = recorded(market_data_dir, "v4_recorded_http/orders.json")

    ours = get(market, "/v4/orders", status="FILLED", **mine(market))

    assert_shape(ours[0], theirs[0])
    assert_shape(get(market, f"/v4/orders/{ours[0]['id']}"), theirs[0])


def test_stream_placed_order__like_recorded(market: TradedMarket, market_data_dir: Path) -> None:
    theirs = recorded(market_data_dir, "v4_recorded_ws/v4_accounts_channel_data_order_opened.json")[
        "contents"
    ]

    ours = of(market, "v4_subaccounts", "orders")[0]

    assert_shape(ours, theirs)
    assert_shape(ours["orders"][0], theirs["orders"][0])
    assert "totalFilled" not in ours["orders"][0]


def test_stream_removed_order__like_recorded(market: TradedMarket, market_data_dir: Path) -> None:
    theirs = recorded(
        market_data_dir,
        "v4_recorded_ws/v4_accounts_channel_data_order_best_effort_canceled.json",
    )["contents"]["orders"][0]

    orders = [o for c in of(market, "v4_subaccounts", "orders") for o in c["orders"]]
    ours = next(o for o in orders if o["status"] == "BEST_EFFORT_CANCELED")

    assert_shape(ours, theirs)
    assert "removalReason" in ours


def test_stream_fill__like_recorded(market: TradedMarket, market_data_dir: Path) -> None:
    theirs = recorded(market_data_dir, "v4_recorded_ws/v4_accounts_fills.json")["contents"]

    ours = of(market, "v4_subaccounts", "fills")[0]

    assert_shape(ours, theirs)
    for part in ("fills", "orders", "perpetualPositions"):
        assert_shape(ours[part][0], theirs[part][0])


def test_stream_transfer__is_one_object_without_id_like_recorded(
    market: TradedMarket, market_data_dir: Path
) -> None:
    theirs = recorded(market_data_dir, "v4_recorded_ws/v4_accounts_channel_data_transfers.json")[
        "contents"
    ]

    ours = of(market, "v4_subaccounts", "transfers")

    assert_shape(ours[-1], theirs)
    assert set(ours[-1]["transfers"]) == set(theirs["transfers"])
    kinds = {contents["transfers"]["type"] for contents in ours}
    assert kinds == {"DEPOSIT", "WITHDRAWAL"}


@pytest.mark.parametrize(
    ("channel", "key", "file"),
    [
        ("v4_trades", "trades", "v4_trades.json"),
        ("v4_block_height", "blockHeight", "v4_block_height_channel_data.json"),
        ("v4_candles", "startedAt", "v4_candles_channel_data.json"),
        ("v4_markets", "oraclePrices", "v4_markets_oracle_price.json"),
        ("v4_markets", "trading", "v4_markets_channel_data_v8.json"),
    ],
)
def test_stream_updates__like_recorded(
    market: TradedMarket, market_data_dir: Path, channel: str, key: str, file: str
) -> None:
    theirs = recorded(market_data_dir, f"v4_recorded_ws/{file}")["contents"]

    ours = of(market, channel, key)[-1]

    if key == "trades":
        assert_shape(ours[key][0], theirs[key][0])
    elif channel == "v4_markets":
        assert_shape(ours[key]["ETH-USD"], next(iter(theirs[key].values())))
    else:
        assert_shape(ours, theirs)


def test_stream_book__levels_are_absolute_pairs_like_recorded(
    market: TradedMarket, market_data_dir: Path
) -> None:
    theirs = recorded(market_data_dir, "v4_recorded_ws/v4_orderbook.json")["contents"]["bids"][0]

    ours = [m.contents for m in market.messages if m.channel == "v4_orderbook"]

    assert ours[:2] == [{"bids": [["3000", "0.04"]]}, {"bids": [["3000", "0"]]}]
    assert [type(part) for part in ours[0]["bids"][0]] == [type(part) for part in theirs]
