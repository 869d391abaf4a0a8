"""What happens around a keeper while it waits to be killed, so that it gets everywhere."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from keeper.control.asking import NotRunning, Request, ask
from keeper.domain.units import PPM
from tests.e2e.crash.ground import Ground

__all__ = ["STORIES", "TO_THE_CUT", "TRADING", "TRADING_ON", "Story"]

_LOOK_SECONDS: Final = 0.2
_PATIENCE_SECONDS: Final = 60
_DAY_SECONDS: Final = 100
"""Patience for a settlement: a feed whose round fell before the jump brings another in a minute."""
_WAIT_SECONDS: Final = 10
"""Time for what a story did to reach the keeper, which as a rule dies of it long before."""
_COOLDOWN_SECONDS: Final = 61
_COOLDOWNS: Final = 8
_STEPS_OUT: Final = 3
"""Burn the range, sell what it held, and one to spare."""
_ROLLBACKS: Final = 6
_HOUR: Final = 3_600
_MARKET: Final = "ETH-USD"
_MARKET_ID: Final = "1"
_BELOW_PPM: Final = 980_000
_WISH: Final = '{"assignments": ["market.ETH-USD.refresh_blocks=3"], "base": "", "apply": true}'
_FILLS: Final = 2


@dataclass(frozen=True, slots=True)
class Story:
    """A run's surroundings; it is told again until it leads to no new point.

    With `wants` it is told only while one of those points has not been reached, and at most
    `tries` times in vain. `leader` has the keeper follow another exchange's book beside, `signer`
    has a command sign for its venue key.
    """

    name: str
    tell: Callable[[Ground], Awaitable[None]]
    settings: tuple[str, ...] = ()
    leader: bool = False
    signer: bool = False
    wants: tuple[str, ...] = ()
    tries: int = 1


async def _quoting(ground: Ground) -> None:
    """Wait until the keeper shows a quote that was not there when it was asked for."""
    before = await _quotes(ground)
    while True:
        if await _quotes(ground) - before:
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def _quotes(ground: Ground) -> set[tuple[int, int]]:
    """What rests for the keeper's account: client id and last block."""
    own = f"{ground.world.owner_wallet.address}/0"
    return {
        (order["client_id"], order["good_til_block"])
        for order in (await ground.world.exchange.state())["resting"]
        if order["subaccount"] == own
    }


async def _filled(ground: Ground, count: int) -> None:
    """Wait until the keeper's account has that many fills."""
    while True:
        if len(await ground.play.facts.fills()) >= count:
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def _start(ground: Ground) -> None:
    """Quote, and be stopped at once."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await _quoting(ground)


async def _trade(ground: Ground) -> None:
    """Quote, and be filled."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await _quoting(ground)
        await _filled(ground, len(await ground.play.facts.fills()) + _FILLS)


async def _trade_on(ground: Ground) -> None:
    """Quote, be filled, and go on."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await _quoting(ground)
        await asyncio.sleep(_WAIT_SECONDS)


async def _operate(ground: Ground) -> None:
    """A person looks, changes a parameter, pauses the market, and resumes it."""
    words = (("status", ""), ("params", _WISH), ("pause", _MARKET), ("resume", _MARKET))
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await _quoting(ground)
        for verb, argument in words:
            await _say(ground, verb, argument)
        await _quoting(ground)


async def _move_capital(ground: Ground) -> None:
    """Time passes, so that each cooldown of a pool ends."""
    for _ in range(_COOLDOWNS):
        await asyncio.sleep(2.5)
        await ground.world.advance(_COOLDOWN_SECONDS)


async def _lose_stream(ground: Ground) -> None:
    """The connection to the exchange's stream breaks."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await _quoting(ground)
        await ground.relay.drop()
        await asyncio.sleep(_WAIT_SECONDS)


async def _lose_message(ground: Ground) -> None:
    """One message of the stream never arrives."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await _quoting(ground)
        ground.relay.lose_one()
        await asyncio.sleep(_WAIT_SECONDS)


async def _reorganise(ground: Ground) -> None:
    """The chain's newest block makes way for another."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await _quoting(ground)
        for _ in range(_ROLLBACKS):  # one of them takes a block that the keeper has seen
            await ground.world.anvil.rpc.call("anvil_rollback", 1)
            await asyncio.sleep(1.7)


async def _pay_funding(ground: Ground) -> None:
    """An hour ends with the book above the oracle; the next trade settles what is due for it."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await _quoting(ground)
        perpetuals = (await ground.world.exchange.state())["perpetuals"]
        low = perpetuals[_MARKET_ID]["oracle_price"] * _BELOW_PPM // PPM
        ground.world.clock.step(_HOUR)
        await ground.administer("/admin/oracle", market=_MARKET, price=low)
        await ground.administer("/admin/block", count=1)
        await ground.world.advance(0)
        await asyncio.sleep(_WAIT_SECONDS)


async def _end_epoch(ground: Ground) -> None:
    """The day is over: the cut is taken, reported and settled, unless the keeper dies of it."""
    before = len(await ground.play.facts.settlements())
    due = await ground.play.facts.vault_number("nextCutTime()")
    now = ground.world.clock.now_ns() // 10**9
    await ground.world.advance(max(due - now + 5, 5))
    async with asyncio.timeout(_DAY_SECONDS):
        while True:
            if len(await ground.play.facts.settlements()) > before:
                return
            await asyncio.sleep(_LOOK_SECONDS)


async def _trade_to_the_cut(ground: Ground) -> None:
    """Quote and go on; a keeper that has sent no transaction by then has the cut to send."""
    await _trade_on(ground)
    await _end_epoch(ground)


async def _leave(ground: Ground) -> None:
    """A person has the keeper leave every position; it says when it is done, once each time."""
    await _say(ground, "set", "reducing")
    await asyncio.sleep(2)  # a block of the venue passes
    await _say(ground, "exit")
    for _ in range(_STEPS_OUT):
        await ground.world.advance(_COOLDOWN_SECONDS)
        await asyncio.sleep(2.5)
    await asyncio.sleep(_PATIENCE_SECONDS)


async def _come_back(ground: Ground) -> None:
    """A person has it trade again."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await _say(ground, "resume")
        await _quoting(ground)


async def _say(ground: Ground, verb: str, argument: str = "") -> None:
    """Ask a keeper for something as soon as it listens."""
    request = Request(verb=verb, argument=argument, operator="a test")
    while True:
        with contextlib.suppress(NotRunning):
            await asyncio.to_thread(ask, ground.journal, request)
            return
        await asyncio.sleep(_LOOK_SECONDS)


def _logged(*names: str) -> tuple[str, ...]:
    return tuple(f"logged {name} | after" for name in names)


_PRUNE: Final = "journal.snapshots.prune_snapshots: snapshot_path(folder, segment).unlink"
_PRUNED: Final = (f"{_PRUNE} | before", f"{_PRUNE} | after")
"""Reached once there are more snapshots than are kept: one is made at each stop."""

TRADING: Final = Story("it trades", _trade)
TRADING_ON: Final = Story("it trades on", _trade_on)
TO_THE_CUT: Final = Story("it trades until the day is over", _trade_to_the_cut)

STORIES: Final = (
    Story("it starts and is stopped", _start),
    TRADING,
    Story("a person steps in", _operate),
    Story("another exchange leads", _trade, leader=True),
    Story("a command signs", _trade, signer=True),
    Story(
        "the range is held closely",
        _move_capital,
        ("pools.0.recentre_ticks=1",),
        wants=_logged("BurnRange", "SwapExactIn", "MintRange"),
        tries=3,
    ),
    Story(
        "less for the book",
        _move_capital,
        ("allocation.clob_target_ppm=250000",),
        wants=_logged("Deallocate", "SyncAdapter"),
        tries=3,
    ),
    Story("the stream breaks", _lose_stream, wants=_logged("SourceDown"), tries=2),
    Story("a message is lost", _lose_message, wants=_logged("SourceGap"), tries=2),
    Story("a block is taken back", _reorganise, wants=_logged("BlockReverted"), tries=2),
    Story("funding is due", _pay_funding, wants=_logged("FundingPaid"), tries=3),
    Story(
        "the day ends",
        _end_epoch,
        wants=_logged("CloseEpoch", "CollectReport", "ReportCollected", "SubmitReport"),
        tries=3,
    ),
    Story(
        "a person leaves",
        _leave,
        ("markets.0.hedge_max_slippage_ppm=10000",),
        wants=("Alerts.send | after", *_logged("NotePhase")),
        tries=2,
    ),
    Story("a person comes back", _come_back),
    Story("it is stopped again and again", _start, wants=_PRUNED, tries=6),
)
