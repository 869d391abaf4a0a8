"""Checks of what is done for depositors: a cut, a report, a claim."""

from dataclasses import dataclass

from keeper.domain.approval import Approved, Refused
from keeper.domain.commands import Claim, CloseEpoch, CollectReport, SubmitReport
from keeper.domain.events import DutiesObserved, VaultObserved
from keeper.domain.protocol import REPORT_WINDOW_SECONDS
from keeper.risk.phase import Phase

__all__ = ["CutView", "approve_claim", "approve_cut", "approve_question", "approve_report"]


@dataclass(frozen=True, slots=True)
class CutView:
    """What a cut is judged by; times in unix seconds."""

    phase: Phase
    reporters: int
    now: int
    next_cut_at: int


def approve_cut(command: CloseEpoch, view: CutView) -> Approved[CloseEpoch] | Refused:
    """Check a cut: somebody is there to report it, and the contract allows it."""
    if view.phase is Phase.HALTED:
        return _refused("HALTED", "vault", 0, 1)
    if view.reporters < 1:
        return _refused("NO_REPORTERS", "vault", 1, view.reporters)
    if view.now < view.next_cut_at:
        return _refused("CUT_EARLY", "vault", view.next_cut_at, view.now)
    return Approved(command)


def approve_question(command: CollectReport, phase: Phase) -> Approved[CollectReport] | Refused:
    """Check a question to the reporters: it moves nothing, yet a halted keeper is silent."""
    if phase is Phase.HALTED:
        return _refused("HALTED", "report", 0, 1)
    return Approved(command)


def approve_report(
    command: SubmitReport, vault: VaultObserved, quorum: int, phase: Phase
) -> Approved[SubmitReport] | Refused:
    """Check a report: of the open cut, within its window, signed by a quorum."""
    if phase is Phase.HALTED:
        return _refused("HALTED", "report", 0, 1)
    if vault.state != "CUT" or command.report.epoch != vault.epoch:
        return _refused("OTHER_CUT", "report", vault.epoch, command.report.epoch)
    if vault.block_timestamp > vault.cut_at + REPORT_WINDOW_SECONDS:
        closes_at = vault.cut_at + REPORT_WINDOW_SECONDS
        return _refused("REPORT_WINDOW", "report", closes_at, vault.block_timestamp)
    signed = len(set(command.signatures))
    if signed < max(1, quorum):
        return _refused("QUORUM", "report", max(1, quorum), signed)
    return Approved(command)


def approve_claim(
    command: Claim, seen: DutiesObserved, floor: int, phase: Phase
) -> Approved[Claim] | Refused:
    """Check a claim: no more than was settled for the controller, and worth its gas."""
    subject = command.controller
    if phase is Phase.HALTED:
        return _refused("HALTED", subject, 0, 1)
    held = next((entry for entry in seen.claims if entry.controller == subject), None)
    if held is None:
        return _refused("CLAIM", subject, 0, command.amount)
    is_deposit = command.side == "deposit"
    most = held.deposit_assets if is_deposit else held.redeem_shares
    if not 0 < command.amount <= most:
        return _refused("CLAIM", subject, most, command.amount)
    worth = held.deposit_assets if is_deposit else held.redeem_assets
    if worth < floor:
        return _refused("CLAIM_FLOOR", subject, floor, worth)
    return Approved(command)


def _refused(code: str, subject: str, limit: int, value: int) -> Refused:
    return Refused(code=code, subject=subject, limit=limit, value=value)
