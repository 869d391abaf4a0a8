"""`keeper keys` from the shell: passwords from three places, and the key in none of the output."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keeper.cli.exits import ExitCode
from keeper.config import keystores
from keeper.config.secrets import private_key_of, read_key
from keeper.config.sections.keys import Key

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
EVM = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
PASSWORD = "correct horse battery"
WORDS = "test test test test test test test test test test test junk"


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(keystores, "SCRYPT_COST", 2)
    monkeypatch.setenv("KEEPER_KEYSTORE_DIR", str(tmp_path / "keys"))
    monkeypatch.setenv("PASSWORD", PASSWORD)
    monkeypatch.setenv("OLD_KEY", f"0x{KEY}")


def descriptor(text: str) -> int:
    """A pipe's reading end with a text in it."""
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    return reading


def test_import_and_list__known_key__addresses_and_never_the_key(
    keeper: Callable[..., Any], tmp_path: Path
) -> None:
    made = keeper("keys", "import", "hot", "--key-env", "OLD_KEY", "--password-env", "PASSWORD")
    listed = keeper("keys", "list", "--json")

    data = json.loads(listed.out)
    assert data["folder"] == str(tmp_path / "keys")
    (entry,) = data["keys"]
    assert (entry["name"], entry["evm_address"], entry["mode"]) == ("hot", EVM, "0600")
    assert EVM in made.out
    said = made.out + made.err + listed.out + listed.err
    assert KEY not in said.lower()
    assert PASSWORD not in said


def test_add__password_by_descriptor__opens_with_it(keeper: Callable[..., Any]) -> None:
    number = descriptor(f"{PASSWORD}\n")

    made = keeper("keys", "add", "hot", "--password-fd", number, "--json")

    assert made.code == 0, made.err
    source = Key(keystore_file=json.loads(made.out)["file"], password_env="PASSWORD")
    secret = read_key(source, "keeper", environ={"PASSWORD": PASSWORD}, folder=Path("/"))
    assert len(private_key_of(secret, "keeper")) == 32


def test_import__key_by_descriptor__is_taken(keeper: Callable[..., Any]) -> None:
    number = descriptor(KEY)

    made = keeper(
        *("keys", "import", "hot", "--key-fd", number, "--password-env", "PASSWORD", "--json")
    )

    assert json.loads(made.out)["evm_address"] == EVM


@pytest.mark.parametrize(
    ("path", "field", "address"),
    [
        ("evm", "evm_address", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
        ("dydx", "dydx_address", "dydx15yk64u7zc9g9k2yr2wmzeva5qgwxps6y"),
    ],
)
def test_import__mnemonic__first_account_of_the_path(
    keeper: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, path: str, field: str, address: str
) -> None:
    monkeypatch.setenv("OLD_KEY", WORDS)

    made = keeper(
        *("keys", "import", "hot", "--key-env", "OLD_KEY", "--path", path),
        *("--password-env", "PASSWORD", "--json"),
    )

    assert json.loads(made.out)[field].startswith(address)


def test_add__no_terminal_and_no_source__says_how_to_give_the_password(
    keeper: Callable[..., Any],
) -> None:
    shell = keeper("keys", "add", "hot", "--json")

    error = json.loads(shell.out)["error"]
    assert shell.code == ExitCode.KEY
    assert "--password-env" in error["next_step"]
    assert "--password-fd" in error["next_step"]


def test_add__descriptor_not_open__is_refused(keeper: Callable[..., Any]) -> None:
    shell = keeper("keys", "add", "hot", "--password-fd", 987, "--json")

    assert shell.code == ExitCode.KEY
    assert "987" in json.loads(shell.out)["error"]["message"]


def test_rotate__both_halves__name_what_remains(keeper: Callable[..., Any]) -> None:
    keeper("keys", "add", "hot", "--password-env", "PASSWORD")

    rotate = ("keys", "rotate", "hot", "--json")
    prepared = json.loads(keeper(*rotate, "--password-env", "PASSWORD").out)
    swapped = json.loads(keeper(*rotate, "--activate").out)

    assert any("propose set-keeper" in step for step in prepared["steps"])
    assert any(prepared["public_key"] in step for step in prepared["steps"])
    assert swapped["evm_address"] == prepared["evm_address"]
    assert swapped["retired"]["evm_address"] == prepared["follows"]["evm_address"]
    assert any(swapped["retired"]["file"] in step for step in swapped["steps"])


def test_run__made_key__is_accepted_by_the_configuration(
    keeper: Callable[..., Any], config_file: Path, tmp_path: Path
) -> None:
    where = ("--keystore-dir", tmp_path / "own", "--password-env", "PASSWORD", "--json")
    made = json.loads(keeper("keys", "add", "hot", *where).out)
    source = f'keystore_file = "{made["file"]}"\npassword_env = "PASSWORD"'
    text = config_file.read_text().replace('env = "KEEPER_HOT_KEY"', source)
    config_file.write_text(text)

    checked = keeper("config", "check", config_file)

    assert checked.code == 0, checked.err
