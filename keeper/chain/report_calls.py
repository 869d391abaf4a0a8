"""A signed report as the contract's own struct, and the call that submits it."""

from collections.abc import Sequence
from typing import Any

from keeper.chain.calls import Call, view
from keeper.domain.reports import Report

__all__ = ["report_tuple", "submission"]


def submission(reporter: str, report: Report, signatures: Sequence[str]) -> Call:
    """The call that submits a report, for whoever sends it. Raises ValueError on no hex."""
    raw = [bytes.fromhex(signature.removeprefix("0x")) for signature in signatures]
    return view("NavReporter", reporter, "submitReport", report_tuple(report), raw)


def report_tuple(report: Report) -> tuple[Any, ...]:
    """Lay a report out as the contract's struct."""
    legs = [(leg.equity, leg.credited, leg.debited, leg.venue_height) for leg in report.legs]
    return (
        report.epoch,
        report.set_id,
        bytes.fromhex(report.prev_hash[2:]),
        legs,
        list(report.pnl),
        report.external_flow,
        bytes.fromhex(report.data_root[2:]),
        bytes.fromhex(report.data_cid[2:]),
    )
