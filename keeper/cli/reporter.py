"""`keeper reporter`: the process that recomputes equity at each cut and signs, or refuses."""

import asyncio
import os
from pathlib import Path

import click

from keeper.cli.options import config_options, json_option, load
from keeper.cli.output import emit
from keeper.cli.serving import until_stopped

__all__ = ["reporter"]


@click.group()
def reporter() -> None:
    """Recompute equity and sign reports."""


@reporter.command()
@config_options
@json_option
def serve(file: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Watch for cuts, capture their state, and answer relayers until stopped.

    It signs only what it recomputed itself to the unit, on its own connections.
    """
    loaded = load(file, overrides)
    from keeper.bootstrap.reporting import serve_reporter

    asyncio.run(until_stopped(serve_reporter(loaded, os.environ)))
    emit(as_json, {"stopped": True}, lambda: click.echo("stopped"))
