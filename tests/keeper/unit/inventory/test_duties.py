"""What is due for depositors and until when: waits, claims worth their gas, deadlines."""

from typing import Any

import pytest
from msgspec.structs import replace

from keeper.domain.commands import Claim
from keeper.domain.events import Claimable
from keeper.inventory.duties import Duty, Late, Standing, late, next_duty, wait_seconds, worthwhile
from tests.keeper.builders import HOUSEKEEPING, USDC

HOUR = 3_600
DAY = 24 * HOUR
CUT_AT = 1_750_000_000


def at(seconds: int, **changes: Any) -> Standing:
    """An open vault so long after its last cut, which was settled within a minute."""
    fields: dict[str, Any] = {
        "now": CUT_AT + seconds,
        "state": "OPEN",
        "epoch": 7,
        "cut_at": CUT_AT,
        "next_cut_at": CUT_AT + DAY,
        "last_settled_at": CUT_AT + 60,
        "unpaid_since": 0,
        "penalty_due_at": 0,
        "stake_bound": None,
        "accepted_nav": 1_000 * USDC,
        "supply": 10**24,
        "deposits_waiting": 0,
        "wait": 45,
    }
    return Standing(**{**fields, **changes})


def codes(standing: Standing) -> list[str]:
    return [entry.code for entry in late(standing, HOUSEKEEPING)]


def test_wait_seconds__many_epochs__between_lead_and_lead_plus_jitter() -> None:
    waits = {wait_seconds(HOUSEKEEPING, "vault/me/1", epoch) for epoch in range(2_000)}

    assert waits == set(range(30, 151))


def test_wait_seconds__same_seat_and_epoch__always_the_same() -> None:
    assert wait_seconds(HOUSEKEEPING, "a", 3) == wait_seconds(HOUSEKEEPING, "a", 3)


def test_wait_seconds__two_seats__seldom_meet() -> None:
    meetings = sum(
        wait_seconds(HOUSEKEEPING, "a", epoch) == wait_seconds(HOUSEKEEPING, "b", epoch)
        for epoch in range(1_000)
    )

    assert meetings < 30  # one in 121 by chance


def test_wait_seconds__no_jitter__the_lead() -> None:
    assert wait_seconds(replace(HOUSEKEEPING, cut_jitter_seconds=0), "a", 3) == 30


def claimable(name: str, deposit: int = 0, redeem: int = 0) -> Claimable:
    return Claimable(
        controller=name,
        deposit_assets=deposit * USDC,
        redeem_shares=redeem * 10**18,
        redeem_assets=redeem * USDC,
    )


def test_worthwhile__both_sides__dearest_first_in_their_own_units() -> None:
    found = worthwhile((claimable("ada", 150, 300), claimable("bob", 200)), 100 * USDC)

    assert found == (
        (Claim(side="redeem", controller="ada", amount=300 * 10**18), 300 * USDC),
        (Claim(side="deposit", controller="bob", amount=200 * USDC), 200 * USDC),
        (Claim(side="deposit", controller="ada", amount=150 * USDC), 150 * USDC),
    )


def test_worthwhile__just_below_the_floor__left_to_its_controller() -> None:
    claims = (claimable("ada", deposit=100), claimable("bob", redeem=99))

    assert [claim.controller for claim, _ in worthwhile(claims, 100 * USDC)] == ["ada"]


def test_worthwhile__equal_worth__order_does_not_depend_on_the_input() -> None:
    claims = (claimable("bob", 200), claimable("ada", 200))

    assert worthwhile(claims, 1) == worthwhile(claims[::-1], 1)


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (at(HOUR), Duty("cut", CUT_AT + DAY + 45)),
        (at(HOUR, state="CUT"), Duty("report", CUT_AT + 6 * HOUR)),
        (at(HOUR, state="WINDDOWN", unpaid_since=CUT_AT), None),
        (at(HOUR, supply=0), None),
        (at(HOUR, supply=0, deposits_waiting=1), Duty("cut", CUT_AT + DAY + 45)),
        (at(HOUR, unpaid_since=CUT_AT - 2 * DAY - 1), Duty("pay", CUT_AT + DAY - 1)),
        (at(HOUR, unpaid_since=CUT_AT - DAY), Duty("cut", CUT_AT + DAY + 45)),
    ],
)
def test_next_duty__each_state__what_is_due_first(standing: Standing, expected: Duty) -> None:
    assert next_duty(standing) == expected


def test_late__quiet_day__nothing() -> None:
    assert late(at(HOUR), HOUSEKEEPING) == ()


@pytest.mark.parametrize(("seconds", "told"), [(4 * HOUR - 1, []), (4 * HOUR, ["REPORT_MISSING"])])
def test_late__no_report__told_two_hours_before_the_window_closes(
    seconds: int, told: list[str]
) -> None:
    assert codes(at(seconds, state="CUT")) == told


def test_late__no_report__says_epoch_and_what_is_left() -> None:
    found = late(at(5 * HOUR + 90, state="CUT"), HOUSEKEEPING)

    text = "no report of epoch 7 yet: the cut lapses in 0 h 58 min"
    assert found == (Late("REPORT_MISSING", "7", text),)


@pytest.mark.parametrize(("seconds", "told"), [(2 * DAY - 1, []), (2 * DAY, ["PAYMENT_LATE"])])
def test_late__cut_unpaid__told_a_day_before_it_is_late(seconds: int, told: list[str]) -> None:
    standing = at(seconds, unpaid_since=CUT_AT, last_settled_at=CUT_AT + seconds)

    assert codes(standing) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(6 * DAY - 1, ["PAYMENT_LATE"]), (6 * DAY, ["WIND_DOWN_NEAR", "PAYMENT_LATE"])],
)
def test_late__cut_unpaid_for_days__told_a_day_before_anyone_may_end_the_vault(
    seconds: int, told: list[str]
) -> None:
    standing = at(seconds, unpaid_since=CUT_AT, last_settled_at=CUT_AT + seconds)

    assert codes(standing) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (5 * DAY + 59, []),
        (5 * DAY + 60, ["NOTHING_SETTLED"]),
        (6 * DAY + 60, ["WIND_DOWN_NEAR", "NOTHING_SETTLED"]),
    ],
)
def test_late__nothing_settled__told_after_five_days_and_before_the_end(
    seconds: int, told: list[str]
) -> None:
    assert codes(at(seconds)) == told


def test_late__wind_down_possible__says_why_and_now() -> None:
    (end, *_) = late(at(8 * DAY, unpaid_since=CUT_AT), HOUSEKEEPING)

    assert end.text == "a cut is unpaid since 192 h 0 min: anyone may end the vault now"


def test_late__nothing_settled_before_the_end__says_how_long_is_left() -> None:
    (end, *_) = late(at(6 * DAY + HOUR + 60), HOUSEKEEPING)

    assert (
        end.text == "nothing has settled since 145 h 0 min: anyone may end the vault in 23 h 0 min"
    )


@pytest.mark.parametrize(
    "changes", [{"state": "WINDDOWN"}, {"supply": 0}, {"last_settled_at": 0, "supply": 1}]
)
def test_late__nobody_to_pay_or_over__nothing_about_settlements(changes: dict[str, Any]) -> None:
    assert codes(at(30 * DAY, **changes)) == []


@pytest.mark.parametrize(("left", "told"), [(DAY + 1, []), (DAY, ["PENALTY_NEAR"])])
def test_late__penalty_of_the_stake__told_a_day_before_it_is_due(
    left: int, told: list[str]
) -> None:
    assert codes(at(HOUR, penalty_due_at=CUT_AT + HOUR + left)) == told


def test_late__penalty_due__says_now_and_comes_before_the_payment() -> None:
    standing = at(4 * DAY, unpaid_since=CUT_AT, penalty_due_at=CUT_AT + 4 * DAY)

    found = late(standing, HOUSEKEEPING)

    assert [entry.code for entry in found] == ["PENALTY_NEAR", "PAYMENT_LATE"]
    assert found[0].text == "a cut is unpaid: anyone may burn a part of the keeper's stake now"
    assert found[0].severity == "page"


@pytest.mark.parametrize(("waiting", "told"), [(0, []), (1, ["STAKE_LOW"])])
def test_late__stake__told_where_a_tenth_of_nav_has_no_room(waiting: int, told: list[str]) -> None:
    """1,000 of NAV under a bound of 1,100 is just enough; one unit more asked for is not."""
    assert codes(at(HOUR, stake_bound=1_100 * USDC, deposits_waiting=waiting)) == told


def test_late__stake_low__is_a_warning_that_names_both_numbers() -> None:
    (entry,) = late(at(HOUR, stake_bound=900 * USDC, deposits_waiting=5), HOUSEKEEPING)

    assert (entry.severity, entry.subject) == ("warn", "stake")
    assert "900000000" in entry.text
    assert "1000000005" in entry.text


@pytest.mark.parametrize("changes", [{"stake_bound": None}, {"supply": 0}, {"state": "WINDDOWN"}])
def test_late__no_stake_asked_for_nobody_or_over__nothing_about_the_stake(
    changes: dict[str, Any],
) -> None:
    assert "STAKE_LOW" not in codes(at(HOUR, **{"stake_bound": 0, **changes}))
