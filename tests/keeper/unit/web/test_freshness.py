"""A keeper ages before it is given up."""

import pytest

from keeper.web.freshness import (
    OFFLINE_AFTER_MS,
    STALE_AFTER_MS,
    Freshness,
    freshness_of,
)


@pytest.mark.parametrize(
    ("silent_ms", "data_age_ms", "expected"),
    [
        (0, 0, Freshness.LIVE),
        (STALE_AFTER_MS - 1, STALE_AFTER_MS - 1, Freshness.LIVE),
        (STALE_AFTER_MS, 0, Freshness.STALE),
        (0, STALE_AFTER_MS, Freshness.STALE),
        (0, 10 * OFFLINE_AFTER_MS, Freshness.STALE),
        (0, -1, Freshness.STALE),
        (OFFLINE_AFTER_MS - 1, OFFLINE_AFTER_MS, Freshness.STALE),
        (OFFLINE_AFTER_MS, 0, Freshness.OFFLINE),
        (None, -1, Freshness.OFFLINE),
    ],
)
def test_freshness_of__ages__stale_comes_before_offline(
    silent_ms: int | None, data_age_ms: int, expected: Freshness
) -> None:
    assert freshness_of(silent_ms, data_age_ms) is expected
