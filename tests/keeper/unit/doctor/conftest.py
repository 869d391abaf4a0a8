"""A complete local configuration as text."""

import pytest

from keeper.config.template import draft, render_config

DYDX = "dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4"
SETTINGS = (
    f"vault.address={'0x' + '11' * 20}",
    f"vault.reporter={'0x' + '22' * 20}",
    f"venue.address={DYDX}",
    f"venue.adapter={'0x' + '55' * 20}",
    f"venue.bridge_address={DYDX}",
)


@pytest.fixture(scope="session")
def config_text() -> str:
    return render_config(draft("local", ("keeper",), SETTINGS), venue="local")
