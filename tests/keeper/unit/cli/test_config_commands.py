"""`keeper config`: init by flags, check, show with origins, schema."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keeper.cli.exits import ExitCode

Keeper = Callable[..., Any]
ADDRESSES = (
    f"--set=vault.address={'0x' + '11' * 20}",
    f"--set=vault.reporter={'0x' + '22' * 20}",
    f"--set=venue.adapter={'0x' + '55' * 20}",
    "--set=venue.address=dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4",
    "--set=venue.bridge_address=dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4",
)


def test_init__complete_flags__writes_a_file_that_checks(keeper: Keeper, tmp_path: Path) -> None:
    out = tmp_path / "keeper.toml"

    made = keeper("config", "init", "--venue", "local", "--out", out, "--no-input", *ADDRESSES)

    assert made.code == 0
    assert keeper("config", "check", out).code == 0


def test_init__missing_keys__names_every_one_and_writes_nothing(
    keeper: Keeper, tmp_path: Path
) -> None:
    out = tmp_path / "keeper.toml"

    result = keeper("config", "init", "--venue", "dydx-mainnet", "--out", out, "--json")

    problems = json.loads(result.out)["error"]["problems"]
    assert result.code == ExitCode.CONFIG
    assert "limits.daily_loss_quote_quantums" in {problem["path"] for problem in problems}
    assert not out.exists()


def test_init__existing_file__is_never_overwritten(keeper: Keeper, config_file: Path) -> None:
    before = config_file.read_text()

    result = keeper("config", "init", "--venue", "local", "--out", config_file, *ADDRESSES)

    assert result.code == ExitCode.CONFIG
    assert config_file.read_text() == before


def test_init__contradicting_values__writes_nothing(keeper: Keeper, tmp_path: Path) -> None:
    out = tmp_path / "keeper.toml"

    result = keeper(
        *("config", "init", "--venue", "local", "--out", out, "--no-input", *ADDRESSES),
        "--set=limits.max_messages_per_block=1",
    )

    assert result.code == ExitCode.CONFIG
    assert not out.exists()


def test_check__fault__says_where_and_what_next(keeper: Keeper, config_file: Path) -> None:
    config_file.write_text(config_file.read_text().replace("max_gas =", "max_gass ="))

    result = keeper("config", "check", config_file)

    assert result.code == ExitCode.CONFIG
    assert result.out == ""
    assert "evm.max_gass: unknown key" in result.err
    assert "did you mean max_gas?" in result.err
    assert f"{config_file}:" in result.err


def test_check__valid__tells_the_message_budget(keeper: Keeper, config_file: Path) -> None:
    data = json.loads(keeper("config", "check", config_file, "--json").out)

    assert data["messages_per_block"] == 5
    assert data["max_messages_per_block"] == 40
    assert len(data["config_hash"]) == len(data["params_hash"]) == 64


def test_show__origin__masks_url_paths_and_names_sources(keeper: Keeper, config_file: Path) -> None:
    result = keeper(
        "config", "show", config_file, "--origin", "--json", "--set", "evm.confirmations=7"
    )

    rows = {row["key"]: row for row in json.loads(result.out)["values"]}
    assert rows["evm.confirmations"] == {
        "key": "evm.confirmations",
        "value": 7,
        "origin": "flag",
    }
    assert rows["evm.rpc_url"]["value"] == "http://127.0.0.1:1/****"
    assert "SECRETKEY" not in result.out


def test_schema__printed__describes_every_section(keeper: Keeper) -> None:
    schema = json.loads(keeper("config", "schema").out)

    assert schema["additionalProperties"] is False
    assert "description" in schema["properties"]["limits"]
    assert "1e-6 USDC" in json.dumps(schema)


def test_run__key_not_set__says_which_variable(keeper: Keeper, config_file: Path) -> None:
    result = keeper("run", "--config", config_file)

    assert result.code == ExitCode.KEY
    assert "KEEPER_VENUE_KEY" in result.err


def test_status__nobody_runs__says_stopped(keeper: Keeper, config_file: Path) -> None:
    result = keeper("status", "--config", config_file, "--json")

    assert result.code == ExitCode.NOT_RUNNING
    assert json.loads(result.out)["state"] == "STOPPED"


def test_flatten__nobody_runs__is_an_error(keeper: Keeper, config_file: Path) -> None:
    result = keeper("flatten", "--config", config_file)

    assert result.code == ExitCode.NOT_RUNNING
    assert "keeper run" in result.err


def test_replay__empty_folder__is_an_error(keeper: Keeper, tmp_path: Path) -> None:
    assert keeper("replay", tmp_path).code == ExitCode.JOURNAL


def test_vault_show__unreachable_node__is_named(keeper: Keeper, config_file: Path) -> None:
    result = keeper("vault", "show", "--config", config_file)

    assert result.code == ExitCode.CHAIN
    assert "127.0.0.1:1" in result.err
