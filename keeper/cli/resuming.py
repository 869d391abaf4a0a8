"""Whether trading may resume: what stopped it is gone, or a person accepts it."""

import sys
from pathlib import Path

import click

from keeper.cli.failures import CauseStands
from keeper.control.asking import Request, ask

__all__ = ["require_cause_gone"]


def require_cause_gone(folder: Path, *, yes: bool) -> None:
    """Ask, or demand `yes`, where a stop that ended trading still stands. Raises CauseStands."""
    risk = ask(folder, Request(verb="risk"))["risk"]
    standing = risk["standing"] if risk["phase"] in ("EXITING", "HALTED") else []
    if any(entry["code"] == "WIND_DOWN" for entry in standing):
        raise CauseStands(
            "the vault winds down for ever: it never trades again",
            next_step="let it run until EXIT_DONE, then stop it: keeper status",
        )
    if not standing or yes:
        return
    said = "; ".join(f"{e['code']}: {e['value']:,} against {e['limit']:,}" for e in standing)
    if sys.stdin.isatty() and click.confirm(f"{said}. Accept that and trade again?", err=True):
        return
    raise CauseStands(
        f"what stopped it still stands: {said}",
        next_step="look at it: keeper risk show; to accept the loss so far, add --yes",
    )
