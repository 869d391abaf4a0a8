"""A stop with a vault and a pool: a keeper process on a local world, SIGKILL, and what came."""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tests.stops.judging import Expected, Match, Proof, Seen, proof_of
from tests.stops.site import Running, Site
from tests.stops.told import told

__all__ = ["VaultTrip", "is_phase", "prove_on_site"]

_AFTER_BLOCKS: Final = 6
_LAST_BLOCKS: Final = 16
"""More than any goodTilBlock of a keeper's lies ahead."""
_SALES: Final = 24
"""Cooldowns that an exit may take: it sells what the pool bears, half as much where that fails."""
_BROKEN_SALES: Final = 5
"""As many as one takes at least: a broken keeper's exit never ends."""

Act = Callable[[Running], Awaitable[None]]


async def _nothing(_site: Site) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class VaultTrip:
    """A fault, how it is brought about, what it has to come to.

    `prepare` says what the keeper's settings are beside those of every stop; `mend` takes the
    cause away from the keeper that was started again.
    """

    name: str
    fault: str
    strike: Act
    expected: Expected
    prepare: Callable[[Site], Awaitable[Sequence[str]]] = _nothing
    mend: Act | None = None


async def prove_on_site(site: Site, folder: Path, trip: VaultTrip, broken: str = "") -> Proof:
    """Run a keeper until it quotes, holds a range and a position; trip, kill, look again."""
    journal = folder / (broken or trip.name).replace(" ", "-")
    running = Running(site, journal, await trip.prepare(site), broken)
    await running.start()
    await _at_work(site)
    since = await site.height()
    await trip.strike(running)
    with contextlib.suppress(TimeoutError):  # what never comes is seen in the differences
        await site.until("its phase", lambda: is_phase(running, trip.expected.phase), 240)
        await site.until("its word", lambda: _is_told(running, trip.expected, since))
    await _let_end(site, running, trip.expected, _BROKEN_SALES if broken else _SALES)
    await site.blocks(_LAST_BLOCKS)
    seen = await _look(running, trip.expected, since)
    seen = changed(seen, resumed=await _go_on(running, trip))
    await running.stop()
    return proof_of(broken or trip.name, trip.fault, trip.expected, seen)


async def _at_work(site: Site) -> None:
    """Wait for a range in the pool, orders on the book and a position."""

    async def works() -> bool:
        return bool(await site.ranges() and await site.resting() and await site.position())

    await site.cool_down("a keeper at work", works)


async def _look(running: Running, expected: Expected, since: int) -> Seen:
    """What is, and what is after a SIGKILL: an error's code where the next does not start."""
    site = running.site
    resting, before = await site.resting(), await running.ask("risk")
    killed = await site.height()
    await running.kill()
    await running.start()
    await site.blocks(_AFTER_BLOCKS)
    resting_after, after = await site.resting(), await running.ask("risk")
    said = told(running.journal, expected, site.asset_is_token0, since)
    ended = frozenset({running.ended} if running.ended else set())
    return Seen(
        codes=frozenset(said.codes) | _cause(before),
        codes_after=ended or _cause(after) | (said.codes if expected.phase == "ACTIVE" else set()),
        phase=before["phase"],
        phase_after=before["phase"] if ended else after["phase"],
        tripped=said.tripped,
        last=said.last,
        killed=killed,
        last_after=said.last,
        matches=tuple(await _matches(site, said.last)),
        resting=resting,
        resting_after=resting_after,
        position=await site.position(),
        ranges=await site.ranges(),
        noted=tuple(said.noted),
    )


async def _go_on(running: Running, trip: VaultTrip) -> int | None:
    """Take the cause away; the height at which it quotes both sides again, or the exit is over.

    One that did not start without what was missing is started again.
    """
    if trip.mend is None:
        return None
    site, exits = running.site, trip.expected.phase == "EXITING"
    await trip.mend(running)
    if running.ended:
        await running.start()
    try:
        if exits:
            await site.cool_down("the end of the exit", lambda: _is_out(site), _SALES)
        else:
            await site.until("quotes on both sides", site.quotes_both)
    except TimeoutError:
        return None
    return await site.height()


async def _is_out(site: Site) -> bool:
    return not (await site.ranges() or await site.position() or await site.resting())


async def _let_end(site: Site, running: Running, expected: Expected, rounds: int) -> None:
    """Let cooldowns pass until what has to go is gone; what stays is seen in the differences."""
    if not (expected.is_flat or expected.has_left_pool):
        return

    async def is_over() -> bool:
        await running.ask("status")
        return await _is_out(site)

    with contextlib.suppress(TimeoutError):
        await site.cool_down("the end of the exit", is_over, rounds)


async def is_phase(running: Running, phase: str) -> bool:
    """Whether the keeper says that this is its phase."""
    return (await running.ask("risk")).get("phase") == phase


async def _is_told(running: Running, expected: Expected, since: int) -> bool:
    found = told(running.journal, expected, running.site.asset_is_token0, since)
    return found.tripped >= 0


def _cause(risk: dict[str, Any]) -> frozenset[str]:
    return frozenset({risk["cause"]["code"]} if risk.get("cause") else set())


async def _matches(site: Site, last: int) -> list[Match]:
    """Our matches by the exchange's word; of the late ones, whether they could only reduce."""
    position, found = 0, []
    for row in await site.fills():
        height = int(row["createdAtHeight"])
        size = int(Decimal(row["size"]) * 10**9) * (1 if row["side"] == "BUY" else -1)
        toward_zero = position * size < 0 and abs(size) <= abs(position)
        reduces = height > last and toward_zero and await site.is_reduce_only(row["orderId"])
        found.append(Match(height, reduces))
        position += size
    return found
