"""Where the bonds are: the lens from a flag or the address book, the node from flag or file."""

import io
import json
import sys
from pathlib import Path

import pytest

from keeper.cli.bond.entry import bond_of, save_bond
from keeper.cli.bond.file import read_bond_file
from keeper.cli.bond.reach import BondReach
from keeper.cli.failures import ArgumentInvalid

LENS = "0x" + "11" * 20
TREASURY = "0x" + "22" * 20


def reach(**changes: object) -> BondReach:
    given = {
        "rpc_url": "http://node",
        "lens": None,
        "chain_id": None,
        "book": None,
        "file": Path("keeper.toml"),
        "overrides": (),
    }
    return BondReach(**(given | changes))  # type: ignore[arg-type]


def book(tmp_path: Path, name: str) -> Path:
    entry = {
        "contract": "BondLens",
        "address": LENS,
        "tx": "0x",
        "block": 1,
        "args": [],
        "abi_hash": "0x",
        "code_hash": "0x",
        "source_commit": "",
    }
    path = tmp_path / "7.json"
    path.write_text(json.dumps({"chain_id": 7, "contracts": {name: entry}}))
    return path


def test_place__lens_by_flag__reads_no_file() -> None:
    place = reach(lens=LENS).place()

    assert (place.rpc_url, place.vault, place.chain_id) == ("http://node", LENS, None)


def test_place__lens_by_book__is_of_the_books_chain(tmp_path: Path) -> None:
    place = reach(book=book(tmp_path, "bond_lens")).place()

    assert (place.vault, place.chain_id) == (LENS, 7)


def test_place__book_without_bonds__says_how_to_deploy_them(tmp_path: Path) -> None:
    with pytest.raises(ArgumentInvalid) as caught:
        reach(book=book(tmp_path, "vault")).place()

    assert "ape run bonds" in caught.value.next_step


def test_place__neither_lens_nor_chain__is_refused() -> None:
    with pytest.raises(ArgumentInvalid, match="where are the bonds"):
        reach().place()


class Terminal(io.StringIO):
    """What a person types."""

    def isatty(self) -> bool:
        return True


def test_bond_of__on_a_terminal__asks_and_keeps_the_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    typed = ["1,000", "14d", "0d", "90d", "true", "dutch", "1.25", "1", "1d", "2000"]
    monkeypatch.setattr(sys, "stdin", Terminal("\n".join(typed) + "\n"))
    file = tmp_path / "kept.toml"

    bond = bond_of(None, TREASURY)
    save_bond(file, bond)

    assert bond.dutch is not None
    assert (bond.market.capacity, bond.market.accepts_shares, bond.dutch.price) == (
        *("1,000", True),
        "1.25",
    )
    assert read_bond_file(file) == bond


def test_save_bond__folder_that_is_not_there__is_told(tmp_path: Path) -> None:
    example = Path(__file__).parents[5] / "config" / "bonds" / "example.toml"

    with pytest.raises(ArgumentInvalid, match="cannot be written"):
        save_bond(tmp_path / "none" / "bond.toml", read_bond_file(example))
