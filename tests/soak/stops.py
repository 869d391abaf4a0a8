"""A stop as the exchange saw it: which matches came after it, and what they did."""

from dataclasses import dataclass
from typing import Any, Final

from keeper.devnet.exchange.model import SubaccountId
from keeper.risk.phase import Phase
from tests.soak.campaign import Tally
from tests.soak.ground import ADDRESS, Ground, Keeping

__all__ = [
    "LOSING",
    "Stop",
    "drive_to_loss",
    "is_exit",
    "outstanding",
    "own_fills",
    "prove_loss_stop",
    "prove_stop",
]

LOSING: Final = Keeping({"daily_loss_quote_quantums": 100 * 10**6, "stress_shock_ppm": 0})
"""The keeper of `prove_loss_stop`: a day's loss of 100 USDC stops it.

Without the stress limit, by which so small a loss would allow no position that can lose it.
"""
_TAKES: Final = 12
_STEP_TICKS: Final = 60
_NEAR_TICKS: Final = 60
_DEPTH_STEPS: Final = 2_000
_PATIENCE_BLOCKS: Final = 300


@dataclass(frozen=True, slots=True)
class Stop:
    """Heights of the trip and of the last order that could match then; what was not as it should
    be, and how many matches came up to that height and after it."""

    why: str
    tripped: int
    last: int
    matches_until: int
    matches_after: int
    wrong: list[str]


async def prove_stop(here: Ground, tally: Tally) -> Stop:
    """Halt by a word, with cancels lost: nothing may match after the last goodTilBlock."""
    await here.exchange.faults.set({"name": "cancel-lost"})
    await tally.until(here, lambda: bool(here.resting()), 50)
    here.operate("halt")
    await tally.block(here)
    tripped, last = outstanding(here)
    await _go_on(here, tally, max(tripped, last) + _TAKES)
    rows = own_fills(here)
    late = [row.height for row in rows if row.height > last]
    wrong = [f"a match at {height}, stopped at {tripped}, last order {last}" for height in late]
    return _stop("operator halt", (tripped, last), rows, [*wrong, *_still_resting(here)])


async def prove_loss_stop(here: Ground, tally: Tally) -> Stop:
    """Let prices run against the position until the loss limit trips, with cancels lost.

    After the last goodTilBlock of what rested then nothing may match but immediate reduce-only
    orders, each making the position smaller; once it is flat, nothing at all.
    """
    await tally.until(here, lambda: here.position() != 0, _PATIENCE_BLOCKS)
    await here.exchange.faults.set({"name": "cancel-lost"})
    await drive_to_loss(here, tally)
    guard = here.engine.state.guard
    tripped, last = outstanding(here)
    wrong = [] if guard.phase is Phase.EXITING else [f"phase {guard.phase}, not EXITING"]
    codes = {code for _, code, _ in here.alerts.told}
    if not codes & {"DAILY_LOSS", "DRAWDOWN"}:
        wrong.append(f"nobody was told of a loss: {sorted(codes)}")
    here.away, here.depth = _NEAR_TICKS, _DEPTH_STEPS  # somebody to leave the position to
    await _go_on(here, tally, max(tripped, last) + _TAKES)
    if await tally.until(here, lambda: here.position() == 0, _PATIENCE_BLOCKS) < 0:
        wrong.append(f"the position is still {here.position()}")
    flat = here.exchange.chain.height
    await _go_on(here, tally, flat + _TAKES)
    rows = own_fills(here)
    wrong += [_said(row) for row in rows if row.height > last and not is_exit(row)]
    wrong += [f"{_said(row)}, flat at {flat}" for row in rows if row.height > flat]
    return _stop("daily loss", (tripped, last), rows, [*wrong, *_still_resting(here)])


async def drive_to_loss(here: Ground, tally: Tally) -> None:
    """Let prices run against the position until the keeper stops."""
    for _ in range(_PATIENCE_BLOCKS):
        if here.engine.state.guard.phase is not Phase.ACTIVE:
            return
        here.price += _STEP_TICKS if here.position() < 0 else -_STEP_TICKS
        await tally.block(here)


def outstanding(here: Ground) -> tuple[int, int]:
    """The height now, and the last block in which anything sent so far can match."""
    now = here.exchange.chain.height
    working = here.engine.state.orders.working.values()
    return now, max((now, *(order.highest_gtb for order in working)))


async def _go_on(here: Ground, tally: Tally, height: int) -> None:
    while here.exchange.chain.height <= height:
        await tally.block(here)


def own_fills(here: Ground) -> list[Any]:
    return list(here.exchange.indexer.tables.fills.get(SubaccountId(ADDRESS, 0), ()))


def is_exit(row: Any) -> bool:
    """Whether a fill made the position smaller and is of an order that can do nothing else."""
    toward_zero = row.position_before * row.order.side.sign < 0
    return bool(toward_zero and row.order.reduce_only and row.quantums <= abs(row.position_before))


def _said(row: Any) -> str:
    return f"{row.order.side.name} {row.quantums} at {row.height} on {row.position_before}"


def _still_resting(here: Ground) -> list[str]:
    here.exchange.faults.clear("")
    count = len(here.resting())
    return [f"{count} orders rest after the stop"] if count else []


def _stop(why: str, heights: tuple[int, int], rows: list[Any], wrong: list[str]) -> Stop:
    tripped, last = heights
    until = sum(tripped < row.height <= last for row in rows)
    after = sum(row.height > last for row in rows)
    return Stop(why, tripped, last, until, after, wrong)
