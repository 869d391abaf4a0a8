"""Every quoting rule in a configuration: read, made parameters, refused outside its domain."""

import json
from pathlib import Path
from typing import Any

import pytest

from keeper.config import ConfigInvalid, LoadedConfig, parse_config, to_step_settings
from keeper.config.live import parameters, running_config
from keeper.config.presets import RULES
from keeper.config.settings import RULES as PARAMS
from keeper.domain.settings import StepSettings
from keeper.strategies import rules


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
