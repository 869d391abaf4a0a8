"""Measure which branches of the contracts the Ape tests take, and write docs/coverage.md.

Optimised code has no source maps to trust, so the sources are instrumented instead: in a copy of
the repository every function body, and every condition of `if`, `require`, `?:`, loops, `&&` and
`||`, logs a number through the console address, which anvil prints. A point is a body that was
entered, or a condition that was true, or one that was false. Exit code 1 when a point is missed
without a reason in tests/contracts/unreached.toml, or reached in spite of one. Arguments: the tests
to run instead of all; then nothing is written.
"""

import bisect
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from scripts.compiler import ROOT, analysed, request_for

COPIED: Final = ("contracts", "keeper", "tests", "scripts")
LINKED: Final = ("node_modules", ".venv", "pyproject.toml", "docs", "config")
PLAIN: Final = {"optimize: true": "optimize: false", "via_ir: true": "via_ir: false"}
"""The optimiser would only make the same branches slower to compile."""
LEFT_OUT: Final = ("contracts/mocks/", "contracts/interfaces/")
REASONS: Final = ROOT / "tests" / "contracts" / "unreached.toml"
PAGE: Final = ROOT / "docs" / "coverage.md"
BASE: Final = 900_000_000
"""First point; the console's other numbers are smaller."""
SUITES: Final = (
    "tests/contracts/unit tests/contracts/attacks tests/contracts/conformance"
    " tests/contracts/properties",
    "tests/contracts/adapters",
)
HITS: Final = """// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Points that were reached, told to the console
library Hits {
    function f(uint256 point) internal pure {
        _pure(_log)(point);
    }

    function c(uint256 point, bool value) internal pure returns (bool) {
        _pure(_log)(value ? point + 1 : point);
        return value;
    }

    function _log(uint256 point) private view {
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, shl(224, 0xf82c50f1))
            mstore(add(at, 4), point)
            pop(staticcall(gas(), 0x636f6e736f6c652e6c6f67, at, 36, 0, 0))
        }
    }

    function _pure(function(uint256) internal view given)
        private
        pure
        returns (function(uint256) internal pure taken)
    {
        assembly ("memory-safe") {
            taken := given
        }
    }
}
"""
ANVIL: Final = """#!/usr/bin/env bash
exec {anvil} "$@" --disable-code-size-limit \\
    > >(awk '/^9[0-9]{{8}}$/ && !seen[$0]++ {{ print; fflush() }}' >> {hits})
"""
HEAD: Final = """# Branch coverage of the contracts

Measured {day} by `make coverage`: {tests}.
Points are function bodies entered, and both outcomes of every condition of `if`, `require`, `?:`
and loops and of every operand of `&&` and `||`, in `contracts/` without `mocks` and `interfaces`.
The sources are instrumented and the tests run on them; `scripts/coverage.py` says how and why.

| file | points | reached |
|---|---:|---:|
"""


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that may happen at one place of a source."""

    number: int
    file: str
    line: int
    text: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Insertion:
    """Text to put into a source, at a byte offset."""

    at: int
    text: str


def syntax_trees() -> dict[str, Any]:
    """The compiler's tree of every measured source."""
    paths = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("contracts/**/*.sol"))
    sources = analysed(request_for(paths, {"": ["ast"]}))["sources"]
    return {path: sources[path]["ast"] for path in paths if not path.startswith(LEFT_OUT)}


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every node of a syntax tree."""
    if isinstance(tree, list):
        for item in tree:
            yield from nodes(item)
    elif isinstance(tree, dict):
        if "nodeType" in tree:
            yield tree
        for item in tree.values():
            yield from nodes(item)


def conditions(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The conditions a node decides on; of one made of `&&` and `||`, those are the operands."""
    kind = node["nodeType"]
    if kind in ("IfStatement", "Conditional", "WhileStatement", "ForStatement"):
        found = [node["condition"]] if node.get("condition") else []
    elif kind == "FunctionCall" and node["expression"].get("name") == "require":
        found = [node["arguments"][0]]
    elif is_junction(node):
        found = [node["leftExpression"], node["rightExpression"]]
    else:
        found = []
    return [one for one in found if not is_junction(one)]


def is_junction(node: dict[str, Any]) -> bool:
    return node["nodeType"] == "BinaryOperation" and node["operator"] in ("&&", "||")


def span(node: dict[str, Any]) -> tuple[int, int]:
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


class Instrumenter:
    """Numbers the points of all sources and rewrites them."""

    def __init__(self) -> None:
        self.points: list[Point] = []

    def rewrite(self, path: str, tree: Any) -> str:
        """The instrumented source of one file."""
        source = (ROOT / path).read_bytes()
        lines = [0, *(at + 1 for at, byte in enumerate(source) if byte == ord("\n"))]
        insertions: list[Insertion] = []
        for node in nodes(tree):
            if node["nodeType"] == "FunctionDefinition" and node.get("body"):
                at = span(node["body"])[0]
                line = bisect.bisect(lines, span(node)[0])
                name = node["name"] or node["kind"]
                number = self._add(path, line, name, ("entered",))
                insertions.append(Insertion(at + 1, f" Hits.f({number}); "))
            for condition in conditions(node):
                start, end = span(condition)
                text = " ".join(source[start:end].decode().split())
                number = self._add(path, bisect.bisect(lines, start), text, ("false", "true"))
                insertions.append(Insertion(start, f"Hits.c({number}, "))
                insertions.append(Insertion(end, ")"))
        return _insert(source, insertions, _import_from(path))

    def _add(self, path: str, line: int, text: str, outcomes: tuple[str, ...]) -> int:
        first = BASE + len(self.points)
        self.points += [
            Point(first + number, path, line, text, outcome)
            for number, outcome in enumerate(outcomes)
        ]
        return first


def _import_from(path: str) -> str:
    up = "../" * (path.count("/") - 1) or "./"
    return f'import {{Hits}} from "{up}Hits.sol";\n'


def _insert(source: bytes, insertions: list[Insertion], line: str) -> str:
    text = source
    inner_first = sorted(enumerate(insertions), key=lambda one: (one[1].at, one[0]), reverse=True)
    for _, one in inner_first:
        text = text[: one.at] + one.text.encode() + text[one.at :]
    at = text.index(b"pragma solidity")
    after = text.index(b"\n", at) + 1
    return (text[:after] + line.encode() + text[after:]).decode()


def measure(tests: tuple[str, ...]) -> tuple[list[Point], set[int], list[str]]:
    """All points, those reached, and how each run of the tests ended."""
    instrumenter = Instrumenter()
    with tempfile.TemporaryDirectory(prefix="coverage-") as folder:
        copy = Path(folder) / "athanor"
        _copy_to(copy)
        for path, tree in syntax_trees().items():
            (copy / path).write_text(instrumenter.rewrite(path, tree))
        (copy / "contracts" / "Hits.sol").write_text(HITS)
        hits = Path(folder) / "hits"
        hits.touch()
        _wrap_anvil(Path(folder) / "bin", hits)
        environment = {**os.environ, "WRAPPED": str(Path(folder) / "bin")}
        _shell("ape compile --force", copy, environment, check=True)
        runs = [_shell(f"ape test {one} --tb=line -q", copy, environment) for one in tests]
        reached = {int(line) for line in hits.read_text().split()}
    return instrumenter.points, reached, [_last_line(run) for run in runs]


def _copy_to(copy: Path) -> None:
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in LINKED:
        (copy / name).symlink_to(ROOT / name)
    settings = (ROOT / "ape-config.yaml").read_text()
    for given, plain in PLAIN.items():
        settings = settings.replace(given, plain)
    (copy / "ape-config.yaml").write_text(settings)


def _wrap_anvil(folder: Path, hits: Path) -> None:
    folder.mkdir()
    (anvil,) = ROOT.glob("node_modules/@foundry-rs/anvil-*/bin/anvil")
    wrapper = folder / "anvil"
    wrapper.write_text(ANVIL.format(anvil=anvil, hits=hits))
    wrapper.chmod(0o755)


def _shell(command: str, folder: Path, environment: dict[str, str], *, check: bool = False) -> str:
    line = f'. scripts/toolchain/env.sh && PATH="$WRAPPED:$PATH" && {command}'
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=environment,
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


def reasons() -> dict[tuple[str, str, str], str]:
    """Why points cannot be reached, by file, text and outcome."""
    given = tomllib.loads(REASONS.read_text())["point"]
    return {(one["file"], one["text"], one["outcome"]): one["reason"] for one in given}


def page(points: list[Point], reached: set[int], runs: list[str]) -> str:
    """The document: a table by file, then every point that was not reached, with its reason."""
    parts = [HEAD.format(day=datetime.now(UTC).date(), tests="; ".join(runs))]
    for file in sorted({point.file for point in points}):
        own = [point.number for point in points if point.file == file]
        parts.append(f"| `{file}` | {len(own)} | {len(reached.intersection(own))} |\n")
    numbers = {point.number for point in points}
    parts.append(f"| all | {len(numbers)} | {len(numbers & reached)} |\n")
    parts.append("\n## Not reached\n\n| point | outcome | reason |\n|---|---|---|\n")
    known = reasons()
    for point in points:
        if point.number not in reached:
            reason = known.get((point.file, point.text, point.outcome), "**none**")
            parts.append(f"| `{point.file}` `{_cell(point.text)}` | {point.outcome} | {reason} |\n")
    return "".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def faults(points: list[Point], reached: set[int]) -> list[str]:
    """Points missed without a reason, and reasons for what is reached or is not there."""
    known = reasons()
    missed = {
        (point.file, point.text, point.outcome): point
        for point in points
        if point.number not in reached
    }
    unexplained = [
        f"{point.file}:{point.line}: {point.text}: never {point.outcome}"
        for key, point in missed.items()
        if key not in known
    ]
    return unexplained + [
        f"reason for what is reached: {key}" for key in known if key not in missed
    ]


def main(arguments: list[str]) -> int:
    """Measure, write the page, name what is missed; returns the exit code."""
    points, reached, runs = measure((" ".join(arguments),) if arguments else SUITES)
    if not arguments:
        PAGE.write_text(page(points, reached, runs))
    found = faults(points, reached)
    print("\n".join(found))
    print(f"{len(reached)} of {len(points)} points reached; {'; '.join(runs)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
