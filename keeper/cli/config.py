"""`keeper config`: init, check, show and schema."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from keeper.cli.failures import ArgumentInvalid
from keeper.cli.options import json_option, load
from keeper.cli.output import emit, note, print_table

if TYPE_CHECKING:
    from keeper.config import LoadedConfig

__all__ = ["config"]

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

    Missing keys are asked for one by one, or named when --no-input is given.
    """
    from keeper.config import ConfigInvalid, Problem, parse_config
    from keeper.config.template import draft, missing_keys, render_config

    if out.exists():
        raise ArgumentInvalid(f"{out} exists", next_step="choose another --out, or remove it")
    answers = list(overrides)
    missing = missing_keys(draft(venue, roles, answers))
    if missing and not (no_input or as_json):
        answers += [f"{path}={_ask(path, description)}" for path, description in missing]
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
    result = {"file": str(out), "venue": venue, "roles": list(roles)}
    emit(as_json, result, lambda: click.echo(f"wrote {out}; next: keeper config check {out}"))


def _ask(path: str, description: str) -> str:
    note(description)
    return str(click.prompt(path, type=str, err=True))


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
@json_option
def schema(as_json: bool) -> None:
    """Print the JSON Schema of the configuration, for editors and CI (JSON in any case)."""
    del as_json
    from keeper.config import Config

    body = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
    click.echo(json.dumps(body, indent=2))


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
