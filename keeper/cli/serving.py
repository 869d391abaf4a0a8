"""Runs a service of its own until a person or the system stops it."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

__all__ = ["until_stopped"]


async def until_stopped(service: Coroutine[Any, Any, None]) -> None:
    """Run a service until it ends, or until SIGINT or SIGTERM cancels it (which is no error)."""
    task = asyncio.ensure_future(service)
    loop = asyncio.get_running_loop()
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not stopped:
            raise
