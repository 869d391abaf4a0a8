"""What the browser is shown of one keeper."""

from typing import Any

import pytest

from keeper.pages.status import status_of
from keeper.web.pages import LivePages
from keeper.web.traces import Traces
from keeper.web.watching import KeeperView
from tests.keeper.builders import HOUSEKEEPING, SECOND, Keeper, settings, vault


def part_of(**options: Any) -> str:
    """The part of a keeper whose vault may be cut in nine hours."""
    keeper = Keeper(settings(**options))
    keeper.start()
    keeper.feed(vault(1, next_cut_at=keeper.now // SECOND + 9 * 3_600))
    view = KeeperView(
        name="alpha",
        mode="local world",
        vault="0xvault",
        freshness="live",
        silent_ms=300,
        data_age_ms=700,
        problem="",
        next_step="",
        status=status_of(keeper.state, keeper.now),
    )
    return LivePages().fragment(view, Traces())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"housekeeping": HOUSEKEEPING}, "next: cut the epoch, "),
        ({}, "next: none: this keeper has no [housekeeping]"),
    ],
)
def test_fragment__vault_seen__next_duty_beside_its_nav(
    options: dict[str, Any], expected: str
) -> None:
    assert expected in part_of(**options)
