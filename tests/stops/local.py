"""Every stop that the order book alone concerns: one keeper each, on a local exchange."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from dataclasses import replace as changed
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from keeper.cli.exits import code_of
from keeper.devnet.exchange.model import SubaccountId
from keeper.domain.events import ParamsChanged
from keeper.domain.settings import params_hash
from keeper.risk.phase import Phase
from tests.soak.campaign import Tally, warm_up
from tests.soak.ground import ADDRESS, DEPOSIT, Ground, Keeping, ground
from tests.soak.stops import LOSING, drive_to_loss, is_exit, outstanding, own_fills
from tests.soak.watch import TICKER
from tests.stops.judging import Expected, Match, Proof, Seen, proof_of

__all__ = ["TRIPS", "Trip", "prove"]

_AFTER_BLOCKS: Final = 12
_PATIENCE_BLOCKS: Final = 300
_NEAR_TICKS: Final = 60
_DEPTH_STEPS: Final = 2_000
_ETH: Final = {"market": TICKER}
_AGE_MS: Final = 1_500
_WIDE_PPM: Final = 50_000


@dataclass(frozen=True, slots=True)
class Trip:
    """A fault, how it is brought about, and what it has to come to.

    `makes_blocks` is False where the fault is that none are made; `mend` takes away what is no
    fault of the exchange.
    """

    name: str
    fault: str
    strike: Callable[[Ground, Tally], Awaitable[None]]
    expected: Expected
    keeping: Keeping = field(default_factory=lambda: Keeping(max_age_ms=_AGE_MS))
    makes_blocks: bool = True
    mend: Callable[[Ground, Tally], Awaitable[None]] | None = None


async def prove(folder: Path, seed: int, trip: Trip) -> Proof:
    """Run a keeper until it quotes, trip the stop with its cancels lost, kill it, look again."""
    tally = Tally()
    async with ground(folder, seed, trip.keeping) as here:
        await warm_up(here, tally)
        await tally.until(here, lambda: here.position() != 0, _PATIENCE_BLOCKS)
        if trip.makes_blocks:
            await here.exchange.faults.set({"name": "cancel-lost"})
        await trip.strike(here, tally)
        seen = await _watch(here, tally, trip)
        here.exchange.faults.clear("")
        if here.task.done():
            here.start()
        if trip.expected.resumes:
            seen = changed(seen, resumed=await _go_on(here, tally, trip))
    return proof_of(trip.name, trip.fault, trip.expected, seen)


async def _watch(here: Ground, tally: Tally, trip: Trip) -> Seen:
    """From the trip on: past the last order, to the end of the exit, over a SIGKILL."""
    await _until(here, tally, trip, lambda: trip.expected.code in _codes(here))
    tripped, last = outstanding(here)
    if trip.expected.is_flat:  # somebody to leave the position to; else we are whom takers find
        here.away, here.depth = _NEAR_TICKS, _DEPTH_STEPS
    await _until(here, tally, trip, lambda: here.exchange.chain.height > last, at_most=40)
    await _pass(here, tally, trip)
    if trip.expected.is_flat:
        await tally.until(here, lambda: here.position() == 0, _PATIENCE_BLOCKS)
    codes, phase, resting = _codes(here), here.engine.state.guard.phase, len(here.resting())
    killed = here.exchange.chain.height
    await here.crash()
    last_after = await _after(here, tally, trip, last)
    return Seen(
        codes=codes,
        codes_after=_codes(here) | _why_not_started(here),
        phase=phase.value,
        phase_after=here.engine.state.guard.phase.value,
        tripped=tripped,
        last=last,
        killed=killed,
        last_after=last_after,
        matches=tuple(Match(row.height, is_exit(row)) for row in own_fills(here)),
        resting=resting,
        resting_after=len(here.resting()),
        position=here.position(),
    )


async def _go_on(here: Ground, tally: Tally, trip: Trip) -> int | None:
    """Let blocks be made without the cause; the height at which it quotes again."""
    if trip.mend is not None:
        await trip.mend(here, tally)
    for _ in range(_PATIENCE_BLOCKS):
        if here.resting():
            return here.exchange.chain.height
        await tally.block(here)
    return None


async def _after(here: Ground, tally: Tally, trip: Trip, last: int) -> int:
    """Let the next keeper find out; the last height of what it sent before it had.

    Of a phase it knows from its journal: it may send nothing at all.
    """
    await _pass(here, tally, trip)
    if trip.expected.phase == Phase.ACTIVE.value and not here.task.done():
        await _until(here, tally, trip, lambda: trip.expected.code in _codes(here))
        last = max(last, outstanding(here)[1])
        await _until(here, tally, trip, lambda: here.exchange.chain.height > last, at_most=40)
    await _pass(here, tally, trip)
    return last


def _why_not_started(here: Ground) -> frozenset[str]:
    """The error's code of a keeper that found its venue broken and did not start."""
    error = here.task.exception() if here.task.done() else None
    return frozenset() if error is None else frozenset({code_of(error)})


def _codes(here: Ground) -> frozenset[str]:
    """Refusals in force, and what made the phase what it is."""
    guard = here.engine.state.guard
    standing = {key.partition(":")[0] for keys in guard.active.values() for key in keys}
    turned = set() if guard.phase is Phase.ACTIVE else {guard.turn.code}
    return frozenset(standing | turned | set(guard.loss.breaches))


async def _until(
    here: Ground, tally: Tally, trip: Trip, probe: Callable[[], bool], at_most: int = 200
) -> None:
    """Let time pass until a condition holds; what never comes is seen in the differences."""
    for _ in range(at_most):
        if probe():
            return
        await _step(here, tally, trip)


async def _pass(here: Ground, tally: Tally, trip: Trip) -> None:
    for _ in range(_AFTER_BLOCKS):
        await _step(here, tally, trip)


async def _step(here: Ground, tally: Tally, trip: Trip) -> None:
    if trip.makes_blocks:
        await tally.block(here)
    else:
        await asyncio.sleep(_AGE_MS / 40_000)


def _fault(name: str, **how: Any) -> Callable[[Ground, Tally], Awaitable[None]]:
    async def strike(here: Ground, _tally: Tally) -> None:
        await here.exchange.faults.set({"name": name, **how})

    return strike


def _word(verb: str) -> Callable[[Ground, Tally], Awaitable[None]]:
    async def strike(here: Ground, tally: Tally) -> None:
        here.operate(verb)
        await tally.block(here)

    return strike


async def _refuse_streams(here: Ground, _tally: Tally) -> None:
    await here.exchange.faults.set({"name": "stream-refused"})
    await here.exchange.faults.set({"name": "stream-dropped"})


async def _lose_everything(here: Ground, _tally: Tally) -> None:
    """A hand that no journal knows takes twice what the account had: it owes."""
    here.exchange.chain.faucet(SubaccountId(ADDRESS, 0), -2 * DEPOSIT)


def _band(ppm: int) -> Callable[[Ground, Tally], Awaitable[None]]:
    """A person sets the price band, in the file as well; into 1 ppm no quote fits."""

    async def strike(here: Ground, tally: Tally) -> None:
        settings = here.engine.state.settings
        assert settings is not None
        here.keeping = Keeping({"price_band_ppm": ppm}, _AGE_MS)
        narrow = replace(settings, limits=replace(settings.limits, price_band_ppm=ppm))
        here.engine.ingest(ParamsChanged(settings=narrow, params_hash=params_hash(narrow)))
        await tally.block(here)

    return strike


async def _nothing(_here: Ground, _tally: Tally) -> None:
    """Whoever watches lets time pass without blocks."""


def _pulled(code: str) -> Expected:
    return Expected(code, Phase.ACTIVE.value, resumes=True)


def _left(code: str) -> Expected:
    return Expected(code, Phase.EXITING.value, is_flat=True)


TRIPS: Final = (
    Trip("operator halt", "word `halt`", _word("halt"), Expected("OPERATOR", Phase.HALTED.value)),
    Trip("operator exit", "word `exit`", _word("exit"), _left("OPERATOR")),
    Trip(
        "daily loss",
        "prices run against the position",
        drive_to_loss,
        _left("DAILY_LOSS"),
        changed(LOSING, max_age_ms=_AGE_MS),
    ),
    Trip(
        "drawdown",
        "prices run against the position",
        drive_to_loss,
        _left("DRAWDOWN"),
        Keeping({"drawdown_ppm": 100}, _AGE_MS),
    ),
    Trip(
        "loss window",
        "prices run against the position",
        drive_to_loss,
        _left("LOSS_WINDOW"),
        Keeping({"loss_window_quote_quantums": 100 * 10**6}, _AGE_MS),
    ),
    Trip("stale oracle", "`stale-oracle`", _fault("stale-oracle"), _pulled("STALE_ORACLE")),
    Trip(
        "stale book",
        "`stream-lost` of the book's channel",
        _fault("stream-lost", channel="v4_orderbook"),
        _pulled("STALE_BOOK"),
        Keeping(max_age_ms=_AGE_MS, book_refresh_ms=60_000),
    ),
    Trip(
        "crossed book",
        "`crossed-book` by 5,000 ticks",
        _fault("crossed-book", amount=5_000, **_ETH),
        _pulled("BOOK_CROSSED"),
    ),
    Trip(
        "height stalled",
        "no blocks are made",
        _nothing,
        _pulled("STALE_HEIGHT"),
        makes_blocks=False,
    ),
    Trip(
        "clock skew",
        "`clock-skew` of 7 s",
        _fault("clock-skew", amount=7_000),
        _pulled("CLOCK_SKEW"),
    ),
    Trip(
        "source down",
        "`stream-dropped`, `stream-refused`",
        _refuse_streams,
        _pulled("SOURCE_DOWN"),
    ),
    Trip(
        "market status",
        "`market-status` CANCEL_ONLY",
        _fault("market-status", status="CANCEL_ONLY", **_ETH),
        _pulled("MARKET_STATUS"),
    ),
    Trip(
        "no equity",
        "the collateral is gone",
        _lose_everything,
        Expected("NO_EQUITY", Phase.EXITING.value),
    ),
    Trip(
        "price band",
        "the band is set to 1 ppm",
        _band(1),
        _pulled("PRICE_BAND"),
        mend=_band(_WIDE_PPM),
    ),
)
"""By name; expected are code, phase, and what is left."""
