"""The port to the reporters: one answer an epoch, whatever the relayer meets."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from keeper.bootstrap.questions import AskedReporters
from keeper.chain.calls import CallReverted
from keeper.domain.approval import Approved
from keeper.domain.commands import CollectReport, CommandId
from keeper.domain.errors import ChainUnavailable, WireError
from keeper.domain.events import Event, ReportCollected
from keeper.domain.reports import ZERO32, SignedReport
from keeper.reporter.model import Refusal
from keeper.reporter.submit import Answer, Collected
from tests.keeper.builders import signed_report

LAGS = Refusal(code="INDEXER_BEHIND", subject="height", ours=9, theirs=8)


class ScriptedRelayer:
    """Says one thing, or fails as told."""

    def __init__(self, said: Collected | Exception | None) -> None:
        self.said, self.asked = said, 0

    async def collect(self) -> Collected | None:
        self.asked += 1
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


def answered(
    said: Collected | Exception | None, epochs: Sequence[int] = (4,)
) -> tuple[list[Event], ScriptedRelayer]:
    """What the port emits when it is asked about some epochs at once."""
    relayer: Any = ScriptedRelayer(said)
    events: list[Event] = []

    async def work() -> None:
        port = AskedReporters(relayer)
        running = asyncio.create_task(port.run(events.append))
        await asyncio.sleep(0)
        questions = [Approved(CollectReport(epoch=epoch)) for epoch in epochs]
        await port.submit([(CommandId(1, n, 0), entry) for n, entry in enumerate(questions)])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await port.close()

    asyncio.run(work())
    return events, relayer


def signed(number: int) -> Answer:
    report = signed_report(epoch=4)
    said = SignedReport(report=report, digest=ZERO32, signer="0x1", signature=f"0x0{number}")
    return Answer(f"http://{number}", said)


def test_submit__quorum_and_a_refusal__all_of_it_is_an_event() -> None:
    found = (signed(1), signed(2), Answer("http://late", LAGS), Answer("http://off", "no route"))
    said = Collected(found, signed_report(epoch=4), ("0x01", "0x02"), quorum=2)

    events, _ = answered(said)

    assert events == [
        ReportCollected(
            epoch=4,
            report=signed_report(epoch=4),
            signatures=("0x01", "0x02"),
            quorum=2,
            refusals=(
                "http://late INDEXER_BEHIND height: ours 9, theirs 8",
                "http://off no route",
            ),
        )
    ]


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        (None, "the vault has no cut that awaits a report"),
        (ChainUnavailable("the node is away"), "the node is away"),
        (WireError("not a number"), "not a number"),
        (CallReverted("0xv.cut", "Paused", "Paused()"), "0xv.cut reverted: Paused()"),
    ],
)
def test_submit__nothing_to_collect__is_an_answer_without_a_report(
    trouble: Exception | None, why: str
) -> None:
    events, _ = answered(trouble)

    assert events == [
        ReportCollected(epoch=4, report=None, signatures=(), quorum=0, refusals=(why,))
    ]


def test_submit__same_epoch_twice__asked_once() -> None:
    events, relayer = answered(None, epochs=(4, 4))

    assert (len(events), relayer.asked) == (1, 1)


def test_submit__before_run__is_a_mistake_of_the_caller() -> None:
    relayer: Any = ScriptedRelayer(None)

    with pytest.raises(RuntimeError, match="before run"):
        asyncio.run(AskedReporters(relayer).submit([]))
