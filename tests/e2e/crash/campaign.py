"""Kills a keeper at every point it reaches, restarts it, and audits what each death left."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from tests.e2e.crash.audit import Audit, audit
from tests.e2e.crash.ground import Ground, leader_settings
from tests.e2e.crash.keepers import Death
from tests.e2e.crash.stories import STORIES, TO_THE_CUT, TRADING_ON, Story
from tests.e2e.crash.trigger import Order
from tests.e2e.crash.twins import TWINS

__all__ = ["Campaign", "Run"]

_KILLED: Final = -signal.SIGKILL
_STOP_SECONDS: Final = 20
_OFTEN: Final = 4
_LATEST: Final = 8
"""The passing of a point at which a keeper is killed later; half of those seen at most."""
_JOURNAL: Final = "journal."


@dataclass(frozen=True, slots=True)
class Run:
    """One keeper's life: where it died (empty: it was stopped), and what the audit found."""

    number: int
    story: str
    point: str
    nth: int
    seconds: float
    status: int
    unlisted: tuple[str, ...]
    findings: Audit


@dataclass(slots=True)
class Campaign:
    """All runs in one world, on one journal."""

    ground: Ground
    kept: Path
    tell: Callable[[Run], None] = lambda _: None
    runs: list["asyncio.Future[Run]"] = field(default_factory=list)
    journal: Path | None = None
    done: dict[str, int] = field(default_factory=dict)
    _lives: int = 0
    _auditors: ProcessPoolExecutor = field(
        default_factory=lambda: ProcessPoolExecutor(1, get_context("spawn"))
    )

    async def everywhere(self, stories: Sequence[Story] = STORIES) -> None:
        """Kill at the first passing of every point that these stories lead to."""
        for story in stories:
            in_vain = 0
            while in_vain < story.tries and not self._has_all(story.wants):
                death = await self._live(story, Order(frozenset(self.done)))
                in_vain += not death.point

    async def later(self, hot: tuple[str, ...], kills: int, seed: int) -> None:
        """Kill again at points that begin like one of `hot`, at later passings of them.

        Drawn from those that a keeper passes several times while it trades on.
        """
        draw = random.Random(seed)
        seen = (await self._live(TRADING_ON, self._nowhere)).passed
        often = [point for point in seen if point.startswith(hot) and seen[point] >= _OFTEN]
        for point in draw.choices(sorted(often), k=kills):
            nth = draw.randint(2, min(_LATEST, seen[point] // 2))
            await self._live(TRADING_ON, Order(aim=point, nth=nth))

    async def twin(self, name: str) -> list[Run]:
        """Let a broken keeper live and die on a journal of its own; return its runs."""
        twin, first = TWINS[name], len(self.runs)
        await self.ground.witness.forget()
        self.ground.nursery.twin = name
        self.journal = self.ground.journal.with_name(f"journal of one that {name}")
        told = TO_THE_CUT if twin.awaits_a_duty else TRADING_ON
        story = Story(name, told.tell, (f"journal.folder={self.journal}", *twin.settings))
        for point, nth in twin.deaths:
            order = Order(aim=point, nth=nth) if point else self._nowhere
            await self._live(story, order)
        runs, self.runs = self.runs[first:], self.runs[:first]
        return [await run for run in runs]

    async def finish(self) -> list[Run]:
        """Return every run of the sound keeper with its audit."""
        return [await run for run in self.runs]

    def close(self) -> None:
        """End the process that audits."""
        self._auditors.shutdown()

    @property
    def _nowhere(self) -> Order:
        """An order to live."""
        return Order(frozenset(self.ground.nursery.points))

    def _has_all(self, points: tuple[str, ...]) -> bool:
        return bool(points) and all(point in self.done for point in points)

    async def _live(self, story: Story, order: Order) -> Death:
        began = time.monotonic()
        self.ground.world.check()
        settings = (*story.settings, f"venue.ws_url={self.ground.relay.url}")
        if story.leader:
            settings += leader_settings(self.ground.leader)
        config = self.ground.signed_config if story.signer else None
        keeper = await self.ground.nursery.start(order, settings, config)
        telling = asyncio.create_task(_told(story, self.ground))
        await asyncio.wait({keeper.death, telling}, return_when=asyncio.FIRST_COMPLETED)
        if not keeper.death.done():
            os.kill(keeper.pid, signal.SIGTERM)
            await asyncio.wait({keeper.death}, timeout=_STOP_SECONDS)
        if not keeper.death.done():
            os.kill(keeper.pid, signal.SIGKILL)
        death = await keeper.death
        await _untold(telling)
        if death.point:
            self.done[death.point] = self.done.get(death.point, 0) + 1
        await self._audit(story, order, death, time.monotonic() - began)
        return death

    async def _audit(self, story: Story, order: Order, death: Death, seconds: float) -> None:
        """Keep a copy of what is left before the next keeper comes; judge it meanwhile."""
        self._lives += 1
        number = self._lives
        copy = self.kept / f"{number:04d}"
        journal = self.journal or self.ground.journal
        if journal.exists():
            shutil.copytree(journal, copy)
        else:
            copy.mkdir(parents=True)
        testimony = await self.ground.witness.look()
        loop = asyncio.get_running_loop()
        is_replayed = death.point.startswith(_JOURNAL) or not death.point
        judging = partial(audit, copy, testimony, is_replayed=is_replayed)
        judged = loop.run_in_executor(self._auditors, judging)

        async def judge() -> Run:
            findings = await judged
            findings.require(*_ended_well(death))
            if not findings.violations:
                shutil.rmtree(copy)
            run = Run(
                number=number,
                story=story.name,
                point=death.point,
                nth=order.nth,
                seconds=seconds,
                status=death.status,
                unlisted=death.unlisted,
                findings=findings,
            )
            self.tell(run)
            return run

        self.runs.append(asyncio.ensure_future(judge()))


async def _told(story: Story, ground: Ground) -> None:
    """Tell a story; one that does not come to its end in time ends the run all the same."""
    try:
        await story.tell(ground)
    except TimeoutError:
        return


async def _untold(telling: "asyncio.Task[None]") -> None:
    """End a story; raise what went wrong in it, unless that was the keeper's death."""
    telling.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await telling


def _ended_well(death: Death) -> tuple[bool, str]:
    expected = _KILLED if death.point else 0
    return death.status == expected, f"the keeper ended with code {death.status}"
