"""Reads cuts, previews and submits reports: the reporters' and relayers' ports on a node."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from keeper.chain.calls import Block, Call, CallReverted, block_of, read_at, view
from keeper.chain.codec import checksum
from keeper.chain.operations import operation_of
from keeper.chain.report_calls import report_tuple, submission
from keeper.chain.rpc import JsonRpc
from keeper.chain.sending import OperationSender
from keeper.chain.vault import STATES
from keeper.domain.reports import Leg, OpenCut, Outcome, Report

__all__ = ["VaultReports"]

_VAULT_VIEWS: Final = ("state", "cut", "legs")
_REPORTER_VIEWS: Final = ("setId", "lastReportHash", "lastLegs", "reporters", "quorum")
_HOLDS: Final = ("NONE", "LOSS", "STALE_TRANSIT", "INSOLVENT")


@dataclass(frozen=True, slots=True)
class VaultReports:
    """One vault and its NavReporter; `sender` is None for those who only read."""

    rpc: JsonRpc
    vault: str
    reporter: str
    sender: OperationSender | None = None

    async def open_cut(self) -> OpenCut | None:
        """Read the cut that awaits its report, all at one block; None when there is none.

        Raises ChainUnavailable, CallReverted, WireError.
        """
        block: Block = block_of(await self.rpc.call("eth_getBlockByNumber", "latest", False))
        calls = [view("MarketMakingVault", self.vault, name) for name in _VAULT_VIEWS]
        calls += [view("NavReporter", self.reporter, name) for name in _REPORTER_VIEWS]
        answers = await read_at(self.rpc, block, calls)
        (state,), (cut,), (legs,), (set_id,), (prev_hash,) = answers[:5]
        (last_legs,), (reporters,), (quorum,) = answers[5:]
        if STATES[state] != "CUT":
            return None
        calls = [view("Legs", legs, "attested"), view("Legs", legs, "transfersAt", cut[0])]
        (adapters,), (sent, returned) = await read_at(self.rpc, block, calls)
        return OpenCut(
            epoch=cut[0],
            time=cut[1],
            block_number=cut[2],
            adapters=tuple(checksum(a) for a in adapters),
            sent=tuple(sent),
            returned=tuple(returned),
            set_id=set_id,
            prev_hash="0x" + prev_hash.hex(),
            last_legs=tuple(_leg(item) for item in last_legs),
            reporters=tuple(checksum(a) for a in reporters),
            quorum=quorum,
        )

    async def preview(self, report: Report) -> Outcome | str:
        """What submission would do, or the contract's typed error with its numbers.

        Raises ChainUnavailable, WireError.
        """
        try:
            answers = await read_at(self.rpc, "latest", [self._call("previewReport", report)])
        except CallReverted as reverted:
            return reverted.detail
        return _outcome(answers[0][0])

    async def digest(self, report: Report) -> bytes:
        """The contract's own digest. Raises ChainUnavailable, CallReverted, WireError."""
        ((digest,),) = await read_at(self.rpc, "latest", [self._call("digest", report)])
        return bytes(digest)

    async def submit(self, report: Report, signatures: Sequence[str]) -> str:
        """Submit and wait for inclusion; return the transaction hash.

        Raises ChainUnavailable, OperationFailed; ValueError without a sender.
        """
        if self.sender is None:
            raise ValueError("these reports are read-only: no account to send from")
        operation = operation_of(submission(self.reporter, report, signatures))
        return (await self.sender.send(operation)).tx_hash

    def _call(self, name: str, report: Report) -> Call:
        return view("NavReporter", self.reporter, name, report_tuple(report))


def _leg(item: Sequence[int]) -> Leg:
    return Leg(equity=item[0], credited=item[1], debited=item[2], venue_height=item[3])


def _outcome(answer: Sequence[Any]) -> Outcome:
    gross, gross_ask, accepted, stale, deposits_open, mark, hold, fill = answer
    return Outcome(
        gross=gross,
        gross_ask=gross_ask,
        accepted=accepted,
        stale_transit=stale,
        deposits_open=deposits_open,
        mark_e36=mark,
        hold=_HOLDS[hold],
        fee_shares=fill[1],
        deposit_assets=fill[2],
        deposit_shares=fill[3],
        redeem_shares=fill[4],
        redeem_assets=fill[5],
        accepted_after=fill[6],
        supply_after=fill[7],
    )
