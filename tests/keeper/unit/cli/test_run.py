"""The last line of a run."""

import pytest

from keeper.cli.run import ending


@pytest.mark.parametrize(
    ("mode", "resting", "text"),
    [
        ("live", 0, "quotes cancelled"),
        ("live", 2, "2 orders may still rest"),
        ("shadow", 0, "nothing was sent"),
    ],
)
def test_ending__any_run__says_no_more_than_is_known(mode: str, resting: int, text: str) -> None:
    assert text in ending(mode, resting)
