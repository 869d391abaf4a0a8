"""`keeper config init` on a terminal, `migrate` with its backup, and the editor's schema."""

import io
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tomlkit.toml_document import TOMLDocument

from keeper.cli.config import schema_text
from keeper.cli.exits import ExitCode
from keeper.config import migrations, model

Keeper = Callable[..., Any]
REPOSITORY = Path(__file__).resolve().parents[4]
DYDX = "dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4"


class Terminal(io.StringIO):
    """A person's answers, one a line."""

    def isatty(self) -> bool:
        return True


def address(digit: int) -> str:
    return "0x" + f"{digit}{digit}" * 20


ANSWERS = [address(1), address(2), DYDX, address(5), DYDX]


def test_init__on_a_terminal__asks_for_what_is_missing(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("\n".join(ANSWERS) + "\n"))
    out = tmp_path / "keeper.toml"

    made = keeper("config", "init", "--venue", "local", "--out", out)

    assert made.code == 0, made.err
    assert "MarketMakingVault contract." in made.err
    assert json.loads(keeper("config", "check", out, "--json").out)["ok"]


def test_init__answer_refused__says_why_and_asks_again(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ["0x12", *ANSWERS]
    monkeypatch.setattr("sys.stdin", Terminal("\n".join(answers) + "\n"))
    out = tmp_path / "keeper.toml"

    made = keeper("config", "init", "--venue", "local", "--out", out)

    assert made.code == 0, made.err
    assert "an EVM address is 0x and 40 hexadecimal digits" in made.err
    assert f'address = "{address(1)}"' in out.read_text()


def test_init__no_terminal__names_what_is_missing_and_asks_nothing(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())

    made = keeper("config", "init", "--venue", "local", "--out", tmp_path / "keeper.toml")

    assert made.code == ExitCode.CONFIG
    assert "--set vault.address=..." in made.err


def test_init__written__names_its_schema_and_lays_it_beside(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("\n".join(ANSWERS) + "\n"))
    out = tmp_path / "keeper.toml"

    keeper("config", "init", "--venue", "local", "--out", out)

    assert out.read_text().splitlines()[0] == "#:schema keeper.schema.json"
    assert (tmp_path / "keeper.schema.json").read_text() == keeper("config", "schema").out


def test_schema__beside_the_examples__is_current() -> None:
    """Make it anew: keeper config schema > config/keeper.schema.json"""
    assert (REPOSITORY / "config" / "keeper.schema.json").read_text() == schema_text()


@pytest.mark.parametrize("name", ["local", "dydx-testnet", "dydx-mainnet"])
def test_examples__checked_from_the_shell__hold_and_name_the_schema(
    keeper: Keeper, name: str
) -> None:
    file = REPOSITORY / "config" / f"{name}.toml"

    data = json.loads(keeper("config", "check", file, "--json").out)

    assert data["ok"]
    assert data["mode"] == ("shadow" if name == "dydx-testnet" else "live")
    assert file.read_text().startswith("#:schema keeper.schema.json\n")


def test_migrate__present_format__nothing_to_do(keeper: Keeper, config_file: Path) -> None:
    before = config_file.read_bytes()

    data = json.loads(keeper("config", "migrate", config_file, "--json").out)

    assert (data["found"], data["now"], data["changed"], data["written"]) == (1, 1, False, False)
    assert config_file.read_bytes() == before
    assert "nothing to do" in keeper("config", "migrate", config_file).out


def test_migrate__newer_format__is_refused(keeper: Keeper, config_file: Path) -> None:
    text = config_file.read_text()
    config_file.write_text(text.replace("format_version = 1", "format_version = 9"))

    checked = keeper("config", "check", config_file)
    shell = keeper("config", "migrate", config_file, "--json")

    assert "keeper config migrate --dry-run" in checked.err
    assert shell.code == ExitCode.CONFIG
    assert "has format 9" in json.loads(shell.out)["error"]["message"]


@pytest.fixture
def format_0(monkeypatch: pytest.MonkeyPatch, config_file: Path) -> Path:
    """A file of the format before the first, and the migration that brings it to the first."""

    def rename(document: TOMLDocument) -> TOMLDocument:
        evm: Any = document["evm"]
        evm["rpc_url"] = evm.pop("node_url")
        return document

    monkeypatch.setattr(migrations, "LEAST_FORMAT", 0)
    monkeypatch.setitem(migrations.MIGRATIONS, 0, rename)
    text = config_file.read_text().replace("format_version = 1", "format_version = 0")
    config_file.write_text("# mine\n" + text.replace("rpc_url = ", "node_url = ", 1))
    config_file.chmod(0o640)
    assert model.FORMAT_VERSION == 1
    return config_file


def test_migrate__dry_run__shows_the_difference_and_writes_nothing(
    keeper: Keeper, format_0: Path
) -> None:
    before = sorted((path.name, path.read_bytes()) for path in format_0.parent.glob("keeper.toml*"))

    shell = keeper("config", "migrate", "--dry-run", format_0)

    after = sorted((path.name, path.read_bytes()) for path in format_0.parent.glob("keeper.toml*"))
    assert shell.code == 0
    assert "-node_url = " in shell.out
    assert "+rpc_url = " in shell.out
    assert after == before


def test_migrate__older_format__rewrites_the_file_and_keeps_the_old_one(
    keeper: Keeper, format_0: Path
) -> None:
    before = format_0.read_bytes()

    data = json.loads(keeper("config", "migrate", format_0, "--json").out)

    backup = Path(data["backup"])
    assert backup == format_0.with_name("keeper.toml.format-0")
    assert backup.read_bytes() == before
    assert format_0.read_text().startswith("# mine\n")
    assert stat.S_IMODE(format_0.stat().st_mode) == 0o640
    assert keeper("config", "check", format_0).code == 0


def test_migrate__backup_in_the_way__leaves_the_file_as_it_is(
    keeper: Keeper, format_0: Path
) -> None:
    before = format_0.read_bytes()
    format_0.with_name("keeper.toml.format-0").write_text("earlier")

    shell = keeper("config", "migrate", format_0)

    assert shell.code == ExitCode.CONFIG
    assert format_0.read_bytes() == before
    assert not format_0.with_name("keeper.toml.new").exists()


def test_migrate__result_not_valid__leaves_the_file_as_it_is(
    keeper: Keeper, format_0: Path
) -> None:
    format_0.write_text(format_0.read_text().replace("max_gas =", "max_gass ="))
    before = format_0.read_bytes()

    shell = keeper("config", "migrate", format_0)

    assert shell.code == ExitCode.CONFIG
    assert "max_gass" in shell.err
    assert format_0.read_bytes() == before
