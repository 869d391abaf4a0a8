"""Asking again until something is there, bounded by one deadline."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from keeper.domain.errors import VenueUnavailable
from keeper.ports import Clock

__all__ = ["ask_until"]

T = TypeVar("T")
_PAUSE_SECONDS: Final = 0.1


async def ask_until(
    clock: Clock, deadline_ms: int, what: str, ask: Callable[[], Awaitable[T | None]]
) -> T:
    """Return the first answer that is not None; a refusal is asked again.

    Raises VenueUnavailable, with the last refusal, when the deadline passes.
    """
    refusal: VenueUnavailable | None = None
    try:
        async with asyncio.timeout(deadline_ms / 1_000):
            while True:
                try:
                    answer = await ask()
                except VenueUnavailable as error:
                    refusal = error
                else:
                    if answer is not None:
                        return answer
                await clock.sleep(_PAUSE_SECONDS)
    except TimeoutError as error:
        reason = f": {refusal}" if refusal is not None else ""
        raise VenueUnavailable(f"{what} within {deadline_ms} ms{reason}") from error
