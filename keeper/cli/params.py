"""`keeper params`: see and change what a running keeper decides by; a change is previewed first."""

import getpass
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keeper.cli.failures import ArgumentInvalid, OperationPending
from keeper.cli.options import config_options, json_option, load, reason_option
from keeper.cli.output import emit, note, print_table, scaled
from keeper.cli.status import ask_status, folder_of
from keeper.control.asking import ControlRefused, NotRunning, Request, ask

if TYPE_CHECKING:
    from keeper.config import LoadedConfig

__all__ = [
    "WAIT_FOR_PARAMS",
    "Change",
    "apply",
    "finish",
    "params",
    "preview",
    "require_confirmation",
]

POLL_SECONDS = 0.2
WAIT_FOR_PARAMS = click.option(
    "--wait",
    "wait_seconds",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Longest time to wait for the effect, in seconds.",
)


@dataclass(frozen=True, slots=True)
class Change:
    """What a person wants changed, on which journal's keeper, and why."""

    folder: Path
    assignments: tuple[str, ...]
    reason: str


@click.group()
def params() -> None:
    """See and change what a running keeper decides by."""


@params.command()
@config_options
@json_option
def show(file: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """List every parameter with unit, value and origin.

    The column `live` says whether a change takes effect now or needs a restart. With a running
    keeper the values are its own; what `keeper params set` changed has the origin `operator` and
    is gone after a restart, where the file counts.
    """
    loaded = load(file, overrides)
    try:
        found = ask(folder_of(loaded), Request(verb="params"))["params"]
    except NotRunning:
        found = {"params_hash": None, "parameters": _of_file(loaded)}
    data = {"running": found["params_hash"] is not None, **found}
    emit(as_json, data, lambda: _print_parameters(data))


@params.command("set")
@click.argument("assignments", nargs=-1, required=True, metavar="PATH=VALUE...")
@config_options
@click.option("--dry-run", is_flag=True, help="Show the effect on the quotes; change nothing.")
@click.option("--yes", is_flag=True, help="Change without asking.")
@reason_option
@WAIT_FOR_PARAMS
@json_option
def set_params(
    assignments: tuple[str, ...],
    file: Path,
    overrides: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    reason: str,
    wait_seconds: int,
    as_json: bool,
) -> None:
    """Change parameters of a running keeper, quotes before and after shown first.

    For example: keeper params set market.ETH-USD.strategy.layers=2

    The change is checked like the file, logged with your name, and takes effect at once. The file
    is not changed: the lines to put into it are printed, and after a restart the file counts. What
    bounds a loss may be tightened, and set back up to what the keeper started with; more needs the
    file and a restart.
    """
    wish = Change(folder_of(load(file, overrides)), assignments, reason)
    found = preview(wish, as_json=as_json)
    if dry_run or not found["changes"]:
        finish(as_json, found)
        return
    require_confirmation(yes=yes)
    apply(wish, found, wait_seconds, as_json=as_json)


def preview(wish: Change, *, as_json: bool) -> dict[str, Any]:
    """Ask what a change would do, and show it. Raises NotRunning, ParamsRefused."""
    found = _ask(wish)
    if not as_json:
        _print_preview(found)
    return found


def require_confirmation(*, yes: bool) -> None:
    """Ask on a terminal, unless told not to. Raises ArgumentInvalid."""
    if not (yes or (sys.stdin.isatty() and click.confirm("change them?", err=True))):
        raise ArgumentInvalid(
            "not confirmed; nothing was changed", next_step="run it on a terminal, or add --yes"
        )


def apply(wish: Change, found: dict[str, Any], wait_seconds: int, *, as_json: bool) -> None:
    """Change what was previewed as `found`, and wait for it. Raises OperationPending."""
    applied = _ask(wish, base=found["base"], apply=True)
    _wait(wish.folder, applied["params_hash"], wait_seconds)
    finish(as_json, applied)


def _of_file(loaded: "LoadedConfig") -> list[dict[str, Any]]:
    """The file's parameters: what a keeper would start with."""
    import msgspec

    from keeper.config.live import origin_of, parameters

    return [
        {
            **msgspec.to_builtins(entry),
            "origin": origin_of(loaded, entry.path),
            "started_with": entry.value,
        }
        for entry in parameters(loaded.config)
    ]


def _ask(asked: Change, *, base: str = "", apply: bool = False) -> dict[str, Any]:
    """Preview or change. Raises NotRunning, ParamsRefused with every reason, ControlRefused."""
    from keeper.config.live import ParamsRefused
    from keeper.config.problems import Problem

    wish = json.dumps({"assignments": asked.assignments, "base": base, "apply": apply})
    request = Request(verb="params", argument=wish, operator=getpass.getuser(), reason=asked.reason)
    try:
        found: dict[str, Any] = ask(asked.folder, request)["params"]
    except ControlRefused as error:
        if not error.problems:
            raise
        raise ParamsRefused(
            [
                Problem(code=r.code, path=r.path, line=0, message=r.message, fix=r.fix)
                for r in error.problems
            ]
        ) from error
    return found


def _wait(folder: Path, params_hash: str, seconds: int) -> None:
    """Wait until the keeper has the parameters. Raises OperationPending."""
    deadline = time.monotonic() + seconds
    while ask_status(folder)["params_hash"] != params_hash:
        if time.monotonic() >= deadline:
            raise OperationPending(
                f"the change is logged, but not in effect after {seconds} s",
                next_step="watch it with: keeper params show",
            )
        time.sleep(POLL_SECONDS)


def finish(as_json: bool, data: dict[str, Any]) -> None:
    """Print what was changed, and what the file needs to keep it."""

    def human() -> None:
        if not data["applied"]:
            note("nothing was changed")
            return
        click.echo("\nchanged; the file is as it was. To keep it after a restart, write into it:")
        for line in data["file_lines"]:
            click.echo(f"  {line}")

    emit(as_json, {**data, "file_changed": False}, human)


def _print_parameters(data: dict[str, Any]) -> None:
    if not data["running"]:
        note("no keeper runs on this journal: these are the file's")
    rows = [
        (
            row["path"],
            _text(row["value"]),
            row["unit"],
            row["origin"],
            row["live"],
            row["note"],
        )
        for row in data["parameters"]
    ]
    print_table(rows, head=("parameter", "value", "unit", "origin", "live", "note"))


def _print_preview(data: dict[str, Any]) -> None:
    from keeper.pages.cut_text import cut_text

    rows = [(c["path"], _text(c["before"]), _text(c["after"])) for c in data["changes"]]
    print_table(rows, head=("parameter", "before", "after"))
    for market in data["quotes"]:
        click.echo(f"\n{market['market']}")
        lines = [
            (*_quote(market, before), *_quote(market, after))
            for before, after in _pairs(market["before"]["quotes"], market["after"]["quotes"])
        ]
        print_table(lines, head=("side", "price before", "size", "side", "price after", "size"))
        for when in ("before", "after"):
            if codes := market[when]["refused"]:
                click.echo(f"{when}: {', '.join(codes)} (keeper explain CODE)")
    for pool in data["cuts"]:
        click.echo(f"\n{pool['adapter']}")
        for when in ("before", "after"):
            cut = pool[when]
            click.echo(f"{when}: {'nothing is kept out' if cut is None else cut_text(cut)}")


def _pairs(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> list[tuple[dict[str, Any] | None, dict[str, Any] | None]]:
    """Quotes of the same side and layer beside each other, asks from the outside in."""
    slots: dict[tuple[str, int], list[dict[str, Any] | None]] = {}
    for position, quotes in enumerate((before, after)):
        for quote in quotes:
            slots.setdefault((quote["side"], quote["layer"]), [None, None])[position] = quote
    ordered = sorted(slots, key=lambda s: (s[0] == "BUY", s[1] if s[0] == "BUY" else -s[1]))
    return [(slots[slot][0], slots[slot][1]) for slot in ordered]


def _quote(market: dict[str, Any], quote: dict[str, Any] | None) -> tuple[str, str, str]:
    if quote is None:
        return ("-", "-", "-")
    return (
        quote["side"],
        scaled(quote["subticks"], market["subticks_decimals"]),
        scaled(quote["quantums"], market["base_decimals"]),
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:,}" if isinstance(value, int) else str(value)
