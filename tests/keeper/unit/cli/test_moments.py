"""Moments a person types."""

import pytest

from keeper.cli.moments import parse_moment

NOW_NS = 1_795_337_873_683_000_000


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("90m", NOW_NS - 5_400 * 10**9),
        ("2026-11-22T08:57:53.683Z", NOW_NS),
        ("2026-11-22T08:57:53.683", NOW_NS),
        ("2026-11-22T09:57:53.683+01:00", NOW_NS),
        ("1969-01-01", 0),
        ("9999-12-31", 2**63 - 1),
    ],
)
def test_parse_moment__any_form__is_exact_and_within_64_bits(text: str, ns: int) -> None:
    assert parse_moment(text, NOW_NS) == ns
