"""`keeper params` and what each operator's word says, against a control socket that answers."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from keeper.cli import operate, params
from keeper.cli.exits import ExitCode
from keeper.control.asking import ControlRefused, NotRunning, Request

Keeper = Callable[..., Any]
SPREAD = "market.ETH-USD.strategy.spread_min_ppm"
STATUS: Mapping[str, Any] = {
    "state": "ACTIVE",
    "params_hash": "new",
    "markets": [
        {
            "market": "ETH-USD",
            "quoted": True,
            "paused": True,
            "position_base_quantums": -1_500_000_000,
            "base_decimals": 9,
            "bids": 0,
            "asks": 0,
        }
    ],
    "pools": [{"pool": "0x1", "ranges": [{}]}],
}
PREVIEW: Mapping[str, Any] = {
    "base": "old",
    "params_hash": "new",
    "changes": [{"path": SPREAD, "before": 3_000, "after": 2_500}],
    "quotes": [
        {
            "market": "ETH-USD",
            "subticks_decimals": 6,
            "base_decimals": 9,
            "before": {"quotes": [], "refused": ["PAUSED"]},
            "after": {
                "quotes": [
                    {"side": "SELL", "layer": 0, "subticks": 3_010_000_000, "quantums": 10**9}
                ],
                "refused": [],
            },
        }
    ],
    "cuts": [
        {
            "adapter": "0xadapter",
            "before": None,
            "after": {
                "code": "MAX_LP",
                "limit": 60_000 * 10**6,
                "value": 191_408_500_000,
                "wanted_assets": 191_408_500_000,
                "fits_assets": 59_999 * 10**6,
            },
        }
    ],
    "file_lines": ["[markets.strategy]  # ETH-USD", "spread_min_ppm = 2500"],
    "applied": False,
}


class Socket:
    """Answers by verb and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.error: Exception | None = None

    def __call__(self, _journal: Path, request: Request) -> dict[str, Any]:
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        if request.verb == "params":
            wish = json.loads(request.argument)
            return {"params": {**PREVIEW, "applied": wish["apply"]}}
        if request.verb == "plan":
            order = {
                "kind": "PlaceOrder",
                "market": "ETH-USD",
                "side": "BUY",
                "quantums": 1_500_000_000,
                "subticks": 3_010_000_000,
                "base_decimals": 9,
                "subticks_decimals": 6,
                "time_in_force": "IOC",
                "reduce_only": True,
            }
            cancel = {"kind": "CancelOrders", "market": "ETH-USD", "client_ids": [1, 2]}
            burn = {"kind": "BurnRange", "adapter": "0xa", "liquidity": 5}
            return {"plan": {"commands": [cancel, order, burn]}}
        return {"accepted": True}

    def wishes(self) -> list[dict[str, Any]]:
        return [json.loads(request.argument) for request in self.asked]


@pytest.fixture
def socket(monkeypatch: pytest.MonkeyPatch) -> Socket:
    found = Socket()
    for module in (params, operate):
        monkeypatch.setattr(module, "ask", found)
        monkeypatch.setattr(module, "ask_status", lambda _: dict(STATUS))
    return found


def test_show__no_keeper__lists_the_files_parameters_with_their_origin(
    keeper: Keeper, config_file: Path
) -> None:
    shell = keeper("params", "show", "--config", config_file, "--json")

    data = json.loads(shell.out)
    rows = {row["path"]: row for row in data["parameters"]}
    assert not data["running"]
    assert (rows[SPREAD]["value"], rows[SPREAD]["unit"]) == (3_000, "ppm")
    assert (rows[SPREAD]["origin"], rows[SPREAD]["live"]) == ("file", "now")
    assert rows["market.ETH-USD.ticker"]["live"] == "restart"


def test_set__yes__previews_then_applies_on_what_was_previewed(
    keeper: Keeper, config_file: Path, socket: Socket
) -> None:
    shell = keeper("params", "set", f"{SPREAD}=2500", "--yes", "--config", config_file)

    assert shell.code == 0
    wishes = [(wish["base"], wish["apply"]) for wish in socket.wishes()]
    assert wishes == [("", False), ("old", True)]
    assert all(request.operator for request in socket.asked)
    assert "3,010.00" in shell.out
    assert "before: PAUSED" in shell.out
    assert "before: nothing is kept out" in shell.out
    assert (
        "after: 59,999 of 191,408.5 USDC go into the range: MAX_LP, 191,408.5 against 60,000 USDC"
        in shell.out
    )
    assert "spread_min_ppm = 2500" in shell.out
    assert "the file is as it was" in shell.out


def test_set__not_confirmed__changes_nothing(
    keeper: Keeper, config_file: Path, socket: Socket
) -> None:
    shell = keeper("params", "set", f"{SPREAD}=2500", "--config", config_file, "--json")

    assert shell.code == ExitCode.CONFIG
    assert [wish["apply"] for wish in socket.wishes()] == [False]


def test_set__dry_run__changes_nothing_and_succeeds(
    keeper: Keeper, config_file: Path, socket: Socket
) -> None:
    shell = keeper("params", "set", f"{SPREAD}=1", "--dry-run", "--config", config_file, "--json")

    assert shell.code == 0
    assert not json.loads(shell.out)["applied"]
    assert [wish["apply"] for wish in socket.wishes()] == [False]


def test_set__refused__each_reason_is_a_problem_and_the_exit_code_10(
    keeper: Keeper, config_file: Path, socket: Socket
) -> None:
    reasons = [
        {"code": "PARAM_LOOSENS", "path": "limits.drawdown_ppm", "message": "no", "fix": "less"},
        {"code": "PARAM_UNKNOWN", "path": "x", "message": "none", "fix": "look"},
    ]
    socket.error = ControlRefused("two reasons", problems=reasons)

    shell = keeper("params", "set", "x=1", "--yes", "--config", config_file, "--json")

    error = json.loads(shell.out)["error"]
    assert (shell.code, error["code"]) == (ExitCode.REFUSED, "PARAMS_REFUSED")
    assert [p["code"] for p in error["problems"]] == ["PARAM_LOOSENS", "PARAM_UNKNOWN"]


def test_set__no_keeper__says_how_to_start_one(
    keeper: Keeper, config_file: Path, socket: Socket
) -> None:
    socket.error = NotRunning("nobody", next_step="start it: keeper run --config FILE")

    shell = keeper("params", "set", "x=1", "--yes", "--config", config_file)

    assert shell.code == ExitCode.NOT_RUNNING
    assert "keeper run" in shell.err


@pytest.mark.parametrize(
    ("command", "verb"), [(("pause",), "pause"), (("cancel-all",), "cancel"), (("halt",), "halt")]
)
def test_words__each__says_what_stays_open(
    keeper: Keeper,
    config_file: Path,
    socket: Socket,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    verb: str,
) -> None:
    state = "HALTED" if verb == "halt" else "ACTIVE"
    monkeypatch.setattr(operate, "ask_status", lambda _: {**STATUS, "state": state})

    shell = keeper(*command, "--config", config_file, "--json")
    told = keeper(*command, "--config", config_file)

    assert socket.asked[0].verb == verb
    assert json.loads(shell.out)["stays_open"] == {
        "positions": {"ETH-USD": "-1.50"},
        "orders": 0,
        "ranges": 1,
    }
    assert "open: positions -1.50 ETH-USD; 0 orders, 1 pool ranges" in told.out


def test_flatten__dry_run__prints_each_command_and_says_no_word(
    keeper: Keeper, config_file: Path, socket: Socket
) -> None:
    shell = keeper("flatten", "--dry-run", "--config", config_file)

    assert shell.code == 0
    assert "cancel  ETH-USD  2 orders" in shell.out
    assert "BUY 1.50 at 3,010.00 or better, IOC, reduce-only" in shell.out
    assert "BurnRange on 0xa" in shell.out
    assert [request.verb for request in socket.asked] == ["plan"]
