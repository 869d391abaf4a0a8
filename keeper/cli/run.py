"""`keeper run`: trade until stopped."""

import asyncio
import os
from pathlib import Path

import click

from keeper.cli.options import config_options, json_option, load
from keeper.cli.output import emit, note

__all__ = ["run"]


@click.command()
@config_options
@json_option
def run(file: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Trade: quote, hedge and move capital until stopped.

    Ctrl-C or SIGTERM cancels the quotes, waits for their results and seals the journal; positions
    and pool ranges stay as they are (use `keeper flatten` to leave them).
    """
    loaded = load(file, overrides)
    from keeper.bootstrap.common import journal_folder
    from keeper.bootstrap.trading import run_keeper

    folder = journal_folder(loaded)
    note(f"keeper for vault {loaded.config.vault.address}; journal {folder}")
    asyncio.run(run_keeper(loaded, os.environ))
    result = {"stopped": True, "journal": str(folder)}
    emit(as_json, result, lambda: click.echo("stopped; quotes cancelled, journal sealed"))
