"""Owns docs/gas.md: how it is written from readings, read again, and what is away from it.

`python -m tests.contracts.gas.table FOLDER` writes it from the readings in a folder.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

__all__ = ["PAGE", "Rows", "away", "committed", "function_of", "row_name", "signatures"]

Rows = dict[str, dict[str, int]]
"""Gas by section and row."""

ROOT: Final = Path(__file__).resolve().parents[3]
PAGE: Final = ROOT / "docs" / "gas.md"
TOLERANCE_PERCENT: Final = 2
SPECIAL: Final = ("Round trip", "Settlement", "Claims", "Cuts", "Reports")
SECTION: Final = re.compile(r"^## (.+?)$", re.MULTILINE)
ROW: Final = re.compile(r"^\| (.+?) \| ([\d,]+) \|$", re.MULTILINE)
NUMBER: Final = re.compile(r"(\D+|^)([\d,]*)")
HEAD: Final = """# Gas

Gas used by whole transactions on anvil, calldata and the 21,000 of every transaction included, on
the contracts as deployed, with an asset of six decimals. A function that only another contract of
the protocol may call stands with the call it was measured inside: the gas of that call alone.
Written by `make gas` on {day}, contracts as of {commit}: solc 0.8.30, via IR, optimizer at 200
runs, EVM cancun (`ape-config.yaml`).

`make test` measures the main figures again and fails where one is more than {tolerance} % away from
here, up or down; it also fails where a function of a contract has no row. Then: `make gas`, and the
commit says why the figure moved.
"""


def signatures(contract_type: Any) -> list[str]:
    """The state-changing functions of a contract, each with its types."""
    return sorted(entry.selector for entry in contract_type.mutable_methods)


def row_name(abi: list[str], signature: str, when: str) -> str:
    """A row: the function, with its types where there are two of that name, and when."""
    name = signature.split("(")[0]
    alone = [one.split("(")[0] for one in abi].count(name) == 1
    return f"`{name if alone else signature}`" + (f", {when}" if when else "")


def function_of(row: str) -> str:
    """The function a row is about."""
    return row.split("`")[1]


def committed() -> Rows:
    """The figures of the page, by section; none where there is no page yet."""
    if not PAGE.exists():
        return {}
    _, *parts = SECTION.split(PAGE.read_text())
    return {title: _rows(text) for title, text in zip(parts[::2], parts[1::2], strict=True)}


def _rows(text: str) -> dict[str, int]:
    return {name: int(gas.replace(",", "")) for name, gas in ROW.findall(text)}


def away(measured: Rows) -> dict[str, tuple[int, int | None]]:
    """Of the measured figures those away from the page, each with the committed one."""
    page = committed()
    return {
        f"{section}: {name}": (gas, page.get(section, {}).get(name))
        for section, rows in measured.items()
        for name, gas in rows.items()
        if _is_away(gas, page.get(section, {}).get(name))
    }


def _is_away(gas: int, known: int | None) -> bool:
    return known is None or abs(gas - known) * 100 > known * TOLERANCE_PERCENT


def merged(readings: list[dict[str, Rows]]) -> Rows:
    """All rows; a call inside another stands only for a function that nobody else may call.

    Raises ValueError where two tests measured one row: the page could not say which it is.
    """
    rows: Rows = defaultdict(dict)
    inner: Rows = defaultdict(dict)
    for reading in readings:
        for section, found in reading["rows"].items():
            if twice := rows[section].keys() & found.keys():
                raise ValueError(f"measured by two tests: {section}: {sorted(twice)}")
            rows[section] |= found
        for section, found in reading["inner"].items():
            for name, gas in found.items():
                inner[section][name] = max(gas, inner[section].get(name, 0))
    for section, found in inner.items():
        direct = {function_of(name) for name in rows[section]}
        rows[section] |= {n: gas for n, gas in found.items() if function_of(n) not in direct}
    return rows


def page(rows: Rows) -> str:
    """The document: what users ask first, then contract by contract."""
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%h", "--", "contracts", ":!contracts/mocks"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    day = datetime.now(UTC).date()
    parts = [HEAD.format(day=day, commit=commit, tolerance=TOLERANCE_PERCENT)]
    for section in (*SPECIAL, *sorted(rows.keys() - set(SPECIAL))):
        found = sorted(rows[section].items(), key=lambda row: _natural(row[0]))
        lines = "\n".join(f"| {name} | {gas:,} |" for name, gas in found)
        parts.append(f"\n## {section}\n\n| transaction | gas |\n|---|---:|\n{lines}\n")
    return "".join(parts)


def _natural(name: str) -> list[tuple[str, int]]:
    """Orders words as they are and numbers by their size."""
    return [(word, int(n.replace(",", "") or 0)) for word, n in NUMBER.findall(name)]


def main(folder: str) -> int:
    """Write the page from the readings; returns the exit code."""
    files = sorted(Path(folder).glob("*.json"))
    rows = merged([json.loads(file.read_text()) for file in files])
    if missing := [section for section in SPECIAL if section not in rows]:
        sys.stderr.write(f"no readings of {', '.join(missing)}: docs/gas.md stays as it is\n")
        return 1
    PAGE.write_text(page(rows))
    count = sum(map(len, rows.values()))
    sys.stdout.write(f"{count} rows of {len(files)} tests in {PAGE.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
