"""Stops that concern the pool or the vault: a keeper process on a local world, and SIGKILL."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from keeper.devnet.tokens import Call
from keeper.domain.commands import (
    Allocate,
    MintRange,
    NotePhase,
    NoteRefusal,
    PlaceOrder,
    RaiseAlert,
    SwapExactIn,
)
from keeper.domain.events import VenueBlock
from keeper.journal import JournalReader
from tests.stops.judging import ANY, Expected, Match, Proof, Seen, proof_of
from tests.stops.site import Running, Site

__all__ = ["VAULT_TRIPS", "VaultTrip", "prove_on_site"]

_AFTER_BLOCKS: Final = 6
_LAST_BLOCKS: Final = 16
"""More than any goodTilBlock of a keeper's lies ahead."""
_WEEK: Final = 7 * 86_400
_MEAN_SECONDS: Final = 1_860
_PAUSED: Final = Expected("VAULT_PAUSED", "ACTIVE", orders=ANY)
_MOVE_PPM: Final = 30_000
_MOVE_SECONDS: Final = 20
_SALES: Final = 24
"""Cooldowns that an exit may take: it sells what the pool bears, half as much where that fails."""
_MOVES: Final = 4


@dataclass(frozen=True, slots=True)
class VaultTrip:
    """A fault, how it is brought about, what it has to come to; `settle` undoes what must not stay
    for the next."""

    name: str
    fault: str
    strike: Callable[[Running], Awaitable[None]]
    expected: Expected
    settle: Callable[[Site], Awaitable[None]] | None = None


async def prove_on_site(site: Site, folder: Path, trip: VaultTrip) -> Proof:
    """Run a keeper until it quotes, holds a range and a position; trip, kill, look again."""
    running = Running(site, folder / trip.name.replace(" ", "-"))
    await running.start()
    await _at_work(site)
    await trip.strike(running)
    with contextlib.suppress(TimeoutError):  # what never comes is seen in the differences
        await site.until("its phase", lambda: _is_phase(running, trip.expected.phase), 240)
    await _let_end(site, running, trip.expected)
    await site.blocks(_LAST_BLOCKS)
    resting, before = await site.resting(), await running.ask("risk")
    killed = await site.height()
    await running.kill()
    await running.start()
    await site.blocks(_AFTER_BLOCKS)
    resting_after, after = await site.resting(), await running.ask("risk")
    await running.stop()
    told = _told(running.journal, trip.expected, site.asset_is_token0)
    seen = Seen(
        codes=told.codes | _cause(before),
        codes_after=_cause(after) | (told.codes if trip.expected.phase == "ACTIVE" else set()),
        phase=before["phase"],
        phase_after=after["phase"],
        tripped=told.tripped,
        last=told.last,
        killed=killed,
        last_after=told.last,
        matches=tuple(await _matches(site, told.last)),
        resting=resting,
        resting_after=resting_after,
        position=await site.position(),
        ranges=await site.ranges(),
        noted=told.noted,
    )
    if trip.settle is not None:
        await trip.settle(site)
    return proof_of(trip.name, trip.fault, trip.expected, seen)


async def _at_work(site: Site) -> None:
    """Wait for a range in the pool, orders on the book and a position."""

    async def works() -> bool:
        return bool(await site.ranges() and await site.resting() and await site.position())

    await site.cool_down("a keeper at work", works)


async def _let_end(site: Site, running: Running, expected: Expected) -> None:
    """Let cooldowns pass until what has to go is gone; what stays is seen in the differences."""
    if not (expected.is_flat or expected.has_left_pool):
        return

    async def is_over() -> bool:
        await running.ask("status")
        ranges = await site.ranges() if expected.has_left_pool else 0
        return not (ranges or await site.position() or await site.resting())

    with contextlib.suppress(TimeoutError):
        await site.cool_down("the end of the exit", is_over, _SALES)


async def _is_phase(running: Running, phase: str) -> bool:
    return (await running.ask("risk")).get("phase") == phase


def _cause(risk: dict[str, Any]) -> frozenset[str]:
    return frozenset({risk["cause"]["code"]} if risk.get("cause") else set())


@dataclass(frozen=True, slots=True)
class _Told:
    """What the journal says of a trip: when, what was sent before, what it said and did after."""

    tripped: int
    last: int
    codes: frozenset[str]
    noted: tuple[str, ...]


def _told(journal: Path, expected: Expected, asset_is_token0: bool) -> _Told:
    height = last = 0
    tripped = -1
    codes: set[str] = set()
    noted: list[str] = []
    kinds = NoteRefusal | RaiseAlert if expected.phase == "ACTIVE" else NotePhase
    for step in JournalReader(journal).steps():
        if isinstance(step.event, VenueBlock):
            height = max(height, step.event.height)
        for command in step.commands:
            if isinstance(command, NotePhase | NoteRefusal | RaiseAlert):
                codes.add(command.code)
                is_trip = isinstance(command, kinds) and command.code == expected.code
                tripped = height if is_trip and tripped < 0 else tripped
            elif isinstance(command, PlaceOrder) and tripped < 0:
                last = max(last, command.good_til_block)
            elif tripped >= 0 and _adds_risk(command, asset_is_token0):
                noted.append(f"{type(command).__name__} at {height}, after the stop")
    return _Told(tripped, max(last, tripped), frozenset(codes), tuple(noted))


def _adds_risk(command: Any, asset_is_token0: bool) -> bool:
    """Capital into a pool, a range, a purchase of the base token: an exit sells it."""
    if isinstance(command, SwapExactIn):
        return command.zero_for_one is asset_is_token0
    return isinstance(command, Allocate | MintRange)


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


async def _halt(running: Running) -> None:
    await running.say("risk", "halt", "--reason", "a campaign")


async def _exit(running: Running) -> None:
    await running.say("risk", "exit", "--wait", "0", "--reason", "a campaign")


def _limit(name: str) -> Callable[[Running], Awaitable[None]]:
    """A person tightens a limit to the least there is, and prices go against what is held.

    A loss that is made good within three venue blocks is none: then prices go on, or turn with
    what is held.
    """

    async def strike(running: Running) -> None:
        site = running.site
        await running.say("risk", "set", name, "1", "--reason", "a campaign")
        for _ in range(_MOVES):
            await site.world.shift_price(-_MOVE_PPM if await _net(running) > 0 else _MOVE_PPM)
            with contextlib.suppress(TimeoutError):
                await site.until("its exit", lambda: _is_phase(running, "EXITING"), _MOVE_SECONDS)
                break
        await site.world.advance(_MEAN_SECONDS)  # the pool's mean follows: until then it is pushed

    return strike


async def _net(running: Running) -> int:
    """Net delta with the range, in base quantums."""
    rows = (await running.say("positions"))["markets"]
    return sum(int(row["net_delta_quantums"]) for row in rows)


async def _guardian(site: Site, to: str, call: Call) -> None:
    accounts = site.world.accounts
    digest = await accounts.send(site.world.people["guardian"].address, to, call)

    async def mined() -> bool:
        return await accounts.receipt(digest) is not None

    await site.until("the guardian's transaction", mined)


async def _mandate(site: Site) -> str:
    vault = site.world.contracts.vault
    return str(await site.world.accounts.read(vault, Call("mandate()"), "address"))


async def _pause(running: Running) -> None:
    site = running.site
    await _guardian(site, await _mandate(site), Call("pause(uint256)", _WEEK))

    async def is_told() -> bool:
        return "VAULT_PAUSED" in _told(running.journal, _PAUSED, site.asset_is_token0).codes

    await site.until("the keeper's word of the pause", is_told)


async def _unpause(site: Site) -> None:
    await _guardian(site, await _mandate(site), Call("unpause()"))


async def _wind_down(running: Running) -> None:
    site, accounts = running.site, running.site.world.accounts
    vault = site.world.contracts.vault
    end = str(await accounts.read(vault, Call("windDown()"), "address"))
    await _guardian(site, end, Call("startImpaired()"))
    await site.until("the keeper's exit", lambda: _is_phase(running, "EXITING"))
    await site.world.advance(_MEAN_SECONDS)
    await asyncio.sleep(2)
    for step in ("unwind", "collect"):
        await site.stage.vault("carla", "wind-down", step, "--yes")


VAULT_TRIPS: Final = (
    VaultTrip(
        "operator halt",
        "`keeper risk halt`",
        _halt,
        Expected("OPERATOR", "HALTED"),
    ),
    VaultTrip(
        "operator exit",
        "`keeper risk exit`",
        _exit,
        Expected("OPERATOR", "EXITING", is_flat=True, has_left_pool=True),
    ),
    VaultTrip(
        "daily loss",
        "`keeper risk set daily_loss_quote_quantums 1`, then the price moves by 3 %, again "
        "until it trips",
        _limit("daily_loss_quote_quantums"),
        Expected("DAILY_LOSS", "EXITING", is_flat=True, has_left_pool=True),
    ),
    VaultTrip(
        "drawdown",
        "`keeper risk set drawdown_ppm 1`, the same moves",
        _limit("drawdown_ppm"),
        Expected("DRAWDOWN", "EXITING", is_flat=True, has_left_pool=True),
    ),
    VaultTrip(
        "vault paused",
        "the guardian's `pause` for 7 days",
        _pause,
        _PAUSED,
        _unpause,
    ),
    VaultTrip(
        "vault wound down",
        "the guardian's `startImpaired`, then anybody's `unwind` and `collect`",
        _wind_down,
        Expected("WIND_DOWN", "EXITING", is_flat=True, has_left_pool=True),
    ),
)
"""In this order: after the last the vault never trades again."""
