"""What `config init` writes: loadable, commented, and silent on what only an operator may say."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from keeper.config import Config, load_config, parse_config
from keeper.config.presets import VENUES
from keeper.config.problems import _models_in
from keeper.config.template import draft, missing_keys, render_config
from keeper.domain.errors import ConfigError

REPOSITORY = Path(__file__).resolve().parents[4]
MONEY = ("quote_quantums", "wei", "ppm", "assets", "gas", "layers", "blocks", "ticks", "seconds")


def all_models(model: type[BaseModel]) -> set[type[BaseModel]]:
    inner = {m for field in model.model_fields.values() for m in _models_in(field.annotation)}
    return {model, *(found for m in inner for found in all_models(m))}


def test_config__every_field__has_a_description() -> None:
    bare = [
        f"{model.__name__}.{name}"
        for model in all_models(Config)
        for name, field in model.model_fields.items()
        if not field.description
    ]

    assert bare == []


OF_THE_SPECIFICATION = {
    *("stress_shock_ppm", "stress_loss_multiple", "hedge_shock_ppm", "max_lp_quote_quantums"),
    *("max_open_interest_ppm", "max_volume_ppm", "depth_refills", "depth_band_ppm"),
    *("max_report_age_seconds", "max_base_fee_wei", "max_depeg_ppm"),
    "max_asset_price_age_seconds",
    *("other_venue_band_ppm", "loss_window_quote_quantums", "max_funding_ppm_per_day"),
}
"""Limits at the figure of docs/spec.md, or off because what they need may not be there."""


def test_config__fields_that_could_lose_money__have_no_default() -> None:
    defaulted = [
        name
        for model in all_models(Config)
        for name, field in model.model_fields.items()
        if name.endswith(MONEY) and not field.is_required() and name not in OF_THE_SPECIFICATION
    ]

    assert defaulted == []


def test_render_config__loaded_again__gives_the_same_values(local_text: str) -> None:
    config = parse_config(local_text, Path("keeper.toml"), environ={}).config

    again = render_config(config.model_dump(mode="json", exclude_none=True), venue="local")

    assert parse_config(again, Path("keeper.toml"), environ={}).config == config


def test_render_config__every_key__follows_its_comment(local_text: str) -> None:
    lines = local_text.splitlines()
    keys = [n for n, line in enumerate(lines) if " = " in line and not line.startswith("#")]

    assert keys
    assert all(lines[n - 1].startswith("# ") for n in keys)


@pytest.mark.parametrize("venue", sorted(VENUES))
def test_draft__fresh__lacks_the_addresses(venue: str) -> None:
    missing = [path for path, _ in missing_keys(draft(venue, ("keeper",), ()))]

    assert {"vault.address", "vault.reporter", "venue.address"} <= set(missing)


def test_draft__mainnet__leaves_the_amounts_to_the_operator() -> None:
    missing = {path for path, _ in missing_keys(draft("dydx-mainnet", ("keeper",), ()))}

    assert {
        "limits.max_order_quote_quantums",
        "limits.max_gross_quote_quantums",
        "limits.daily_loss_quote_quantums",
        "markets.0.max_position_quote_quantums",
        "markets.0.inventory_band_quote_quantums",
    } <= missing


def test_render_config__unknown_key__is_refused() -> None:
    data = draft("local", ("keeper",), ("limits.max_loss=1",))

    with pytest.raises(ConfigError, match="unknown key max_loss"):
        render_config(data, venue="local")


@pytest.mark.parametrize("name", ["local", "dydx-testnet", "dydx-mainnet"])
def test_examples__in_the_repository__load(name: str) -> None:
    load_config(REPOSITORY / "config" / f"{name}.toml", environ={})
