"""What a keeper does for depositors next, and when, as its status tells it."""

from collections.abc import Mapping
from typing import Any, Final

from keeper.pages.times import clock_time, lasting

__all__ = ["next_duty"]

_DUTIES: Final = {
    "cut": "cut the epoch",
    "report": "have the cut reported",
    "pay": "pay the redemptions of a cut",
}


def next_duty(house: Mapping[str, Any] | None, now_s: int) -> str:
    """Say the next duty of `status.vault_view.housekeeping`, and how long it is from `now_s`."""
    if house is None:
        return "none: this keeper has no [housekeeping]"
    duty = house["next_duty"]
    said = "nothing is due" if duty is None else _due(duty["what"], duty["due_at"], now_s)
    if house["signatures"] is not None:
        said += f", {house['signatures']} of {house['quorum']} signatures"
    return said


def _due(what: str, due_at: int, now_s: int) -> str:
    left = due_at - now_s
    when = f"in {lasting(left)}" if left > 0 else f"since {lasting(-left)}"
    return f"{_DUTIES[what]}, {clock_time(due_at)} ({when})"
