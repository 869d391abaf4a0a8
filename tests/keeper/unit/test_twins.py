"""Every broken twin still fits the contract it breaks, and names a test that exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PATCHES = sorted((ROOT / "tests" / "twins").glob("*.patch"))
FIELD = re.compile(r"^# (test|compile|law): (.+)$", re.MULTILINE)
FILE = re.compile(r"^\+\+\+ b/(\S+)$", re.MULTILINE)
HUNK = re.compile(r"^@@ .*@@.*\n((?:[ +\-].*\n|\n)+)", re.MULTILINE)


def before(hunk: str) -> str:
    """The lines that a hunk expects: context and what it takes away."""
    lines = [line for line in hunk.splitlines() if not line.startswith("+")]
    return "\n".join(line[1:] for line in lines)


def test_twins__all__are_there() -> None:
    assert len(PATCHES) >= 60


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_twin__patch__fits_one_place_of_its_contract(patch: Path) -> None:
    text = patch.read_text()
    (file,) = FILE.findall(text)
    hunks = HUNK.findall(text)

    source = (ROOT / file).read_text()

    assert hunks
    assert [source.count(before(hunk)) for hunk in hunks] == [1] * len(hunks)


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_twin__header__names_a_test_and_sources_that_exist(patch: Path) -> None:
    header = dict(FIELD.findall(patch.read_text()))
    file, _, function = header["test"].partition("::")
    called = re.escape(function.split("[")[0])

    assert re.search(rf"\b{called}\(", (ROOT / file).read_text())
    assert all((ROOT / source).is_file() for source in header["compile"].split())


def test_twins__laws_they_name__are_those_of_the_sequences() -> None:
    named = {dict(FIELD.findall(patch.read_text())).get("law") for patch in PATCHES} - {None}
    laws = "".join(path.read_text() for path in (ROOT / "tests" / "forge").glob("*.sol"))

    assert len(named) >= 8
    assert all(f'"{law}' in laws for law in named)
