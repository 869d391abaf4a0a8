"""The measurement of branches notices what a test does not reach, and reasons that are none."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from keeper.devnet.anvil import free_port
from scripts.compiler import analysed
from scripts.coverage import Measured, faults, page
from scripts.instrument import HITS, Instrumenter, read_hits, wrap_anvil

FILE = "contracts/Tiny.sol"
SOURCE = b"""// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

contract Tiny {
    uint256 public kept;

    function keep(uint256 given, bool sure) external {
        require(given != 0 && sure, "no");
        kept = given > 9 ? 9 : given;
    }

    function never() external pure returns (uint256) {
        return 1;
    }
}
"""
SENDER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def compiled(sources: dict[str, str], outputs: dict[str, list[str]]) -> dict[str, Any]:
    settings = {"evmVersion": "cancun", "outputSelection": {"*": outputs}}
    given = {path: {"content": text} for path, text in sources.items()}
    return analysed({"language": "Solidity", "sources": given, "settings": settings})


@contextmanager
def node(binary: Path) -> Iterator[Any]:
    """A node that is started, asked and ended."""
    port = free_port()
    process = subprocess.Popen([binary, "--port", str(port), "--hardfork", "cancun"])
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)

    def ask(method: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return client.post("/", json=body).json().get("result")

    try:
        _until_it_answers(ask)
        yield ask
    finally:
        client.close()
        process.terminate()
        process.wait(30)


def _until_it_answers(ask: Any) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            ask("eth_chainId")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("anvil does not answer")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """What `keep(5, true)` and a refused `keep(0, true)` reach of the little contract."""
    folder = tmp_path_factory.mktemp("coverage")
    tree = compiled({FILE: SOURCE.decode()}, {"": ["ast"]})["sources"][FILE]["ast"]
    instrumenter = Instrumenter()
    told = {FILE: instrumenter.rewrite(FILE, SOURCE, tree), "contracts/Hits.sol": HITS}
    contracts = compiled(told, {"*": ["evm.bytecode.object"]})["contracts"]
    code = contracts[FILE]["Tiny"]["evm"]["bytecode"]["object"]
    hits = folder / "hits"
    wrap_anvil(folder / "bin", hits)
    with node(folder / "bin" / "anvil") as ask:
        made = ask("eth_sendTransactionSync", {"from": SENDER, "data": "0x" + code})
        at = made["contractAddress"]
        for given in (5, 0):
            ask("eth_call", {"from": SENDER, "to": at, "data": keep(given)}, "latest")
    return Measured(instrumenter.points, read_hits(hits), ["2 passed"])


def keep(given: int) -> str:
    data = keccak(text="keep(uint256,bool)")[:4] + encode(["uint256", "bool"], [given, True])
    return "0x" + data.hex()


def test_measured__two_calls__name_exactly_what_they_did_not_reach(measured: Measured) -> None:
    assert faults(measured, {}) == [
        f"{FILE}:8: keep: sure: never false",
        f"{FILE}:9: keep: given > 9: never true",
        f"{FILE}:12: never: never: never entered",
    ]
    assert len(measured.points) == 8


def test_faults__reason_for_what_is_reached__is_one(measured: Measured) -> None:
    known = {point.key: "cannot be" for point in measured.missed}
    reached = (FILE, "keep", "sure", "true")

    assert faults(measured, known) == []
    assert faults(measured, known | {reached: "cannot be"}) == [
        f"reason for what is reached: {reached}"
    ]


def test_page__missed_points__stand_there_with_their_reasons(measured: Measured) -> None:
    reason = {(FILE, "never", "never", "entered"): "nobody calls it"}

    text = page(measured, reason)

    assert f"| `{FILE}` | 8 | 5 |" in text
    assert f"| `{FILE}:12` `never` | `never` | entered | nobody calls it |" in text
    assert f"| `{FILE}:8` `keep` | `sure` | false | **none** |" in text
