"""Keeps a world running for somebody to try things in."""

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keeper.devnet.identities import key_variables
from keeper.devnet.recorded_data import Chosen, described
from keeper.devnet.story.facts import Facts
from keeper.devnet.story.stage import REPORTERS, Stage
from keeper.devnet.story.stake import lock_stake
from keeper.devnet.tape import write_tape
from keeper.devnet.world import World

__all__ = ["run_world", "write_keys"]

DEPOSITOR = "ada"
WARM_UP_SECONDS = 3_600


async def run_world(
    folder: Path,
    seed: int,
    ready: Callable[[dict[str, Any]], None],
    note: Callable[[str], None],
    recordings: Chosen = (),
    gift: int = 0,
) -> None:
    """Start everything but the product, hand `ready` the record, run until SIGINT or SIGTERM.

    The vault is the factory's and its keeper has staked, so that anybody may deposit. `note` is
    told when a recording has ended; `gift` are asset units for the vault's venue account.
    """
    tape = write_tape(recordings, folder / "tape.jsonl") if recordings else None
    world = World(folder, seed, tape)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await world.start()
        await world.advance(WARM_UP_SECONDS)
        await world.open_markets()
        await world.fund_traders()
        await _seed(world)
        if gift:
            await world.fund_venue_account(gift)
        world.open_order_flow()
        write_keys(folder / "keys.env")
        record = json.loads((folder / "world.json").read_text())
        ready({**record, **({} if tape is None else {"recorded": described(tape)})})
        await _keep(world, stop, note)
    finally:
        await world.stop()


async def _seed(world: World) -> None:
    """Let the keeper stake, with reporters that leave again; the next ones go on from their work.

    The keys file names the first of them: its captures stay where the configuration looks.
    """
    stage, facts = Stage(world), Facts(world)
    try:
        await stage.write_config()
        await stage.start_reporters()
        await lock_stake(stage, facts)
    finally:
        await stage.close()
        await facts.close()
    (world.folder / f"captures-{REPORTERS[0]}").rename(world.folder / "captures")


def write_keys(file: Path) -> None:
    """Write the keys of every role, for a shell to source; any local world has the same."""
    lines = [f"export {name}={key}" for name, key in key_variables(DEPOSITOR).items()]
    head = (
        f"# Keys of the local world ({DEPOSITOR} deposits): from public seeds, worthless elsewhere."
    )
    file.touch(mode=0o600)
    file.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")


async def _keep(world: World, stop: asyncio.Event, note: Callable[[str], None]) -> None:
    was_over = False
    while not stop.is_set():
        world.check()
        if world.tape_is_over and not was_over:
            was_over = True
            note("the recording has ended: its last book is held, nobody trades any more")
        await asyncio.sleep(1)
