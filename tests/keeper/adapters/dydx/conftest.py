"""Fixtures of the dYdX adapter's tests: recorded payloads and two markets."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keeper.domain.instruments import PerpetualMarket
from tests.keeper.markets import ETH


@pytest.fixture(scope="session")
def recorded(market_data_dir: Path) -> Callable[[str], bytes]:
    """Return the bytes of a recorded payload by its path below dydx_samples."""
    folder = market_data_dir / "dydx_samples"
    if not folder.is_dir():
        pytest.skip(f"no recorded dYdX payloads at {folder}")
    return lambda name: (folder / name).read_bytes()


@pytest.fixture
def contents(recorded: Callable[[str], bytes]) -> Callable[[str], bytes]:
    """Return the contents of a recorded websocket message."""

    def of(name: str) -> bytes:
        message: dict[str, Any] = json.loads(recorded(f"v4_recorded_ws/{name}.json"))
        return json.dumps(message["contents"]).encode()

    return of


@pytest.fixture
def eth() -> PerpetualMarket:
    return ETH


@pytest.fixture
def btc(eth: PerpetualMarket) -> PerpetualMarket:
    return msgspec.structs.replace(
        eth, ticker="BTC-USD", clob_pair_id=0, atomic_resolution=-10, oracle_exponent=-5
    )
