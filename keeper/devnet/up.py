"""Keeps a world running for somebody to try things in."""

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keeper.devnet.story.stage import Stage
from keeper.devnet.world import World

__all__ = ["run_world"]

WARM_UP_SECONDS = 3_600


async def run_world(folder: Path, seed: int, ready: Callable[[dict[str, Any]], None]) -> None:
    """Start everything but the product, hand `ready` the record, run until SIGINT or SIGTERM."""
    world = World(folder, seed)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await world.start()
        await world.advance(WARM_UP_SECONDS)
        await world.open_markets()
        await world.fund_traders()
        world.open_order_flow()
        await Stage(world).write_config()
        ready(json.loads((folder / "world.json").read_text()))
        while not stop.is_set():
            world.check()
            await asyncio.sleep(1)
    finally:
        await world.stop()
