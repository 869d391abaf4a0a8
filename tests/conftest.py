"""Fixtures every test may use; nothing that belongs to one folder."""

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

ROOT = Path(__file__).resolve().parent.parent
INTERNET = (socket.AF_INET, socket.AF_INET6)
KEPT_STATES = 500
"""Blocks whose state the node of Ape keeps, in memory. Without a bound it writes that of older
blocks to the disk and leaves it there: one run of all contract tests left tens of gigabytes."""


def forbid_leaving(event: str, arguments: tuple[object, ...]) -> None:
    """Audit hook: no test of this suite, and no code under test, talks to another machine."""
    if event != "socket.connect":
        return
    connection, address = arguments
    if isinstance(connection, socket.socket) and connection.family not in INTERNET:
        return
    host = address[0] if isinstance(address, tuple) else ""
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise AssertionError(f"a connection to {host} would leave this machine")


sys.addaudithook(forbid_leaving)


def pytest_configure(config: pytest.Config) -> None:
    """Before Ape starts its node."""
    if config.pluginmanager.hasplugin("ape_test"):
        keep_states_in_memory()


def keep_states_in_memory() -> None:
    """Adds to the arguments of Ape's node what its configuration has no word for."""
    # Not for the many tests that run without Ape, which it would slow by a second.
    from ape_foundry.provider import FoundryProvider

    build = FoundryProvider.build_command

    def build_bounded(self: FoundryProvider) -> list[str]:
        return [*build(self), "--prune-history", str(KEPT_STATES)]

    FoundryProvider.build_command = build_bounded


@pytest.fixture(scope="session")
def market_data_dir() -> Path:
    """Folder of recorded market data; the test is skipped with a reason where it is absent."""
    folder = Path(os.environ.get("MARKET_DATA_DIR", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no recorded market data at {folder} (set MARKET_DATA_DIR)")
    return folder


@pytest.fixture(autouse=True)
def default_logging() -> Iterator[None]:
    """Undo what a command set up: its log stream is the test's standard error, closed after it."""
    yield
    structlog.reset_defaults()
