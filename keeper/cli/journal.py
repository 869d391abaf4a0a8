"""`keeper journal`: checks a journal's bytes without deciding anything."""

from collections import Counter
from pathlib import Path

import click

from keeper.cli.failures import JournalMissing
from keeper.cli.options import json_option
from keeper.cli.output import emit, print_table

__all__ = ["journal", "require_journal"]


@click.group()
def journal() -> None:
    """Verify and inspect a journal."""


@journal.command()
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
def verify(folder: Path, as_json: bool) -> None:
    """Check every record's checksum, sequence and hash; the first bad one is named."""
    require_journal(folder)
    from keeper.journal import JournalReader

    reader = JournalReader(folder)
    events: Counter[str] = Counter()
    commands: Counter[str] = Counter()
    for step in reader.steps():
        events[type(step.event).__name__] += 1
        commands.update(type(command).__name__ for command in step.commands)
    roots = reader.roots()
    data = {
        "ok": True,
        "segments": len(reader.segments),
        "last_seq": reader.last_seq,
        "last_t_ns": reader.last_t_ns,
        "dropped_bytes_of_a_torn_write": reader.torn.dropped if reader.torn else 0,
        "account_root": roots.account.hex(),
        "market_root": roots.market.hex(),
        "events": dict(sorted(events.items())),
        "commands": dict(sorted(commands.items())),
    }
    rows = [(name, str(value)) for name, value in data.items() if not isinstance(value, dict)]
    rows += [(f"event {name}", f"{count:,}") for name, count in sorted(events.items())]
    rows += [(f"command {name}", f"{count:,}") for name, count in sorted(commands.items())]
    emit(as_json, data, lambda: print_table(rows))


def require_journal(folder: Path) -> None:
    """Raise JournalMissing unless the folder holds segments."""
    if not any(folder.glob("*-*.wal")) and not any(folder.glob("*-*.sealed")):
        raise JournalMissing(
            f"{folder} holds no journal", next_step="name the folder of [journal] in the TOML"
        )
