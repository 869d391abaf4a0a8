"""`keeper replay`: decide a journal again, offline, and compare every byte."""

from pathlib import Path

import click

from keeper.cli.journal import require_journal
from keeper.cli.options import json_option
from keeper.cli.output import emit, print_table

__all__ = ["replay"]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--write",
    type=click.Path(path_type=Path),
    help="Also write commands.jsonl and ledger.json into this folder.",
)
@json_option
def replay(folder: Path, write: Path | None, as_json: bool) -> None:
    """Decide a journal again and compare every byte.

    Needs no network, no keys and no configuration. Two machines that print the same hashes agree
    on every command, the ledger and the final state.
    """
    require_journal(folder)
    import msgspec

    from keeper.replay import replay as run

    result = run(folder)
    if write is not None:
        write.mkdir(parents=True, exist_ok=True)
        (write / "commands.jsonl").write_bytes(result.command_bytes)
        (write / "ledger.json").write_bytes(result.ledger_bytes)
    data = {"equal": True, **msgspec.to_builtins(result.summary)}
    emit(as_json, data, lambda: print_table([(name, str(value)) for name, value in data.items()]))
