"""Durations as people type them."""

import pytest

from keeper.cli.durations import parse_duration
from keeper.cli.failures import ArgumentInvalid


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("90m", 5_400), ("12h", 43_200), (" 3d ", 259_200), ("1w", 604_800)],
)
def test_parse_duration__number_and_unit__is_seconds(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "3", "0d", "-1d", "1.5d", "3 d", "3y", "d", "1d2h"])
def test_parse_duration__anything_else__says_how_to_write_it(text: str) -> None:
    with pytest.raises(ArgumentInvalid) as caught:
        parse_duration(text)

    assert "3d" in caught.value.next_step
