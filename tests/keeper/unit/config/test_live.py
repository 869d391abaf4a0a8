"""Parameters of a running keeper: what may change, by how much, and what to write down."""

from pathlib import Path

import pytest

from keeper.config import Config, parse_config, to_step_settings
from keeper.config.live import (
    ParamsRefused,
    changes_between,
    file_lines,
    loosens,
    origin_of,
    parameters,
    running_config,
    with_assignments,
)
from keeper.domain.settings import params_hash
from tests.keeper.builders import settings as other_settings

FILE = Path("keeper.toml")
SPREAD = "market.ETH-USD.strategy.spread_min_ppm"


@pytest.fixture
def started(local_text: str) -> Config:
    return parse_config(local_text, FILE, environ={}).config


def refused(started: Config, *assignments: str) -> list[tuple[str, str]]:
    with pytest.raises(ParamsRefused) as caught:
        with_assignments(started, started, assignments)
    assert all(problem.fix for problem in caught.value.problems)
    return [(problem.code, problem.path) for problem in caught.value.problems]


def test_running_config__settings_of_the_file__is_the_file(started: Config) -> None:
    settings = to_step_settings(started)

    again = running_config(started, settings)

    assert again == started
    assert params_hash(to_step_settings(again)) == params_hash(settings)


def test_running_config__other_settings__gives_just_those(started: Config) -> None:
    settings = other_settings()

    again = running_config(started, settings)

    assert to_step_settings(again) == settings
    assert again.evm == started.evm


@pytest.mark.parametrize("venue", ["local", "dydx-testnet", "dydx-mainnet"])
def test_running_config__every_example__survives_the_way_there_and_back(venue: str) -> None:
    file = Path(__file__).resolve().parents[4] / "config" / f"{venue}.toml"
    config = parse_config(file.read_text(), file, environ={}).config

    assert running_config(config, to_step_settings(config)) == config


def test_parameters__each__has_path_live_and_where_it_is_a_number_a_unit(started: Config) -> None:
    found = {entry.path: entry for entry in parameters(started)}

    assert found[SPREAD].value == 3_000
    assert (found[SPREAD].unit, found[SPREAD].live) == ("ppm", "now")
    assert found["market.ETH-USD.strategy.kind"].live == "restart"
    assert found["limits.drawdown_ppm"].note == "may be tightened"
    assert all(entry.description for entry in found.values())
    bare = [p for p, e in found.items() if type(e.value) is int and not e.unit]
    decimals = [path for path in bare if path.endswith("_decimals")]
    assert bare == decimals


def test_with_assignments__value_of_another_type__fix_names_the_place_as_typed(
    started: Config,
) -> None:
    with pytest.raises(ParamsRefused) as caught:
        with_assignments(started, started, [f"{SPREAD}=abc"])

    (problem,) = caught.value.problems
    assert problem.fix.startswith(f"{SPREAD}: ")


def test_with_assignments__valid__changes_just_that(started: Config) -> None:
    after = with_assignments(started, started, [f"{SPREAD}=2500"])

    (change,) = changes_between(started, after)
    assert (change.path, change.before, change.after) == (SPREAD, 3_000, 2_500)


def test_with_assignments__several__are_checked_together(started: Config) -> None:
    """Each alone would contradict the other's present value."""
    after = with_assignments(
        started,
        started,
        [
            "market.ETH-USD.max_position_quote_quantums=5000000000",
            "market.ETH-USD.inventory_band_quote_quantums=4000000000",
        ],
    )

    assert len(changes_between(started, after)) == 2


@pytest.mark.parametrize(
    ("assignment", "code", "path"),
    [
        (f"{SPREAD}=much", "CONFIG_BAD_VALUE", SPREAD),
        (f"{SPREAD}=-1", "CONFIG_BAD_VALUE", SPREAD),
        (f"{SPREAD}=2000000", "CONFIG_BAD_VALUE", SPREAD),
        (f"{SPREAD}s=1", "CONFIG_UNKNOWN_KEY", f"{SPREAD}s"),
        (SPREAD, "PARAM_UNKNOWN", SPREAD),
        ("market.DOGE-USD.refresh_blocks=1", "PARAM_UNKNOWN", "market.DOGE-USD.refresh_blocks"),
        ("evm.chain_id=1", "PARAM_UNKNOWN", "evm.chain_id"),
        ("limits=1", "PARAM_UNKNOWN", "limits"),
        ("market.ETH-USD.ticker=BTC-USD", "PARAM_NEEDS_RESTART", "market.BTC-USD.ticker"),
        ("limits.drawdown_ppm=50001", "PARAM_LOOSENS", "limits.drawdown_ppm"),
        (
            "market.ETH-USD.hedge_max_slippage_ppm=3001",
            "PARAM_LOOSENS",
            "market.ETH-USD.hedge_max_slippage_ppm",
        ),
        (
            "market.ETH-USD.refresh_blocks=10",
            "CONFIG_CONTRADICTION",
            "market.ETH-USD.refresh_blocks",
        ),
    ],
)
def test_with_assignments__not_to_be_taken__says_why(
    started: Config, assignment: str, code: str, path: str
) -> None:
    assert (code, path) in refused(started, assignment)


def test_with_assignments__tightened__may_go_back_to_the_file_but_not_beyond(
    started: Config,
) -> None:
    tight = with_assignments(started, started, ["limits.drawdown_ppm=10000"])

    back = with_assignments(started, tight, ["limits.drawdown_ppm=50000"])

    assert back == started
    with pytest.raises(ParamsRefused, match="looser than 50000"):
        with_assignments(started, tight, ["limits.drawdown_ppm=50001"])


def test_file_lines__changes__name_table_and_key(started: Config) -> None:
    after = with_assignments(
        started,
        started,
        [f"{SPREAD}=2500", "limits.drawdown_ppm=1", "allocation.pool_target_ppm=0"],
    )

    assert file_lines(changes_between(started, after)) == [
        "[markets.strategy]  # ETH-USD",
        "spread_min_ppm = 2500",
        "[allocation]",
        "pool_target_ppm = 0",
        "[limits]",
        "drawdown_ppm = 1",
    ]


def test_origin_of__file_environment_and_flag__are_told_apart(local_text: str) -> None:
    loaded = parse_config(
        local_text,
        FILE,
        environ={"KEEPER__LIMITS__DRAWDOWN_PPM": "9"},
        overrides=["markets.0.refresh_blocks=3"],
    )

    assert origin_of(loaded, "limits.drawdown_ppm") == "env KEEPER__LIMITS__DRAWDOWN_PPM"
    assert origin_of(loaded, "market.ETH-USD.refresh_blocks") == "flag"
    assert origin_of(loaded, SPREAD) == "file"


@pytest.mark.parametrize(
    ("name", "before", "after", "is_looser"),
    [
        ("max_order_quote_quantums", 10, 11, True),
        ("stress_shock_ppm", 200_000, 100_000, True),
        ("stress_shock_ppm", 200_000, 300_000, False),
        ("stress_shock_ppm", 200_000, 0, True),
        ("max_volume_ppm", 0, 50_000, False),
        ("max_volume_ppm", 50_000, 0, True),
        ("max_volume_ppm", 50_000, 60_000, True),
        ("loss_window_minutes", 60, 30, True),
    ],
)
def test_loosens__limits_that_0_turns_off_or_that_grow_tighter__by_what_may_be_lost(
    name: str, before: int, after: int, is_looser: bool
) -> None:
    assert loosens(f"limits.{name}", before, after) is is_looser
