"""`keeper serve`: running keepers in a browser, on loopback, read-only."""

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keeper.cli.failures import ArgumentInvalid
from keeper.cli.options import json_option, load
from keeper.cli.output import emit, note
from keeper.cli.status import watched_of

if TYPE_CHECKING:
    from keeper.web.guarding import Door

__all__ = ["serve"]

TOKEN_VARIABLE = "KEEPER_WEB_TOKEN"  # noqa: S105 - a variable's name
LEAST_TOKEN = 24


@click.command()
@click.option(
    "--config",
    "-c",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    envvar="KEEPER_CONFIG",
    show_envvar=True,
    default=(Path("keeper.toml"),),
    show_default=True,
    help="Configuration of a keeper to show; repeat it for several.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8_717,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="Another name this server is reached by; requests for unknown names are refused.",
)
@json_option
def serve(
    files: tuple[Path, ...], host: str, port: int, names: tuple[str, ...], as_json: bool
) -> None:
    """Show running keepers in a browser, read-only.

    On loopback it needs no login. Elsewhere it starts only with a token in KEEPER_WEB_TOKEN, which
    the browser gives once as ?token=TOKEN and programs as a bearer token. Keepers may stop and
    start meanwhile.
    """
    _require_packages()
    watched = [watched_of(load(file, ())) for file in files]
    door = _door(host, names, os.environ)
    from keeper.web.serving import open_server

    server = open_server(watched, door, host, port)
    facts = {"url": server.url, "keepers": [keeper.name for keeper in watched]}
    emit(as_json, facts, lambda: click.echo(f"{server.url}  (Ctrl-C ends it)"))
    note(f"showing {', '.join(keeper.name for keeper in watched)}; nothing here can act")
    server.run()


def _require_packages() -> None:
    missing = [name for name in ("starlette", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        raise ArgumentInvalid(
            f"serving needs {' and '.join(missing)}, which are not installed",
            next_step="install them: pip install 'athanor-keeper[web]'",
        )


def _door(host: str, names: tuple[str, ...], environ: Mapping[str, str]) -> "Door":
    """Decide who is let in. Raises ArgumentInvalid for an open door off loopback."""
    from keeper.web.guarding import LOOPBACK, Door, is_loopback

    token = environ.get(TOKEN_VARIABLE, "")
    if token and len(token) < LEAST_TOKEN:
        raise ArgumentInvalid(
            f"{TOKEN_VARIABLE} has {len(token)} characters; {LEAST_TOKEN} are the least",
            next_step=f"export {TOKEN_VARIABLE}=$(openssl rand -hex 32)",
        )
    if not is_loopback(host) and not token:
        raise ArgumentInvalid(
            f"{host} is reachable from elsewhere and {TOKEN_VARIABLE} is not set",
            next_step=f"export {TOKEN_VARIABLE}=$(openssl rand -hex 32), or leave out --host",
        )
    return Door(hosts=LOOPBACK | {host, *names}, token=token)
