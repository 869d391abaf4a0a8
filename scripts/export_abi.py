"""Write keeper/abi/<Contract>.json from the Solidity sources; `--check` compares instead.

The pinned compiler is asked for ABIs alone, so this neither needs nor trusts build folders.
"""

import json
import sys
from typing import Any

from scripts.compiler import ROOT, analysed, request_for

TARGET = ROOT / "keeper" / "abi"

SOURCES = {
    "MarketMakingVault": "contracts/MarketMakingVault.sol",
    "Mandate": "contracts/mandate/Mandate.sol",
    "VaultTimelock": "contracts/mandate/VaultTimelock.sol",
    "VaultFactory": "contracts/periphery/VaultFactory.sol",
    "VaultLens": "contracts/periphery/VaultLens.sol",
    "BondTeller": "contracts/bonds/BondTeller.sol",
    "BondNote": "contracts/bonds/BondNote.sol",
    "BondLens": "contracts/bonds/BondLens.sol",
    "DutchAuctioneer": "contracts/bonds/DutchAuctioneer.sol",
    "OracleAuctioneer": "contracts/bonds/OracleAuctioneer.sol",
    "ProjectTreasury": "contracts/bonds/ProjectTreasury.sol",
    "KeeperStake": "contracts/mandate/KeeperStake.sol",
    "NavReporter": "contracts/reporting/NavReporter.sol",
    "RequestSilo": "contracts/RequestSilo.sol",
    "Legs": "contracts/Legs.sol",
    "WindDown": "contracts/WindDown.sol",
    "ClobAdapter": "contracts/adapters/ClobAdapter.sol",
    "UniswapV3Adapter": "contracts/adapters/UniswapV3Adapter.sol",
    "IUniswapV3PoolMinimal": "contracts/interfaces/external/IUniswapV3PoolMinimal.sol",
    "IAggregatorV3": "contracts/interfaces/external/IAggregatorV3.sol",
    "TestUSDC": "contracts/mocks/TestUSDC.sol",
    "WrappedEther": "contracts/mocks/WrappedEther.sol",
    "RoundFeed": "contracts/mocks/RoundFeed.sol",
}


def compile_abis() -> dict[str, Any]:
    """Return the ABI of every listed contract; exits with the compiler's errors."""
    output = analysed(request_for(SOURCES.values(), {"*": ["abi"]}))
    return {name: output["contracts"][path][name]["abi"] for name, path in SOURCES.items()}


def render(abi: Any) -> str:
    """One entry a line: small files whose changes read well."""
    lines = [json.dumps(entry, separators=(",", ":"), sort_keys=True) for entry in abi]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def main(arguments: list[str]) -> int:
    """Write, or with `--check` compare; returns the exit code."""
    stale = []
    for name, abi in compile_abis().items():
        path = TARGET / f"{name}.json"
        text = render(abi)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.relative_to(ROOT).as_posix())
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
    for path_name in stale:
        print(("stale: " if "--check" in arguments else "wrote: ") + path_name)
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
