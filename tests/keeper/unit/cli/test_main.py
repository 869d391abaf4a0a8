"""The root command: lazy, documented, and with an exit code for everything expected."""

import importlib
import json
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keeper.cli.codes import CODES
from keeper.cli.exits import ERRORS, MEANINGS, ExitCode, code_of, exit_code_of, exit_table
from keeper.cli.main import COMMANDS, cli
from keeper.cli.meta import command_tree
from keeper.cli.reference import render_reference
from keeper.domain import errors

REPOSITORY = Path(__file__).resolve().parents[4]
HEAVY = ("web3", "grpc", "numpy", "httpx", "structlog", "eth_abi", "eth_account", "asyncio", "rich")
PROMISED_SECONDS = 0.4
REFERENCE_SECONDS = 0.22
"""CPU time of the reference import on a quiet machine of this class."""
ATTEMPTS = 8
Keeper = Callable[..., Any]


def modules_after(*args: object) -> set[str]:
    script = (
        "import sys\nfrom keeper.cli.main import run\n"
        f"code = run({[str(arg) for arg in args]!r})\n"
        "sys.stdout.write('\\n@@' + ' '.join(sys.modules))\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode in (0, 13), done.stderr
    return set(done.stdout.split("@@")[1].split())


@pytest.mark.parametrize("name", ["help", "check", "status"])
def test_run__light_commands__import_nothing_heavy(name: str, config_file: Path) -> None:
    arguments = {
        "help": ("--help",),
        "check": ("config", "check", config_file),
        "status": ("status", "--config", config_file),
    }

    loaded = modules_after(*arguments[name])

    allowed = {"asyncio"} if name == "status" else set()
    assert not (set(HEAVY) - allowed) & loaded


@pytest.mark.parametrize("name", ["help", "check"])
def test_run__light_commands__take_at_most_the_promised_time(
    name: str, config_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0.4 s on a quiet machine; a busy one is measured by a fixed import just before and after.

    What else runs only adds to a measurement: the first that keeps the promise settles it. With
    bytecode, as an installed keeper has it from the first start on.
    """
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path))
    arguments = ["--help"] if name == "help" else ["config", "check", str(config_file)]
    measured_seconds(arguments)  # writes the bytecode
    beside, measured, allowed = [reference_seconds()], [], []
    while len(measured) < ATTEMPTS and not any(map(float.__le__, measured, allowed)):
        measured.append(measured_seconds(arguments))
        beside.append(reference_seconds())
        allowed.append(PROMISED_SECONDS * max(1.0, min(beside[-2:]) / REFERENCE_SECONDS))

    assert any(map(float.__le__, measured, allowed)), (measured, allowed)


def measured_seconds(arguments: list[str]) -> float:
    return cpu_seconds("from keeper.cli.main import main; main()", *arguments)


def reference_seconds() -> float:
    return cpu_seconds("import click; from pydantic import BaseModel, Field")


def cpu_seconds(script: str, *arguments: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", script, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help__every_command__has_the_commands_own_text() -> None:
    for name, entry in COMMANDS.items():
        command = getattr(importlib.import_module(entry.module), entry.attribute)
        assert (command.help or "").splitlines()[0] == entry.help, name


def test_help__lists_every_exit_code(keeper: Keeper) -> None:
    shown = keeper("--help").out

    for number, _, meaning in exit_table():
        assert re.search(rf"^\s+{number}\s+{re.escape(meaning)}", shown, re.MULTILINE)


def test_exit_codes__are_distinct_and_all_have_a_meaning() -> None:
    assert set(MEANINGS) == set(ExitCode)
    assert len({int(code) for code in ExitCode}) == len(MEANINGS)


def test_reference__in_the_repository__is_current() -> None:
    """Make it anew: python -m keeper.cli.reference > docs/cli.md"""
    assert (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8") == render_reference()


def test_commands__every_one__has_json_and_a_description() -> None:
    for entry in command_tree():
        flags = {flag for parameter in entry["parameters"] for flag in parameter["flags"]}
        if not entry["command"].startswith("keeper devnet"):
            assert "--json" in flags, entry["command"]
        assert entry["help"], entry["command"]
        for parameter in entry["parameters"]:
            assert parameter["help"] or parameter["kind"] == "argument", parameter["name"]


def test_commands__as_json__parses_and_names_the_exit_codes(keeper: Keeper) -> None:
    data = json.loads(keeper("commands", "--json").out)

    assert {entry["code"] for entry in data["exit_codes"]} == {int(code) for code in ExitCode}
    assert "keeper vault deposit" in [entry["command"] for entry in data["commands"]]


def test_run__misspelt_command__suggests_the_nearest(keeper: Keeper) -> None:
    result = keeper("statsu")

    assert result.code == ExitCode.USAGE
    assert "Did you mean status?" in result.err


def test_run__wrong_usage_with_json__is_an_error_object_on_stdout(keeper: Keeper) -> None:
    result = keeper("replay", "--json")

    assert json.loads(result.out)["error"]["exit_code"] == result.code == ExitCode.USAGE


def test_explain__every_error_class__has_its_code_explained() -> None:
    assert {code for code, _ in ERRORS.values()} <= set(CODES)
    raised = [getattr(errors, name) for name in errors.__all__]
    assert all(kind.__name__ in ERRORS for kind in raised)


def test_explain__every_refusal_in_the_source__is_explained() -> None:
    """Codes stand as literals where a refusal is made; this finds them by how they are made."""
    pattern = re.compile(
        r"(?:refuse|_refused|_note|_no|Refused|Refusal|Alert)\(\s*(?:severity=\"\w+\",\s*)?"
        r"(?:code=)?\"([A-Z][A-Z_]{3,})\""
    )
    found = {
        code
        for path in (REPOSITORY / "keeper").rglob("*.py")
        if "devnet" not in path.parts and "cli" not in path.parts
        for code in pattern.findall(path.read_text(encoding="utf-8"))
    }

    assert len(found) > 20
    assert found - set(CODES) == set()


def test_explain__unknown_code__lists_none_and_fails(keeper: Keeper) -> None:
    result = keeper("explain", "NOPE")

    assert result.code == ExitCode.CONFIG
    assert "keeper explain" in result.err


def test_explain__known_code__prints_its_text(keeper: Keeper) -> None:
    assert CODES["PRICE_BAND"] in keeper("explain", "price-band").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion__known_shell__prints_its_script(keeper: Keeper, shell: str) -> None:
    result = keeper("completion", shell)

    assert result.code == 0
    assert "_KEEPER_COMPLETE" in result.out


def test_code_of__subclass_without_an_entry__takes_its_parents() -> None:
    class OddConfig(errors.ConfigError):
        pass

    assert code_of(OddConfig("x")) == "CONFIG_ERROR"
    assert exit_code_of(OddConfig("x")) is ExitCode.CONFIG


def test_code_of__foreign_error__is_internal() -> None:
    assert exit_code_of(ValueError("x")) is ExitCode.INTERNAL


def test_cli__without_arguments__shows_help(keeper: Keeper) -> None:
    result = keeper()

    assert "Usage: keeper" in result.out + result.err
    assert cli.name == "cli"
