"""docs/exchange.md names rules, faults and tests that exist, and every fault there is."""

import re
from pathlib import Path

import pytest

from keeper.devnet.exchange.faults import CATALOGUE

HERE = Path(__file__).resolve().parent
TEXT = (HERE.parents[2] / "docs" / "exchange.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)


def section(title: str) -> str:
    """Return the text of a section up to the next of its rank."""
    start = TEXT.index(f"## {title}\n")
    end = TEXT.find("\n## ", start + 1)
    return TEXT[start:end]


def named_tests() -> list[tuple[str, str]]:
    """Return (file, start of a test's name) of the rule and fault tables' last columns."""
    found = []
    for part in ("Rules, answers, tests", "Faults"):
        for row in ROW.findall(section(part)):
            last = row.split("|")[-1].strip()
            file, _, names = last.partition(" ")
            found += [(file, name.rstrip("*")) for name in re.findall(r"`([a-z0-9_*]+)`", names)]
    return found


@pytest.mark.parametrize(("file", "name"), sorted(set(named_tests())))
def test_doc__test_it_names__exists(file: str, name: str) -> None:
    source = (HERE / f"test_{file}.py").read_text(encoding="utf-8")

    assert re.search(rf"def test_{re.escape(name)}", source), (file, name)


def test_doc__fault_table__has_every_fault_and_no_other() -> None:
    named = set(re.findall(r"^\| (`[^|]+) \|", section("Faults"), re.MULTILINE))
    listed = {name for cell in named for name in re.findall(r"`([a-z-]+)`", cell)}

    assert listed == set(CATALOGUE)


def test_doc__rule_table__names_a_test_in_most_rows() -> None:
    assert len(named_tests()) > 110
