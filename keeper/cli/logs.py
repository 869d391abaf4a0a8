"""`keeper logs`: a journal's records in words, followed live, filtered, found by an id."""

import json
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from keeper.cli.journals import (
    Source,
    about,
    indexed,
    journal_options,
    now_of,
    require_market,
)
from keeper.cli.moments import parse_moment
from keeper.cli.options import json_option
from keeper.cli.output import emit, note

if TYPE_CHECKING:
    from keeper.index import Index, RunStart
    from keeper.index.log_entries import LogEntry, LogReader
    from keeper.journal import JournalReader

__all__ = ["logs"]

LEVELS: Final = ("debug", "info", "warn", "page")
POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries a person wants; empty or 0 means any."""

    level: str
    market: str
    wanted: str
    since_ns: int

    def takes(self, entry: "LogEntry") -> bool:
        """Tell whether the entry is wanted."""
        if entry.t_ns < self.since_ns or LEVELS.index(entry.level) < LEVELS.index(self.level):
            return False
        if self.market and entry.market not in (self.market, ""):
            return False
        return not self.wanted or entry.is_about(self.wanted)


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on as the keeper writes, until interrupted.")
@click.option("--market", default="", metavar="TICKER", help="This market, and what has none.")
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    help="Least level; info, or debug with --id.",
)
@click.option(
    "--id",
    "wanted",
    default="",
    metavar="ID",
    help="All records of an id: command (run.seq.n), order, fill, transfer, transaction, record.",
)
@click.option("--since", metavar="WHEN", help="From here on: 7d (ago), a date or a time in UTC.")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Newest lines only, without --since or --id; 0 shows all.",
)
@journal_options
@json_option
def logs(
    follow: bool,
    market: str,
    level: str | None,
    wanted: str,
    since: str | None,
    lines: int,
    source: Source,
    as_json: bool,
) -> None:
    """Show what the keeper did and why, from its journal.

    Refusals, alerts, operators' words, results, fills and transactions; the keeper may run or not.
    An id in an error or an alert finds its records. With --follow, --json prints one object a line.
    """
    with indexed(source) as index:
        require_market(index, market)
        since_ns = 0 if since is None else parse_moment(since, now_of(index))
        chosen = Filter(level or ("debug" if wanted else "info"), market, wanted, since_ns)
        is_tail = not wanted and since is None and lines > 0
        starts = index.last_segments() if is_tail else [index.segment_before(since_ns)]
        head = about(source, index)
        readings = [_reading(source, index, start) for start in starts]
    reading, found = _read(readings, chosen, lines if is_tail else None)
    if follow:
        for entry in found:
            _show(entry, as_json)
        _follow(reading, chosen, as_json)
        return
    data = {
        **head,
        "count": len(found),
        "entries": [_plain(entry) for entry in found],
    }
    emit(as_json, data, lambda: _show_all(found))
    if not found:
        note(f"no record of id {wanted}" if wanted else "no record of this level, market and time")


class Reading:
    """A journal read on and on, as entries."""

    def __init__(self, reader: "JournalReader", words: "LogReader") -> None:
        self._reader = reader
        self._words = words

    def entries(self, chosen: Filter) -> Iterator["LogEntry"]:
        """Yield the wanted entries that were not yielded before. Raises JournalCorrupt."""
        for step in self._reader.steps():
            for entry in self._words.entries(step):
                if chosen.takes(entry):
                    yield entry


def _reading(source: Source, index: "Index", start: "RunStart") -> Reading:
    from keeper.index.log_entries import LogReader, log_context
    from keeper.journal import JournalReader

    words = LogReader(log_context(index, start.run))
    return Reading(JournalReader(source.folder, start.segment), words)


def _read(
    readings: list[Reading], chosen: Filter, lines: int | None
) -> tuple[Reading, list["LogEntry"]]:
    """Read from the latest start that gives enough lines; each earlier one reads twice as much."""
    while True:
        reading = readings.pop(0)
        found = deque(reading.entries(chosen), maxlen=lines)
        if not readings or len(found) >= (lines or 0):
            return reading, list(found)


def _follow(reading: Reading, chosen: Filter, as_json: bool) -> None:
    while True:
        for entry in reading.entries(chosen):
            _show(entry, as_json)
        time.sleep(POLL_SECONDS)


def _show_all(found: list["LogEntry"]) -> None:
    for entry in found:
        _show(entry, False)


def _show(entry: "LogEntry", as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_plain(entry)))
        return
    colour = {"warn": "yellow", "page": "red"}.get(entry.level)
    level = click.style(f"{entry.level:5}", fg=colour)
    click.echo(f"{entry.time}  {level}  {entry.market:8}  {entry.text}  #{entry.seq}")


def _plain(entry: "LogEntry") -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "time": entry.time,
        "level": entry.level,
        "kind": entry.kind,
        "market": entry.market,
        "text": entry.text,
        "ids": list(entry.ids),
    }
