"""The feed check follows a source as the keeper would, to its first word."""

import asyncio
from collections.abc import Sequence

from keeper.doctor.feeds import feed_probes
from keeper.doctor.rows import Row, examine
from keeper.domain.errors import ConfigError
from keeper.domain.events import Event, SourceDown, SourceUp, TimerFired
from keeper.ports import Emit


class Source:
    """Says what it is given, then raises or idles."""

    def __init__(self, *events: Event, error: Exception | None = None) -> None:
        self.events = events
        self.error = error
        self.is_closed = False

    async def run(self, emit: Emit) -> None:
        for event in self.events:
            emit(event)
        if self.error is not None:
            raise self.error
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.is_closed = True


def rows(sources: Sequence[Source], limit_seconds: float = 5) -> list[Row]:
    return asyncio.run(examine(feed_probes(sources), limit_seconds))


def test_reach__no_leader__is_skipped() -> None:
    (row,) = rows([])

    assert row.status == "skip"


def test_reach__source_comes_up__ok_and_closed() -> None:
    source = Source(
        TimerFired(name="x"), SourceUp(source="leader:x"), SourceDown(source="leader:x", detail="")
    )

    (row,) = rows([source])

    assert (row.status, row.subject) == ("ok", "leader:x")
    assert source.is_closed


def test_reach__source_is_down__fails_with_its_words() -> None:
    (row,) = rows([Source(SourceDown(source="leader:x", detail="HTTP 451"))])

    assert (row.status, row.found) == ("fail", "HTTP 451")


def test_reach__unknown_symbol__fails_with_the_next_step() -> None:
    (row,) = rows([Source(error=ConfigError("no symbol", next_step="correct it"))])

    assert (row.status, row.found, row.fix) == ("fail", "no symbol", "correct it")


def test_reach__silent_source__fails_in_time_and_is_closed() -> None:
    source = Source()

    (row,) = rows([source], limit_seconds=0.02)

    assert "no answer within" in row.found
    assert source.is_closed
