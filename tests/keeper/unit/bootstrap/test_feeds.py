"""The leader's source as the configuration asks for it."""

from pathlib import Path

import pytest

from keeper.bootstrap.feeds import leader_sources
from keeper.clock import SystemClock
from keeper.config import parse_config
from keeper.feeds.binance.leader import BinanceLeader

CONFIG = Path(__file__).resolve().parents[4] / "config"


def test_leader_sources__no_leader__none() -> None:
    file = CONFIG / "local.toml"
    config = parse_config(file.read_text(), file, environ={}).config

    assert leader_sources(config, SystemClock()) == ()


@pytest.mark.parametrize("name", ["dydx-testnet.toml", "dydx-mainnet.toml"])
def test_leader_sources__shipped_configuration__the_futures_of_its_markets(name: str) -> None:
    file = CONFIG / name
    config = parse_config(file.read_text(), file, environ={}).config

    (source,) = leader_sources(config, SystemClock())

    assert isinstance(source, BinanceLeader)
    assert source.source == "leader:binance-usdm"
