"""`keeper journal`: checks a journal's bytes, ends it cleanly, moves it to another release."""

from collections import Counter
from pathlib import Path

import click

from keeper.cli.failures import JournalMissing
from keeper.cli.options import json_option, progress_option
from keeper.cli.output import emit, print_table
from keeper.cli.progress import progress_bar

__all__ = ["journal", "require_journal"]


@click.group()
def journal() -> None:
    """Verify a journal, end it cleanly, or move it to this release."""


@journal.command()
@click.argument("folder", type=click.Path(path_type=Path))
@progress_option
@json_option
def verify(folder: Path, progress: bool, as_json: bool) -> None:
    """Check every record's checksum, sequence and hash; the first bad one is named.

    Snapshots beside the segments are compared with their hashes in the log.
    """
    require_journal(folder)
    from keeper.journal import JournalReader, Step
    from keeper.journal.reader import EraBegun, SegmentBegun

    reader = JournalReader(folder)
    events: Counter[str] = Counter()
    commands: Counter[str] = Counter()
    eras = 1
    with progress_bar("checking segments", is_forced=progress) as show:
        for entry in reader.entries():
            if isinstance(entry, Step):
                events[type(entry.event).__name__] += 1
                commands.update(type(command).__name__ for command in entry.commands)
            elif isinstance(entry, SegmentBegun):
                show(entry.start.segment - 1, len(reader.segments))
            elif isinstance(entry, EraBegun):
                eras = entry.record.era
    snapshots = _snapshots(folder)
    roots = reader.roots()
    data = {
        "ok": True,
        "segments": len(reader.segments),
        "last_seq": reader.last_seq,
        "last_t_ns": reader.last_t_ns,
        "dropped_bytes_of_a_torn_write": reader.torn.dropped if reader.torn else 0,
        "account_root": roots.account.hex(),
        "market_root": roots.market.hex(),
        "eras": eras,
        "snapshots": snapshots,
        "events": dict(sorted(events.items())),
        "commands": dict(sorted(commands.items())),
    }
    rows = [(name, str(value)) for name, value in data.items() if not isinstance(value, dict)]
    rows += [(f"snapshot of segment {number}", word) for number, word in snapshots.items()]
    rows += [(f"event {name}", f"{count:,}") for name, count in sorted(events.items())]
    rows += [(f"command {name}", f"{count:,}") for name, count in sorted(commands.items())]
    emit(as_json, data, lambda: print_table(rows))


def _snapshots(folder: Path) -> dict[str, str]:
    """Say of each snapshot file whether a start can use it."""
    from keeper.journal.snapshots import read_snapshot, snapshot_segments

    found = {number: read_snapshot(folder, number) for number in snapshot_segments(folder)}
    return {str(n): raw if isinstance(raw, str) else "as logged" for n, raw in found.items()}


@journal.command()
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
def close(folder: Path, as_json: bool) -> None:
    """End the journal of a keeper that crashed, as a clean stop would have.

    An upgrade needs a clean end. Decides the last steps again, offline, and adds the closing
    snapshot. Sends nothing.
    """
    require_journal(folder)
    from keeper.journal.eras import close_journal

    seq = close_journal(folder)
    data = {"closed": seq is not None, "last_seq": seq}
    done = f"closed after step {seq}" if seq is not None else "it had ended cleanly already"
    emit(as_json, data, lambda: click.echo(done))


@journal.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--backup",
    type=click.Path(path_type=Path),
    help="Where the copy goes. [default: beside FOLDER, FOLDER-before-era-N]",
)
@progress_option
@json_option
def upgrade(folder: Path, backup: Path | None, progress: bool, as_json: bool) -> None:
    """Let this release go on with the journal of another one.

    Verifies all of it, copies it, migrates the state the former release ended with, and begins a
    new era. The keeper must have stopped cleanly: else `keeper journal close` with the former
    release. Phase, pauses, loss stops, orders and unconfirmed transactions carry over.
    """
    require_journal(folder)
    from keeper.journal.eras import upgrade_journal

    with progress_bar("checking segments", is_forced=progress) as show:
        done = upgrade_journal(folder, backup, show)
    if done is None:
        emit(as_json, {"upgraded": False}, lambda: click.echo("it is this release's already"))
        return
    data = {
        "upgraded": True,
        "era": done.era,
        "former_version": done.former.version,
        "former_wheel_hash": done.former.wheel_hash,
        "last_seq_before": done.seq,
        "state_hash": done.state_hash,
        "backup": str(done.backup),
    }
    emit(as_json, data, lambda: print_table([(name, str(v)) for name, v in data.items()]))


def require_journal(folder: Path) -> None:
    """Raise JournalMissing unless the folder holds segments."""
    if not any(folder.glob("*-*.wal")) and not any(folder.glob("*-*.sealed")):
        raise JournalMissing(
            f"{folder} holds no journal",
            next_step="a first `keeper run` makes one there (with --shadow: a folder of its own, "
            "read with --set mode=shadow); or name the folder of another",
        )
