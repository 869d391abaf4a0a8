"""`keeper replay`: decide a journal again, offline, and compare every byte."""

from pathlib import Path

import click

from keeper.cli.journal import require_journal
from keeper.cli.options import json_option, progress_option
from keeper.cli.output import emit, print_table
from keeper.cli.progress import progress_bar

__all__ = ["replay"]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--write",
    type=click.Path(path_type=Path),
    help="Also write commands.jsonl and ledger.json into this folder.",
)
@progress_option
@json_option
def replay(folder: Path, write: Path | None, progress: bool, as_json: bool) -> None:
    """Decide a journal again and compare every byte.

    Needs no network, no keys and no configuration. Begins at the first record and checks every
    snapshot on its way. Two machines that print the same hashes agree on every command, the ledger
    and the final state. What another release decided is only checked for its hashes, and the
    version to install is named; the ledger covers it.
    """
    require_journal(folder)
    import msgspec

    from keeper.replay import described
    from keeper.replay import replay as run

    with progress_bar("replaying segments", is_forced=progress) as show:
        result = run(folder, progress=show)
    if write is not None:
        write.mkdir(parents=True, exist_ok=True)
        (write / "commands.jsonl").write_bytes(result.command_bytes)
        (write / "ledger.json").write_bytes(result.ledger_bytes)
    data = {"equal": True, **msgspec.to_builtins(result.summary)}
    rows = [(name, str(value)) for name, value in data.items() if name != "eras"]
    rows += [(f"from step {era.first_seq}", described(era)) for era in result.summary.eras]
    emit(as_json, data, lambda: print_table(rows))
