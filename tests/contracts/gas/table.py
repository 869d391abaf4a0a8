"""Owns docs/gas.md: the committed figures, how it is written, and what moved away from it."""

import os
import re
from pathlib import Path
from typing import Final

from tests.contracts.system import System

FILE: Final = Path(__file__).resolve().parents[3] / "docs" / "gas.md"
TOLERANCE_PERCENT: Final = 2
WRITING: Final = os.environ.get("GAS_TABLE") == "write"
SECTION: Final = re.compile(r"^## (.+?)$", re.MULTILINE)
ROW: Final = re.compile(r"^\| (.+?) \| ([\d,]+) \|$", re.MULTILINE)
HEAD: Final = """# Gas

Gas used by whole transactions on anvil, calldata and the 21,000 of every transaction included, on
the contracts as deployed, with an asset of six decimals. Written by `make gas`.
{settings}
`make test` measures all but the slow ones again and fails when one is more than {tolerance} % away
from its figure, up or down, or is not here at all: then `make gas`, and the commit says why.
"""


def committed() -> dict[str, dict[str, int]]:
    """The figures of the table, by section; none where there is no table yet."""
    if not FILE.exists():
        return {}
    _, *parts = SECTION.split(FILE.read_text())
    return {title: _rows(text) for title, text in zip(parts[::2], parts[1::2], strict=True)}


def _rows(text: str) -> dict[str, int]:
    return {name: int(gas.replace(",", "")) for name, gas in ROW.findall(text)}


def moved(figures: dict[str, int]) -> dict[str, tuple[int, int | None]]:
    """Of the measured figures those away from the table, each with the committed one."""
    known = {name: gas for rows in committed().values() for name, gas in rows.items()}
    return {
        name: (gas, known.get(name))
        for name, gas in figures.items()
        if name not in known or abs(gas - known[name]) * 100 > known[name] * TOLERANCE_PERCENT
    }


def write(measured: dict[str, dict[str, int]], settings: str) -> None:
    """Write what was measured into the table; other sections stay."""
    groups = committed()
    for title, figures in measured.items():
        groups.setdefault(title, {}).update(figures)
    parts = [HEAD.format(settings=settings, tolerance=TOLERANCE_PERCENT)]
    for title, figures in groups.items():
        rows = "\n".join(f"| {name} | {gas:,} |" for name, gas in figures.items())
        parts.append(f"\n## {title}\n\n| transaction | gas |\n|---|---:|\n{rows}\n")
    FILE.write_text("".join(parts))


def gas_of(receipt: object) -> int:
    return int(receipt.gas_used)  # type: ignore[attr-defined]


def settle(system: System) -> int:
    """Gas of the report that settles a fresh cut."""
    return gas_of(system.settle())
