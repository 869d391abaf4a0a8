"""`keeper treasurer`: the process that moves collateral, on requests filed in the vault alone."""

import asyncio
import os
from pathlib import Path

import click

from keeper.cli.options import config_options, json_option, load
from keeper.cli.output import emit
from keeper.cli.serving import until_stopped

__all__ = ["treasurer"]


@click.group()
def treasurer() -> None:
    """Move collateral on filed requests."""


@treasurer.command()
@config_options
@json_option
def serve(file: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Put arriving collateral to work and send home what the vault asks for, until stopped.

    It signs four messages only: deposit to and withdrawal from own subaccounts, transfers between
    them, and the bridge to the adapter's fixed address.
    """
    loaded = load(file, overrides)
    from keeper.bootstrap.treasury import serve_treasurer

    asyncio.run(until_stopped(serve_treasurer(loaded, os.environ)))
    emit(as_json, {"stopped": True}, lambda: click.echo("stopped"))
