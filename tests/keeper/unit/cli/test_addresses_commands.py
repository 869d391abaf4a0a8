"""The address book as the command line reads it; comparing it with a node is tested on one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keeper import abi
from keeper.addresses import AddressBook, Deployed, abi_hash, load_book, save_book
from keeper.cli.exits import ExitCode
from keeper.domain.errors import ConfigError

ENTRY = Deployed(
    contract="MarketMakingVault",
    address="0x" + "11" * 20,
    tx="0x" + "22" * 32,
    block=276,
    args=[["0x1", 5]],
    abi_hash="0x" + "33" * 32,
    code_hash="0x" + "44" * 32,
    source_commit="abcdef0123456789-dirty",
)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "deployments" / "31337.json"
    save_book(path, AddressBook(chain_id=31_337, contracts={"vault": ENTRY}))
    return path


def test_addresses_list__chain__reads_its_file_under_deployments(
    keeper: Callable[..., Any], book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(book.parents[1])

    result = keeper("addresses", "list", "--chain", "31337", "--json")

    data = json.loads(result.out)
    assert data["contracts"]["vault"]["args"] == [["0x1", 5]]
    assert data["file"] == "deployments/31337.json"


def test_addresses_list__for_people__has_name_address_block_and_source(
    keeper: Callable[..., Any], book: Path
) -> None:
    out = keeper("addresses", "list", "--file", book).out

    assert f"vault  MarketMakingVault  {ENTRY.address}" in out
    assert "276" in out
    assert "abcdef012345" in out


@pytest.mark.parametrize("command", ["list", "verify"])
def test_addresses__neither_chain_nor_file__asks_which(
    keeper: Callable[..., Any], command: str
) -> None:
    result = keeper("addresses", command)

    assert result.code == ExitCode.CONFIG
    assert "--chain ID" in result.err


def test_addresses__file_of_another_chain__is_refused(
    keeper: Callable[..., Any], book: Path
) -> None:
    result = keeper("addresses", "list", "--file", book, "--chain", 1)

    assert result.code == ExitCode.CONFIG
    assert "is of chain 31337, not 1" in result.err


def test_addresses_verify__node_unreachable__is_refused(
    keeper: Callable[..., Any], book: Path
) -> None:
    result = keeper("addresses", "verify", "--file", book, "--rpc-url", "http://127.0.0.1:9")

    assert result.code == ExitCode.CHAIN


@pytest.mark.parametrize(
    "text", ["{", '{"chain_id": 1}', '{"chain_id": 1, "contracts": {}, "x": 1}']
)
def test_load_book__malformed_or_unknown_fields__is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "book.json"
    path.write_text(text)

    with pytest.raises(ConfigError, match="no address book"):
        load_book(path)


def test_abi_hash__other_order_and_other_extra_fields__is_the_same() -> None:
    entries = abi.load("MarketMakingVault")
    plain = [
        {key: value for key, value in entry.items() if key not in ("anonymous",)}
        for entry in reversed(entries)
    ]

    assert abi_hash(plain) == abi_hash(entries)


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "other"), ("stateMutability", "payable"), ("outputs", [{"type": "int8"}])],
)
def test_abi_hash__what_callers_depend_on_changed__differs(field: str, value: Any) -> None:
    entries = list(abi.load("MarketMakingVault"))
    at = next(n for n, entry in enumerate(entries) if entry.get("name") == "idle")

    changed = [*entries[:at], {**entries[at], field: value}, *entries[at + 1 :]]

    assert abi_hash(changed) != abi_hash(entries)
