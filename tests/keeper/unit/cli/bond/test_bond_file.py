"""A bond as a file and as answers: the same, exact, and refused with the field's name."""

from pathlib import Path

import pytest

from keeper.cli.bond.entry import bond_of
from keeper.cli.bond.file import (
    BondFile,
    ask_bond,
    bond_toml,
    lock_seconds,
    read_bond_file,
)
from keeper.cli.failures import ArgumentInvalid

EXAMPLE = Path(__file__).parents[5] / "config" / "bonds" / "example.toml"
TREASURY = "0x" + "11" * 20
ANSWERS = {
    "Token that the bond pays out": "0x" + "22" * 20,
    "The project's vault": "0x" + "33" * 20,
    "The liquidity stays locked until": "2028-12-31",
    "Tokens for sale": "1000",
    "First price": "1.25",
    "Lowest price": "1",
    "Create it only with a floor": "0.80",
}

ORACLE = (
    '[oracle]\nsource = "feed"\nwindow = "1h"\ndiscount_bps = 1\nmax_discount_bps = 2\n'
    'min_floor = "1" #'
)


def answered(auction: str = "dutch", existing: str | None = None) -> BondFile:
    def ask(text: str, default: str) -> str:
        if text.startswith("Auction"):
            return auction
        return next((a for start, a in ANSWERS.items() if text.startswith(start)), default)

    return ask_bond(ask, existing)


def file_with(tmp_path: Path, old: str, new: str) -> Path:
    text = EXAMPLE.read_text()
    assert old in text
    file = tmp_path / "bond.toml"
    file.write_text(text.replace(old, new))
    return file


def test_read_bond_file__the_example__is_the_documented_market() -> None:
    bond = read_bond_file(EXAMPLE)

    assert (bond.market.capacity, bond.market.duration, bond.market.auction) == (
        *("100000", "7d"),
        "dutch",
    )
    assert bond.dutch is not None
    assert (bond.dutch.price, bond.dutch.floor, bond.dutch.debt_buffer_bps) == ("5", "2", 5_000)


@pytest.mark.parametrize("auction", ["dutch", "oracle"])
def test_bond_toml__answers__read_back_the_same(auction: str, tmp_path: Path) -> None:
    bond = answered(auction)
    file = tmp_path / "saved.toml"

    file.write_text(bond_toml(bond))

    assert read_bond_file(file) == bond


def test_ask_bond__existing_project__asks_nothing_about_it() -> None:
    bond = answered(existing=TREASURY)

    assert bond.project.treasury == TREASURY
    assert bond.project.token == ""


def test_ask_bond__unknown_auction__is_refused() -> None:
    with pytest.raises(ArgumentInvalid, match="english"):
        answered("english")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('price = "5" ', "price = 5.5 ", "price"),
        ("debt_buffer_bps = 5000", "debt_buffer = 5000", "debt_buffer"),
        ("[dutch]", "[oracle]", "oracle"),
        ('cliff = "7d" ', 'slope = "7d" ', "slope"),
        ('auction = "dutch" ', 'auction = "oracle" ', "oracle"),
        ("lock_until =", "# lock_until =", "lock_until"),
        ("[project]", f'[project]\ntreasury = "{TREASURY}"', "treasury"),
        ("[market]", "[market", "bond.toml"),
        ("# [oracle]", ORACLE, "no other"),
    ],
)
def test_read_bond_file__fault__is_named(old: str, new: str, named: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentInvalid, match=named):
        read_bond_file(file_with(tmp_path, old, new))


def test_read_bond_file__absent__is_told(tmp_path: Path) -> None:
    with pytest.raises(ArgumentInvalid, match="cannot be read"):
        read_bond_file(tmp_path / "none.toml")


def test_bond_of__no_file_and_no_terminal__names_what_to_give() -> None:
    with pytest.raises(ArgumentInvalid) as caught:
        bond_of(None, None)

    assert "config/bonds/example.toml" in caught.value.next_step


def test_bond_of__file_and_project__is_refused() -> None:
    with pytest.raises(ArgumentInvalid, match="names the project"):
        bond_of(EXAMPLE, TREASURY)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1970-01-02", 86_400), ("1970-01-02T00:00:00+01:00", 82_800), ("1970-01-01T00:01", 60)],
)
def test_lock_seconds__date_or_time__is_utc_unless_it_says_otherwise(
    text: str, seconds: int
) -> None:
    assert lock_seconds(text) == seconds


def test_lock_seconds__no_date__is_refused() -> None:
    with pytest.raises(ArgumentInvalid, match="next year"):
        lock_seconds("next year")
