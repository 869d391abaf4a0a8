"""`keeper doctor`: look at everything a keeper depends on, and say what to do."""

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keeper.cli.exits import ExitCode
from keeper.cli.options import collector_paused, config_options, json_option, load
from keeper.cli.output import emit

if TYPE_CHECKING:
    from keeper.config import ConfigInvalid, LoadedConfig
    from keeper.domain.errors import ConfigError

__all__ = ["doctor"]

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "skip": "bright_black"}


@click.command()
@config_options
@click.option(
    "--time-limit",
    "limit_seconds",
    type=click.IntRange(min=1),
    default=15,
    show_default=True,
    help="Longest time for one check, in seconds.",
)
@json_option
def doctor(file: Path, overrides: tuple[str, ...], limit_seconds: int, as_json: bool) -> int:
    """Check everything a keeper depends on and say what to do.

    Reads only: machine, keys, endpoints, clocks, venue account and key, markets, vault, pools,
    reporters, and the running keeper. Each row is ok, warn, fail or skip; exit code 15 when one
    failed. docs/doctor.md lists the checks by id.
    """
    from keeper.domain.errors import ConfigError

    head: dict[str, str | None] = {"mode": None, "network": None}
    try:
        loaded = load(file, overrides)
    except ConfigError as error:
        rows = _config_rows(error)
    else:
        rows = _examined(loaded, limit_seconds)
        config = loaded.config
        head |= {"mode": config.mode, "network": config.venue.chain_id}
    counts = {status: Counter(row["status"] for row in rows)[status] for status in COLOURS}
    data = {"ok": counts["fail"] == 0, "file": str(file), **head, "counts": counts, "checks": rows}
    emit(as_json, data, lambda: _print(data))
    return int(ExitCode.OK if data["ok"] else ExitCode.UNHEALTHY)


def _examined(loaded: "LoadedConfig", limit_seconds: int) -> list[dict[str, Any]]:
    with collector_paused():
        import msgspec

        from keeper.bootstrap.doctor import run_doctor

    rows = asyncio.run(run_doctor(loaded, os.environ, limit_seconds))
    return [msgspec.to_builtins(row) for row in rows]


def _config_rows(error: "ConfigError | ConfigInvalid") -> list[dict[str, Any]]:
    """One row per fault of the file; nothing else can be looked at without it."""
    problems = getattr(error, "problems", ())
    if not problems:
        return [_config_row("", str(error), error.next_step)]
    return [_config_row(p.path, f"{p.code}: {p.message}", p.fix) for p in problems]


def _config_row(subject: str, found: str, fix: str) -> dict[str, Any]:
    return {
        "id": "config.valid",
        "subject": subject,
        "status": "fail",
        "found": found,
        "fix": fix,
    }


def _print(data: dict[str, Any]) -> None:
    for row in data["checks"]:
        status = click.style(f"{row['status']:<4}", fg=COLOURS[row["status"]], bold=True)
        subject = f" [{row['subject']}]" if row["subject"] else ""
        click.echo(f"{status}  {row['id']}{subject}: {row['found']}")
        if row["fix"]:
            click.echo(f"      fix: {row['fix']}")
    counts = ", ".join(f"{count} {status}" for status, count in data["counts"].items() if count)
    click.echo(f"\n{counts}")
