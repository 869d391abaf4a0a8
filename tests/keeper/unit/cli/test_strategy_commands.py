"""`keeper strategy`: examples of every rule, quotes of a scene, refusals and faults."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from keeper.cli.strategy import KIND
from keeper.config.presets import RULES
from tests.keeper.recorded import Lines
from tests.keeper.unit.cli.conftest import Shell

Keeper = Callable[..., Shell]


def quoted(keeper: Keeper, *args: str) -> dict[str, object]:
    answer = keeper("strategy", "quote", *args, "--json")
    assert answer.code == 0, answer.err
    found: dict[str, object] = json.loads(answer.out)
    return found


def test_list__every_rule__each_parameter_with_its_description(keeper: Keeper) -> None:
    data = json.loads(keeper("strategy", "list", "--json").out)

    assert set(data["rules"]) == set(RULES) == set(KIND.choices)
    assert all(row["description"] for row in data["parameters"])
    assert "gamma_e9" in keeper("strategy", "list").out


def test_quote__fixed_spread__prices_sizes_and_distances(keeper: Keeper) -> None:
    data = quoted(keeper, "fixed_spread", "--set", "layers=1", "--reference", "3003")

    assert data["refused"] is None
    assert data["quotes"] == [
        {
            "side": "SELL",
            "layer": 0,
            "price": "3,004.60",
            "size": "0.666",
            "distance_ppm": 532,
            "time_in_force": "POST_ONLY",
        },
        {
            "side": "BUY",
            "layer": 0,
            "price": "3,001.40",
            "size": "0.666",
            "distance_ppm": 532,
            "time_in_force": "POST_ONLY",
        },
    ]


def test_quote__closing_short__bids_within_the_position(keeper: Keeper) -> None:
    data = quoted(keeper, "fixed_spread", "--inventory", "-0.7", "--closing")

    quotes = data["quotes"]
    assert isinstance(quotes, list)
    assert [(row["side"], row["size"]) for row in quotes] == [("BUY", "0.666"), ("BUY", "0.034")]


@pytest.mark.parametrize(
    ("option", "code"), [("--price", "ZERO_ORACLE"), ("--equity", "NO_EQUITY")]
)
def test_quote__nothing_to_quote_on__refused_as_data(
    keeper: Keeper, option: str, code: str
) -> None:
    refused = quoted(keeper, "glft", option, "0")["refused"]

    assert isinstance(refused, dict)
    assert refused["code"] == code
    assert code in keeper("strategy", "quote", "glft", option, "0").out


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("gamma_e9=0", "CONFIG_BAD_VALUE"),
        ("gama_e9=5", "CONFIG_UNKNOWN_KEY"),
        ("k_e9=1000000000000", "STRATEGY_DOMAIN"),
    ],
)
def test_quote__parameter_outside_its_domain__named(keeper: Keeper, change: str, code: str) -> None:
    answer = keeper("strategy", "quote", "glft", "--set", change)

    assert answer.code == 3
    assert code in answer.err
    assert answer.out == ""


def test_quote__no_amount_or_tick__told(keeper: Keeper) -> None:
    assert "not an amount" in keeper("strategy", "quote", "glft", "--price", "much").err
    assert "must be positive" in keeper("strategy", "quote", "glft", "--tick", "0").err


def test_calibrate__recording__prints_of_one_sweep_are_one_arrival(
    keeper: Keeper, tmp_path: Path
) -> None:
    """30 sweeps of two prints each, to 100 ppm, and 20 to 200 ppm, within 50 seconds."""
    lines = Lines()
    lines.snapshot(0, 10, [("99.99", "5")], [("100.01", "5")])
    lines.depth(1, (9, 10, 11), bids=[("99.99", "6")])
    for second in range(50):
        at_ms = 1_000 * second + 100
        lines.trade(at_ms, "100.01", "1", sold=False)
        lines.trade(at_ms, "100.01" if second < 30 else "100.02", "1", sold=False)
        ids = (11 + second, 12 + second, 12 + second)
        lines.depth(at_ms + 500, ids, bids=[("99.99", str(6 + second % 2))])
    lines.write(tmp_path / "ethusdt.gz")

    answer = keeper(
        *("strategy", "calibrate", tmp_path, "--symbol", "ETHUSDT", "--json"),
        *("--distance", 100, "--distance", 200),
    )

    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    assert found["trades"] == 50
    assert found["reached"] == [[100, 50], [200, 20]]
    assert found["volatility_ppm"] == 0
    assert found["k_e9"] == 9_162_907  # ln(50/20)/100


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("fixed_spread", "--set", "half_spread_ppm=33"), "SPREAD_BELOW_TICK"),
        (("megavault", "--equity", "20"), "ORDER_BELOW_STEP"),
        (("megavault", "--price", "0"), "ZERO_ORACLE"),
    ],
)
def test_quote__parameters_no_keeper_would_quote__refused_with_both_numbers(
    keeper: Keeper, args: tuple[str, ...], code: str
) -> None:
    refused = quoted(keeper, *args)["refused"]

    assert isinstance(refused, dict)
    assert refused["code"] == code
    assert refused["value"] < refused["limit"]
