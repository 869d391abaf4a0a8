"""What a vault is due to do for its depositors, and until when: cuts, reports, payments, claims."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from keeper.domain.commands import Claim
from keeper.domain.events import Claimable
from keeper.domain.protocol import (
    REPORT_WINDOW_SECONDS,
    SETTLEMENT_DELAY_SECONDS,
    WIND_DOWN_DELAY_SECONDS,
)
from keeper.domain.settings import HousekeepingSettings

__all__ = ["Duty", "Late", "Standing", "late", "next_duty", "wait_seconds", "worthwhile"]

_SECONDS_PER_HOUR = 3_600
_SECONDS_PER_MINUTE = 60
_PPM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a vault stands at one block; times in unix seconds, 0 for never or none.

    `wait` is how long a cut that is due is left to others; `supply` and `deposits_waiting` as
    observed. `penalty_due_at` and `stake_bound` as in `DutiesObserved`; money in asset units.
    """

    now: int
    state: str
    epoch: int
    cut_at: int
    next_cut_at: int
    last_settled_at: int
    unpaid_since: int
    penalty_due_at: int
    stake_bound: int | None
    accepted_nav: int
    supply: int
    deposits_waiting: int
    wait: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that a cut could settle."""
        return self.supply == 0 and self.deposits_waiting == 0


@dataclass(frozen=True, slots=True)
class Duty:
    """The next thing to be done and when: `cut` from then on, `report` and `pay` until then."""

    what: str
    due_at: int


@dataclass(frozen=True, slots=True)
class Late:
    """A deadline that is near or past, or what else is short, as a person is told."""

    code: str
    subject: str
    text: str
    severity: str = "page"


def wait_seconds(settings: HousekeepingSettings, seat: str, epoch: int) -> int:
    """Return how long a keeper leaves to others what anyone may do: lead and a part of jitter.

    `seat` names the keeper; each gets another part for each epoch, the same every time it asks.
    """
    drawn = hashlib.sha256(f"{seat}/{epoch}".encode()).digest()
    jitter = int.from_bytes(drawn[:8]) % (settings.cut_jitter_seconds + 1)
    return settings.cut_lead_seconds + jitter


def worthwhile(claims: Sequence[Claimable], floor: int) -> tuple[tuple[Claim, int], ...]:
    """Return the claims that are worth their gas, each with its asset units, dearest first."""
    found = [
        (Claim(side=side, controller=entry.controller, amount=amount), worth)
        for entry in claims
        for side, amount, worth in _sides(entry)
        if amount > 0 and worth >= floor
    ]
    return tuple(sorted(found, key=lambda item: (-item[1], item[0].controller, item[0].side)))


def _sides(entry: Claimable) -> tuple[tuple[Literal["deposit", "redeem"], int, int], ...]:
    return (
        ("deposit", entry.deposit_assets, entry.deposit_assets),
        ("redeem", entry.redeem_shares, entry.redeem_assets),
    )


def next_duty(standing: Standing) -> Duty | None:
    """Return what is due first; None in a wind-down, and while there is nothing to settle."""
    if standing.state == "WINDDOWN":
        return None
    found: list[Duty] = []
    if standing.state == "CUT":
        found.append(Duty("report", standing.cut_at + REPORT_WINDOW_SECONDS))
    elif not standing.is_empty:
        found.append(Duty("cut", standing.next_cut_at + standing.wait))
    if standing.unpaid_since:
        found.append(Duty("pay", standing.unpaid_since + SETTLEMENT_DELAY_SECONDS))
    return min(found, key=lambda duty: duty.due_at, default=None)


def late(standing: Standing, settings: HousekeepingSettings) -> tuple[Late, ...]:
    """Return every deadline that is near or past, in the order of its harm."""
    if standing.state == "WINDDOWN":
        return ()
    found = (
        _winding_down(standing, settings),
        _penalised(standing, settings),
        _unpaid(standing, settings),
        _unreported(standing, settings),
        _unsettled(standing, settings),
        _understaked(standing, settings),
    )
    return tuple(entry for entry in found if entry is not None)


def _unreported(standing: Standing, settings: HousekeepingSettings) -> Late | None:
    lapses_at = standing.cut_at + REPORT_WINDOW_SECONDS
    if standing.state != "CUT" or standing.now < lapses_at - settings.report_alert_seconds:
        return None
    left = _lasting(lapses_at - standing.now)
    text = f"no report of epoch {standing.epoch} yet: the cut lapses in {left}"
    return Late("REPORT_MISSING", str(standing.epoch), text)


def _unpaid(standing: Standing, settings: HousekeepingSettings) -> Late | None:
    since = standing.unpaid_since
    if not since or standing.now < since + (
        SETTLEMENT_DELAY_SECONDS - settings.payment_alert_seconds
    ):
        return None
    age = _lasting(standing.now - since)
    most = _lasting(SETTLEMENT_DELAY_SECONDS)
    text = f"redemptions of a cut {age} ago are unpaid; {most} is the most they may take"
    return Late("PAYMENT_LATE", str(since), text)


def _penalised(standing: Standing, settings: HousekeepingSettings) -> Late | None:
    """A part of the keeper's stake goes soon, or can go now."""
    due_at = standing.penalty_due_at
    if not due_at or standing.now < due_at - settings.payment_alert_seconds:
        return None
    left = due_at - standing.now
    when = f"in {_lasting(left)}" if left > 0 else "now"
    text = f"a cut is unpaid: anyone may burn a part of the keeper's stake {when}"
    return Late("PENALTY_NEAR", str(due_at), text)


def _understaked(standing: Standing, settings: HousekeepingSettings) -> Late | None:
    """The keeper's stake keeps deposits out, or nearly so."""
    if standing.stake_bound is None or standing.supply == 0:
        return None
    room = standing.stake_bound - standing.accepted_nav - standing.deposits_waiting
    if room * _PPM >= standing.accepted_nav * settings.stake_room_alert_ppm:
        return None
    text = (
        f"the keeper's stake bounds NAV at {standing.stake_bound}: with what waits "
        f"{standing.accepted_nav + standing.deposits_waiting} (asset units)"
    )
    return Late("STAKE_LOW", "stake", text, severity="warn")


def _winding_down(standing: Standing, settings: HousekeepingSettings) -> Late | None:
    """The oldest reason why anyone may end the vault, when that is near."""
    reasons = [standing.unpaid_since, standing.last_settled_at]
    since = min((at for at in reasons if at), default=0)
    ends_at = since + WIND_DOWN_DELAY_SECONDS
    if standing.supply == 0 or not since or standing.now < ends_at - settings.payment_alert_seconds:
        return None
    left = ends_at - standing.now
    when = f"in {_lasting(left)}" if left > 0 else "now"
    what = "a cut is unpaid" if since == standing.unpaid_since else "nothing has settled"
    text = f"{what} since {_lasting(standing.now - since)}: anyone may end the vault {when}"
    return Late("WIND_DOWN_NEAR", str(since), text)


def _unsettled(standing: Standing, settings: HousekeepingSettings) -> Late | None:
    since = standing.last_settled_at
    if standing.supply == 0 or not since:
        return None
    if standing.now < since + settings.settlement_alert_seconds:
        return None
    text = f"nothing has settled since {_lasting(standing.now - since)}"
    return Late("NOTHING_SETTLED", str(since), text)


def _lasting(seconds: int) -> str:
    """Say a length of time in hours and minutes; what is past is none."""
    hours, rest = divmod(max(0, seconds), _SECONDS_PER_HOUR)
    return f"{hours} h {rest // _SECONDS_PER_MINUTE} min"
