"""Write what slither reads, .build/slither/build-info: syntax trees and ABIs, no code.

Slither looks at syntax trees alone; generating code by way of the intermediate language, as its own
run of the compiler would, takes a minute or two more and is done for Ape already.
"""

import json
import sys
from typing import Any

from scripts.compiler import ROOT, analysed, request_for

FOLDER = ROOT / ".build" / "slither" / "build-info"
NO_CODE = {"object": "", "sourceMap": ""}


def build_info() -> dict[str, Any]:
    """Return every contract's syntax tree and ABI in the form that forge's build info has."""
    sources = [path.relative_to(ROOT).as_posix() for path in (ROOT / "contracts").rglob("*.sol")]
    request = request_for(sources, {"": ["ast"], "*": ["abi", "userdoc", "devdoc"]})
    output = analysed(request)
    for contracts in output["contracts"].values():
        for contract in contracts.values():
            contract["evm"] = {"bytecode": NO_CODE, "deployedBytecode": NO_CODE}
    return {"solcVersion": "0.8.30", "input": request, "output": output}


def main() -> int:
    """Write it; returns the exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "contracts.json").write_text(json.dumps(build_info()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
