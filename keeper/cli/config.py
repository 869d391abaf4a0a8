"""`keeper config`: init, check, show and schema."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from keeper.cli.failures import ArgumentInvalid
from keeper.cli.options import json_option, load
from keeper.cli.output import emit, note, print_table

if TYPE_CHECKING:
    from keeper.config import LoadedConfig

__all__ = ["config", "schema_text"]

SCHEMA_NAME = "keeper.schema.json"
"""Named in the first line of every file that `config init` writes, for editors."""

VENUE_CHOICE = click.Choice(["local", "dydx-testnet", "dydx-mainnet"])
ROLE_CHOICE = click.Choice(["keeper", "reporter", "treasurer", "relay"])
FILE_ARGUMENT = click.argument(
    "file",
    type=click.Path(path_type=Path),
    default=Path("keeper.toml"),
    envvar="KEEPER_CONFIG",
)
SET_OPTION = click.option(
    "--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Set or override one value."
)


@click.group()
def config() -> None:
    """Write, check and show the configuration."""


@config.command()
@click.option("--venue", type=VENUE_CHOICE, required=True, help="Which starting values.")
@click.option(
    "--role",
    "roles",
    type=ROLE_CHOICE,
    multiple=True,
    default=("keeper",),
    show_default=True,
    help="Sections to write; repeat for several.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("keeper.toml"),
    show_default=True,
    help="File to write; an existing one is never overwritten.",
)
@SET_OPTION
@click.option("--no-input", is_flag=True, help="Never ask; missing keys are named instead.")
@json_option
def init(
    venue: str,
    roles: tuple[str, ...],
    out: Path,
    overrides: tuple[str, ...],
    no_input: bool,
    as_json: bool,
) -> None:
    """Write a commented configuration from a venue's starting values.

    On a terminal, missing keys are asked for one by one, and again while an answer is refused;
    elsewhere, and with --no-input or --json, they are named.
    """
    from keeper.config import ConfigInvalid, Problem, parse_config
    from keeper.config.template import draft, missing_keys, render_config

    if out.exists():
        raise ArgumentInvalid(f"{out} exists", next_step="choose another --out, or remove it")
    answers = list(overrides)
    missing = missing_keys(draft(venue, roles, answers))
    if missing and sys.stdin.isatty() and not (no_input or as_json):
        answers += _asked(missing, lambda new: draft(venue, roles, [*answers, *new]))
        missing = missing_keys(draft(venue, roles, answers))
    if missing:
        problems = [
            Problem(
                code="CONFIG_MISSING_KEY",
                path=path,
                line=0,
                message="missing",
                fix=f"--set {path}=...   ({description})",
            )
            for path, description in missing
        ]
        raise ConfigInvalid("keeper config init", problems)
    text = render_config(draft(venue, roles, answers), venue=venue, name=str(out))
    parse_config(text, out, environ={})
    _write(out, text)
    schema_file = out.with_name(SCHEMA_NAME)
    if not schema_file.exists():
        _write(schema_file, schema_text())
    result = {
        "file": str(out),
        "schema": str(schema_file),
        "venue": venue,
        "roles": list(roles),
    }
    emit(as_json, result, lambda: click.echo(f"wrote {out}; next: keeper config check {out}"))


def _asked(
    missing: list[tuple[str, str]], drafted: Callable[[list[str]], dict[str, Any]]
) -> list[str]:
    """Ask for every missing key; an answer that the key refuses is asked for again."""
    from keeper.config import ConfigInvalid, parse_config
    from keeper.config.template import render_config

    answers: list[str] = []
    for path, description in missing:
        note(description)
        while True:
            answer = f"{path}={click.prompt(path, type=str, err=True)}"
            text = render_config(drafted([*answers, answer]), venue="draft")
            try:
                parse_config(text, Path("draft"), environ={})
            except ConfigInvalid as error:
                refused = [p for p in error.problems if p.path == path]
            else:
                refused = []
            if not refused:
                break
            note(f"{refused[0].message}")
        answers.append(answer)
    return answers


def _write(out: Path, text: str) -> None:
    try:
        with out.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise ArgumentInvalid(
            f"{out} cannot be written: {error.strerror}", next_step="choose another --out"
        ) from error


@config.command()
@FILE_ARGUMENT
@SET_OPTION
@json_option
def check(file: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Check a configuration: keys, values, contradictions, message budget. No network."""
    loaded = load(file, overrides)
    from keeper.config import config_hash, params_hash, to_step_settings
    from keeper.config.budget import message_budget

    body = loaded.config
    budget = message_budget(body)
    data: dict[str, Any] = {
        "ok": True,
        "file": str(file),
        "mode": body.mode,
        "network": body.venue.chain_id,
        "roles": _roles(loaded),
        "markets": [market.ticker for market in body.markets],
        "messages_per_block": budget.worst_per_block,
        "renewals_per_100_blocks": budget.renewals_per_100_blocks,
        "changes_per_minute": budget.changes_per_minute,
        "max_messages_per_block": budget.limit_per_block,
        "config_hash": config_hash(body),
        "params_hash": params_hash(to_step_settings(body)) if body.limits else None,
    }
    rows = [(name, _text(value)) for name, value in data.items() if name != "ok"]
    emit(as_json, data, lambda: print_table([("ok", "yes"), *rows]))


def _roles(loaded: "LoadedConfig") -> list[str]:
    body = loaded.config
    present = {
        "keeper": bool(body.markets or body.pools),
        "reporter": body.reporter is not None,
        "treasurer": body.treasurer is not None,
        "relay": body.relay is not None,
    }
    return [role for role, is_there in present.items() if is_there]


@config.command()
@FILE_ARGUMENT
@SET_OPTION
@click.option("--origin", is_flag=True, help="Also say where each value came from.")
@json_option
def show(file: Path, overrides: tuple[str, ...], origin: bool, as_json: bool) -> None:
    """Show the effective configuration; secrets are masked."""
    loaded = load(file, overrides)
    values = dict(_flat(loaded.config.model_dump(mode="json")))
    rows = [
        {"key": key, "value": _masked(value), "origin": loaded.origins.get(key, "default")}
        for key, value in values.items()
    ]
    names = ("key", "value", "origin") if origin else ("key", "value")
    data = {"file": str(file), "values": [{name: row[name] for name in names} for row in rows]}
    table = [[_text(row[name]) for name in names] for row in rows]
    emit(as_json, data, lambda: print_table(table, head=names))


@config.command()
@FILE_ARGUMENT
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
@json_option
def migrate(file: Path, dry_run: bool, as_json: bool) -> None:
    """Bring a file of an older format to the present one.

    Comments and order stay. The old file is kept beside the new one, named by its format; a format
    that is not known is refused.
    """
    from keeper.config.migrations import difference
    from keeper.config.migrations import migrate as brought_up

    result = brought_up(_text_of(file), str(file))
    backup = None
    if result.is_changed and not dry_run:
        _require_valid(result.after, file)
        backup = file.with_name(f"{file.name}.format-{result.found}")
        _replace(file, backup, result.after)
    data = {
        "file": str(file),
        "found": result.found,
        "now": result.now,
        "changed": result.is_changed,
        "written": backup is not None,
        "backup": None if backup is None else str(backup),
        "difference": difference(result, file.name),
    }
    emit(as_json, data, lambda: _print_migration(data))


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ArgumentInvalid(
            f"{file} cannot be read: {reason}", next_step="name the configuration file"
        ) from error


def _require_valid(text: str, file: Path) -> None:
    """Check the new text with the environment's overrides, as a command would read it."""
    from keeper.config import parse_config

    parse_config(text, file, environ=os.environ)


def _replace(file: Path, backup: Path, text: str) -> None:
    """Keep the old file as `backup`, which must be new, and put the new text in its place."""
    fresh = file.with_name(f"{file.name}.new")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(file.stat().st_mode & 0o777)
        os.link(file, backup)
        fresh.replace(file)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise ArgumentInvalid(
            f"{file} was left as it is: {error.strerror} ({backup})",
            next_step="move the backup of an earlier migration away, or make the folder writable",
        ) from error


def _print_migration(data: dict[str, Any]) -> None:
    if not data["changed"]:
        click.echo(f"{data['file']} has format {data['found']}, the newest: nothing to do")
        return
    click.echo(data["difference"], nl=False)
    if data["written"]:
        click.echo(f"wrote {data['file']}; the old file is {data['backup']}")
    else:
        note("nothing was written; without --dry-run it is")


@config.command()
@json_option
def schema(as_json: bool) -> None:
    """Print the JSON Schema of the configuration, for editors and CI (JSON in any case)."""
    del as_json
    click.echo(schema_text(), nl=False)


def schema_text() -> str:
    """Return the JSON Schema of a configuration file; its description names every key's unit."""
    from keeper.config import Config

    body = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
    return json.dumps(body, indent=2) + "\n"


def _flat(value: Any, prefix: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        items = list(value.items())
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = list(enumerate(value))
    else:
        return [(prefix, value)]
    return [
        pair for key, item in items for pair in _flat(item, f"{prefix}.{key}" if prefix else key)
    ]


def _masked(value: Any) -> Any:
    """Hide what a URL carries besides its host: providers put their keys into the path."""
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if not isinstance(value, str) or "://" not in value:
        return value
    parts = urlsplit(value)
    return f"{parts.scheme}://{parts.netloc}{'/****' if parts.path or parts.query else ''}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return "-" if value is None or value == "" else str(value)
