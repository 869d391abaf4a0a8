"""Profit history, the parent's stream, the faucet, and what this exchange has none of."""

import asyncio
from typing import Any

import httpx
import pytest

from keeper.devnet.exchange.model import SubaccountId
from keeper.devnet.exchange.rest import rest_app
from keeper.devnet.exchange.streams import initial_contents, parent_message
from tests.keeper.exchange.market import TradedMarket
from tests.keeper.exchange.test_websocket import Served, run
from tests.keeper.exchange.wallets import SELL, order, place, transfer

HOUR = 3_600


def ask(market: TradedMarket, method: str, path: str, **how: Any) -> httpx.Response:
    async def call() -> httpx.Response:
        app = rest_app(market.indexer.tables, market.chain.faults, 0, market.chain.faucet)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://exchange") as client:
            return await client.request(method, path, **how)

    return asyncio.run(call())


def get(market: TradedMarket, path: str) -> Any:
    answer = ask(market, "GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def market() -> TradedMarket:
    """Alice bought 0.1 ETH at 3,000; an hour later the oracle said 3,100; another hour passed."""
    market = TradedMarket()
    market.trade(size=100)
    market.chain.set_oracle(1, 3_100_000_000)
    market.block(HOUR)
    alice = market.alice
    market.send(alice.paid(transfer(alice, 1_000_000_000, 0, 128), sequence=0))
    market.block(HOUR)
    return market


def query(market: TradedMarket, **more: Any) -> str:
    pairs = {"address": market.alice.address, "subaccountNumber": 0} | more
    return "&".join(f"{name}={value}" for name, value in pairs.items())


def test_historical_pnl__each_full_hour__worth_less_transfers(market: TradedMarket) -> None:
    rows = get(market, f"/v4/historical-pnl?{query(market)}")["historicalPnl"]

    # 10,000 - 0.03 maker fee + 10 on the position; funding is zero
    assert [(r["equity"], r["totalPnl"], r["netTransfers"]) for r in rows] == [
        ("9009.97", "9.97", "-1000"),
        ("10009.97", "9.97", "10000"),
    ]
    assert rows[0]["blockHeight"] == str(market.chain.height)
    assert rows[0]["createdAt"] == rows[0]["blockTime"]


def test_historical_pnl__bounded__leaves_the_rest_out(market: TradedMarket) -> None:
    height = market.chain.height

    before = get(market, f"/v4/historical-pnl?{query(market, createdBeforeOrAtHeight=height - 1)}")
    since = get(market, f"/v4/historical-pnl?{query(market, createdOnOrAfterHeight=height)}")
    one = get(market, f"/v4/historical-pnl?{query(market, limit=1)}")

    heights = [
        [int(row["blockHeight"]) for row in shape["historicalPnl"]]
        for shape in (before, since, one)
    ]
    assert heights == [[height - 1], [height], [height]]


def test_historical_pnl__parent__counts_children_together(market: TradedMarket) -> None:
    path = "/v4/historical-pnl/parentSubaccountNumber"
    shape = get(market, f"{path}?{query(market, parentSubaccountNumber=0)}")

    newest = shape["historicalPnl"][0]
    assert (newest["equity"], newest["totalPnl"], newest["netTransfers"]) == (
        "10009.97",
        "9.97",
        "0",
    )
    assert "subaccountId" not in newest


@pytest.mark.parametrize("path", ["/v4/pnl", "/v4/pnl/parentSubaccountNumber"])
def test_pnl__newer_shape__same_figures(market: TradedMarket, path: str) -> None:
    shape = get(market, f"{path}?{query(market, parentSubaccountNumber=0)}")

    assert shape["pnl"][0]["totalPnl"] == "9.97"
    assert set(shape["pnl"][0]) == {
        "equity",
        "totalPnl",
        "netTransfers",
        "createdAt",
        "createdAtHeight",
    }


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v4/vault/v1/megavault/historicalPnl?resolution=hour", {"megavaultPnl": []}),
        ("/v4/vault/v1/vaults/historicalPnl?resolution=day", {"vaultsPnl": []}),
        ("/v4/vault/v1/megavault/positions", {"positions": []}),
        ("/v4/historicalBlockTradingRewards/dydx1x", {"rewards": []}),
        ("/v4/historicalTradingRewardAggregations/dydx1x?period=DAILY", {"rewards": []}),
        ("/v4/trader/search?searchParam=x", {"results": []}),
    ],
)
def test_rest__nothing_of_the_kind_here__answers_none(
    market: TradedMarket, path: str, answer: Any
) -> None:
    assert get(market, path) == answer


# Faucet


def test_faucet__tokens__reach_the_subaccount_in_the_next_block() -> None:
    market = TradedMarket()
    body = {"address": market.alice.address, "subaccountNumber": 3, "amount": 12.5}

    answer = ask(market, "POST", "/faucet/tokens", json=body)
    market.block()

    account = market.chain.state.subaccounts.get(SubaccountId(market.alice.address, 3))
    assert answer.status_code == 202
    assert account is not None
    assert account.usdc == 12_500_000


@pytest.mark.parametrize(
    "body",
    [
        {"subaccountNumber": 0, "amount": 1},
        {"address": "dydx1x", "subaccountNumber": 0, "amount": 1},
        {"address": "ALICE", "subaccountNumber": 0, "amount": -1},
        {"address": "ALICE", "subaccountNumber": 0, "amount": "0.0000001"},
        {"address": "ALICE", "subaccountNumber": "x", "amount": 1},
    ],
)
def test_faucet__malformed__answers_400(body: dict[str, Any]) -> None:
    market = TradedMarket()
    if body.get("address") == "ALICE":
        body = body | {"address": market.alice.address}

    assert ask(market, "POST", "/faucet/tokens", json=body).status_code == 400


def test_faucet__native_token__is_taken() -> None:
    market = TradedMarket()

    answer = ask(market, "POST", "/faucet/native-token", json={"address": market.alice.address})

    assert answer.status_code == 202


# The parent's stream


def test_initial_contents__parent__holds_children_and_their_orders(market: TradedMarket) -> None:
    alice = market.alice
    market.send(place(alice, order(alice, gtb=market.gtb(), side=SELL, price=32_000)))
    market.send(
        place(alice, order(alice, gtb=market.gtb(), side=SELL, price=33_000, subaccount=128))
    )

    contents = initial_contents(
        market.indexer.tables, "v4_parent_subaccounts", f"{alice.address}/0"
    )

    children = contents["subaccount"]["childSubaccounts"]
    assert [child["subaccountNumber"] for child in children] == [0, 128]
    assert contents["subaccount"]["equity"] == "10009.97"
    assert [entry["price"] for entry in contents["orders"]] == ["3200", "3300"]


def test_parent_message__child_update__names_the_child(market: TradedMarket) -> None:
    told = [m for m in market.messages if m.id == f"{market.alice.address}/128"][-1]

    parent = parent_message(told)

    assert parent is not None
    assert (parent.channel, parent.id, parent.subaccount) == (
        "v4_parent_subaccounts",
        f"{market.alice.address}/0",
        128,
    )
    assert parent.contents == told.contents


def test_stream__parent_channel__carries_the_child_number() -> None:
    async def scenario(served: Served) -> None:
        first = await served.subscribe("v4_parent_subaccounts", id="dydx1x/0")
        served.publish("v4_subaccounts", "dydx1x/128", {"blockHeight": "9"})
        heard = await served.hear()

        assert first["contents"] == {}
        assert (heard["channel"], heard["id"], heard["subaccountNumber"]) == (
            "v4_parent_subaccounts",
            "dydx1x/0",
            128,
        )
        assert heard["contents"] == {"blockHeight": "9"}

    run(scenario)


def test_stream__parent_number_of_a_child__answers_error() -> None:
    async def scenario(served: Served) -> None:
        answer = await served.subscribe("v4_parent_subaccounts", id="dydx1x/128")

        assert answer["type"] == "error"

    run(scenario)
