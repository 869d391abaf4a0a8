"""A word to a running keeper that takes longer than its person waits."""

from pathlib import Path
from typing import Any

import pytest

from keeper.cli import operate
from keeper.cli.exits import ExitCode


def test_flatten__not_flat_in_time__says_what_is_left_in_the_markets_own_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keeper: Any, config_file: Path
) -> None:
    market = {"market": "ETH-USD", "position_base_quantums": 927_000_000, "base_decimals": 9}
    status = {"markets": [{**market, "bids": 0, "asks": 1}], "pools": [], "state": "EXITING"}
    monkeypatch.setattr(operate, "ask", lambda _folder, _request: {})
    monkeypatch.setattr(operate, "ask_status", lambda _folder: status)
    monkeypatch.setattr(operate, "POLL_SECONDS", 0.01)

    result = keeper("flatten", "--wait", "1", "--config", config_file)

    assert result.code == ExitCode.PENDING
    assert "not in effect after 1 s: ETH-USD position 0.927, 1 orders" in result.err
