"""Check of the watched feeds: the leader's books, as the keeper itself would follow them."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keeper.doctor.rows import Finding, Probe, fail, ok, skip
from keeper.domain.events import Event, SourceDown, SourceUp
from keeper.ports import EventSource

__all__ = ["feed_probes"]


@dataclass(frozen=True, slots=True)
class _Feeds:
    sources: Sequence[EventSource]

    async def reach(self) -> Sequence[Finding]:
        if not self.sources:
            return [skip("no [leader] is configured")]
        return [await _first_word(source) for source in self.sources]


def feed_probes(sources: Sequence[EventSource]) -> list[Probe]:
    """Return the check of the feeds; each source is run until it is up or says why not."""
    return [Probe("feed.leader", _Feeds(sources).reach)]


async def _first_word(source: EventSource) -> Finding:
    """Follow a source to its first SourceUp or SourceDown. Raises what the source raises."""
    start = time.perf_counter_ns()
    heard: asyncio.Future[SourceUp | SourceDown] = asyncio.get_running_loop().create_future()

    def listen(event: Event) -> None:
        if isinstance(event, SourceUp | SourceDown) and not heard.done():
            heard.set_result(event)

    task = asyncio.create_task(source.run(listen))
    try:
        waiting: set[asyncio.Future[Any]] = {task, heard}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not heard.done():
            task.result()
        word = await heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await source.close()
    if isinstance(word, SourceDown):
        fix = "correct [leader] or wait for it; markets.*.leader.on_missing says what is quoted"
        return fail(word.detail, fix, word.source)
    return ok(f"complete after {(time.perf_counter_ns() - start) // 1_000_000} ms", word.source)
