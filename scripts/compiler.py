"""Asks the pinned compiler for what needs no code generation; leaves build folders alone."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

__all__ = ["ROOT", "analysed", "request_for"]

ROOT: Final = Path(__file__).resolve().parent.parent
_COMPILER: Final = ROOT / "scripts" / "toolchain" / "solc-v0.8.30"
_REMAPPINGS: Final = [
    "@openzeppelin/contracts=node_modules/@openzeppelin/contracts",
    "@uniswap/v4-core=node_modules/@uniswap/v4-core",
]


def request_for(sources: Iterable[str], outputs: dict[str, list[str]]) -> dict[str, Any]:
    """Return the compiler's standard input for source paths below the root.

    `outputs` are asked for by contract; those under the empty name, by file.
    """
    return {
        "language": "Solidity",
        "sources": {path: {"urls": [path]} for path in sorted(set(sources))},
        "settings": {
            "evmVersion": "cancun",
            "remappings": _REMAPPINGS,
            "outputSelection": {"*": outputs},
        },
    }


def analysed(request: dict[str, Any]) -> dict[str, Any]:
    """Return the compiler's answer; exits with its errors."""
    answer = subprocess.run(
        [str(_COMPILER), "--standard-json", "--base-path", str(ROOT)],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    output: dict[str, Any] = json.loads(answer.stdout)
    errors = [e["formattedMessage"] for e in output.get("errors", []) if e["severity"] == "error"]
    if errors:
        sys.exit("".join(errors))
    return output
