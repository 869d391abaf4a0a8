"""Fixtures every test may use; nothing that belongs to one folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

ROOT = Path(__file__).resolve().parent.parent


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
