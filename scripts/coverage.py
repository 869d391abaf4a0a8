"""Measure which branches of the contracts the Ape tests take, and write docs/coverage.md.

A copy of the repository tells every point it reaches (`scripts/instrument.py`), and the tests run
on it. Exit code 1 when a point is missed without a reason in tests/contracts/unreached.toml, or
reached in spite of one. Arguments: tests to run beside those measured before on the same contracts;
without any, what was measured is forgotten and all run. The page names every run.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from scripts.compiler import ROOT
from scripts.instrument import HITS, Instrumenter, Point, read_hits, syntax_trees, wrap_anvil

__all__ = ["Measured", "faults", "main", "page", "reasons"]

COPIED: Final = ("contracts", "keeper", "tests", "scripts")
LINKED: Final = ("node_modules", ".venv", "pyproject.toml", "docs", "config")
COMPILED: Final = ".compiled"
"""In a copy whose contracts are ready."""
PLAIN: Final = {"optimize: true": "optimize: false", "via_ir: true": "via_ir: false"}
"""The optimiser would only make the same branches slower to compile."""
REASONS: Final = ROOT / "tests" / "contracts" / "unreached.toml"
PAGE: Final = ROOT / "docs" / "coverage.md"
KEPT: Final = Path(tempfile.gettempdir()) / "athanor-coverage"
"""What was measured, in a folder per state of the contracts."""
SUITES: Final = (
    "tests/contracts/unit tests/contracts/attacks tests/contracts/conformance"
    " tests/contracts/properties",
    "tests/contracts/adapters",
    "tests/contracts/bonds --ignore tests/contracts/bonds/test_bond_laws.py",
)
HEAD: Final = """# Branch coverage of the contracts

Measured {day} by `make coverage`, which ran

{runs}

Points are function bodies entered, and both outcomes of every condition of `if`, `require`, `?:`
and loops and of every operand of `&&` and `||`, in `contracts/` without `mocks` and `interfaces`.
The sources are instrumented and the tests run on them; `scripts/instrument.py` says how and why.
Tests of gas, of the size of code and of addresses that code decides fail on instrumented code; they
are counted as failed above.

| file | points | reached |
|---|---:|---:|
"""

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Measured:
    """All points, the numbers of those reached, and how each run of the tests ended."""

    points: list[Point]
    reached: set[int]
    runs: list[str]

    @property
    def missed(self) -> list[Point]:
        return [point for point in self.points if point.number not in self.reached]


def measure(tests: tuple[str, ...], folder: Path) -> Measured:
    """Run the tests on an instrumented copy in `folder`, adding to what was measured there."""
    copy, hits, log = folder / "athanor", folder / "hits", folder / "runs.json"
    points = _instrumented(copy)
    shutil.rmtree(folder / "bin", ignore_errors=True)
    wrap_anvil(folder / "bin", hits)
    runs = json.loads(log.read_text()) if log.exists() else []
    for one in tests:
        runs.append(f"`{one}`: {_last_line(_shell(f'ape test {one} --tb=line', copy))}")
        log.write_text(json.dumps(runs))
    return Measured(points, read_hits(hits), runs)


def _instrumented(copy: Path) -> list[Point]:
    """Bring the copy to the tests as they are now, and its contracts with them when it is new."""
    is_new = not (copy / COMPILED).exists()
    for name in COPIED:
        if is_new or name != "contracts":
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.rmtree(copy / name, ignore_errors=True)
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    instrumenter = Instrumenter()
    for path, tree in syntax_trees().items():
        source = instrumenter.rewrite(path, (ROOT / path).read_bytes(), tree)
        if is_new:
            (copy / path).write_text(source)
    if is_new:
        _compile(copy)
    return instrumenter.points


def _compile(copy: Path) -> None:
    for name in LINKED:
        (copy / name).unlink(missing_ok=True)
        (copy / name).symlink_to(ROOT / name)
    settings = (ROOT / "ape-config.yaml").read_text()
    for given, plain in PLAIN.items():
        settings = settings.replace(given, plain)
    (copy / "ape-config.yaml").write_text(settings)
    (copy / "contracts" / "Hits.sol").write_text(HITS)
    _shell("ape compile --force", copy, check=True)
    (copy / COMPILED).touch()


def _state() -> str:
    """What the contracts are now, in twelve digits."""
    digest = hashlib.sha256()
    for source in sorted((ROOT / "contracts").rglob("*.sol")):
        digest.update(str(source.relative_to(ROOT)).encode() + source.read_bytes())
    return digest.hexdigest()[:12]


def _shell(command: str, copy: Path, *, check: bool = False) -> str:
    line = f'. scripts/toolchain/env.sh && PATH="$WRAPPED:$PATH" && {command}'
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=copy,
        env={**os.environ, "WRAPPED": str(copy.parent / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stdout}{done.stderr}")
    print(done.stdout[-4_000:], file=sys.stderr)
    return done.stdout


def _last_line(output: str) -> str:
    return output.strip().splitlines()[-1].strip("= ") if output.strip() else "no answer"


def reasons() -> dict[Key, str]:
    """Why points cannot be reached, by what they are known by."""
    given = tomllib.loads(REASONS.read_text())["point"]
    fields = ("file", "function", "text", "outcome")
    return {tuple(one[field] for field in fields): one["reason"] for one in given}


def page(measured: Measured, known: dict[Key, str]) -> str:
    """The document: a table by file, then every point that was not reached, with its reason."""
    day, runs = datetime.now(UTC).date(), "\n".join(f"- {run}" for run in measured.runs)
    parts = [HEAD.format(day=day, runs=runs)]
    missed = Counter(point.file for point in measured.missed)
    for file, count in sorted(Counter(point.file for point in measured.points).items()):
        parts.append(f"| `{file}` | {count} | {count - missed[file]} |\n")
    count = len(measured.points)
    parts.append(f"| all | {count} | {count - missed.total()} |\n")
    parts.append("\n## Not reached\n\n| where | point | outcome | reason |\n|---|---|---|---|\n")
    for point in measured.missed:
        where = f"`{point.file}:{point.line}` `{point.function}`"
        reason = known.get(point.key, "**none**")
        parts.append(f"| {where} | `{_cell(point.text)}` | {point.outcome} | {reason} |\n")
    return "".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def faults(measured: Measured, known: dict[Key, str]) -> list[str]:
    """Points missed without a reason, and reasons for what is reached or is not there."""
    missed = {point.key for point in measured.missed}
    unexplained = [
        f"{point.file}:{point.line}: {point.function}: {point.text}: never {point.outcome}"
        for point in measured.missed
        if point.key not in known
    ]
    return unexplained + [
        f"reason for what is reached: {key}" for key in known if key not in missed
    ]


def main(arguments: list[str]) -> int:
    """Measure, write the page, name what is missed; returns the exit code."""
    folder = KEPT / _state()
    if not arguments:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    measured = measure((" ".join(arguments),) if arguments else SUITES, folder)
    known = reasons()
    PAGE.write_text(page(measured, known))
    found = faults(measured, known)
    print("\n".join(found))
    count = len(measured.points)
    print(f"{count - len(measured.missed)} of {count} points reached")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
