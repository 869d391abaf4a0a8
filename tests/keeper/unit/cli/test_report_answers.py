"""Asking reporters again while they only lag, and giving up when they disagree."""

import asyncio
from typing import Any

import pytest

from keeper.cli.failures import NoOpenCut
from keeper.cli.report_answers import LAGGING, Patience, collect
from keeper.domain.reports import ZERO32, Report, SignedReport
from keeper.reporter.model import Refusal
from keeper.reporter.submit import Answer, Collected

REPORT = Report(
    epoch=1,
    set_id=1,
    prev_hash=ZERO32,
    legs=(),
    pnl=(0, 0, 0, 0, 0),
    external_flow=0,
    data_root=ZERO32,
    data_cid=ZERO32,
)


def signed(number: int) -> Answer:
    said = SignedReport(report=REPORT, digest=ZERO32, signer=str(number), signature="0x")
    return Answer(f"http://{number}", said)


def refused(code: str) -> Answer:
    return Answer("http://late", Refusal(code=code, subject="epoch", ours=1, theirs=2))


def answers(*found: Answer) -> Collected:
    signatures = tuple(a.said.signature for a in found if isinstance(a.said, SignedReport))
    return Collected(found, REPORT if signatures else None, signatures, quorum=2)


class FakeTime:
    """A clock that moves when slept on."""

    def __init__(self) -> None:
        self.time, self.naps = 0.0, 0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.naps += 1


class ScriptedRelayer:
    """Says one thing after the other, the last for ever."""

    def __init__(self, *script: Collected | None) -> None:
        self.script = list(script)

    async def collect(self, _proposal: Report | None = None) -> Collected | None:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


def asked(seconds: float, *script: Collected | None) -> tuple[Collected, FakeTime]:
    relayer: Any = ScriptedRelayer(*script)
    clock = FakeTime()
    patience = Patience(seconds, clock.now, clock.sleep)
    return asyncio.run(collect(relayer, None, patience)), clock


@pytest.mark.parametrize("code", sorted(LAGGING))
def test_collect__reporter_lags__is_asked_until_the_quorum_is_there(code: str) -> None:
    late, done = answers(signed(1), refused(code)), answers(signed(1), signed(2))

    found, clock = asked(60, late, late, done)

    assert found is done
    assert clock.naps == 2


def test_collect__reporter_lags_for_ever__is_given_up_in_time() -> None:
    late = answers(signed(1), refused("NO_CAPTURE"))

    found, clock = asked(10, late)

    assert found is late
    assert clock.time == pytest.approx(10)


def test_collect__reporters_disagree__is_not_asked_again() -> None:
    differs = answers(signed(1), refused("REPORT_DIFFERS"))

    found, clock = asked(60, differs)

    assert (found, clock.naps) == (differs, 0)


def test_collect__complete_although_one_lags__is_taken_at_once() -> None:
    found, clock = asked(60, answers(signed(1), signed(2), refused("NO_CAPTURE")))

    assert found.complete
    assert clock.naps == 0


def test_collect__waiting__says_who_lags_and_how_long_yet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked(5, answers(refused("INDEXER_BEHIND")), answers(signed(1), signed(2)))

    said = capsys.readouterr()
    assert "0 of 2 signatures, asking again for 5 s: http://late INDEXER_BEHIND" in said.err
    assert said.out == ""


def test_collect__no_cut__is_refused() -> None:
    with pytest.raises(NoOpenCut):
        asked(60, None)
