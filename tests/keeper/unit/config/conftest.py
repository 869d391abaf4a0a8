"""A complete local configuration as text."""

import pytest

from keeper.config.template import draft, render_config

VAULT = "0x" + "11" * 20
DYDX = "dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4"
SETTINGS = (
    f"vault.address={VAULT}",
    f"vault.reporter={'0x' + '22' * 20}",
    f"venue.address={DYDX}",
    f"pools.0.adapter={'0x' + '33' * 20}",
    f"pools.0.pool={'0x' + '44' * 20}",
    f"venue.adapter={'0x' + '55' * 20}",
    f"venue.bridge_address={DYDX}",
    "reporter.evm_rpc_url=http://127.0.0.1:8545",
    "reporter.venue_grpc_endpoint=127.0.0.1:9090",
    "reporter.venue_grpc_insecure=true",
    "reporter.venue_rest_url=http://127.0.0.1:3002",
    'relay.reporter_urls=["http://127.0.0.1:8700", "http://127.0.0.1:8701"]',
)


@pytest.fixture(scope="session")
def local_text() -> str:
    data = draft("local", ("keeper", "reporter", "treasurer", "relay"), SETTINGS)
    return render_config(data, venue="local")
