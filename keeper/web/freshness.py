"""Whether a keeper can be believed to be where it was last seen."""

import enum
from typing import Final

__all__ = ["OFFLINE_AFTER_MS", "STALE_AFTER_MS", "Freshness", "freshness_of"]

STALE_AFTER_MS: Final = 4_000
OFFLINE_AFTER_MS: Final = 20_000


class Freshness(enum.StrEnum):
    """live: it answers and its data is new; stale: one of both is not; offline: silent for long."""

    LIVE = "live"
    STALE = "stale"
    OFFLINE = "offline"


def freshness_of(silent_ms: int | None, data_age_ms: int) -> Freshness:
    """Judge by the time since the last answer (None: never) and the age of what it told.

    An age below zero means that nothing was seen yet.
    """
    if silent_ms is None or silent_ms >= OFFLINE_AFTER_MS:
        return Freshness.OFFLINE
    is_old = data_age_ms < 0 or data_age_ms >= STALE_AFTER_MS
    return Freshness.STALE if is_old or silent_ms >= STALE_AFTER_MS else Freshness.LIVE
