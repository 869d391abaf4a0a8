"""The keeper's own money comes first: its deposit, the settlement of that, and the stake."""

import asyncio
from typing import Final

from keeper.devnet.story.facts import Facts
from keeper.devnet.story.stage import REPORTERS, Stage
from keeper.devnet.world import ASSET_UNIT

__all__ = ["KEEPER", "STAKE", "lock_stake", "pass_a_day"]

KEEPER: Final = "keeper"
STAKE: Final = 25_000
"""Whole units of the asset: 5 % of half a million, more than anybody in a story brings."""


async def lock_stake(stage: Stage, facts: Facts) -> None:
    """Do what a vault of the factory needs before anybody else may come in, by the command line.

    The keeper deposits, takes the cut, asks the reporters, who must be up, posts what they signed,
    claims, and locks every share. Raises ChildFailed, TimeoutError.
    """
    world = stage.world
    await world.mint(KEEPER, STAKE * ASSET_UNIT)
    await asyncio.sleep(2)
    await stage.vault(KEEPER, "deposit", str(STAKE), "--approve")
    await pass_a_day(stage, facts)
    await stage.vault(KEEPER, "cut")
    epoch = (await facts.cut()).epoch

    async def is_captured() -> bool:
        return all(stage.captures(role, epoch) for role in REPORTERS)

    async def is_settled() -> bool:
        return len(await facts.settlements()) == 1

    await stage.until("every reporter's capture of the keeper's cut", is_captured)
    await stage.run("report", "post", "--config", str(stage.config), "--json", person=KEEPER)
    await stage.until("the settlement of the keeper's deposit", is_settled)
    await stage.vault(KEEPER, "claim")
    await stage.vault(KEEPER, "stake", "lock", "all", "--approve")


async def pass_a_day(stage: Stage, facts: Facts) -> None:
    """Jump to where the next cut is due."""
    next_cut = await facts.vault_number("nextCutTime()")
    now = stage.world.clock.now_ns() // 10**9
    await stage.world.advance(max(next_cut - now + 5, 5))
