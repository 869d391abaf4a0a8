"""`keeper doctor` from the shell: rows as data, exit code, a broken file is a row."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keeper.cli.exits import ExitCode


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No endpoint of the test's configuration answers; nothing is to be waited for."""
    monkeypatch.setenv("KEEPER__EVM__REQUEST_TIMEOUT_MS", "300")
    monkeypatch.setenv("KEEPER__VENUE__QUERY_DEADLINE_MS", "300")
    monkeypatch.setenv("KEEPER__VENUE__GRPC_ENDPOINT", "127.0.0.1:9")


@pytest.mark.usefixtures("quick")
def test_doctor__nothing_answers__is_a_table_of_rows_and_exit_code_15(
    keeper: Callable[..., Any], config_file: Path
) -> None:
    shell = keeper("doctor", "--config", config_file, "--json")

    data = json.loads(shell.out)
    assert shell.code == ExitCode.UNHEALTHY
    assert (data["ok"], data["mode"], data["network"]) == (False, "live", "localdydxprotocol")
    assert sum(data["counts"].values()) == len(data["checks"])
    rows = {row["id"]: row for row in data["checks"]}
    assert rows["endpoint.evm"]["status"] == "fail"
    assert rows["vault.wiring"]["status"] == "skip"
    assert all(row["fix"] for row in data["checks"] if row["status"] in ("fail", "warn"))
    assert "SECRETKEY" not in shell.out + shell.err


@pytest.mark.usefixtures("quick")
def test_doctor__for_a_person__each_row_has_its_fix_below(
    keeper: Callable[..., Any], config_file: Path
) -> None:
    shell = keeper("doctor", "--config", config_file)

    lines = shell.out.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("fail  endpoint.evm"))
    assert lines[at + 1].strip().startswith("fix: ")


def test_doctor__file_with_two_faults__two_rows(
    keeper: Callable[..., Any], config_file: Path
) -> None:
    text = config_file.read_text()
    config_file.write_text(text.replace("chain_id = 31_337", 'chain_id = "x"\nchain = 1'))

    shell = keeper("doctor", "--config", config_file, "--json")

    rows = json.loads(shell.out)["checks"]
    assert shell.code == ExitCode.UNHEALTHY
    assert {(row["id"], row["subject"]) for row in rows} == {
        ("config.valid", "evm.chain_id"),
        ("config.valid", "evm.chain"),
    }


def test_doctor__no_file__one_row_names_the_next_command(
    keeper: Callable[..., Any], tmp_path: Path
) -> None:
    shell = keeper("doctor", "--config", tmp_path / "none.toml", "--json")

    (row,) = json.loads(shell.out)["checks"]
    assert (row["id"], row["status"]) == ("config.valid", "fail")
    assert "keeper config init" in row["fix"]
