"""docs/attacks.md names every attack once, and nothing that does not exist."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[3]
CODE = re.compile(r"`([^`]+)`")
TEST = re.compile(r"^def (test_\w+)\(", re.MULTILINE)
ATTACKS = {f"A{number}" for number in range(1, 29)}


class Row(NamedTuple):
    """An attack that is stopped: id, places, tests, twins."""

    attack: str
    places: list[str]
    tests: list[str]
    twins: list[str]


def _cells() -> list[list[str]]:
    lines = (ROOT / "docs" / "attacks.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [cells for cells in rows if cells[0] in ATTACKS]


def _rows() -> list[Row]:
    return [
        Row(cells[0], *(CODE.findall(cells[column]) for column in (3, 4, 5)))
        for cells in _cells()
        if len(cells) == 6
    ]


def _defined() -> set[str]:
    return {
        name
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for name in TEST.findall(path.read_text())
    }


def test_attacks__all_28__stand_once_each() -> None:
    ids = [cells[0] for cells in _cells()]

    assert sorted(ids) == sorted(ATTACKS)


def test_attacks__every_test_named__exists_and_carries_its_id() -> None:
    defined = _defined()
    for row in _rows():
        assert set(row.tests) <= defined, row
        own = f"test_attack_a{int(row.attack[1:]):02d}__"
        assert any(name.startswith(own) for name in row.tests), row


def test_attacks__every_test_of_an_attack__is_named() -> None:
    text = (ROOT / "docs" / "attacks.md").read_text()

    assert {name for name in _defined() if name.startswith("test_attack_")} <= set(
        CODE.findall(text)
    )


def test_attacks__every_file_function_and_twin_named__exists() -> None:
    twins = {path.stem for path in (ROOT / "tests" / "twins").glob("*.patch")}
    for row in _rows():
        text = ""
        for place in row.places:
            if "/" in place:
                text = (ROOT / place).read_text()
            assert "/" in place or re.search(rf"\b{place}\b", text), (row.attack, place)
        assert set(row.twins) <= twins, row
