"""The keeper's port to the reporters: asks them through the relayer, answers by events."""

import asyncio
from collections.abc import Sequence

from keeper.chain.calls import CallReverted
from keeper.domain.approval import Approved
from keeper.domain.commands import CollectReport, CommandId
from keeper.domain.errors import ChainUnavailable, WireError
from keeper.domain.events import ReportCollected
from keeper.domain.reports import SignedReport
from keeper.ports import Emit
from keeper.reporter.submit import Answer, Collected, Relayer

__all__ = ["AskedReporters"]

_NO_CUT = "the vault has no cut that awaits a report"


class AskedReporters:
    """Implements `keeper.ports.Reporters` on the relayer that `keeper report` uses."""

    def __init__(self, relayer: Relayer) -> None:
        self._relayer = relayer
        self._emit: Emit | None = None

    async def run(self, emit: Emit) -> None:
        """Have somebody to tell answers until cancelled."""
        self._emit = emit
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Nothing is held open between two questions."""

    async def submit(self, commands: Sequence[tuple[CommandId, Approved[CollectReport]]]) -> None:
        """Ask once for each epoch. Raises RuntimeError before `run`."""
        if self._emit is None:
            raise RuntimeError("submit before run: there is nobody to tell the answer")
        for epoch in sorted({approved.value.epoch for _, approved in commands}):
            self._emit(await self._ask(epoch))

    async def _ask(self, epoch: int) -> ReportCollected:
        try:
            collected = await self._relayer.collect()
        except (ChainUnavailable, CallReverted, WireError) as error:
            return _nothing(epoch, str(error))
        if collected is None:
            return _nothing(epoch, _NO_CUT)
        return _collected(epoch, collected)


def _nothing(epoch: int, why: str) -> ReportCollected:
    return ReportCollected(epoch=epoch, report=None, signatures=(), quorum=0, refusals=(why,))


def _collected(epoch: int, collected: Collected) -> ReportCollected:
    return ReportCollected(
        epoch=epoch,
        report=collected.report,
        signatures=collected.signatures,
        quorum=collected.quorum,
        refusals=tuple(
            _why_not(answer)
            for answer in collected.answers
            if not isinstance(answer.said, SignedReport)
        ),
    )


def _why_not(answer: Answer) -> str:
    said = answer.said
    if isinstance(said, SignedReport | str):
        return f"{answer.url} {said}"
    return f"{answer.url} {said.code} {said.subject}: ours {said.ours}, theirs {said.theirs}"
