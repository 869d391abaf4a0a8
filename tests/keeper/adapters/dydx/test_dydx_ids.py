"""The deterministic ids against ids the real indexer sent."""

import json
from collections.abc import Callable

from keeper.venues.dydx.ids import order_id, subaccount_id


def test_subaccount_id__recorded_account__equals_the_indexers(
    recorded: Callable[[str], bytes],
) -> None:
    message = json.loads(recorded("v4_recorded_ws/v4_accounts_channel_data_order_expired.json"))
    address, number = message["id"].split("/")

    result = subaccount_id(address, int(number))

    assert result == message["contents"]["orders"][0]["subaccountId"]


def test_order_id__recorded_orders__equal_the_indexers(recorded: Callable[[str], bytes]) -> None:
    names = ("order_opened", "order_canceled", "order_expired", "order_best_effort_canceled")
    for name in names:
        text = recorded(f"v4_recorded_ws/v4_accounts_channel_data_{name}.json")
        (order,) = json.loads(text)["contents"]["orders"]

        result = order_id(
            order["subaccountId"],
            int(order["clientId"]),
            int(order["clobPairId"]),
            int(order["orderFlags"]),
        )

        assert result == order["id"]


def test_order_id__documented_vector__matches() -> None:
    result = order_id("4484a830-fa43-5b04-ba00-3621a33ef89d", 1885399800, 1)

    assert result == "09a4bd71-66b5-5eb6-886f-8c91b0e6d7bf"
