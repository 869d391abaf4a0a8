"""Settings that cannot work are refused, and importing them costs nothing heavy."""

import subprocess
import sys
from typing import Any

import msgspec
import pytest

from keeper.domain.errors import ConfigError
from keeper.venues.dydx.feed import check_order_limits
from keeper.venues.dydx.reader import RateLimit
from keeper.venues.dydx.settings import DydxSettings

GOOD: dict[str, Any] = {
    "chain_id": "localdydxprotocol",
    "grpc_endpoint": "127.0.0.1:9090",
    "grpc_insecure": True,
    "rest_url": "http://127.0.0.1:3002",
    "ws_url": "ws://127.0.0.1:3003",
    "address": "dydx1",
    "subaccount": 0,
    "markets": ["ETH-USD"],
}


@pytest.mark.parametrize(
    "change",
    [
        {"markets": ["ETH-USD", "ETH-USD"]},
        {"rest_url": "http://127.0.0.1:3002/v4/"},
        {"place_deadline_ms": 0},
        {"query_deadline_ms": -1},
        {"reconnect_max_ms": 0},
    ],
)
def test_settings__cannot_work__config_error(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        DydxSettings(**GOOD | change)


def test_settings__unknown_key__refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="retries"):
        msgspec.convert(GOOD | {"retries": 3}, DydxSettings)


def test_settings__complete__converts() -> None:
    settings = msgspec.convert(GOOD, DydxSettings)

    assert settings.markets == ("ETH-USD",)
    assert settings.fees.gas_price_micro == 25_000


@pytest.mark.parametrize("budget", [0, 1, 800])
def test_check_order_limits__chain_carries_it__passes(budget: int) -> None:
    check_order_limits([RateLimit(5, 4_000), RateLimit(1, 900)], budget)


def test_check_order_limits__one_limit_too_small__config_error() -> None:
    with pytest.raises(ConfigError, match="900 order messages in 1 blocks"):
        check_order_limits([RateLimit(5, 40_000), RateLimit(1, 900)], 901)


def test_import__settings_and_ids__nothing_heavy() -> None:
    program = (
        "import sys, keeper.venues.dydx.settings, keeper.venues.dydx.ids;"
        "heavy = {'grpc', 'httpx', 'websockets', 'v4_proto', 'eth_account', 'coincurve'};"
        "print(sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_import__whole_adapter__nothing_of_the_local_world() -> None:
    program = (
        "import sys, keeper.venues.dydx.venue, keeper.venues.dydx.account;"
        "print([name for name in sys.modules if name.startswith('keeper.devnet')])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_settings__no_market__is_a_feed_of_the_chain_alone() -> None:
    assert DydxSettings(**GOOD | {"markets": ()}).markets == ()
