"""What `keeper status` says of the next thing that is due for depositors."""

from typing import Any

import pytest

from keeper.cli.status import _house

DUE = 1_750_000_000


def house(**changes: Any) -> dict[str, Any]:
    base = {
        "next_duty": {"what": "cut", "due_at": DUE},
        "reporters": 3,
        "signatures": None,
        "quorum": None,
        "unpaid_since": 0,
        "claims_to_send": 0,
        "homing_assets": 0,
    }
    return base | changes


def test_house__no_housekeeping__says_so() -> None:
    assert _house(None, DUE) == [("next duty", "none: this keeper has no [housekeeping]")]


@pytest.mark.parametrize(
    ("now", "when"), [(DUE - 7_200, "in 2 h"), (DUE, "since 0 s"), (DUE + 60, "since 1 min")]
)
def test_house__cut_due__when_and_how_long_from_now(now: int, when: str) -> None:
    assert _house(house(), now) == [
        ("next duty", f"cut the epoch, 2025-06-15T15:06:40+00:00 ({when})")
    ]


def test_house__nothing_due__says_so() -> None:
    assert _house(house(next_duty=None), DUE) == [("next duty", "nothing is due")]


def test_house__report_awaited__who_signed() -> None:
    awaited = house(next_duty={"what": "report", "due_at": DUE}, signatures=1, quorum=2)

    ((_, text),) = _house(awaited, DUE - 60)

    assert text == (
        "have the cut reported, 2025-06-15T15:06:40+00:00 (in 1 min), 1 of 2 signatures"
    )


def test_house__capital_on_its_way_and_claims__told() -> None:
    busy = house(
        next_duty={"what": "pay", "due_at": DUE}, homing_assets=1_500_000, claims_to_send=2
    )

    assert _house(busy, DUE)[1:] == [("coming home", "1.500000 USDC"), ("claims to send", "2")]
