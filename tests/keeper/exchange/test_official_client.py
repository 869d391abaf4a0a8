"""Acceptance: dYdX's own client, unmodified, in its own environment, against the exchange."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from keeper.devnet.exchange import Exchange, ExchangeConfig
from tests.keeper.exchange.official_process import PYTHON, answers_of
from tests.keeper.exchange.wallets import Trader

ROOT = Path(__file__).resolve().parents[3]
SESSION = Path(__file__).with_name("official_client_session.py")
BLOCK_SECONDS = 0.2
TIMEOUT_SECONDS = 120
STEPS = {  # called by the steps of the session
    "add_authenticator",
    "batch_cancel_orders",
    "cancel_order",
    "connect",
    "deposit",
    "place_order",
    "remove_authenticator",
    "send_token",
    "transfer",
    "withdraw",
}
PLUMBING = {  # what those are made of
    "broadcast",
    "broadcast_message",
    "create_transaction",
    "get",
    "post",
    "query_transaction",
    "send",
    "send_message",
    "simulate",
}
OTHER_MODULES = {  # staking, governance, affiliates, market creation: not served here
    "create_market_permissionless",
    "delegate",
    "get_affiliate_info",
    "get_affiliate_whitelist",
    "get_all_affiliate_tiers",
    "get_all_gov_proposals",
    "get_all_validators",
    "get_delayed_complete_bridge_messages",
    "get_delegation_total_rewards",
    "get_delegator_delegations",
    "get_delegator_unbonding_delegations",
    "get_referred_by",
    "register_affiliate",
    "undelegate",
    "withdraw_delegate_reward",
}


async def make_blocks(exchange: Exchange) -> None:
    while True:
        await asyncio.sleep(BLOCK_SECONDS)
        exchange.make_block()


async def run_session() -> dict[str, Any]:
    trader, hot = Trader(1), Trader(2)
    async with Exchange(ExchangeConfig(faucet=True)) as exchange:
        exchange.chain.credit(trader.address, 1_000_000_000, "0x1:0")
        exchange.make_block()
        blocks = asyncio.create_task(make_blocks(exchange))
        seen = await answers_of(SESSION, exchange, trader, hot, TIMEOUT_SECONDS)
        blocks.cancel()
    return seen


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    if not PYTHON.exists():
        pytest.skip(f"no official client at {PYTHON} (run scripts/dydx_client_env.sh)")
    return asyncio.run(run_session())


def test_official_client__reads__sees_markets_account_and_height(seen: dict[str, Any]) -> None:
    assert seen["chain_id"] == "localdydxprotocol"
    assert seen["tickers"] == ["BTC-USD", "ETH-USD"]
    assert seen["pairs"] == [0, 1]
    assert seen["pair"] == 100_000
    assert seen["perpetual"] == "ETH-USD"
    assert seen["prices"] == [6_500_000_000, 3_000_000_000]
    assert seen["price"] == -6
    assert seen["balance"] == "1000000000"
    assert len(seen["denominations"]) == 1
    assert (seen["fee_tier"], seen["fee_tiers"]) == (100, 1)
    assert seen["rest_height"] >= seen["height"] >= 2
    assert seen["epoch"] > 1_760_000_000


def test_official_client__moves_money__included_and_counted(seen: dict[str, Any]) -> None:
    for step in ("deposit", "transfer", "withdraw", "send"):
        assert seen[step] == [0, "included"]
    assert seen["subaccounts"] == 2
    assert seen["equity"] == "480"
    assert seen["transfers"] == ["TRANSFER_OUT", "DEPOSIT"]


def test_official_client__trades__places_replaces_cancels(seen: dict[str, Any]) -> None:
    for step in ("place", "replace", "cancel", "batch_cancel"):
        assert seen[step] == [0, "[]"]
    assert seen["orders"] == [["BEST_EFFORT_OPENED", "2950", True]]
    assert seen["bids"] == [{"price": "2950", "size": "0.01"}]
    assert seen["bids_left"] == []


def test_official_client__permissioned_key__trades_within_filters(seen: dict[str, Any]) -> None:
    assert seen["add_authenticator"] == [0, "included"]
    assert seen["authenticators"] == ["AllOf"]
    assert seen["hot_place"] == [0, "[]"]
    assert seen["hot_other_pair"] == 104
    assert seen["remove_authenticator"] == [0, "included"]


def test_official_client__streams__sees_its_orders_in_order(seen: dict[str, Any]) -> None:
    messages = seen["messages"]
    assert messages[0]["type"] == "connected"
    assert [m["message_id"] for m in messages] == list(range(len(messages)))
    of_account = [m for m in messages if m.get("channel") == "v4_subaccounts"]
    assert of_account[0]["contents"]["subaccount"]["equity"] == "480"
    statuses = [
        (o["clientId"], o["status"], o.get("removalReason", "").removeprefix("ORDER_REMOVAL_"))
        for m in of_account[1:]
        for o in m["contents"].get("orders", [])
    ]
    assert statuses[:4] == [
        ("1", "BEST_EFFORT_OPENED", ""),
        ("1", "BEST_EFFORT_CANCELED", "REASON_REPLACED"),
        ("1", "BEST_EFFORT_OPENED", ""),
        ("1", "BEST_EFFORT_CANCELED", "REASON_USER_CANCELED"),
    ]
    book = [m["contents"] for m in messages if m.get("channel") == "v4_orderbook"]
    assert book[0] == {"bids": [], "asks": []}
    assert {"bids": [["2900", "0.01"]]} in book


def test_official_client__long_term_order__placed_listed_cancelled(seen: dict[str, Any]) -> None:
    assert seen["long_place"] == [0, "included"]
    assert seen["long_listed"] == [["OPEN", "64"]]
    assert seen["long_cancel"] == [0, "included"]


def test_official_client__every_method__is_answered(seen: dict[str, Any]) -> None:
    failed = {name: result for name, result in seen["methods"].items() if result != "ok"}

    assert len(seen["methods"]) == 60
    assert failed == {}


def test_official_client__methods_not_called__are_the_steps_own_or_of_other_modules(
    seen: dict[str, Any],
) -> None:
    named = {name.split(".")[1] for name in seen["uncalled"]}

    assert named == STEPS | PLUMBING | OTHER_MODULES


def test_exchange_doc__lists_every_method_called(seen: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "exchange.md").read_text(encoding="utf-8")

    assert [name for name in seen["methods"] if f"`{name.split('.')[1]}`" not in text] == []
