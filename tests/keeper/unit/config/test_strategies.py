"""Every quoting rule in a configuration: read, made parameters, refused outside its domain."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keeper.config import ConfigInvalid, LoadedConfig, parse_config, to_step_settings
from keeper.config.live import ParamsRefused, parameters, running_config, with_assignments
from keeper.config.presets import OVERLAYS, RULES
from keeper.config.settings import RULES as PARAMS
from keeper.domain.settings import StepSettings
from keeper.strategies import rules


def with_overlays(text: str, **changes: dict[str, Any]) -> LoadedConfig:
    """The local configuration with every overlay, some of their parameters replaced."""
    lines: list[str] = []
    for name, values in OVERLAYS.items():
        lines.append(f"[markets.overlays.{name}]")
        body = {**values, **changes.get(name, {})}
        lines += [f"{key} = {json.dumps(value)}" for key, value in body.items()]
    start = text.index("# One Uniswap v3 pool")
    text = "\n".join([text[:start], *lines, "", text[start:]])
    return parse_config(text, Path("keeper.toml"), environ={})


def with_rule(text: str, kind: str, **changes: Any) -> LoadedConfig:
    """The local configuration with one market's rule replaced."""
    start, end = text.index("[markets.strategy]"), text.index("# One Uniswap v3 pool")
    body = {"kind": kind, **RULES[kind], **changes}
    lines = [f"{name} = {json.dumps(value)}" for name, value in body.items()]
    text = "\n".join([text[:start], "[markets.strategy]", *lines, "", text[end:]])
    return parse_config(text, Path("keeper.toml"), environ={})


@pytest.mark.parametrize("kind", sorted(PARAMS))
def test_to_step_settings__each_rule__becomes_its_parameters(local_text: str, kind: str) -> None:
    (market,) = to_step_settings(with_rule(local_text, kind).config).markets

    assert type(market.strategy) is PARAMS[kind]
    assert {name: getattr(market.strategy, name) for name in RULES[kind]} == RULES[kind]
    assert rules.problems(market.strategy) == ()


@pytest.mark.parametrize("kind", sorted(PARAMS))
def test_running_config__each_rule__is_the_file(local_text: str, kind: str) -> None:
    config = with_rule(local_text, kind).config
    settings: StepSettings = to_step_settings(config)

    assert running_config(config, settings) == config
    shown = {parameter.path for parameter in parameters(config)}
    assert {f"market.ETH-USD.strategy.{name}" for name in RULES[kind]} < shown


@pytest.mark.parametrize(
    ("kind", "changes", "path"),
    [
        ("avellaneda_stoikov", {"gamma_e9": 0}, "gamma_e9"),
        ("avellaneda_stoikov", {"gamma_e9": -1}, "gamma_e9"),
        ("avellaneda_stoikov", {"gamma_e9": 1, "k_e9": 10**10}, "gamma_e9"),
        ("avellaneda_stoikov", {"layer_step_ppm": 0}, "layer_step_ppm"),
        ("glft", {"gamma_e9": 0}, "gamma_e9"),
        ("glft", {"arrivals_per_day": 0}, "arrivals_per_day"),
        ("glft", {"horizon_seconds": 3_600, "max_inventory_orders": 21}, "max_inventory_orders"),
        ("glft", {"gamma_e9": 1, "k_e9": 100_001}, "k_e9"),
        ("constant_product", {"fee_ppm": 1_000_000}, "fee_ppm"),
        ("constant_product", {"reserves_quote_quantums": 12_000_000_000}, "layers"),
        ("range_on_book", {"width_ppm": 0}, "width_ppm"),
        ("fixed_spread", {"half_spread_ppm": 0}, "half_spread_ppm"),
        ("fixed_spread", {"layer_step_ppm": 999_999}, ""),
        ("megavault", {"spread_min_ppm": 0}, "spread_min_ppm"),
    ],
)
def test_check_meaning__outside_the_domain__refused_at_its_field(
    local_text: str, kind: str, changes: dict[str, int], path: str
) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        with_rule(local_text, kind, **changes)

    (problem,) = caught.value.problems
    where = f"markets.0.strategy.{path}" if path else "markets.0.strategy"
    assert problem.path == where
    assert problem.code in ("STRATEGY_DOMAIN", "CONFIG_BAD_VALUE")
    assert problem.fix


def test_to_step_settings__every_overlay__becomes_its_parameters(local_text: str) -> None:
    config = with_overlays(local_text).config

    (market,) = to_step_settings(config).markets

    assert market.overlays is not None
    assert json.loads(msgspec.json.encode(market.overlays)) == OVERLAYS
    assert running_config(config, to_step_settings(config)) == config


@pytest.mark.parametrize(
    ("overlay", "changes", "path"),
    [
        ("trend", {"fast_seconds": 60}, "trend.fast_seconds"),
        ("trend", {"gain_ppm": 0}, "trend.gain_ppm"),
        ("imbalance", {"shift_ppm": 0}, "imbalance.shift_ppm"),
        ("session", {"windows": [[5, 5]]}, "session.windows"),
        ("session", {"windows": [[0, 10_081]]}, "session.windows"),
        ("session", {"windows": []}, "session.windows"),
        ("fee", {"maker_fee_ppm": 10_001}, "fee.maker_fee_ppm"),
        ("target", {"quote_quantums": -10_000_000_001}, "target.quote_quantums"),
        ("imbalance", {"shift_ppm": 2_850}, ""),  # with 100 and 50 the half spread of 3,000
    ],
)
def test_check_meaning__overlay_outside_its_domain__refused_at_its_field(
    local_text: str, overlay: str, changes: dict[str, Any], path: str
) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        with_overlays(local_text, **{overlay: changes})

    where = f"markets.0.overlays.{path}" if path else "markets.0.overlays"
    assert [problem.path for problem in caught.value.problems] == [where]
    assert all(problem.fix for problem in caught.value.problems)


ECONOMICS = """
[pools.economics]
standing_seconds = 86_400
volume_assets_per_day = 200_000_000_000_000
volatility_ppm = 30_000
width_ppm = 4_000_000
gas_assets = 20_000_000
skew_ticks = 200
"""


def test_to_step_settings__pool_with_economics__read_and_restored(local_text: str) -> None:
    text = local_text.replace("\n# Where the vault's capital should be", ECONOMICS + "\n#")

    config = parse_config(text, Path("keeper.toml"), environ={}).config

    (pool,) = to_step_settings(config).pools
    assert pool.economics is not None
    assert pool.economics.skew_ticks == 200
    assert running_config(config, to_step_settings(config)) == config


def test_check_meaning__range_narrower_than_its_recentring__refused(local_text: str) -> None:
    """0.01 % a day: 4 ticks of width, moved at 900."""
    still = ECONOMICS.replace("volatility_ppm = 30_000", "volatility_ppm = 100")
    text = local_text.replace("\n# Where the vault's capital should be", still + "\n#")

    with pytest.raises(ConfigInvalid) as caught:
        parse_config(text, Path("keeper.toml"), environ={})

    assert [problem.path for problem in caught.value.problems] == ["pools.0.recentre_ticks"]


def test_with_assignments__overlay_of_the_file__changed_while_quoting(local_text: str) -> None:
    config = with_overlays(local_text).config

    changed = with_assignments(
        config, config, ["market.ETH-USD.overlays.session.windows=[[60, 120], [600, 700]]"]
    )

    (market,) = to_step_settings(changed).markets
    assert market.overlays is not None
    assert market.overlays.session is not None
    assert market.overlays.session.windows == ((60, 120), (600, 700))


@pytest.mark.parametrize(
    ("assignment", "code"),
    [
        ("market.ETH-USD.strategy.gamma_e9=0", "CONFIG_BAD_VALUE"),
        ("market.ETH-USD.strategy.k_e9=10_000_000_000", "STRATEGY_DOMAIN"),
        ("market.ETH-USD.overlays.fee.maker_fee_ppm=5", "PARAM_NEEDS_RESTART"),
        ("market.ETH-USD.overlays.fee.maker_fee=5", "CONFIG_UNKNOWN_KEY"),
    ],
)
def test_with_assignments__outside_a_rules_domain__refused(
    local_text: str, assignment: str, code: str
) -> None:
    config = with_rule(local_text, "avellaneda_stoikov", gamma_e9=5).config

    with pytest.raises(ParamsRefused) as caught:
        with_assignments(config, config, [assignment])

    assert code in [problem.code for problem in caught.value.problems]


def test_parameters__every_rule_and_overlay__has_a_unit_and_a_description(local_text: str) -> None:
    configs = [with_overlays(local_text), *(with_rule(local_text, kind) for kind in PARAMS)]

    found = [entry for loaded in configs for entry in parameters(loaded.config)]

    bare = {entry.path for entry in found if type(entry.value) is int and not entry.unit}
    assert {path for path in bare if not path.endswith("_decimals")} == set()
    assert all(entry.description for entry in found)
