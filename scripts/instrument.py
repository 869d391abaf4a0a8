"""Owns how a copy of the contracts tells what it does: numbered points, written into the sources.

Optimised code has no source maps to trust, so every function body, and every condition of `if`,
`require`, `?:`, loops, `&&` and `||`, logs a number through the console address, which anvil
prints. A point is a body that was entered, or a condition that was true, or one that was false.
"""

import bisect
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scripts.compiler import ROOT, analysed, request_for

__all__ = ["HITS", "Instrumenter", "Point", "read_hits", "syntax_trees", "wrap_anvil"]

LEFT_OUT: Final = ("contracts/mocks/", "contracts/interfaces/")
BASE: Final = 900_000_000
"""First point; the console's other numbers are smaller."""
PATIENCE: Final = 30
"""For the last lines of a node that was ended [s]."""
GAS_LIMIT: Final = 100_000_000
"""Of a block: telling costs gas."""
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
echo begin >> {hits}
exec {anvil} "$@" --disable-code-size-limit --gas-limit {gas} \\
    > >(awk 'NF == 1 && $1 ~ /^9[0-9]+$/ && length($1) == 9 && !seen[$1]++ {{ print $1; fflush() }}
        END {{ print "end" }}' >> {hits})
"""


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that may happen at one place of a source."""

    number: int
    file: str
    line: int
    function: str
    text: str
    outcome: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is known by when lines have moved."""
        return (self.file, self.function, self.text, self.outcome)


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


def wrap_anvil(folder: Path, hits: Path) -> None:
    """Put an `anvil` into the folder that takes any code and writes the points it reaches."""
    folder.mkdir()
    (anvil,) = ROOT.glob("node_modules/@foundry-rs/anvil-*/bin/anvil")
    wrapper = folder / "anvil"
    wrapper.write_text(ANVIL.format(anvil=anvil, hits=hits, gas=GAS_LIMIT))
    wrapper.chmod(0o755)


def read_hits(hits: Path) -> set[int]:
    """The points reached by nodes that have ended; waits for their last lines."""
    deadline = time.monotonic() + PATIENCE
    while True:
        lines = hits.read_text().split() if hits.exists() else []
        if lines.count("begin") == lines.count("end") or time.monotonic() > deadline:
            return {int(line) for line in lines if line.isdigit()}
        time.sleep(0.1)


def _nodes(tree: Any, function: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every node of a syntax tree, with the function or modifier around it."""
    if isinstance(tree, list):
        for item in tree:
            yield from _nodes(item, function)
    elif isinstance(tree, dict):
        if tree.get("nodeType") in ("FunctionDefinition", "ModifierDefinition"):
            function = tree["name"] or tree["kind"]
        if "nodeType" in tree:
            yield function, tree
        for item in tree.values():
            yield from _nodes(item, function)


def _conditions(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The conditions a node decides on; of one made of `&&` and `||`, those are the operands."""
    kind = node["nodeType"]
    if kind in ("IfStatement", "Conditional", "WhileStatement", "ForStatement"):
        found = [node["condition"]] if node.get("condition") else []
    elif kind == "FunctionCall" and node["expression"].get("name") == "require":
        found = [node["arguments"][0]]
    elif _is_junction(node):
        found = [node["leftExpression"], node["rightExpression"]]
    else:
        found = []
    return [one for one in found if not _is_junction(one)]


def _is_junction(node: dict[str, Any]) -> bool:
    return node["nodeType"] == "BinaryOperation" and node["operator"] in ("&&", "||")


def _span(node: dict[str, Any]) -> tuple[int, int]:
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


class Instrumenter:
    """Numbers the points of all sources and rewrites them."""

    def __init__(self) -> None:
        self.points: list[Point] = []

    def rewrite(self, path: str, source: bytes, tree: Any) -> str:
        """The instrumented source of one file."""
        lines = [0, *(found.end() for found in re.finditer(rb"\n", source))]
        insertions: list[Insertion] = []
        for function, node in _nodes(tree):
            if node["nodeType"] == "FunctionDefinition" and node.get("body"):
                line = bisect.bisect(lines, _span(node)[0])
                number = self._add((path, line, function, function), ("entered",))
                insertions.append(Insertion(_span(node["body"])[0] + 1, f" Hits.f({number}); "))
            for condition in _conditions(node):
                start, end = _span(condition)
                text = " ".join(source[start:end].decode().split())
                place = (path, bisect.bisect(lines, start), function, text)
                number = self._add(place, ("false", "true"))
                insertions.append(Insertion(start, f"Hits.c({number}, "))
                insertions.append(Insertion(end, ")"))
        return _insert(source, insertions, _import_from(path))

    def _add(self, place: tuple[str, int, str, str], outcomes: tuple[str, ...]) -> int:
        first = BASE + len(self.points)
        self.points += [
            Point(first + number, *place, outcome) for number, outcome in enumerate(outcomes)
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
    after = text.index(b"\n", text.index(b"pragma solidity")) + 1
    return (text[:after] + line.encode() + text[after:]).decode()
