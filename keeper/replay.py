"""Replays a journal: runs the core over it again and folds the ledger; a pure driver, offline.

`python -m keeper.replay FOLDER --json` prints what two strangers have to agree on.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keeper.accounting.ledger import Ledger
from keeper.core.state import state_bytes
from keeper.domain.errors import AthanorError
from keeper.journal import JournalReader, Step, data_root
from keeper.journal.reader import SegmentBegun
from keeper.journal.rerun import CORE, Core, Era, Rerun
from keeper.release import running_release

__all__ = ["EraSummary", "ReplayResult", "Summary", "described", "main", "replay"]


class EraSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Steps from `first_seq` on that one release decided; `replayed` by this one, being the same.

    To replay the others, install the version named.
    """

    first_seq: int
    version: str
    wheel_hash: str
    replayed: bool


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay found, hashes in hex; equal journals give equal summaries on any machine.

    `decided` steps were decided again, `snapshots` were found equal to their logged hash. State
    hash and data root are empty when another release decided the last era.
    """

    records: int
    commands: int
    dropped_bytes: int
    decided: int
    snapshots: int
    eras: tuple[EraSummary, ...]
    state_hash: str
    ledger_hash: str
    commands_hash: str
    account_root: str
    market_root: str
    data_root: str


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """A replay that agreed with the log: its ledger, and the bytes of its ledger and commands."""

    summary: Summary
    ledger: Ledger
    ledger_bytes: bytes
    command_bytes: bytes


def replay(
    folder: Path, *, core: Core = CORE, progress: Callable[[int, int], None] | None = None
) -> ReplayResult:
    """Run the core over every step this release decided and compare its commands with the log's.

    Reads every record from the first on, whatever snapshots there are, and folds the ledger over
    every era. `progress` is told how many segments of how many are done. Raises JournalCorrupt
    naming the record, ReplayMismatch naming the step, WrongRelease naming the version to install
    when no era is this release's, OSError.
    """
    reader, rerun, ledger = JournalReader(folder), Rerun(core), Ledger()
    bodies: list[bytes] = []
    for entry in reader.entries():
        rerun.take(entry)
        if isinstance(entry, Step):
            ledger.apply(entry.event)
            bodies += entry.command_bodies
        elif isinstance(entry, SegmentBegun) and progress is not None:
            progress(entry.start.segment - 1, len(reader.segments))
    if reader.last_seq and not rerun.decided:
        rerun.require_ours()
    ledger_bytes = ledger.books().to_bytes()
    command_bytes = b"".join(body + b"\n" for body in bodies)
    summary = _summary(reader, rerun, len(bodies), ledger_bytes, command_bytes)
    return ReplayResult(summary, ledger, ledger_bytes, command_bytes)


def _summary(
    reader: JournalReader, rerun: Rerun, commands: int, ledger_bytes: bytes, command_bytes: bytes
) -> Summary:
    roots = reader.roots()
    state_hash = hashlib.sha256(state_bytes(rerun.state)).digest() if rerun.is_ours else b""
    root = data_root(roots.account, roots.market, state_hash) if rerun.is_ours else b""
    return Summary(
        records=reader.last_seq,
        commands=commands,
        dropped_bytes=reader.torn.dropped if reader.torn is not None else 0,
        decided=rerun.decided,
        snapshots=rerun.snapshots,
        eras=tuple(_era(era) for era in rerun.eras),
        state_hash=state_hash.hex(),
        ledger_hash=hashlib.sha256(ledger_bytes).hexdigest(),
        commands_hash=hashlib.sha256(command_bytes).hexdigest(),
        account_root=roots.account.hex(),
        market_root=roots.market.hex(),
        data_root=root.hex(),
    )


def described(era: EraSummary) -> str:
    """Say who decided an era, and what to install to decide it again."""
    name = f"athanor-keeper {era.version} ({era.wheel_hash[:12]})"
    if era.replayed:
        return f"{name}, decided again"
    return f"{name}, hashes checked; install that release to decide it again"


def _era(era: Era) -> EraSummary:
    ours = running_release()
    release = era.release or ours
    return EraSummary(
        first_seq=era.first_seq,
        version=release.version,
        wheel_hash=release.wheel_hash,
        replayed=release == ours,
    )


def main(arguments: Sequence[str]) -> int:
    """Replay the folder named in `arguments` and print the result; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m keeper.replay", description=__doc__)
    parser.add_argument("folder", type=Path, help="the journal's folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--write", type=Path, help="write commands.jsonl and ledger.json here")
    options = parser.parse_args(arguments)
    try:
        result = replay(options.folder)
    except AthanorError as error:
        sys.stderr.write(f"{error}\n{error.next_step}\n")
        return 1
    if options.write is not None:
        options.write.mkdir(parents=True, exist_ok=True)
        (options.write / "commands.jsonl").write_bytes(result.command_bytes)
        (options.write / "ledger.json").write_bytes(result.ledger_bytes)
    sys.stdout.write(_rendered(result.summary, as_json=options.json) + "\n")
    return 0


def _rendered(summary: Summary, *, as_json: bool) -> str:
    if as_json:
        return msgspec.json.encode(summary).decode()
    table = [(name, str(value)) for name, value in msgspec.structs.asdict(summary).items()]
    rows = [row for row in table if row[0] != "eras"]
    rows += [(f"from step {era.first_seq}", described(era)) for era in summary.eras]
    return "\n".join(f"{name:14} {value}" for name, value in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
