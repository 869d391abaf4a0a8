"""`keeper run`: trade until stopped."""

import asyncio
import os
from pathlib import Path

import click

from keeper.cli.options import config_options, json_option, load
from keeper.cli.output import emit, note

__all__ = ["ending", "run"]


@click.command()
@config_options
@click.option(
    "--shadow", is_flag=True, help="Read and decide, send nothing; the same as --set mode=shadow."
)
@json_option
def run(file: Path, overrides: tuple[str, ...], shadow: bool, as_json: bool) -> None:
    """Trade: quote, hedge and move capital until stopped.

    Ctrl-C or SIGTERM cancels the quotes, waits for their results and seals the journal; positions
    and pool ranges stay as they are (use `keeper flatten` to leave them).

    A shadow run reads the same feeds, decides and logs every command, and sends none: it needs no
    key, and its journal is the folder of the live one with -shadow added. Other commands find it
    with --set mode=shadow.
    """
    loaded = load(file, (*overrides, "mode=shadow") if shadow else overrides)
    from keeper.bootstrap.common import journal_folder
    from keeper.bootstrap.trading import run_keeper

    folder, config = journal_folder(loaded), loaded.config
    where = f"{config.mode} on {config.venue.chain_id} and EVM chain {config.evm.chain_id}"
    note(f"{where}: keeper for vault {config.vault.address}; journal {folder}")
    resting = asyncio.run(run_keeper(loaded, os.environ))
    result = {
        "stopped": True,
        "mode": config.mode,
        "network": config.venue.chain_id,
        "journal": str(folder),
        "orders_that_may_rest": resting,
    }
    emit(as_json, result, lambda: click.echo(ending(config.mode, resting)))


def ending(mode: str, resting: int) -> str:
    """What is known of the quotes when the process ends."""
    if mode == "shadow":
        return "stopped; nothing was sent, journal sealed"
    if resting:
        return (
            f"stopped; journal sealed; {resting} orders may still rest, as the venue has not said "
            "that they ended: each dies at its last block (keeper orders)"
        )
    return "stopped; quotes cancelled, journal sealed"
