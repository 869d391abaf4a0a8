"""REST answers: values, filters, refusals."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from keeper.devnet.exchange.config import ExchangeConfig
from keeper.devnet.exchange.rest import rest_app
from tests.keeper.exchange.market import TradedMarket
from tests.keeper.exchange.wallets import SELL, Trader, deposit, order, place, transfer


def ask(market: TradedMarket, *paths: str, limit: int = 0) -> list[httpx.Response]:
    async def run() -> list[httpx.Response]:
        transport = httpx.ASGITransport(
            app=rest_app(market.indexer.tables, market.chain.faults, limit, None)
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://exchange") as client:
            return [await client.get(path) for path in paths]

    return asyncio.run(run())


def get(market: TradedMarket, path: str) -> Any:
    (answer,) = ask(market, path)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def market() -> TradedMarket:
    return TradedMarket()


def account(market: TradedMarket, trader: Trader) -> Any:
    path = f"/v4/addresses/{trader.address}/subaccountNumber/0"
    return get(market, path)["subaccount"]


def query(trader: Trader, **more: Any) -> str:
    pairs = {"address": trader.address, "subaccountNumber": 0} | more
    return "&".join(f"{name}={value}" for name, value in pairs.items())


def test_subaccount__after_trade_and_oracle_move__equity_and_margin_follow(
    market: TradedMarket,
) -> None:
    market.trade(size=1_000)
    market.chain.set_oracle(1, 3_100_000_000)
    market.block()

    long, short = account(market, market.alice), account(market, market.bob)

    assert long["equity"] == "10099.7"  # 10,000 + 100 - 1 bp of 3,000
    assert short["equity"] == "9898.5"  # 10,000 - 100 - 5 bp of 3,000
    assert long["freeCollateral"] == "9944.7"  # equity - 5 % of 3,100
    assert long["openPerpetualPositions"]["ETH-USD"]["unrealizedPnl"] == "100"
    assert short["openPerpetualPositions"]["ETH-USD"]["size"] == "-1"
    assert short["assetPositions"]["USDC"]["size"] == "12998.5"


def test_positions__turned_round__closes_one_and_opens_another(market: TradedMarket) -> None:
    market.trade(size=40, price=30_000)
    alice, bob = market.alice, market.bob
    market.send(place(bob, order(bob, gtb=market.gtb(), size=100, price=31_000)))
    market.send(place(alice, order(alice, gtb=market.gtb(), side=SELL, size=100, price=31_000)))
    market.block()

    rows = get(market, f"/v4/perpetualPositions?{query(alice)}")["positions"]

    new, old = rows
    assert (new["side"], new["size"], new["entryPrice"]) == ("SHORT", "-0.06", "3100")
    assert (old["status"], old["sumClose"], old["exitPrice"]) == ("CLOSED", "0.04", "3100")
    assert old["realizedPnl"] == "4"
    opened = get(market, f"/v4/perpetualPositions?{query(alice, status='OPEN')}")["positions"]
    assert opened == [new]


def test_orders__optimistic_match__total_filled_waits_for_block(market: TradedMarket) -> None:
    alice, bob = market.alice, market.bob
    market.send(place(alice, order(alice, gtb=market.gtb(), size=100)))
    market.send(place(bob, order(bob, gtb=market.gtb(), side=SELL, size=40)))

    (before,) = get(market, f"/v4/orders?{query(alice)}")
    market.block()
    (after,) = get(market, f"/v4/orders?{query(alice)}")

    assert (before["status"], before["totalFilled"]) == ("BEST_EFFORT_OPENED", "0")
    assert "createdAtHeight" not in before
    assert (after["status"], after["totalFilled"]) == ("OPEN", "0.04")
    assert after["createdAtHeight"] == str(market.chain.height)


def test_orders__expired_unfilled__is_forgotten(market: TradedMarket) -> None:
    alice = market.alice
    market.send(place(alice, order(alice, gtb=market.gtb(0))))
    assert len(get(market, f"/v4/orders?{query(alice)}")) == 1

    market.block()

    assert get(market, f"/v4/orders?{query(alice)}") == []


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 3),
        ({"side": "SELL"}, 1),
        ({"ticker": "BTC-USD"}, 1),
        ({"status": "OPEN,FILLED"}, 0),
        ({"status": "BEST_EFFORT_OPENED"}, 3),
        ({"limit": 2}, 2),
        ({"type": "STOP_LIMIT"}, 0),
    ],
)
def test_orders__filters__choose(market: TradedMarket, filters: dict[str, Any], count: int) -> None:
    alice = market.alice
    for fields in ({}, {"side": SELL, "price": 31_000}, {"market": 0, "price": 600_000}):
        market.send(place(alice, order(alice, gtb=market.gtb(), **fields)))

    assert len(get(market, f"/v4/orders?{query(alice, **filters)}")) == count


def test_fills__paged_by_height_and_limit__newest_first(market: TradedMarket) -> None:
    for _ in range(3):
        market.trade()
    heights = [
        fill["createdAtHeight"] for fill in get(market, f"/v4/fills?{query(market.alice)}")["fills"]
    ]

    page = get(
        market,
        f"/v4/fills?{query(market.alice, createdBeforeOrAtHeight=heights[1], limit=1)}",
    )["fills"]

    assert heights == sorted(heights, key=int, reverse=True)
    assert [fill["createdAtHeight"] for fill in page] == [heights[1]]
    assert get(market, f"/v4/fills?{query(market.alice, market='BTC-USD')}")["fills"] == []
    ignored = get(market, f"/v4/fills?{query(market.alice, ticker='BTC-USD')}")["fills"]
    assert len(ignored) == 3


def test_funding__an_hour__payments_and_history(market: TradedMarket) -> None:
    market = TradedMarket(_with_funding(800))
    market.trade(size=101)
    market.block(3_600)

    (long,) = get(market, f"/v4/fundingPayments?{query(market.alice)}")["fundingPayments"]
    (short,) = get(market, f"/v4/fundingPayments?{query(market.bob)}")["fundingPayments"]
    (tick,) = get(market, "/v4/historicalFunding/ETH-USD")["historicalFunding"]

    assert (long["payment"], long["side"], long["subaccountNumber"]) == ("-0.0303", "LONG", "0")
    assert (short["payment"], short["size"], short["rate"]) == ("0.0303", "0.101", "0.0001")
    assert (tick["rate"], tick["price"]) == ("0.0001", "3000")
    net = account(market, market.alice)["openPerpetualPositions"]["ETH-USD"]["netFunding"]
    assert net == "-0.0303"


def _with_funding(ppm: int) -> ExchangeConfig:
    default = ExchangeConfig()
    return replace(
        default, markets=tuple(replace(m, default_funding_ppm=ppm) for m in default.markets)
    )


def test_transfers__between_subaccounts__seen_from_each_side(market: TradedMarket) -> None:
    alice = market.alice
    market.send(alice.paid(deposit(alice, 5_000_000), sequence=0))
    market.send(alice.paid(transfer(alice, 2_000_000, 0, 1), sequence=1))
    market.block()

    first = get(market, f"/v4/transfers?{query(alice)}")["transfers"]
    second = get(market, f"/v4/transfers?{query(alice, subaccountNumber=1)}")["transfers"]

    assert [t["type"] for t in first] == ["TRANSFER_OUT", "DEPOSIT", "DEPOSIT"]
    assert [(t["type"], t["size"]) for t in second] == [("TRANSFER_IN", "2")]
    assert "subaccountNumber" not in first[1]["sender"]
    between = get(
        market,
        f"/v4/transfers/between?sourceAddress={alice.address}&sourceSubaccountNumber=0"
        f"&recipientAddress={alice.address}&recipientSubaccountNumber=1",
    )
    assert between["totalNetTransfers"] == "2"


def test_candles__two_minutes__group_trades(market: TradedMarket) -> None:
    market.trade(size=40, price=30_000)
    market.trade(size=10, price=30_100)
    market.block(60)
    market.trade(size=5, price=29_900)

    new, old = get(market, "/v4/candles/perpetualMarkets/ETH-USD?resolution=1MIN")["candles"]

    assert (old["open"], old["high"], old["low"], old["close"]) == ("3000", "3010", "3000", "3010")
    assert (old["baseTokenVolume"], old["usdVolume"], old["trades"]) == ("0.05", "150.1", 2)
    assert (new["open"], new["trades"]) == ("2990", 1)


def test_orderbook_and_trades__after_trade__show_levels_and_taker_side(
    market: TradedMarket,
) -> None:
    market.trade()
    alice = market.alice
    for price in (29_900, 29_950):
        market.send(place(alice, order(alice, gtb=market.gtb(), price=price)))

    book = get(market, "/v4/orderbooks/perpetualMarket/ETH-USD")
    trades = get(market, "/v4/trades/perpetualMarket/ETH-USD")["trades"]

    assert [level["price"] for level in book["bids"]] == ["2995", "2990"]
    assert [(t["side"], t["size"], t["price"]) for t in trades] == [("SELL", "0.04", "3000")]


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v4/fills", 400, "address must be defined"),
        ("/v4/orders?address=x", 400, "subaccountNumber must be a non-negative integer"),
        ("/v4/orderbooks/perpetualMarket/DOGE-USD", 400, "ticker DOGE-USD is not a market"),
        ("/v4/candles/perpetualMarkets/ETH-USD", 400, "resolution must be defined"),
        ("/v4/addresses/x", 404, "No subaccounts found for address x"),
        (
            "/v4/addresses/x/subaccountNumber/0",
            404,
            "No subaccount found with address x and subaccountNumber 0",
        ),
        ("/v4/orders/none", 404, "Unable to find order id none"),
    ],
)
def test_rest__bad_or_unknown__answers_errors(
    market: TradedMarket, path: str, status: int, message: str
) -> None:
    (answer,) = ask(market, path)

    assert answer.status_code == status
    assert answer.json()["errors"][0]["msg"] == message


def test_rest__more_than_limit__answers_429(market: TradedMarket) -> None:
    answers = ask(market, *["/v4/height"] * 4, limit=3)

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert "errors" in answers[-1].json()


def test_parent_subaccount__children__are_listed_together(market: TradedMarket) -> None:
    alice = market.alice
    market.trade()
    market.send(alice.paid(transfer(alice, 2_000_000, 0, 128), sequence=0))
    market.block()
    parent = f"address={alice.address}&parentSubaccountNumber=0"

    shape = get(market, f"/v4/addresses/{alice.address}/parentSubaccountNumber/0")["subaccount"]
    counts = [
        len(rows[key] if key else rows)
        for rows, key in (
            (get(market, f"/v4/fills/parentSubaccountNumber?{parent}"), "fills"),
            (get(market, f"/v4/orders/parentSubaccountNumber?{parent}"), ""),
            (get(market, f"/v4/perpetualPositions/parentSubaccountNumber?{parent}"), "positions"),
            (get(market, f"/v4/assetPositions/parentSubaccountNumber?{parent}"), "positions"),
            (get(market, f"/v4/transfers/parentSubaccountNumber?{parent}"), "transfers"),
            (get(market, f"/v4/fundingPayments/parentSubaccount?{parent}"), "fundingPayments"),
        )
    ]

    assert [c["subaccountNumber"] for c in shape["childSubaccounts"]] == [0, 128]
    assert shape["equity"] == "9999.988"
    assert counts == [1, 1, 1, 2, 3, 0]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v4/screen?address=x", {"restricted": False}),
        ("/v4/compliance/screen/x", {"status": "COMPLIANT"}),
        ("/v4/height", {"height": "3", "time": "2025-10-09T08:53:22.000Z"}),
        ("/v4/time", {"iso": "2025-10-09T08:53:22.000Z", "epoch": 1760000002.0}),
        ("/v4/sparklines?timePeriod=ONE_DAY", {"BTC-USD": [], "ETH-USD": []}),
    ],
)
def test_status__asked__answers(market: TradedMarket, path: str, answer: Any) -> None:
    assert get(market, path) == answer


def test_trades__created_before_a_time__leaves_later_out(market: TradedMarket) -> None:
    market.trade()
    market.block(600)
    market.trade(size=7)
    path = "/v4/trades/perpetualMarket/ETH-USD?createdBeforeOrAt="

    early = get(market, path + "2025-10-09T08:55:00Z")["trades"]
    late = get(market, path + "2025-10-09T09:55:00.000Z")["trades"]

    assert [trade["size"] for trade in early] == ["0.04"]
    assert [trade["size"] for trade in late] == ["0.007", "0.04"]
    assert get(market, "/v4/sparklines?timePeriod=SEVEN_DAYS")["ETH-USD"] == ["3000"]


def test_perpetual_markets__a_day_later__volume_leaves_out_old_trades(
    market: TradedMarket,
) -> None:
    market.trade(size=40)
    market.block(86_000)
    market.trade(size=10)

    both = get(market, "/v4/perpetualMarkets")["markets"]["ETH-USD"]
    market.block(500)
    one = get(market, "/v4/perpetualMarkets")["markets"]["ETH-USD"]

    assert (both["trades24H"], both["volume24H"]) == (2, "150")
    assert (one["trades24H"], one["volume24H"], one["openInterest"]) == (1, "30", "0.05")
