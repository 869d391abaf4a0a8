"""Watches one keeper by its control socket and its journal, through restarts of either side."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from keeper.control.asking import NotRunning, Request, ask
from keeper.domain.errors import JournalCorrupt
from keeper.domain.events import FillReceived
from keeper.journal.following import JournalFollower, newest_sealed
from keeper.journal.records import EventRecord, Stream
from keeper.pages.report_data import FillPoint
from keeper.pages.series import scaled
from keeper.web.freshness import Freshness, freshness_of
from keeper.web.traces import KEPT_FILLS, Traces

__all__ = ["KeeperView", "Watched", "Watcher"]

POLL_SECONDS: Final = 1.0
_ASK_SECONDS: Final = 3.0
_SEALED_SEGMENTS: Final = 24
_NS_PER_MS: Final = 1_000_000
_USDC: Final = 6
_BASE: Final = 9


@dataclass(frozen=True, slots=True)
class Watched:
    """A keeper as its configuration names it."""

    name: str
    mode: str
    vault: str
    journal: Path


class KeeperView(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a keeper now; ages in ms, -1 for never. `problem` says why not more."""

    name: str
    mode: str
    vault: str
    freshness: str
    silent_ms: int
    data_age_ms: int
    problem: str
    next_step: str
    status: dict[str, Any] | None


class Watcher:
    """Asks a keeper once a second; its answers and fills are remembered for an hour."""

    def __init__(
        self, watched: Watched, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.watched = watched
        self.traces = Traces()
        self._monotonic = monotonic
        self._status: dict[str, Any] | None = None
        self._answered_at: float | None = None
        self._changed_at: float | None = None
        self._problem = self._next_step = ""
        self._tail: JournalFollower | None = None
        self._waiting: list[EventRecord] = []

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            while True:
                await asyncio.to_thread(self.look)
                await asyncio.sleep(POLL_SECONDS)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the journal."""
        if self._tail is not None:
            self._tail.close()

    def look(self) -> None:
        """Ask once and read what the journal has got since."""
        try:
            answer = ask(self.watched.journal, Request(verb="status"), timeout_seconds=_ASK_SECONDS)
        except NotRunning as error:
            self._problem, self._next_step = str(error), error.next_step
        else:
            self._take(answer["status"])
            self._problem = self._next_step = ""
        self._read_fills()

    def view(self) -> KeeperView:
        """Return what is known now."""
        silent_ms, data_age_ms = self._since(self._answered_at), self._data_age_ms()
        freshness = freshness_of(None if silent_ms < 0 else silent_ms, data_age_ms)
        return KeeperView(
            name=self.watched.name,
            mode=self.watched.mode,
            vault=self.watched.vault,
            freshness=freshness.value,
            silent_ms=silent_ms,
            data_age_ms=data_age_ms,
            problem=self._problem,
            next_step=self._next_step,
            status=None if freshness is Freshness.OFFLINE else self._status,
        )

    def _take(self, status: dict[str, Any]) -> None:
        now = self._monotonic()
        if self._status is None or status["venue_height"] != self._status["venue_height"]:
            self._changed_at = now
        self._status, self._answered_at = status, now
        self.traces.add(status)

    def _data_age_ms(self) -> int:
        """Age of the venue's newest block: as the keeper says, and as long as it says the same."""
        said = -1 if self._status is None else int(self._status["venue_height_age_ms"])
        return -1 if said < 0 else max(said, self._since(self._changed_at))

    def _since(self, moment: float | None) -> int:
        return -1 if moment is None else int((self._monotonic() - moment) * 1_000)

    def _read_fills(self) -> None:
        """Read new fills; they wait until the keeper has told the units of their markets."""
        folder = self.watched.journal
        try:
            if self._tail is None:
                self._waiting = _earlier_fills(folder)
                self._tail = JournalFollower(folder)
            self._waiting += [r for r in self._tail.poll() if isinstance(r.event, FillReceived)]
        except (JournalCorrupt, msgspec.DecodeError, OSError) as error:
            self._problem = self._problem or f"the journal cannot be followed: {error}"
            self._next_step = self._next_step or f"check it: keeper journal verify {folder}"
            return
        units = _units(self._status)
        left = []
        for record in self._waiting:
            point = _fill_point(record, units)
            if point is None:
                left.append(record)
            else:
                self.traces.fill(*point)
        self._waiting = left[-KEPT_FILLS:]


def _earlier_fills(folder: Path) -> list[EventRecord]:
    found: list[EventRecord] = []
    for records in newest_sealed(folder, Stream.ACCOUNT, _SEALED_SEGMENTS):
        found = [r for r in records if isinstance(r.event, FillReceived)] + found
        if len(found) >= KEPT_FILLS:
            break
    return found[-KEPT_FILLS:]


def _units(status: Mapping[str, Any] | None) -> dict[str, tuple[int, int]]:
    """Decimals of subticks in USDC and of base quantums, per listed market."""
    markets = status["markets"] if status is not None else ()
    return {
        market["market"]: (market["subticks_decimals"], market["base_decimals"])
        for market in markets
        if market["status"] != "UNKNOWN"
    }


def _fill_point(
    record: EventRecord, units: Mapping[str, tuple[int, int]]
) -> tuple[str, FillPoint] | None:
    event = record.event
    if not isinstance(event, FillReceived) or event.market not in units:
        return None
    subticks_decimals, base_decimals = units[event.market]
    return event.market, FillPoint(
        at_ms=event.happened_ns(record.t_ns) // _NS_PER_MS,
        side=event.side.value,
        price_usdc_e6=scaled(event.subticks, _USDC - subticks_decimals),
        base_e9=scaled(event.quantums, _BASE - base_decimals),
        liquidity=event.liquidity.value,
        fee_usdc_e6=event.fee_quote_quantums,
    )
