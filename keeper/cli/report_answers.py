"""Reporters' answers to a relayer: asked again while they only lag, and told in words."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keeper.cli.failures import ArgumentInvalid, NoOpenCut
from keeper.cli.output import note

if TYPE_CHECKING:
    from keeper.domain.reports import Report
    from keeper.reporter.submit import Answer, Collected, Relayer

__all__ = ["LAGGING", "Patience", "collect", "read_proposal", "refusals", "why_not"]

LAGGING: Final = frozenset({"NO_CAPTURE", "INDEXER_BEHIND", "FILLS_INCOMPLETE", "JOURNAL_BEHIND"})
"""Refusals that a later answer may not repeat: what the reporter needs has not arrived yet."""
POLL_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to ask again, and by which clock [s]."""

    seconds: float
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


async def collect(relayer: "Relayer", proposal: "Report | None", patience: Patience) -> "Collected":
    """Ask every reporter; again while a missing signature is only late.

    Returns the last answers, complete or not. Raises NoOpenCut, ChainUnavailable.
    """
    end = patience.now() + patience.seconds
    while True:
        collected = await relayer.collect(proposal)
        if collected is None:
            raise NoOpenCut(
                "the vault has no cut that awaits a report",
                next_step="cut it once it is due: keeper vault cut",
            )
        left = end - patience.now()
        if collected.complete or left <= 0 or not _lagging(collected):
            return collected
        note(
            f"{len(collected.signatures)} of {collected.quorum} signatures, asking again for "
            f"{left:.0f} s: {refusals(collected)}"
        )
        await patience.sleep(min(POLL_SECONDS, left))


def _lagging(collected: "Collected") -> bool:
    from keeper.reporter.model import Refusal

    said = [answer.said for answer in collected.answers]
    return any(isinstance(item, Refusal) and item.code in LAGGING for item in said)


def read_proposal(file: Path | None) -> "Report | None":
    """Read a report to ask signatures for. Raises ArgumentInvalid."""
    if file is None:
        return None
    import msgspec

    from keeper.domain.reports import Report

    try:
        body = msgspec.json.decode(file.read_bytes())
        return msgspec.convert(body.get("report", body), Report)
    except (OSError, msgspec.MsgspecError, AttributeError) as error:
        raise ArgumentInvalid(
            f"{file} holds no report: {error}",
            next_step="take the `report` of: keeper report preview --json",
        ) from error


def why_not(answer: "Answer") -> str | None:
    """Why a reporter did not sign; None if it did."""
    from keeper.domain.reports import SignedReport

    said = answer.said
    if isinstance(said, SignedReport):
        return None
    if isinstance(said, str):
        return said
    return f"{said.code} {said.subject}: ours {said.ours}, theirs {said.theirs}"


def refusals(collected: "Collected") -> str:
    """Every reporter that did not sign, and why."""
    return "; ".join(
        f"{answer.url} {why}"
        for answer in collected.answers
        if (why := why_not(answer)) is not None
    )
