"""`keeper strategy compare`: figures as data, a page, changed parameters, faults told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keeper.bootstrap import comparing
from keeper.bootstrap.comparing import OVERLAY_NAMES, RULE_TITLES
from keeper.cli.strategy_compare import OVERLAYS, RULES
from tests.keeper.recorded import lively, small
from tests.keeper.unit.cli.conftest import Shell

Keeper = Callable[..., Shell]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lively().write(tmp_path / "ethusdt.gz")
    return tmp_path


@pytest.fixture
def compared(keeper: Keeper, folder: Path) -> Callable[..., dict[str, Any]]:
    def run(*args: str) -> dict[str, Any]:
        out = folder / "out" / "page.html"
        answer = keeper(
            *("strategy", "compare", folder, "--symbol", "ETHUSDT", "--out", out, "--json"), *args
        )
        assert answer.code == 0, answer.err
        found: dict[str, Any] = json.loads(answer.out)
        return found

    return run


def by_run(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["run"]: row for row in rows}


def test_compare__whole_tape__every_rule_and_overlay_and_the_page(
    compared: Callable[..., dict[str, Any]],
) -> None:
    data = compared()

    assert tuple(by_run(data["rules"])) == RULES == tuple(RULE_TITLES)
    assert tuple(by_run(data["overlays"])) == OVERLAYS == OVERLAY_NAMES
    assert data["fill_model"] == "conservative"
    assert all(row["fills"] > 0 for row in data["rules"])
    for row in (*data["rules"], *data["overlays"]):
        gap = row["profit_before_fees_quote_quantums"] - row["profit_after_fees_quote_quantums"]
        assert gap == row["fees_quote_quantums"]
    assert Path(data["written"]).stat().st_size == data["bytes"]


def test_compare__chosen__only_these_and_the_base(compared: Callable[..., dict[str, Any]]) -> None:
    data = compared("--rule", "glft", "--overlay", "none", "--base", "megavault")

    assert [row["run"] for row in data["rules"]] == ["megavault", "glft"]
    assert data["overlays"] == []


def test_compare__set__changes_one_run_alone(compared: Callable[..., dict[str, Any]]) -> None:
    args = ("--rule", "glft", "--overlay", "fee")

    plain, changed = compared(*args), compared(*args, "--set", "fixed_spread.half_spread_ppm=900")

    before, after = by_run(plain["rules"]), by_run(changed["rules"])
    assert after["fixed_spread"]["parameters"]["half_spread_ppm"] == "900"
    assert after["fixed_spread"]["fills"] < before["fixed_spread"]["fills"]
    assert after["glft"] == before["glft"]


def test_compare__calibrated_elsewhere__parameters_are_the_other_recordings(
    compared: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = lively(seed=2).write(tmp_path_factory.mktemp("other") / "ethusdt.gz")
    args = ("--rule", "glft", "--overlay", "none")

    own, others = compared(*args), compared(*args, "--calibrate-on", str(other))

    assert own["calibration"]["k_e9"] != others["calibration"]["k_e9"]
    k = by_run(others["rules"])["glft"]["parameters"]["k_e9"]
    assert k == f"{others['calibration']['k_e9']:,}"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("glft.gamma_e9=0", "glft: gamma_e9 must be positive"),
        ("glft.gama=1", "gama is no parameter of GlftParams"),
        ("glft.gamma_e9=much", "Expected `int`"),
        ("gluft.gamma_e9=1", "neither a rule nor an overlay"),
        ("gamma", "is not RUN.NAME=VALUE"),
        ("trend.max_shift_ppm=900", "the half spread is"),
    ],
)
def test_compare__parameter_that_cannot_be_quoted__told(
    keeper: Keeper, folder: Path, change: str, told: str
) -> None:
    answer = keeper("strategy", "compare", folder, "--symbol", "ETHUSDT", "--set", change)

    assert answer.code == 3
    assert told in answer.err
    assert "keeper strategy list" in answer.err


def test_compare__too_few_trades__told_what_to_give(keeper: Keeper, tmp_path: Path) -> None:
    small().write(tmp_path / "ethusdt.gz")

    answer = keeper("strategy", "compare", tmp_path, "--symbol", "ETHUSDT")

    assert answer.code == 3
    assert "2 arrivals are too few" in answer.err
    assert "longer recording" in answer.err


def test_compare__order_below_the_step__told(keeper: Keeper, folder: Path) -> None:
    answer = keeper("strategy", "compare", folder, "--symbol", "ETHUSDT", "--order", "1")

    assert answer.code == 3
    assert "an order of 1 USDC is less than the step of 0.001 ETHUSDT" in answer.err
    assert "raise --order" in answer.err


def test_compare__person__sees_the_table_and_the_fill_model(keeper: Keeper, folder: Path) -> None:
    out = folder / "page.html"

    answer = keeper(
        *("strategy", "compare", folder, "--symbol", "ETHUSDT", "--out", out),
        *("--rule", "fixed_spread", "--overlay", "none"),
    )

    assert "fixed_spread" in answer.out
    assert "fills: conservative" in answer.out
    assert str(out) in answer.out


def test_compare__processes__the_same_figures_as_in_one(
    compared: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "_FEW_POINTS", 0)
    args = ("--rule", "glft", "--overlay", "fee", "--processes")

    assert compared(*args, "2") == compared(*args, "1")


def test_compare__recorded_market__every_run_trades(
    keeper: Keeper, market_data_dir: Path, tmp_path: Path
) -> None:
    """Real ether of 2024: two rules and an overlay beside each other."""
    answer = keeper(
        *("strategy", "compare", market_data_dir / "l2_binance_hftbacktest", "--json"),
        *("--symbol", "ETHUSDT", "--rule", "glft", "--overlay", "fee"),
        *("--out", tmp_path / "page.html"),
    )

    found = json.loads(answer.out)
    assert found["prints"] > 10_000
    assert all(row["fills"] > 10 for row in (*found["rules"], *found["overlays"]))
    assert by_run(found["rules"])["glft"]["two_sided_ns"] > 0
    assert found["range"]["loss"] > 0
