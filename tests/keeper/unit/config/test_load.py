"""Loading: unknown keys, origins, overrides, versions, and that no value is echoed."""

from pathlib import Path

import pytest

from keeper.config import ConfigInvalid, LoadedConfig, load_config, parse_config, to_step_settings
from keeper.domain.errors import ConfigError
from keeper.domain.settings import MegaVaultParams

FILE = Path("/somewhere/keeper.toml")


def parse(text: str, *overrides: str, **environ: str) -> LoadedConfig:
    return parse_config(text, FILE, environ=environ, overrides=overrides)


def faults(text: str, *overrides: str) -> list[tuple[str, str, int]]:
    with pytest.raises(ConfigInvalid) as caught:
        parse(text, *overrides)
    return [(p.code, p.path, p.line) for p in caught.value.problems]


def line_number(text: str, start: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if line.startswith(start))


def test_parse_config__complete_file__becomes_step_settings(local_text: str) -> None:
    settings = to_step_settings(parse(local_text).config)

    assert settings.markets[0].ticker == "ETH-USD"
    assert isinstance(settings.markets[0].strategy, MegaVaultParams)
    assert settings.pools[0].half_width_ticks == 1_800
    assert settings.allocation is not None
    assert settings.limits.max_messages_per_block == 40


def test_parse_config__unknown_key__names_the_nearest_and_the_line(local_text: str) -> None:
    text = local_text.replace("chain_id = 31_337", "chain_id = 31_337\nconfirmation = 1")

    with pytest.raises(ConfigInvalid) as caught:
        parse(text)

    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == ("CONFIG_UNKNOWN_KEY", "evm.confirmation")
    assert problem.line == line_number(text, "confirmation = 1")
    assert problem.fix == "did you mean confirmations?"


def test_parse_config__unknown_key_in_a_strategy__is_found_inside_the_union(
    local_text: str,
) -> None:
    text = local_text.replace("spread_min_ppm = 3000", "spread_min_ppm = 3000\nlayer = 3")

    with pytest.raises(ConfigInvalid) as caught:
        parse(text)

    (problem,) = caught.value.problems
    assert problem.path == "markets.0.strategy.layer"
    assert problem.fix == "did you mean layers?"


def test_parse_config__key_of_another_strategy__names_the_keys_of_this_one(local_text: str) -> None:
    text = local_text.replace("spread_min_ppm = 3000", "spread_min_ppm = 3000\nhalf_spread_ppm = 3")

    with pytest.raises(ConfigInvalid) as caught:
        parse(text)

    (problem,) = caught.value.problems
    assert problem.message == "unknown key of megavault"
    assert problem.fix == "did you mean spread_min_ppm?"


def test_parse_config__limit_left_out__is_missing_not_defaulted(local_text: str) -> None:
    text = "\n".join(line for line in local_text.splitlines() if not line.startswith("daily_loss"))

    assert faults(text) == [
        ("CONFIG_MISSING_KEY", "limits.daily_loss_quote_quantums", line_number(text, "[limits]"))
    ]


def test_parse_config__several_faults__all_are_reported_at_once(local_text: str) -> None:
    found = faults(local_text, "evm.chain_id=-1", "vault.address=0x12", "evm.max_gas=many")

    assert {path for _, path, _ in found} == {"evm.chain_id", "vault.address", "evm.max_gas"}


@pytest.mark.parametrize("number", ["1.5", "true", '"7"', "1e6"])
def test_parse_config__not_an_integer__is_refused(local_text: str, number: str) -> None:
    assert faults(local_text, f"limits.drawdown_ppm={number}")[0][1] == "limits.drawdown_ppm"


def test_parse_config__private_key_pasted_as_a_variable_name__is_refused_and_not_shown(
    local_text: str,
) -> None:
    secret = "0x" + "ab" * 32

    with pytest.raises(ConfigInvalid) as caught:
        parse(local_text, f"keys.keeper.env={secret}")

    assert "looks like a secret" in str(caught.value)
    assert secret not in str(caught.value) + caught.value.next_step
    assert secret not in repr(caught.value)


def test_parse_config__wrong_checksum__is_refused(local_text: str) -> None:
    right = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    wrong = right.replace("aA", "aa")

    assert parse(local_text, f"vault.address={right}").config.vault.address == right
    assert faults(local_text, f"vault.address={wrong}")[0][1] == "vault.address"


def test_parse_config__lower_case_address__is_spelt_with_its_checksum(local_text: str) -> None:
    loaded = parse(local_text, "vault.address=0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")

    assert loaded.config.vault.address == "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def test_parse_config__flag_over_environment_over_file__origins_say_so(local_text: str) -> None:
    loaded = parse(
        local_text,
        "evm.confirmations=9",
        KEEPER__EVM__CONFIRMATIONS="8",
        KEEPER__EVM__CHAIN_ID="5",
    )

    assert loaded.config.evm.confirmations == 9
    assert loaded.config.evm.chain_id == 5
    assert loaded.origins["evm.confirmations"] == "flag"
    assert loaded.origins["evm.chain_id"] == "env KEEPER__EVM__CHAIN_ID"
    assert loaded.origins["evm.rpc_url"] == "file"
    assert loaded.origins["keys.keeper.password_env"] == "default"


def test_parse_config__misspelt_override_in_the_environment__is_refused(local_text: str) -> None:
    with pytest.raises(ConfigInvalid, match="unknown key"):
        parse(local_text, KEEPER__EVM__CHAINID="5")


def test_parse_config__other_format_version__is_refused_before_anything_else(
    local_text: str,
) -> None:
    with pytest.raises(ConfigError, match="format_version 2; this keeper reads 1"):
        parse(local_text.replace("format_version = 1", "format_version = 2"))


def test_parse_config__broken_toml__names_the_line() -> None:
    with pytest.raises(ConfigError, match="line 2"):
        parse("format_version = 1\n[vault\n")


def test_parse_config__override_without_equals_sign__is_refused(local_text: str) -> None:
    with pytest.raises(ConfigError, match="not path=value"):
        parse(local_text, "evm.chain_id")


@pytest.mark.parametrize("path", ["evm.0", "markets.ticker", "markets.7.ticker"])
def test_parse_config__override_of_a_place_that_is_none__is_refused(
    local_text: str, path: str
) -> None:
    with pytest.raises(ConfigError):
        parse(local_text, f"{path}=1")


def test_load_config__absent_file__says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "keeper.toml")

    assert "keeper config init" in caught.value.next_step


def test_path__relative__starts_at_the_files_folder(local_text: str) -> None:
    assert parse(local_text).path("journal") == Path("/somewhere/journal")


def test_load_config__folder_in_place_of_a_file__says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory") as caught:
        load_config(tmp_path)

    assert caught.value.next_step.startswith("name yours with --config or KEEPER_CONFIG")


def test_parse_config__override_inside_a_number__names_no_place(local_text: str) -> None:
    with pytest.raises(ConfigError, match="does not name a place"):
        parse(local_text, "limits.drawdown_ppm.most=1")


@pytest.mark.parametrize(
    ("override", "path"),
    [
        ("limits.max_depeg_ppm=10000", "limits.max_depeg_ppm"),
        ("limits.max_report_age_seconds=604800", "limits.max_report_age_seconds"),
    ],
)
def test_parse_config__limit_that_nothing_is_compared_with__refused(
    local_text: str, override: str, path: str
) -> None:
    found = faults(local_text, override)

    assert [(code, where) for code, where, _ in found] == [("CONFIG_CONTRADICTION", path)]


def test_parse_config__band_to_other_venues_without_one__refused(local_text: str) -> None:
    lonely = ("pools=[]", "allocation.pool_target_ppm=0", "limits.other_venue_band_ppm=10000")

    assert [where for _, where, _ in faults(local_text, *lonely)] == ["limits.other_venue_band_ppm"]
    parse(local_text, "limits.other_venue_band_ppm=10000")
