"""docs/invariants.md names nothing that does not exist; and the laws that are checked on source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[3]
LAW_ID = re.compile(r"\b[VBKX]-\d{2}\b")
CODE = re.compile(r"`([^`]+)`")
TEST = re.compile(r"^(?:async )?def (test_\w+)\(", re.MULTILINE)


class Row(NamedTuple):
    """A law that is built: id, places, test functions, twins."""

    law_id: str
    places: list[str]
    tests: list[str]
    twins: list[str]


def _cells() -> Iterator[list[str]]:
    for line in (ROOT / "docs" / "invariants.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if LAW_ID.fullmatch(cells[0]):
            yield cells


def _built() -> list[Row]:
    rows = [cells for cells in _cells() if len(cells) == 5]
    return [Row(c[0], CODE.findall(c[2]), CODE.findall(c[3]), CODE.findall(c[4])) for c in rows]


def _source(folder: str, pattern: str) -> Iterator[Path]:
    yield from sorted((ROOT / folder).rglob(pattern))


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_laws__ids__stand_once_each() -> None:
    ids = [cells[0] for cells in _cells()]

    assert len(ids) == len(set(ids)) >= 50


def test_laws__every_test_named__exists() -> None:
    defined = {
        name for path in _source("tests", "test_*.py") for name in TEST.findall(path.read_text())
    }

    missing = [(row.law_id, name) for row in _built() for name in row.tests if name not in defined]

    assert not missing
    assert [row.law_id for row in _built() if not row.tests] == []


def test_laws__every_file_and_function_named__exists() -> None:
    missing = []
    for row in _built():
        text = ""
        for place in row.places:
            if "/" in place or place.startswith("."):
                path = ROOT / place
                text = path.read_text() if path.is_file() else ""
            if not text or ("/" not in place and not _names(text, place)):
                missing.append((row.law_id, place))

    assert not missing


def _names(text: str, word: str) -> bool:
    return word.startswith(".") or re.search(rf"\b{re.escape(word)}\b", text) is not None


def test_laws__every_id_in_the_contracts__has_a_row() -> None:
    known = {cells[0] for cells in _cells()}

    named = {
        found
        for path in _source("contracts", "*.sol")
        for found in LAW_ID.findall(path.read_text())
    }

    assert named
    assert named <= known


def test_laws__twins__are_those_in_the_tree() -> None:
    named = {twin for row in _built() for twin in row.twins}

    assert named == {path.stem for path in _source("tests/twins", "*.patch")}


def test_approved__in_the_package__is_made_by_risk_alone() -> None:
    """K-06: a type checker sees who takes `Approved`; this sees who makes it."""
    makers = {
        path.relative_to(ROOT / "keeper").parts[0]
        for path in _source("keeper", "*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Subscript)
        and ast.unparse(node.func).split("[")[0] == "Approved"
    }

    assert makers == {"risk"}


def test_reporter__its_modules__import_no_accounting() -> None:
    """K-21: two programs that share a formula share its mistake."""
    found = {
        (path.name, name)
        for path in _source("keeper/reporter", "*.py")
        for name in _imports(path)
        if name.startswith("keeper.accounting")
    }

    assert not found
