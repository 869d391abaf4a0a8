"""What a reporter reports, in the contract's own layout, and how it says no."""

from typing import Annotated

import msgspec

__all__ = ["CAUSES", "ZERO32", "Leg", "Refusal", "Report", "SignedReport", "first_difference"]

CAUSES = ("spread", "inventory", "funding", "feesAndRebates", "incentives")
"""Order of `Report.pnl`."""

ZERO32 = "0x" + "00" * 32

Bytes32 = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-f]{64}$")]


class Leg(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One venue account at its first block not before the cut; money in asset units (1e-6 USDC).

    `credited` and `debited` are cumulative nominal amounts bridged in and out.
    """

    equity: int
    credited: int
    debited: int
    venue_height: int


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The signed content; `pnl` in the order of CAUSES, hashes as 0x and 64 hex digits."""

    epoch: int
    set_id: int
    prev_hash: Bytes32
    legs: tuple[Leg, ...]
    pnl: tuple[int, int, int, int, int]
    external_flow: int
    data_root: Bytes32
    data_cid: Bytes32


class SignedReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A report with one reporter's signature (65 bytes, 0x hex) over its digest."""

    report: Report
    digest: Bytes32
    signer: str
    signature: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag="refusal"):
    """Why a reporter does not sign: stable `code`, what about, our number and the other one."""

    code: str
    subject: str
    ours: int | str
    theirs: int | str
    detail: str = ""


def first_difference(ours: Report, theirs: Report) -> Refusal | None:
    """Compare two reports field by field, to the unit; None when they are equal."""
    mine, others = dict(_fields(ours)), dict(_fields(theirs))
    for subject in [*mine, *(key for key in others if key not in mine)]:
        left, right = mine.get(subject, "absent"), others.get(subject, "absent")
        if left != right:
            return Refusal(code="REPORT_DIFFERS", subject=subject, ours=left, theirs=right)
    return None


def _fields(report: Report) -> list[tuple[str, int | str]]:
    rows: list[tuple[str, int | str]] = [
        ("epoch", report.epoch),
        ("setId", report.set_id),
        ("prevHash", report.prev_hash),
    ]
    for index, leg in enumerate(report.legs):
        rows += [
            (f"legs[{index}].equity", leg.equity),
            (f"legs[{index}].credited", leg.credited),
            (f"legs[{index}].debited", leg.debited),
            (f"legs[{index}].venueHeight", leg.venue_height),
        ]
    rows += [(f"pnl.{cause}", value) for cause, value in zip(CAUSES, report.pnl, strict=True)]
    rows += [
        ("externalFlow", report.external_flow),
        ("dataRoot", report.data_root),
        ("dataCid", report.data_cid),
    ]
    return rows
