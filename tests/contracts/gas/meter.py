"""Owns what transactions cost: rows by contract and function, from receipts and their calls."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from eth_utils.crypto import keccak

from tests.contracts.gas import table
from tests.contracts.gas.table import Rows, row_name

__all__ = ["FOLDER", "Meter", "by_make_gas_alone"]

FOLDER: Final = Path(os.environ["GAS_FOLDER"]) if "GAS_FOLDER" in os.environ else None
"""Where `make gas` wants the readings."""
by_make_gas_alone = pytest.mark.skipif(FOLDER is None, reason="measured by make gas alone")


@dataclass(slots=True)
class Meter:
    """The readings of one test.

    `folder` is where they are written for the page; without one they are held against the
    committed page instead.
    """

    project: Any
    chain: Any
    folder: Path | None
    name: str
    rows: Rows = field(default_factory=dict)
    inner: Rows = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)

    def knows(self, **contracts: Any) -> None:
        """Addresses, or contracts, by their kind: what their calls are filed under."""
        for kind, at in contracts.items():
            self._known[str(getattr(at, "address", at)).lower()] = kind

    def knows_system(self, system: Any) -> None:
        """The contracts of a vault; its adapters apart."""
        self.knows(
            MarketMakingVault=system.vault,
            NavReporter=system.nav,
            Legs=system.legs,
            RequestSilo=system.silo,
            Mandate=system.mandate,
            KeeperStake=system.mandate.keeperStake(),
            WindDown=system.end,
        )

    def __call__(self, receipt: Any, when: str = "") -> int:
        """File a transaction under the contract and the function it called; returns its gas."""
        gas = int(receipt.gas_used)
        kind, signature = self._named(receipt.receiver, bytes(receipt.data)[:4])
        self.rows.setdefault(kind, {})[row_name(self._abi(kind), signature, when)] = gas
        if self.folder:
            self._file_inner(receipt, signature)
        return gas

    def special(self, section: str, what: str, gas: int) -> None:
        """File a figure under a heading of its own."""
        self.rows.setdefault(section, {})[what] = gas

    def away(self) -> dict[str, tuple[int, int | None]]:
        """What is away from the committed page, with its figure; writing, nothing ever is."""
        if self.folder is None:
            return table.away(self.rows)
        readings = {"rows": self.rows, "inner": self.inner}
        (self.folder / f"{self.name}.json").write_text(json.dumps(readings))
        return {}

    def _file_inner(self, receipt: Any, outer: str) -> None:
        """What its calls to other contracts of the protocol cost by themselves, the dearest."""
        for frame in _calls(self._trace(receipt)):
            kind = self._known.get(frame["to"].lower())
            if kind is None or frame["type"] != "CALL":
                continue
            signature = self._signatures(kind).get(bytes.fromhex(frame["input"][2:10]))
            if signature is not None:
                filed = self.inner.setdefault(kind, {})
                name = row_name(self._abi(kind), signature, f"inside `{outer.split('(')[0]}`")
                filed[name] = max(filed.get(name, 0), int(frame["gasUsed"], 16))

    def _trace(self, receipt: Any) -> dict[str, Any]:
        make_request = self.chain.provider.web3.provider.make_request
        given = [receipt.txn_hash, {"tracer": "callTracer"}]
        answer: dict[str, Any] = make_request("debug_traceTransaction", given)["result"]
        return answer

    def _named(self, address: str, selector: bytes) -> tuple[str, str]:
        kind = self._known[address.lower()]
        return kind, self._signatures(kind)[selector]

    def _abi(self, kind: str) -> list[str]:
        return table.signatures(getattr(self.project, kind).contract_type)

    def _signatures(self, kind: str) -> dict[bytes, str]:
        return {keccak(text=signature)[:4]: signature for signature in self._abi(kind)}


def _calls(frame: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for inner in frame.get("calls", ()):
        yield inner
        yield from _calls(inner)
