"""The measured figures of a session, compared with the committed table or written to it."""

import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.contracts.adapters.conftest import (
    guardian,
    issuer,
    keeper,
    live,
    market,
    route,
    trader,
    world,
)
from tests.contracts.gas import table

__all__ = ["guardian", "issuer", "keeper", "live", "market", "route", "trader", "world"]

Record = Callable[[str, dict[str, int]], None]


@pytest.fixture(scope="session")
def groups() -> Iterator[dict[str, dict[str, int]]]:
    found: dict[str, dict[str, int]] = {}
    yield found
    if table.WRITING:
        table.write(found, _settings())


@pytest.fixture
def record(groups: dict[str, dict[str, int]]) -> Record:
    """Takes what was measured; without `make gas` it has to be what the table says, nearly."""

    def take(title: str, figures: dict[str, int]) -> None:
        if table.WRITING:
            groups.setdefault(title, {}).update(figures)
        else:
            assert table.moved(figures) == {}

    return take


def _settings() -> str:
    root = Path(__file__).resolve().parents[3]
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%h", "--", "contracts"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    day = datetime.now(UTC).date()
    return (
        f"Measured {day} on the contracts of {commit}: solc 0.8.30, via IR, optimizer at 200 runs, "
        "EVM cancun (`ape-config.yaml`).\n"
    )
