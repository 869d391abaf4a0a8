"""The administration port: oracle, blocks, market status, the bridge, the state."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from keeper.devnet.exchange import Exchange, ExchangeConfig
from keeper.devnet.exchange.addresses import BRIDGE
from tests.keeper.exchange.wallets import Trader, send

Scenario = Callable[["Admin"], Awaitable[None]]


class Admin:
    """A client of a served exchange's administration."""

    def __init__(self, exchange: Exchange, client: httpx.AsyncClient) -> None:
        self.exchange = exchange
        self._client = client

    async def get(self, path: str, **params: Any) -> Any:
        return (await self._client.get(path, params=params)).json()

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self._client.post(path, json=body)

    async def credit(self, recipient: str, amount: int, memo: str) -> Any:
        answer = await self.post(
            "/admin/bridge/credit", recipient=recipient, amount=amount, memo=memo
        )
        return answer.json()


def run(scenario: Scenario) -> None:
    async def serve() -> None:
        async with (
            Exchange(ExchangeConfig()) as exchange,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{exchange.ports.admin}") as client,
        ):
            await scenario(Admin(exchange, client))

    asyncio.run(serve())


def test_credit__same_memo_twice__is_honoured_once() -> None:
    async def scenario(admin: Admin) -> None:
        alice = Trader(1).address
        first = await admin.credit(alice, 5_000_000, "0xabc:1")
        await admin.post("/admin/block")
        again = await admin.credit(alice, 5_000_000, "0xabc:1")
        await admin.post("/admin/block")
        state = await admin.get("/admin/state")

        assert (first["new"], again["new"]) == (True, False)
        assert first["txhash"] == again["txhash"]
        assert state["bank"][alice] == 5_000_000
        assert state["totals"]["bridged_in"] == state["totals"]["total_usdc"] == 5_000_000
        record = admin.exchange.chain.index.get(first["txhash"])
        assert record is not None
        assert (record.height, record.memo) == (2, "0xabc:1")

    run(scenario)


def test_credit__same_memo_other_amount__is_refused() -> None:
    async def scenario(admin: Admin) -> None:
        alice = Trader(1).address
        await admin.credit(alice, 5, "0xabc:1")

        answer = await admin.post("/admin/bridge/credit", recipient=alice, amount=6, memo="0xabc:1")

        assert answer.status_code == 400
        assert "was used for another credit" in answer.json()["error"]

    run(scenario)


@pytest.mark.parametrize(
    "change", [{"amount": 0}, {"amount": 1.5}, {"recipient": "dydx1nobody"}, {"memo": ""}]
)
def test_credit__malformed__is_refused(change: dict[str, Any]) -> None:
    async def scenario(admin: Admin) -> None:
        body = {"recipient": Trader(1).address, "amount": 5, "memo": "m"} | change

        answer = await admin.post("/admin/bridge/credit", **body)

        assert answer.status_code == 400

    run(scenario)


def test_withdrawals__sends_to_bridge__listed_after_id_and_leave_exchange() -> None:
    async def scenario(admin: Admin) -> None:
        alice = Trader(1)
        await admin.credit(alice.address, 1_000_000_000, "0x1:0")
        await admin.post("/admin/block")
        account = admin.exchange.chain.state.accounts.get(alice.address)
        assert account is not None
        alice = Trader(1, account.number)
        address = (await admin.get("/admin/bridge/account"))["address"]
        for number, amount in enumerate((300, 400, 10**12)):
            message = send(alice.address, address, amount)
            raw = alice.paid(message, sequence=number, memo=f"0x{number}")
            assert admin.exchange.chain.check_tx(raw).result.code == 0
        await admin.post("/admin/block")

        listed = (await admin.get("/admin/bridge/withdrawals", after=0))["withdrawals"]
        rest = (await admin.get("/admin/bridge/withdrawals", after=1))["withdrawals"]
        state = await admin.get("/admin/state")

        assert address == BRIDGE
        assert [(w["id"], w["amount"], w["memo"]) for w in listed] == [
            (1, 300, "0x0"),
            (2, 400, "0x1"),
        ]
        assert [w["sender"] for w in listed] == [alice.address] * 2
        assert [w["id"] for w in rest] == [2]
        assert state["totals"]["bridged_out"] == 700
        assert state["bank"][BRIDGE] == 0
        assert state["totals"]["total_usdc"] == 1_000_000_000 - 700

    run(scenario)


def test_oracle__posted__takes_effect_in_next_block() -> None:
    async def scenario(admin: Admin) -> None:
        answer = await admin.post("/admin/oracle", market="ETH-USD", price=3_333_000_000)
        before = await admin.get("/admin/state")
        await admin.post("/admin/block")
        after = await admin.get("/admin/state")

        assert answer.json() == {"effective_height": 2}
        assert before["perpetuals"]["1"]["oracle_price"] == 3_000_000_000
        assert after["perpetuals"]["1"]["oracle_price"] == 3_333_000_000

    run(scenario)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/admin/oracle", {"market": "DOGE-USD", "price": 1}),
        ("/admin/oracle", {"market": "ETH-USD", "price": -1}),
        ("/admin/oracle", {"market": "ETH-USD", "price": 1.5}),
        ("/admin/oracle", {"price": 1}),
        ("/admin/market", {"market": "ETH-USD", "status": "SLEEPY"}),
        ("/admin/block", {"time_ns": 5}),
        ("/admin/block", {"count": 0}),
    ],
)
def test_administration__malformed__is_refused(path: str, body: dict[str, Any]) -> None:
    async def scenario(admin: Admin) -> None:
        assert (await admin.post(path, **body)).status_code == 400

    run(scenario)


def test_block__count_and_time__makes_them() -> None:
    async def scenario(admin: Admin) -> None:
        three = (await admin.post("/admin/block", count=3)).json()
        dated = (await admin.post("/admin/block", time_ns=three["time_ns"] + 7)).json()

        assert (three["height"], dated["height"]) == (4, 5)
        assert dated["time_ns"] == three["time_ns"] + 7

    run(scenario)


def test_market_status__posted__shows_in_next_block() -> None:
    async def scenario(admin: Admin) -> None:
        await admin.post("/admin/market", market="ETH-USD", status="POST_ONLY")
        await admin.post("/admin/block")
        async with httpx.AsyncClient() as client:
            url = f"http://127.0.0.1:{admin.exchange.ports.rest}/v4/perpetualMarkets"
            markets = (await client.get(url)).json()["markets"]

        assert markets["ETH-USD"]["status"] == "POST_ONLY"
        assert markets["BTC-USD"]["status"] == "ACTIVE"

    run(scenario)


def test_market_parameters__posted__show_in_next_block() -> None:
    async def scenario(admin: Admin) -> None:
        answer = await admin.post("/admin/market", market="ETH-USD", subticks_per_tick=1_000_000)
        await admin.post("/admin/block")

        market = admin.exchange.chain.state.markets.get(1)
        assert answer.status_code == 200
        assert market is not None
        assert market.subticks_per_tick == 1_000_000

    run(scenario)


def test_pace__blocks_of_the_clock__are_summed_up_and_forgotten() -> None:
    async def scenario(admin: Admin) -> None:
        for late_us in range(1, 101):
            admin.exchange.pace.add(late_us, 2 * late_us)

        told = await admin.get("/admin/pace")
        admin.exchange.pace.clear()
        empty = await admin.get("/admin/pace")

        assert (told["blocks"], told["late_p50_us"], told["late_p99_us"]) == (100, 51, 100)
        assert (told["cpu_p50_us"], told["cpu_p99_us"]) == (102, 200)
        assert (empty["blocks"], empty["late_p99_us"]) == (0, 0)

    run(scenario)
