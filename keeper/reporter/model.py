"""How a reporter says no: values with both numbers, never exceptions."""

import msgspec

from keeper.domain.reports import CAUSES, Report

__all__ = ["Refusal", "first_difference"]


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag="refusal"):
    """Why a reporter does not sign: stable `code`, what about, our number and the other one.

    `detail` is the sentence of an error where a number alone would not say enough.
    """

    code: str
    subject: str
    ours: int | str
    theirs: int | str
    detail: str = ""


def first_difference(ours: Report, theirs: Report) -> Refusal | None:
    """Compare two reports field by field, to the unit; None when they are equal."""
    mine, others = _fields(ours), _fields(theirs)
    for subject in [*mine, *(key for key in others if key not in mine)]:
        left, right = mine.get(subject, "absent"), others.get(subject, "absent")
        if left != right:
            return Refusal(code="REPORT_DIFFERS", subject=subject, ours=left, theirs=right)
    return None


def _fields(report: Report) -> dict[str, int | str]:
    rows: dict[str, int | str] = {
        "epoch": report.epoch,
        "setId": report.set_id,
        "prevHash": report.prev_hash,
    }
    for index, leg in enumerate(report.legs):
        rows |= {
            f"legs[{index}].equity": leg.equity,
            f"legs[{index}].credited": leg.credited,
            f"legs[{index}].debited": leg.debited,
            f"legs[{index}].venueHeight": leg.venue_height,
        }
    rows |= {f"pnl.{cause}": value for cause, value in zip(CAUSES, report.pnl, strict=True)}
    rows["externalFlow"] = report.external_flow
    rows["dataRoot"] = report.data_root
    rows["dataCid"] = report.data_cid
    return rows
